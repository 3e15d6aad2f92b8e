"""Values of typed tables as texts, written as a person sees them; used by the readers of tables."""

import datetime
import decimal
import json
import math
from typing import Any


def as_text(value: Any) -> str:
    """A cell as it is read on a screen: 1 for 1.0, nothing where there is nothing.

    Texts stay as they are. Numbers have at most the 15 digits that spreadsheets keep, dates are
    written as ISO 8601 says and without a time where it is midnight.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    return str(value)
