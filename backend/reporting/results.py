"""What a run achieved: the main score, all scores beside a naive guess, and how classes fared."""

import math
from collections.abc import Sequence

from backend.errors import TrainroomError
from backend.reporting.parts import section, table, text
from backend.runs import Run
from backend.scores.honest import HonestScore, HonestScores, honest_scores
from backend.scores.mistakes import Answers, confusion
from backend.scores.results import load_results
from backend.tasks import get_task
from backend.tasks.base import Metric

MOST_CLASSES = 100


def summary(run: Run) -> str:
    """The main score in large, with what it is worth beside it; nothing before one is known."""
    tested, scores = _measured(run)
    if not scores:
        return ""
    main = scores[0]
    words = f"{text(main.metric.title)}, on the {_part(tested)} part of the data"
    words += ", which the model had never seen." if tested else "."
    if tested and main.interval is not None and tested.examples:
        words += (
            f" Between {_between(main, ' and ')}: with {tested.examples:,} test examples, chance "
            "alone moves it that much."
        )
    beside = ""
    if tested and main.naive is not None and tested.naive_words:
        beside = (
            f"<p>Without learning anything, {text(tested.naive_words)}, would reach "
            f"{_written(main.metric, main.naive)}.</p>"
        )
    return f"<div class=score><b>{_written(main.metric, main.value)}</b>{words}{beside}</div>"


def scores_section(run: Run) -> str:
    """Every score with what chance does to it and the naive guess beside it, and what it means."""
    tested, scores = _measured(run)
    if not scores:
        return ""
    has_chance = any(one.interval is not None for one in scores)
    has_naive = any(one.naive is not None for one in scores)
    header = ["Score", "Result"]
    header += ["By chance"] if has_chance else []
    header += ["Naive guess"] if has_naive else []
    rows = []
    for one in scores:
        cells = [one.metric.title, _written(one.metric, one.value)]
        cells += [_between(one, " – ") or "–"] if has_chance else []
        if has_naive:
            cells.append("–" if one.naive is None else _written(one.metric, one.naive))
        rows.append(cells)
    content = table(header, rows, range(1, len(header)))
    content += "".join(
        f"<p class=note><b>{text(one.metric.title)}</b>: {text(one.metric.help)}</p>"
        for one in scores
    )
    if has_chance:
        content += (
            "<p class=note><b>By chance</b>: with other test examples of the same kind, 95 times "
            "of 100 the score would lie between these two.</p>"
        )
    if has_naive and tested:
        content += (
            f"<p class=note><b>The naive guess</b>: {text(tested.naive_words)}. A model that is "
            "not clearly better has learnt nothing of use.</p>"
        )
    return section(f"Scores on the {_part(tested)} part", content)


def class_section(run: Run) -> str:
    """How each class fared, the weakest first."""
    tested, _ = _measured(run)
    if tested is None or not tested.classes:
        return ""
    confused = _confused(run)
    rows = [
        [one.name, f"{one.examples:,}", _share(one.recall), _share(one.precision),
         confused.get(one.name, "–")]
        for one in tested.classes[:MOST_CLASSES]
    ]  # fmt: skip
    header = ["Class", "Test examples", "Found", "Right when named", "Most often mixed up with"]
    content = (
        "<p class=note>Found: how many of its examples were recognised. Right when named: how "
        "often the model is right when it gives this answer. The weakest classes come first.</p>"
        + table(header, rows, (1, 2, 3))
    )
    if len(tested.classes) > MOST_CLASSES:
        content += f"<p class=note>And {len(tested.classes) - MOST_CLASSES:,} more classes.</p>"
    return section("Class by class", content)


def _confused(run: Run) -> dict[str, str]:
    """For each class with mistakes, what it was most often taken for."""
    results = load_results(run.id)
    answers = None if results is None else Answers.of(results.outcomes, results.classes)
    if answers is None:
        return {}
    found = {}
    for number, row in enumerate(confusion(answers)):
        row[number] = 0
        if row.any():
            worst = int(row.argmax())
            found[answers.classes[number]] = f"{answers.classes[worst]} ({int(row[worst]):,}×)"
    return found


def _measured(run: Run) -> tuple[HonestScores | None, Sequence[HonestScore]]:
    """The test and its scores; before that none, and the scores of the last validation."""
    tested = honest_scores(run)
    if tested is not None and tested.scores:
        return tested, tested.scores
    try:
        metrics = get_task(run.task).metrics
    except TrainroomError:  # of a task file that has gone since
        return None, ()
    values = [(metric, run.metrics.get(f"val/{metric.name}")) for metric in metrics]
    return None, [HonestScore(metric, value) for metric, value in values if value is not None]


def _part(tested: HonestScores | None) -> str:
    return "validation" if tested is None else "test"


def _between(one: HonestScore, word: str) -> str:
    if one.interval is None:
        return ""
    return word.join(_written(one.metric, end) for end in (one.interval.low, one.interval.high))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _written(metric: Metric, value: float) -> str:
    if not math.isfinite(value):
        return "not a number"
    return f"{100 * value:.1f} %" if metric.percent else f"{value:.4g}"
