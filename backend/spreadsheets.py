"""CSV that spreadsheets open without running anything in it; for exports, lists, command line."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

# A spreadsheet would run a cell that begins so.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = re.compile(r"'+[=+\-@\t\r]")


def safe_cell(value: Any) -> Any:
    """A cell as it may stand in a CSV file: no formula, and nothing where a number is none."""
    # What begins as a quoted formula is quoted once more, so that plain_cell() gives it back.
    if isinstance(value, str) and (value.startswith(FORMULA_STARTS) or _QUOTED.match(value)):
        return f"'{value}"
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value


def plain_cell(text: str) -> str:
    """What a cell said before safe_cell(): the quote before a formula is no part of the text."""
    return text[1:] if _QUOTED.match(text) else text


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV whose text cells no spreadsheet takes for a formula; a NaN is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue().rstrip("\n")
