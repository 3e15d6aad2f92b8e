"""Every command by its name: arguments in, text to print and exit status out."""

from backend.cli import (
    compare_command,
    data_commands,
    dataset_commands,
    diagnose_command,
    explain_command,
    import_command,
    mistakes_command,
    pins_command,
    predict_command,
    preflight_command,
    report_command,
    run_commands,
)

COMMANDS = {
    **data_commands.COMMANDS,
    **dataset_commands.COMMANDS,
    **import_command.COMMANDS,
    **run_commands.COMMANDS,
    **predict_command.COMMANDS,
    **explain_command.COMMANDS,
    **mistakes_command.COMMANDS,
    **pins_command.COMMANDS,
    **preflight_command.COMMANDS,
    **diagnose_command.COMMANDS,
    **compare_command.COMMANDS,
    **report_command.COMMANDS,
}
