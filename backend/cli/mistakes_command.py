"""What the command mistakes does: where a run was wrong on its test; for backend.cli.commands."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from backend import corrections, inference, runs
from backend.cli.answers import GOOD, Answer
from backend.cli.output import as_json, as_table
from backend.scores.mistakes import (
    Answers,
    Rows,
    confusion,
    likely_wrong_labels,
    surest_mistakes,
)
from backend.scores.votes import outvoted

SHOWN = 20


def mistakes(arguments: Namespace) -> Answer:
    run = runs.get_run(arguments.run)
    answers = corrections.tested(run).answers
    if arguments.training:
        return _training(run, arguments)
    wrong, suspect = surest_mistakes(answers), likely_wrong_labels(answers)
    if arguments.json:
        found: dict[str, Any] = {
            "examples": len(answers), "wrong": len(wrong), "classes": answers.classes,
            "confusion": confusion(answers).tolist(), "mistakes": _rows(answers, wrong),
            "likely_wrong_labels": _rows(answers, suspect),
        }  # fmt: skip
        changed = corrections.before_and_after(run)
        if changed is not None:
            parent, change = changed
            found["before_and_after"] = {
                "parent": parent.id, "examples": change.shared, "right_before": change.before,
                "right_after": change.after, "mended": change.mended.tolist(),
                "broken": change.broken.tolist(),
            }  # fmt: skip
        return as_json(found), GOOD
    marked = set(suspect.tolist())
    rows = [
        (one["example"], one["label"], one["answer"], one["share"], "yes" if row in marked else "")
        for row, one in zip(wrong[:SHOWN].tolist(), _rows(answers, wrong[:SHOWN]), strict=True)
    ]
    return as_table(("example", "label", "answer", "sure", "label likely wrong"), rows), GOOD


def _training(run: runs.Run, arguments: Namespace) -> Answer:
    """What examples alike say of the labels that the run learned from."""
    judged = corrections.training_labels(run)
    if judged is None:
        inference.judge_labels_here(run.id)
        judged = corrections.training_labels(run)
        assert judged is not None
    answers = judged.answers
    rows = _rows(answers, outvoted(answers))
    if arguments.json:
        found = {"examples": len(answers), "classes": answers.classes, "likely_wrong_labels": rows}
        return as_json(found), GOOD
    columns = ("example", "label", "answer", "share")
    cells = [tuple(one[name] for name in columns) for one in rows[:SHOWN]]
    return as_table(("example", "label", "those alike say", "share of them"), cells), GOOD


def _rows(answers: Answers, rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "example": int(answers.examples[row]),
            "label": answers.classes[answers.truth[row]],
            "answer": answers.classes[answers.answer[row]],
            "share": round(float(answers.share[row]), 4),
        }
        for row in rows.tolist()
    ]


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {"mistakes": mistakes}
