"""The command that reads a run's curves; its output is JSON or one paragraph per finding."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from backend import runs
from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json
from backend.reading import Finding, findings_of

NOTHING = "Nothing stands out in this run's curves."


def diagnose(arguments: Namespace) -> Answer:
    found = findings_of(runs.get_run(arguments.run))
    if arguments.json:
        return as_json([_plain(one) for one in found]), GOOD
    lines = []
    for one in found:
        lines.append(f"Step {one.step:,}: {one.sentence}")
        if one.action is not None:
            changes = f" --model {one.action.model}" if one.action.model else ""
            changes += "".join(
                f" --set {name}={value}" for name, value in one.action.config.items()
            )
            lines.append(f"  {one.action.label}{f' ({changes.strip()})' if changes else ''}")
    return "\n".join(lines) or NOTHING, GOOD


def _plain(one: Finding) -> dict[str, Any]:
    action: dict[str, Any] | None = None
    if one.action is not None:
        action = {"action": one.action.action, "label": one.action.label}
        action["config"] = dict(one.action.config)
        action |= {"model": one.action.model} if one.action.model else {}
    return {"kind": one.kind, "step": one.step, "sentence": one.sentence, "action": action}


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"diagnose": diagnose}
