"""Curves as SVG pictures that need no script: for reports and downloads. Values in, picture out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from backend.charts import RUN_COLORS

WIDTH, HEIGHT = 720, 270
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 40
LEGEND_LINE = 20
LETTER = 6.6
"""The width of a letter in a legend, as a rule of thumb, in pixels."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: x and y have shape [n], NaN is a gap; color as CSS has it."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    color: str = RUN_COLORS[0]


def curves_svg(
    curves: Sequence[Curve], *, title: str, x_title: str, percent: bool = False, log: bool = False
) -> str:
    """A picture of curves over one axis, with a legend; suits light and dark pages.

    percent: y is a share, written as 97 %. log: y on a logarithmic axis, where all is above zero.
    """
    shown = [_scaled(curve, log) for curve in curves]
    points = [
        (x[np.isfinite(y)], y[np.isfinite(y)]) for x, y in shown if bool(np.isfinite(y).any())
    ]
    legend, rows = _legend(curves)
    height = HEIGHT + LEGEND_LINE * rows
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="curves" role="img" color="#5b6675" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12">'
        f"<title>{escape(title)}</title>"
    )
    if not points:
        return f'{head}<text x="{LEFT}" y="40" fill="currentColor">No values yet</text></svg>'
    frame = Frame(
        *_span(np.concatenate([x for x, _ in points]), room=0.0),
        *_span(np.concatenate([y for _, y in points]), room=0.05),
    )
    parts = [head, _axes(frame, x_title, percent=percent, log=log)]
    for curve, (x_values, y_values) in zip(curves, shown, strict=True):
        steps = [
            frame.place(x, y) for x, y in zip(x_values.tolist(), y_values.tolist(), strict=True)
        ]
        parts.append(
            f'<path d="{_path(steps)}" fill="none" stroke="{escape(curve.color)}" '
            'stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"/>'
        )
    return "".join([*parts, legend, "</svg>"])


@dataclass(frozen=True, slots=True)
class Frame:
    """What part of the plane is seen."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where in the picture a point lies."""
        across = (x - self.x_low) / (self.x_high - self.x_low)
        up = (y - self.y_low) / (self.y_high - self.y_low)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )  # fmt: skip


def _axes(frame: Frame, x_title: str, *, percent: bool, log: bool) -> str:
    """Grid lines, numbers along both axes, and what x is."""
    parts = []
    for tick in ticks(frame.y_low, frame.y_high, 5):
        _, y = frame.place(frame.x_low, tick)
        words = _number(10**tick if log else tick, percent)
        parts.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" opacity=".2"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="currentColor">'
            f"{words}</text>"
        )
    for tick in ticks(frame.x_low, frame.x_high, 7):
        x, _ = frame.place(tick, frame.y_low)
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle" '
            f'fill="currentColor">{_number(tick)}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle" '
        f'fill="currentColor">{escape(x_title)}</text>'
    )
    return "".join(parts)


def _scaled(curve: Curve, log: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not log:
        return curve.x, curve.y
    positive = np.where(curve.y > 0, curve.y, np.nan)
    return curve.x, np.log10(positive)


def _span(values: NDArray[np.float64], room: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    return low - room * (high - low), high + room * (high - low)


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers between two values, about as many as wanted."""
    rough = (high - low) / wanted
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    first = math.ceil(low / step)
    return [place * step for place in range(first, math.floor(high / step) + 1)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line through the points, broken where one is no number; a lone point is a dot."""
    parts, pen_down = [], False
    for x, y in points:
        if not math.isfinite(y):
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        if not pen_down:
            parts.append("h0.01")
        pen_down = True
    return "".join(parts)


def _legend(curves: Sequence[Curve]) -> tuple[str, int]:
    """Names with their colours below the picture, and how many rows they take."""
    if len(curves) < 2:
        return "", 0
    parts, x, row = [], float(LEFT), 0
    for curve in curves:
        name = curve.name if len(curve.name) <= 40 else f"{curve.name[:39]}…"
        wide = 24 + LETTER * len(name) + 18
        if x > LEFT and x + wide > WIDTH:
            x, row = float(LEFT), row + 1
        y = HEIGHT + LEGEND_LINE * row + 8
        parts.append(
            f'<path d="M{x:.0f} {y}h16" stroke="{escape(curve.color)}" stroke-width="3"/>'
            f'<text x="{x + 22:.0f}" y="{y + 4}" fill="currentColor">{escape(name)}</text>'
        )
        x += wide
    return "".join(parts), row + 1


def _number(value: float, percent: bool = False) -> str:
    if percent:
        return f"{round(100 * value, 6):g} %"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "0" if float(value) == 0 else text
