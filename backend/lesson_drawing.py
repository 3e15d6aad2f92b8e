"""A small picture of a network's layers with the numbers of one example: values in, SVG out."""

from html import escape

from backend.lessons import Lesson

WIDTH, HEIGHT = 460, 340
TOP, BOTTOM = 44, 326
PICTURE, LEFT = 104, 8
MIDDLE, RIGHT = 224, 336
POINTS, CLASSES = 12, 8
INK, MORE, LESS, FOLLOWED = "#768294", "#14a08f", "#d97706", "#6366f1"
LONGEST_NAME = 11


def layers_svg(lesson: Lesson) -> str:
    """The picture, the middle points that matter most, and the likeliest classes.

    Lines lead to the right class: green ones speak for it, orange ones against; the violet one is
    the weight that the lesson follows.
    """
    points, classes = _points(lesson), _classes(lesson)
    heights = _spread(len(points))
    levels = _spread(len(classes))
    target = levels[classes.index(lesson.truth)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
        _headings(lesson),
        _wires(lesson, points, heights, target),
        _picture(lesson),
    ]
    brightest = max(lesson.hidden) or 1.0
    for unit, y in zip(points, heights, strict=True):
        share = lesson.hidden[unit] / brightest
        ring = f' stroke="{FOLLOWED}" stroke-width="3"' if unit == lesson.unit else ""
        parts.append(
            f'<circle cx="{MIDDLE}" cy="{y:.1f}" r="8" fill="{INK}" fill-opacity=".18"/>'
            f'<circle cx="{MIDDLE}" cy="{y:.1f}" r="8" fill="{MORE}" '
            f'fill-opacity="{share:.2f}"{ring}/>'
        )
    for number, y in zip(classes, levels, strict=True):
        parts.append(_class(lesson, number, y))
    return "".join([*parts, "</svg>"])


def _points(lesson: Lesson) -> list[int]:
    """The points in the middle that weigh most for or against the right class, in their order."""
    pushes = [abs(at * weight) for at, weight in zip(lesson.hidden, lesson.outgoing, strict=True)]
    strongest = sorted(range(len(pushes)), key=lambda unit: -pushes[unit])[:POINTS]
    if lesson.unit not in strongest:
        strongest[-1] = lesson.unit
    return sorted(strongest)


def _classes(lesson: Lesson) -> list[int]:
    """The likeliest classes, and the right one, in their order."""
    shares = lesson.shares[0]
    best = sorted(range(len(shares)), key=lambda number: -shares[number])[:CLASSES]
    if lesson.truth not in best:
        best[-1] = lesson.truth
    return sorted(best)


def _spread(count: int) -> list[float]:
    step = (BOTTOM - TOP) / max(1, count)
    return [TOP + step * (place + 0.5) for place in range(count)]


def _headings(lesson: Lesson) -> str:
    channels, height, width = lesson.pixels
    inputs = channels * height * width
    return (
        f'<text x="{LEFT}" y="16">Picture</text><text x="{LEFT}" y="32">{inputs:,} numbers</text>'
        f'<text x="{MIDDLE}" y="16" text-anchor="middle">Middle</text>'
        f'<text x="{MIDDLE}" y="32" text-anchor="middle">{len(lesson.hidden)} points</text>'
        f'<text x="{RIGHT - 8}" y="16">Answer</text>'
        f'<text x="{RIGHT - 8}" y="32">{len(lesson.classes)} classes</text>'
    )


def _wires(lesson: Lesson, points: list[int], heights: list[float], target: float) -> str:
    """From the picture to each point faintly, from there to the right class by what it adds."""
    middle, parts = (TOP + BOTTOM) / 2, []
    pushes = [lesson.hidden[unit] * lesson.outgoing[unit] for unit in points]
    largest = max(map(abs, pushes)) or 1.0
    for unit, y, push in zip(points, heights, pushes, strict=True):
        start = middle + (y - middle) * PICTURE / (BOTTOM - TOP)
        parts.append(
            f'<path d="M{LEFT + PICTURE} {start:.1f}L{MIDDLE - 9} {y:.1f}" stroke="{INK}" '
            'stroke-opacity=".35"/>'
        )
        color = FOLLOWED if unit == lesson.unit else MORE if push >= 0 else LESS
        wide = 4.0 if unit == lesson.unit else 0.6 + 3 * abs(push) / largest
        parts.append(
            f'<path d="M{MIDDLE + 9} {y:.1f}L{RIGHT - 10} {target:.1f}" stroke="{color}" '
            f'stroke-width="{wide:.1f}" stroke-opacity=".8"/>'
        )
    return "".join(parts)


def _picture(lesson: Lesson) -> str:
    top = (TOP + BOTTOM - PICTURE) / 2
    return (
        f'<rect x="{LEFT - 1}" y="{top - 1}" width="{PICTURE + 2}" height="{PICTURE + 2}" '
        f'fill="none" stroke="{INK}" stroke-opacity=".5"/>'
        f'<image x="{LEFT}" y="{top}" width="{PICTURE}" height="{PICTURE}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{escape(lesson.seen)}"/>'
    )


def _class(lesson: Lesson, number: int, y: float) -> str:
    """A circle as bright as the class is likely, with its name and share."""
    share, name = lesson.shares[0][number], lesson.classes[number]
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    words = f"{escape(short)}: {100 * share:.0f} %"
    bold = ' font-weight="700"' if number == lesson.truth else ""
    ring = f' stroke="{FOLLOWED}" stroke-width="2"' if number == lesson.truth else ""
    return (
        f'<circle cx="{RIGHT}" cy="{y:.1f}" r="9" fill="{INK}" fill-opacity=".18"/>'
        f'<circle cx="{RIGHT}" cy="{y:.1f}" r="9" fill="{MORE}" fill-opacity="{share:.2f}"{ring}/>'
        f'<text x="{RIGHT + 16}" y="{y + 4.5:.1f}"{bold}>{words}</text>'
    )
