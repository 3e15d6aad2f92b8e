"""Figures: values in, Plotly figure out; the only module that imports plotly. Called by pages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # plotly takes a third of a second to import, and only some pages draw
    from plotly.graph_objects import Figure

COLORS = {"train": "#14a08f", "validation": "#d97706", "test": "#6366f1"}
"""Readable on light and on dark pages."""
MOST_CLASSES = 60
"""More bars than this cannot be read; the rest is summed up."""


def sparkline(values: NDArray[np.float64] | Sequence[float], points: int = 40) -> list[float]:
    """A few numbers that keep a curve's shape: the mean of equal stretches, finite ones only."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) <= points:
        return [float(number) for number in numbers]
    return [float(part.mean()) for part in np.array_split(numbers, points)]


def sparkline_svg(points: Sequence[float], width: int = 300, height: int = 48) -> str:
    """A curve in small as an SVG picture that suits light and dark pages; "" below two points."""
    if len(points) < 2:
        return ""
    low, high = min(points), max(points)
    across, up = (width - 2) / (len(points) - 1), (height - 6) / ((high - low) or 1.0)
    line = " ".join(
        f"{1 + index * across:.1f},{height - 3 - (value - low) * up:.1f}"
        for index, value in enumerate(points)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none">'
        f'<polygon points="1,{height} {line} {width - 1},{height}" fill="#0d9488" '
        'fill-opacity="0.13"/>'
        f'<polyline points="{line}" fill="none" stroke="#14a08f" stroke-width="1.8" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>'
    )


def class_balance_figure(
    counts: Mapping[str, Mapping[str, int]], words: Mapping[str, str] | None = None
) -> "Figure":
    """Stacked bars of how many examples each class has in each split.

    counts: class -> split -> number. words: what to call the splits in the legend.
    """
    import plotly.graph_objects as go

    words = words or {}
    classes = sorted(counts, key=lambda name: -sum(counts[name].values()))
    shown, rest = classes[:MOST_CLASSES], classes[MOST_CLASSES:]
    labels = [short(name) for name in shown]
    if rest:
        labels.append(f"{len(rest)} more classes")
    figure = go.Figure()
    for split in ("train", "validation", "test"):
        numbers = [counts[name].get(split, 0) for name in shown]
        if rest:
            numbers.append(sum(counts[name].get(split, 0) for name in rest))
        figure.add_bar(
            name=words.get(split, split), y=labels, x=numbers, orientation="h",
            marker={"color": COLORS[split]},
            hovertemplate="%{y}: %{x:,}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="stack",
        height=70 + 24 * max(3, len(labels)),
        **_quiet(),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    figure.update_yaxes(
        autorange="reversed", type="category", automargin=True, ticklabelstandoff=6,
        tickfont={"size": 12},
    )  # fmt: skip
    figure.update_xaxes(tickformat=",d", automargin=True, rangemode="tozero")
    return figure


def probabilities_figure(probabilities: Mapping[str, float], most: int = 8) -> "Figure":
    """Bars of the likeliest answers, 0 to 1, the likeliest on top."""
    import plotly.graph_objects as go

    ranked = sorted(probabilities.items(), key=lambda item: -item[1])[:most]
    labels, shares = [short(name) for name, _ in ranked], [share for _, share in ranked]
    figure = go.Figure(
        go.Bar(
            y=labels, x=shares, orientation="h",
            text=[f"{100 * share:.1f} %" for share in shares],
            textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
            marker={"color": COLORS["train"], "opacity": [1.0] + [0.5] * (len(shares) - 1)},
            textfont={"size": 13},
        )
    )  # fmt: skip
    figure.update_layout(height=32 + 32 * len(labels), showlegend=False, **_quiet(right=56))
    figure.update_yaxes(
        autorange="reversed", type="category", automargin=True, ticklabelstandoff=6,
        tickfont={"size": 13},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1], visible=False)
    return figure


def short(text: str, limit: int = 28) -> str:
    """A class name as a chart's label: one line, and no markup that Plotly would obey."""
    line = " ".join(str(text).split()) or "(empty)"
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quiet(right: int = 8) -> dict[str, Any]:
    """Layout that all figures share: no frame, small margins, no colour of its own."""
    return {
        "margin": {"l": 4, "r": right, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "dragmode": False,
        "bargap": 0.25,
    }
