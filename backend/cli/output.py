"""How answers look: one JSON document or a small table; called by the command modules."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

WIDEST_CELL = 60


def as_json(value: Any) -> str:
    """One JSON document; what JSON cannot say (NaN, infinity) becomes null."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=2)


def as_compact_json(value: Any) -> str:
    """The same on one line, for long lists of numbers."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def as_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns side by side, each as wide as its widest cell; long cells are cut."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = " ".join(str(value).split())
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"
