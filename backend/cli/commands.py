"""Every command by its name: arguments in, text to print and exit status out."""

from backend.cli import data_commands, run_commands

COMMANDS = {**data_commands.COMMANDS, **run_commands.COMMANDS}
