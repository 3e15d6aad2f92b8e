"""What the command that compares runs does; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable

from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json, as_table
from backend.comparing import Comparison, compare
from backend.comparing.differences import value_words


def compare_runs(arguments: Namespace) -> Answer:
    found = compare(arguments.run)
    return (as_json(_record(found)) if arguments.json else _words(found)), GOOD


def _record(found: Comparison) -> dict[str, object]:
    """The comparison as JSON; lists of values are in the order of the runs."""
    return {
        "runs": [
            {"run": run.id, "name": run.name, "task": run.task, "status": str(run.status)}
            for run in found.runs
        ],
        "differs": [
            {"name": row.name, "label": row.label, "values": list(row.values)} for row in found.rows
        ],
        "scores": [
            {"metric": one.name, "values": list(one.values), "best": list(one.best)}
            for one in found.standings
        ],
        "note": found.note or None,
        "differences": [
            {
                "metric": one.metric.name,
                "runs": [one.first, one.second],
                "scores": [one.first_score, one.second_score],
                "examples": one.examples,
                "method": one.method,
                "only_right": [one.only_first, one.only_second],
                "chance": one.chance,
                "interval": [one.low, one.high],
                "sentence": sentence,
            }
            for one, sentence in found.differences
        ],
        "not_told": found.doubts,
        "lineage": [
            {"kind": one.kind, "run": one.run, "other": one.other, "sentence": one.sentence}
            for one in found.links
        ],
    }


def _words(found: Comparison) -> str:
    header = ("", *(found.names[run.id] for run in found.runs))
    rows = [[row.label, *map(value_words, row.values)] for row in found.rows]
    rows += [[one.metric.title, *map(value_words, one.values)] for one in found.standings]
    lines = [as_table(header, rows)]
    lines += [found.note] if found.note else []
    lines += [sentence for _, sentence in found.differences]
    lines += [*found.doubts, *(one.sentence for one in found.links)]
    return "\n".join(lines)


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"compare": compare_runs}
