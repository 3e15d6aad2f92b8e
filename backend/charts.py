"""Figures: values in, Plotly figure out; beside confusion_chart.py the only importer of plotly."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # plotly takes a third of a second to import, and only some pages draw
    from plotly.graph_objects import Figure

COLORS = {"train": "#14a08f", "validation": "#d97706", "test": "#6366f1", "quiet": "#7c8796"}
"""Readable on light and on dark pages."""
RUN_COLORS = (
    "#14a08f", "#d97706", "#6366f1", "#db2777", "#0284c7", "#65a30d", "#9333ea", "#7c8796",
)  # fmt: skip
"""One for each run that is compared, from the first again after the last."""
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
        **quiet(),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    figure.update_yaxes(
        autorange="reversed", type="category", automargin=True, ticklabelstandoff=6,
        tickfont={"size": 12},
    )  # fmt: skip
    figure.update_xaxes(tickformat=",d", automargin=True, rangemode="tozero")
    return figure


def histogram_figure(
    edges: NDArray[np.float64], counts: NDArray[np.int64], unit: str, most: float | None = None
) -> "Figure":
    """Bars of how many values lie between two edges; counts [b], edges [b + 1].

    most: the largest value, where it lies beyond the last edge: the last bar then says so.
    """
    import plotly.graph_objects as go

    low, high = edges[:-1], edges[1:]
    single = bool(len(counts) <= 12 and np.allclose(np.diff(edges), np.diff(edges)[0]))
    words = [
        f"{number((a + b) / 2)}" if single else f"{number(a)} to {number(b)}"
        for a, b in zip(low.tolist(), high.tolist(), strict=True)
    ]
    if most is not None and most > high[-1] and not single:
        words[-1] = f"{number(low[-1])} and more, up to {number(most)}"
    figure = go.Figure(
        go.Bar(
            x=((low + high) / 2).astype(np.float32), y=counts, width=(high - low) * 0.94,
            marker={"color": COLORS["train"]}, customdata=[f"{word} {unit}" for word in words],
            hovertemplate="%{customdata}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(height=170, showlegend=False, **quiet())
    figure.update_xaxes(automargin=True, tickformat=",~g", title={"text": unit, "standoff": 4})
    figure.update_yaxes(automargin=True, tickformat=",d", rangemode="tozero", nticks=4)
    return figure


def number(value: float) -> str:
    """A figure without needless digits: 1,200, 3.5."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


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
    figure.update_layout(height=32 + 32 * len(labels), showlegend=False, **quiet(right=56))
    figure.update_yaxes(
        autorange="reversed", type="category", automargin=True, ticklabelstandoff=6,
        tickfont={"size": 13},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1], visible=False)
    return figure


MOST_PIECES = 60
"""Beyond so many rows or columns nothing of a heat map can be read."""
WORTH_A_COLUMN = 0.1


def attention_figure(
    source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]
) -> "Figure | None":
    """How much each piece of an answer (row) looked at each piece of the text (column), 0 to 1.

    What is missing from a row went to the text's end, which gets a column of its own where it is
    worth one. None where there are more than MOST_PIECES of either, or nothing at all.
    """
    if not source or not target or max(len(source), len(target)) > MOST_PIECES:
        return None
    import plotly.graph_objects as go

    columns, rows = [_piece(text) for text in source], [_piece(text) for text in target]
    shares = np.asarray(weights, np.float32)
    rest = 1 - shares.sum(axis=1, keepdims=True)
    if rest.max() > WORTH_A_COLUMN:
        columns, shares = [*columns, "(end)"], np.hstack([shares, rest])
    hints = [[f"{row} looked at {column}" for column in columns] for row in rows]
    figure = go.Figure(
        go.Heatmap(
            z=shares, customdata=hints, zmin=0, zmax=1,
            colorscale=[[0, "rgba(20, 160, 143, 0.06)"], [1, "rgba(20, 160, 143, 1)"]],
            hovertemplate="%{customdata}: %{z:.0%}<extra></extra>", showscale=False, xgap=1, ygap=1,
        )
    )  # fmt: skip
    figure.update_layout(height=96 + 24 * len(rows), **quiet())
    # By number, since the same piece may stand in several places.
    figure.update_yaxes(
        autorange="reversed", tickvals=list(range(len(rows))), ticktext=rows, automargin=True,
        tickfont={"size": 12}, showgrid=False, zeroline=False, ticks="", ticklabelstandoff=6,
    )  # fmt: skip
    figure.update_xaxes(
        side="top", tickvals=list(range(len(columns))), ticktext=columns, automargin=True,
        tickangle=-90 if len(columns) > 12 else 0, tickfont={"size": 12}, showgrid=False,
        zeroline=False, ticks="",
    )  # fmt: skip
    return figure


def _piece(text: str) -> str:
    """A piece of a word as a label; of white space a sign that can be seen."""
    return short(text.strip(), 14) if text.strip() else "␣"


def similarities_figure(pairs: Sequence[tuple[str, float]]) -> "Figure":
    """Bars of how near others are, -1 to 1, in the order given."""
    import plotly.graph_objects as go

    labels, scores = [short(name) for name, _ in pairs], [score for _, score in pairs]
    figure = go.Figure(
        go.Bar(
            y=labels, x=scores, orientation="h", text=[f"{score:.2f}" for score in scores],
            textposition="outside", cliponaxis=False, marker={"color": COLORS["train"]},
            hovertemplate="%{y}: %{x:.3f}<extra></extra>", textfont={"size": 13},
        )
    )  # fmt: skip
    figure.update_layout(height=32 + 30 * len(labels), showlegend=False, **quiet(right=48))
    figure.update_yaxes(
        autorange="reversed", type="category", automargin=True, ticklabelstandoff=6,
        tickfont={"size": 13},
    )  # fmt: skip
    figure.update_xaxes(range=[min(0.0, *scores, 0.0), 1], visible=False)
    return figure


def map_figure(points: Sequence[Mapping[str, Any]]) -> "Figure":
    """Points {"x", "y", "text", "group"}: what was asked and what is near stand out."""
    import plotly.graph_objects as go

    looks = {
        "other": (6, COLORS["quiet"], 10, 0.55), "near": (9, COLORS["train"], 13, 1.0),
        "asked": (12, COLORS["validation"], 14, 1.0),
    }  # fmt: skip
    figure = go.Figure()
    for group, (size, color, letters, opacity) in looks.items():
        found = [point for point in points if point["group"] == group]
        figure.add_scatter(
            x=[point["x"] for point in found], y=[point["y"] for point in found],
            text=[short(point["text"], 24) for point in found], name=group,
            hovertext=[short(point["text"], 90) for point in found], hoverinfo="text",
            mode="markers+text", textposition="top center", cliponaxis=False, opacity=opacity,
            textfont={"size": letters, "color": color}, marker={"size": size, "color": color},
        )  # fmt: skip
    figure.update_layout(height=400, showlegend=False, **quiet())
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def curves_figure(
    curves: Sequence[tuple[str, NDArray[np.float64], NDArray[np.float64]]],
    *,
    x_title: str,
    percent: bool = False,
    log: bool = False,
) -> "Figure":
    """Lines (name, x [n], y [n]) over one axis; colours as RUN_COLORS has them, in their order.

    An empty line takes its colour and is not drawn. percent: y is a share.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    write = ".1%" if percent else ".4~g"
    for place, (name, x, y) in enumerate(curves):
        if len(x):
            figure.add_scatter(
                x=x, y=y, name=short(name), mode="lines" if len(x) > 1 else "markers",
                line={"width": 2, "color": RUN_COLORS[place % len(RUN_COLORS)]},
                hovertemplate=f"%{{y:{write}}}<extra>{short(name)}</extra>",
            )  # fmt: skip
    layout = {**quiet(), "dragmode": "zoom", "margin": {"l": 4, "r": 8, "t": 30, "b": 8}}
    # Below the chart: at the top stands the camera.
    below = {"yref": "container", "y": 0, "yanchor": "bottom", "x": 0}
    figure.update_layout(
        height=320, **layout, hovermode="x", showlegend=len(curves) > 1,
        legend={"orientation": "h", "traceorder": "normal", **below},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": COLORS["quiet"]},
    )  # fmt: skip
    figure.update_xaxes(
        title={"text": x_title, "standoff": 4}, automargin=True, zeroline=False, hoverformat=".4~g"
    )
    figure.update_yaxes(
        automargin=True, type="log" if log else "linear", zeroline=False,
        tickformat=".0%" if percent else None, nticks=7,
    )  # fmt: skip
    if log:
        # Plotly's own labels between the powers of ten are lone digits.
        figure.update_yaxes(tickvals=LOG_TICKS, ticktext=[f"{tick:g}" for tick in LOG_TICKS])
    return figure


LOG_TICKS = [factor * 10.0**power for power in range(-9, 10) for factor in (1, 2, 5)]


def settings_figure(
    columns: Sequence[tuple[str, Sequence[str | float]]],
    score: tuple[str, Sequence[float]],
    *,
    higher_is_better: bool = True,
) -> "Figure":
    """Parallel axes, one line per run: its settings from left to right, its score at the end.

    columns: label and a value per run; words get a place each, in the order of the alphabet. The
    better the score, the greener the line.
    """
    import plotly.graph_objects as go

    axes: list[dict[str, Any]] = []
    for label, values in columns:
        numbers = [value for value in values if not isinstance(value, str)]
        if len(numbers) == len(values):
            known: list[Any] = sorted(set(numbers))
            few = {"tickvals": known, "ticktext": [f"{value:.6g}" for value in known]}
            axes.append(
                {"label": short(label, 18), "values": numbers, **(few if len(known) < 9 else {})}
            )
            continue
        known = sorted({str(value) for value in values})
        places = [known.index(str(value)) for value in values]
        axes.append(
            {
                "label": short(label, 18), "values": places, "tickvals": list(range(len(known))),
                "ticktext": [short(value, 16) for value in known],
            }
        )  # fmt: skip
    axes.append({"label": short(score[0], 18), "values": list(score[1])})
    figure = go.Figure(
        go.Parcoords(
            dimensions=axes, labelfont={"size": 12, "color": COLORS["quiet"]},
            tickfont={"size": 11, "color": COLORS["quiet"]}, rangefont={"color": "rgba(0,0,0,0)"},
            line={
                "color": list(score[1]), "reversescale": not higher_is_better,
                "colorscale": [[0, COLORS["validation"]], [1, COLORS["train"]]],
            },
        )
    )  # fmt: skip
    figure.update_layout(height=320, **{**quiet(), "margin": {"l": 64, "r": 64, "t": 44, "b": 20}})
    return figure


def short(text: str, limit: int = 28) -> str:
    """A class name as a chart's label: one line, and no markup that Plotly would obey."""
    line = " ".join(str(text).split()) or "(empty)"
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quiet(right: int = 8) -> dict[str, Any]:
    """Layout that all figures share: no frame, small margins, no colour of its own."""
    return {
        "margin": {"l": 4, "r": right, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "dragmode": False,
        "bargap": 0.25,
    }
