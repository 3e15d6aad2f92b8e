"""Numbers, times and names put into plain words; pure functions that all pages use."""

import math
import re
import time

from backend.wording import megabytes as megabytes

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit looks for these in the text itself, after Markdown has been read.
_JOINER = "\u2060"
_SHORTCODE = re.compile(
    r":(?=[a-zA-Z/_+-])|(?<=www)(?=\.)|(?<=\w)(?=@\w)|(?<=-)(?=[->])|(?<=<)(?=-)"
)


def escape(text: str, limit: int = 90) -> str:
    """A user's words as plain text for anything that reads Markdown, cut to one short line."""
    line = " ".join(str(text).split())
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return _escape_line(line)


def escape_lines(text: str) -> str:
    """A text of several lines as it is, for anything that reads Markdown."""
    first, *rest = str(text).split("\n")
    return "  \n".join([_escape_line(first), *map(_indented, rest)])


def _indented(line: str) -> str:
    # Markdown drops spaces at the beginning of a line, and one that is empty ends the paragraph.
    blank = len(line) - len(line.lstrip())
    return "\u00a0" * max(blank, not line.strip()) + _escape_line(line[blank:])


def _escape_line(line: str) -> str:
    marked = _SHORTCODE.sub(lambda match: match.group(0) + _JOINER, line)
    return _PUNCTUATION.sub(r"\\\1", marked)


def plural(count: int, word: str, many: str = "") -> str:
    """5,000 pictures, 1 class, 2 classes."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def ago(moment: float | None, now: float | None = None) -> str:
    """just now, 5 min ago, 2 h ago, yesterday, 4 days ago."""
    if moment is None:
        return "not yet"
    seconds = max(0.0, (now if now is not None else time.time()) - moment)
    if seconds < 45:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 24 * 3600:
        return f"{round(seconds / 3600)} h ago"
    days = round(seconds / 86400)
    return "yesterday" if days == 1 else f"{days} days ago"


def percent(share: float) -> str:
    """0.934 as 93.4 %."""
    return f"{100 * share:.1f} %"


def parameters(count: int) -> str:
    """11,200,000 weights as 11.2 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def amount(value: float, digits: int = 4) -> str:
    """A setting's or metric's number without needless digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number"
    return f"{value:.{digits}g}"
