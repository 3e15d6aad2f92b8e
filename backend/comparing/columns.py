"""Settings of several runs as the columns of a parallel chart, with the score they led to."""

from collections.abc import Sequence

from backend.comparing import Comparison

LEAST_RUNS = 3
MOST_COLUMNS = 8
Column = tuple[str, list[str | float]]


def columns_of(found: Comparison) -> tuple[list[Column], tuple[str, list[float]]] | None:
    """What differs, and the main score; None below three tested runs of one task.

    What is an amount where it is known stays a number; all else becomes a word.
    """
    if not found.standings or len({run.task for run in found.runs}) > 1:
        return None
    main = found.standings[0]
    places = [place for place, value in enumerate(main.values) if value is not None]
    if len(places) < LEAST_RUNS:
        return None
    columns = []
    for row in found.rows:
        values = [row.values[place] for place in places]
        if len(set(map(str, values))) > 1 and row.name not in ("computed_on", "test_examples"):
            columns.append((row.label, _plain(values)))
    scale = 100 if main.metric.percent else 1
    scores = [scale * value for value in main.values if value is not None]
    title = f"{main.metric.title}, %" if main.metric.percent else main.metric.title
    return (columns[:MOST_COLUMNS], (title, scores)) if columns else None


def _plain(values: Sequence[str | float | bool | None]) -> list[str | float]:
    numbers = [
        value for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if len(numbers) == len(values):
        return [float(value) for value in numbers]
    words = {True: "yes", False: "no", None: "–"}
    return [
        words[value] if value is None or isinstance(value, bool) else str(value) for value in values
    ]
