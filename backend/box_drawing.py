"""Pictures with boxes drawn on them, as SVG: values in, text out; called by pages."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#008f68", "#b3488a", "#7a5195", "#8a6d00", "#c0392b", "#3d5a80")
"""Told apart by most people with a colour weakness; white letters are readable on all of them."""
LETTERS, LARGE_LETTERS, NO_LETTERS = 1 / 26, 1 / 15, 0.0
"""Height of the letters, as a share of the longer side: the smaller the picture, the larger."""
LINE_SHARE = 1 / 180
LONGEST_LABEL = 24


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box to draw: class, corners x1, y1, x2, y2, and how sure; truth is drawn dashed."""

    label: str
    corners: tuple[float, float, float, float]
    score: float | None = None
    truth: bool = False

    @property
    def words(self) -> str:
        """What stands at the box."""
        name = self.label if len(self.label) <= LONGEST_LABEL else self.label[:23] + "…"
        return name if self.score is None else f"{name} {100 * self.score:.0f} %"


def drawn_boxes(rows: Sequence[dict[str, Any]], *, truth: bool = False) -> list[DrawnBox]:
    """Boxes as answers and snapshots hold them: {"label", "box"} and, of guesses, "score"."""
    return [
        DrawnBox(str(row["label"]), tuple(row["box"]), None if truth else row.get("score"), truth)
        for row in rows
    ]


def boxed_svg(
    picture: bytes,
    height: float,
    width: float,
    boxes: Sequence[DrawnBox],
    letters: float = LETTERS,
) -> str:
    """A picture with its boxes as an SVG file.

    picture: a PNG or JPEG file. height, width: of the picture in the unit of the boxes. letters:
    how high class and score are written at each box; 0 leaves them out. Classes have colours, but
    the words say it; the true boxes are dashed and white, with their words below.
    """
    longer = max(height, width)
    line = longer * LINE_SHARE * (1 if letters else 2)
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(picture).decode()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">',
        f'<image href="data:image/{kind};base64,{data}" width="{width:g}" height="{height:g}" '
        'preserveAspectRatio="none"/>',
    ]
    # The surest last, so that nothing covers it.
    ordered = sorted(boxes, key=lambda box: (not box.truth, box.score or 0.0))
    parts += [_frame(box, line) for box in ordered]
    if letters:
        parts += [_tag(box, longer * letters, height, width) for box in ordered]
    return "".join([*parts, "</svg>"])


def _colour(label: str) -> str:
    """The same for a class in every picture."""
    return COLOURS[zlib.crc32(label.encode("utf-8", "replace")) % len(COLOURS)]


def _frame(box: DrawnBox, line: float) -> str:
    """Two lines, one light and one dark, so that the box is seen on any ground."""
    x1, y1, x2, y2 = box.corners
    place = f'x="{x1:.2f}" y="{y1:.2f}" width="{x2 - x1:.2f}" height="{y2 - y1:.2f}" fill="none"'
    if box.truth:
        dashes = f'stroke-dasharray="{3 * line:.2f} {2 * line:.2f}"'
        return (
            f'<rect {place} stroke="#111827" stroke-width="{1.6 * line:.2f}" opacity="0.7"/>'
            f'<rect {place} stroke="#ffffff" stroke-width="{line:.2f}" {dashes}/>'
        )
    return (
        f'<rect {place} stroke="#ffffff" stroke-width="{2 * line:.2f}" opacity="0.85"/>'
        f'<rect {place} stroke="{_colour(box.label)}" stroke-width="{1.2 * line:.2f}"/>'
    )


def _tag(box: DrawnBox, letter: float, height: float, width: float) -> str:
    """The words on a ground of their own: over the box, below it for the truth, inside the edge."""
    x1, y1, _, y2 = box.corners
    long, high = 0.58 * letter * len(box.words) + 0.5 * letter, 1.3 * letter
    x = max(0.0, min(x1, width - long))
    y = y2 if box.truth else y1 - high
    y = max(0.0, min(y, height - high))
    ground, ink = ("#ffffff", "#111827") if box.truth else (_colour(box.label), "#ffffff")
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{long:.2f}" height="{high:.2f}" fill="{ground}" '
        f'rx="{0.15 * letter:.2f}"/><text x="{x + 0.25 * letter:.2f}" '
        f'y="{y + 0.98 * letter:.2f}" font-size="{letter:.2f}" font-weight="600" fill="{ink}" '
        f'font-family="system-ui, sans-serif" textLength="{long - 0.5 * letter:.2f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(box.words)}</text>'
    )
