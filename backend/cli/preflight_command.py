"""What the command preflight does: let the worker measure, and wait; for backend.cli.commands."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable

from backend import jobs, preflight
from backend.cli.answers import GOOD, Answer, choices_of
from backend.cli.output import as_json
from backend.errors import BusyError
from backend.preflight import Outlook
from backend.runs import Plan, plan_run

LOOK_INTERVAL, BEAT_INTERVAL = 0.1, 2.0
# A worker that is not warm yet needs seconds, a measurement at most two and a half minutes.
LONGEST_SECONDS = 300.0


def measure(arguments: Namespace) -> Answer:
    outlook = _wait(plan_run(**choices_of(arguments)))
    if not arguments.json:
        return "\n".join(outlook.sentences), GOOD
    known = outlook.estimate
    answer = {
        "seconds": known.seconds if known else None,
        "memory_mb": known.memory_mb if known else None,
        "disk_mb": known.disk_mb if known else None,
        "energy_kwh": known.energy_kwh if known else None,
        "verdict": outlook.verdict,
        "sentences": list(outlook.sentences),
    }
    return as_json(answer), GOOD


def _wait(plan: Plan) -> Outlook:
    """Until it is known, or a run that trains makes it impossible."""
    begun, beat_at, told = time.monotonic(), -BEAT_INTERVAL, False
    while True:
        now = time.monotonic()
        if now - beat_at >= BEAT_INTERVAL:
            # Whoever waits counts as an app: the supervisor stays, or is started.
            beat_at = now
            jobs.touch_app()
        outlook = preflight.ask(plan)
        if outlook.state != "measuring":
            return outlook
        if now - begun > LONGEST_SECONDS:
            raise BusyError(
                "Nothing was measured within five minutes: this computer is too busy. Try again "
                "later."
            )
        if not told and sys.stderr.isatty():
            told = True
            print("Measuring a few steps ...", file=sys.stderr)
        time.sleep(LOOK_INTERVAL)


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"preflight": measure}
