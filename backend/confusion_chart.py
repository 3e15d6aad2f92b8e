"""The confusion matrix as a figure, whose cells can be clicked; called by pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.charts import quiet, short

if TYPE_CHECKING:  # plotly takes a third of a second to import, and only some pages draw
    from plotly.graph_objects import Figure

STRONG = 0.5
MOST_CONFUSED, MOST_NUMBERED = 40, 15
"""Beyond so many classes nothing of a table can be read or clicked, or no numbers fit in."""


def confusion_figure(classes: Sequence[str], table: NDArray[np.int64]) -> "Figure | None":
    """How often each class (row) got each answer (column), to be clicked; None with too many.

    Colours are shares of the row, so that rare classes show too; right answers are green, wrong
    ones orange. A click selects an invisible marker whose x and y are the numbers of column, row.
    """
    count = len(classes)
    if count > MOST_CONFUSED:
        return None
    import plotly.graph_objects as go

    names = [short(name, 16) for name in classes]
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    signed = np.where(np.eye(count, dtype=bool), shares, -shares)
    rows, columns = np.divmod(np.arange(count * count), count)
    numbers = table.ravel()
    hints = [
        f"{names[row]}: {number:,} of {total:,} answered {names[column]}"
        for row, column, number, total in zip(
            rows, columns, numbers, np.repeat(table.sum(axis=1), count), strict=True
        )
    ]
    figure = go.Figure(
        go.Heatmap(
            z=signed, zmin=-1, zmax=1, showscale=False, hoverinfo="skip", xgap=1, ygap=1,
            colorscale=[[0, "rgba(217,119,6,1)"], [0.35, "rgba(217,119,6,0.55)"],
                        [0.5, "rgba(124,135,150,0.06)"], [1, "rgba(20,160,143,0.9)"]],
        )
    )  # fmt: skip
    side = 420 / max(count, 6)
    figure.add_trace(
        go.Scatter(
            x=columns, y=rows, mode="markers", hovertext=hints, hoverinfo="text",
            showlegend=False,
            marker={"size": min(44, side), "symbol": "square", "color": "rgba(0,0,0,0)"},
            selected={"marker": {"color": "rgba(99,102,241,0.35)"}},
            unselected={"marker": {"opacity": 1}},
        )
    )  # fmt: skip
    if count <= MOST_NUMBERED:  # as notes: these neither fade with a selection nor catch clicks
        for row, column, number in zip(rows, columns, numbers, strict=True):
            if number:  # white on strong colours, else the theme's own
                strong = {"color": "#ffffff"} if shares[row, column] > STRONG else {}
                figure.add_annotation(
                    x=column, y=row, text=f"{number:,}", showarrow=False,
                    font={"size": 11, **strong},
                )  # fmt: skip
    figure.update_layout(height=int(110 + side * count), clickmode="event+select", **quiet())
    _class_axes(figure, names)
    return figure


def _class_axes(figure: "Figure", names: list[str]) -> None:
    """Rows from top to bottom and columns from left to right, named by the classes."""
    count = len(names)
    ticks = {
        "tickvals": list(range(count)),
        "ticktext": names,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "tickfont": {"size": 11},
    }
    figure.update_yaxes(range=[count - 0.5, -0.5], title="It is", **ticks)
    steep = count > 6 and max(map(len, names)) > 3
    figure.update_xaxes(
        side="top", title="The model said", range=[-0.5, count - 0.5],
        tickangle=-60 if steep else 0, **ticks,
    )  # fmt: skip
