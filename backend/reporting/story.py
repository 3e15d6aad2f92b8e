"""How a run went: its curves as pictures, and its events in words."""

import time

from backend import runs
from backend.charts import COLORS
from backend.comparing.curves import is_percent, lines, metric_names
from backend.curve_drawing import Curve, curves_svg
from backend.reading import findings_of
from backend.reporting.parts import section, text
from backend.runs import Run

LOSSES = ("train/loss", "val/loss")
NAMES = {"train/loss": "Training", "val/loss": "Validation"}
SMOOTHING = 0.6
"""Of the training loss, which trembles from batch to batch."""


def curves_section(run: Run) -> str:
    """Losses in one picture, each score in one of its own."""
    titles = metric_names([run])
    figures = []
    losses = [name for name in LOSSES if name in titles]
    if losses:
        figures.append(_figure(run, losses, "Loss: how wrong it is, lower is better"))
    figures += [
        _figure(run, [name], f"{title} on the validation part")
        for name, title in titles.items()
        if name not in LOSSES and name != "lr"
    ]
    if "lr" in titles:
        figures.append(_figure(run, ["lr"], "Learning rate: how large each correction was"))
    return section("Curves", "".join(figures))


def findings_section(run: Run) -> str:
    """What the curves show, in sentences."""
    rows = "".join(
        f"<li><time>Step {found.step:,}</time><span><b>{text(found.title)}.</b> "
        f"{text(found.sentence, 900)}</span></li>"
        for found in findings_of(run)
    )
    return section("What the curves show", f"<ol>{rows}</ol>" if rows else "")


def _figure(run: Run, names: list[str], title: str) -> str:
    colors = [COLORS["train"], COLORS["validation"]]
    curves = []
    for name, color in zip(names, colors[-1:] if names == ["val/loss"] else colors, strict=False):
        strength = SMOOTHING if name == "train/loss" else 0.0
        curves += [
            Curve(NAMES.get(name, name), line.x, line.y, color)
            for line in lines([run], [name], "step", strength)
        ]
    drawn = curves_svg(curves, title=title, x_title="Step", percent=is_percent(names[0], [run]))
    return f"<figure><h3>{text(title)}</h3>{drawn}</figure>"


def events_section(run: Run) -> str:
    """Everything that happened, oldest first."""
    rows = "".join(
        f"<li><time>{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(event.time))}</time>"
        f"<span>{text(event.message, 900)}</span></li>"
        for event in runs.list_events(run.id)
    )
    return section("What happened", f"<ol>{rows}</ol>" if rows else "")
