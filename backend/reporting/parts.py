"""Pieces of HTML that every section of a report is built from; all that is data is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape


def text(words: object, limit: int = 400) -> str:
    """Words as they may stand in HTML: escaped, on one line, not too long."""
    line = " ".join(str(words).split())
    return escape(line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…")


def section(title: str, content: str) -> str:
    """A part with a heading; nothing where it is empty."""
    return f"<section><h2>{text(title)}</h2>{content}</section>" if content else ""


def fact_table(facts: Mapping[str, object]) -> str:
    """Two columns: what, and its value."""
    rows = "".join(
        f"<tr><th scope=row>{text(name)}</th><td>{text(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table class=facts>{rows}</table>" if rows else ""


def table(header: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int]) -> str:
    """A table that scrolls by itself where it is too wide; numbers: columns set to the right."""
    head = "".join(
        f"<th scope=col{' class=n' if place in numbers else ''}>{text(word)}</th>"
        for place, word in enumerate(header)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if place in numbers else ''}>{text(cell)}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f"<div class=wide tabindex=0><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
