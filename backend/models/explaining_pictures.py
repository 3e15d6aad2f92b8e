"""Why a picture got its class: heat maps by gradients and by covering, and what would change it.

For everything that a network takes as a picture [channels, height, width], spectrograms among it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from backend.models import explaining
from backend.models.explaining import Ask, affordable, log_odds
from backend.models.explaining_gradients import Heat
from backend.models.picture_cells import Cells, border_colour, cover

FINEST, COARSEST = 8, 2
"""Cells along the longer side of a picture."""
BATCH = 32
MOST_SHOWN = 56
"""A map is sent with at most so many values along a side."""
CANDIDATES = 3
"""So many places are tried for each size of what is covered."""


@dataclass(frozen=True)
class Subject:
    """A picture and its answer.

    image: as the network takes it, [c, h, w]. picture: a PNG file in base64 of what it saw. about:
    the number of the class that is explained.
    """

    ask: Ask
    image: Tensor
    picture: str
    classes: list[str]
    about: int


def explain_picture(
    ask: Ask,
    image: Tensor,
    picture: str,
    classes: list[str],
    heat: Heat | None,
    about: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The parts of an explanation, the quickest first.

    heat: a map by gradients, where the network has one. about: the class to explain, if it is not
    the answer itself.
    """
    with torch.inference_mode():
        scores, seconds = explaining.measure(lambda: ask(image[None]))
    answer = int(scores[0].argmax())
    subject = Subject(
        ask, image, picture, classes, classes.index(about) if about in classes else answer
    )
    cells = Cells.over(image.shape[1], image.shape[2], FINEST)
    size = explaining.marked_count(cells.count)
    draws = affordable(seconds, explaining.FEWEST_DRAWS, explaining.RANDOM_DRAWS)
    random = _without(subject, cells, explaining.random_choices(cells.count, size, draws))
    if heat is not None:
        values = heat(subject.about).detach().float().cpu().clamp(min=0)
        checked = _check(subject, cells, cells.means(values), scores, random)
        yield _heat(subject, "gradients", values, checked)
    windows = affordable(seconds, 1, (FINEST + 1) ** 2)
    if windows < (COARSEST + 1) ** 2 and heat is not None:
        return  # too slow a network to be asked so often: the gradients must do
    coarse = Cells.over(
        image.shape[1], image.shape[2], max(COARSEST, math.isqrt(windows) - 1)
    )  # fmt: skip
    drops, covered, masks = _occlude(subject, coarse, scores)
    checked = _check(subject, cells, cells.means(drops), scores, random)
    yield _heat(subject, "covering", drops.clamp(min=0), checked)
    if subject.about == answer:
        yield _changes(subject, coarse, drops, covered, masks)


def _scores(subject: Subject, masks: Tensor) -> Tensor:
    """Scores [b, classes] of the picture with each of the masks [b, h, w] covered."""
    colour = border_colour(subject.image)
    parts = []
    with torch.inference_mode():
        for part in masks.split(BATCH):
            parts.append(subject.ask(cover(subject.image, part, colour)).float().cpu())
    return torch.cat(parts)


def _without(subject: Subject, cells: Cells, choices: list[Tensor]) -> Tensor:
    """Scores of the picture without each choice of cells."""
    chosen = torch.stack([cells.of_numbers(numbers) for numbers in choices])
    return _scores(subject, cells.masks(chosen))


def _check(
    subject: Subject, cells: Cells, marks: Tensor, scores: Tensor, random: Tensor
) -> dict[str, Any]:
    """What covering the most marked tenth does, beside a random tenth (already asked)."""
    top = marks.flatten().argsort(descending=True, stable=True)
    marked = _without(subject, cells, [top[: explaining.marked_count(cells.count)]])
    about = subject.about
    odds = [log_odds(part.float().cpu(), about) for part in (scores, marked, random)]
    shares = [part.float().cpu().softmax(1)[:, about] for part in (scores, marked, random)]
    found: dict[str, Any] = explaining.check(
        float(odds[0][0]), float(odds[1][0]), odds[2].tolist(),
        {"before": float(shares[0][0]), "marked": float(shares[1][0]),
         "random": float(shares[2].mean())},
    )  # fmt: skip
    return found


def _heat(subject: Subject, method: str, values: Tensor, checked: dict[str, Any]) -> dict[str, Any]:
    shown = explaining.relative(_small(values))
    return {
        "kind": "heat", "method": method, "about": subject.classes[subject.about],
        "values": explaining.rounded(shown), "picture": subject.picture, "check": checked,
    }  # fmt: skip


def _small(values: Tensor) -> Tensor:
    """A map [h, w] with at most MOST_SHOWN values along a side: means of what is left out."""
    height, width = (min(side, MOST_SHOWN) for side in values.shape)
    return torch.nn.functional.adaptive_avg_pool2d(values[None], (height, width))[0]


def _occlude(subject: Subject, cells: Cells, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How much covering around each cell hurts, [rows, columns]; and what was asked for that.

    Squares of 2 x 2 cells at every place (Zeiler and Fergus, 2014); a cell's value is the mean
    over those that cover it. Also scores [n, classes] of the squares, bool [n, rows, columns].
    """
    chosen = cells.windows(min(2, cells.rows, cells.columns), beyond=1)
    chosen = chosen[chosen.flatten(1).any(dim=1)]
    covered = _scores(subject, cells.masks(chosen))
    before = log_odds(scores.float().cpu(), subject.about)
    drops = before - log_odds(covered, subject.about)
    weights = chosen.flatten(1).float()
    means = (weights * drops[:, None]).sum(dim=0) / weights.sum(dim=0)
    return means.view(cells.rows, cells.columns), covered, chosen


def _changes(
    subject: Subject, cells: Cells, drops: Tensor, covered: Tensor, masks: Tensor
) -> dict[str, Any]:
    """The smallest square found whose covering changes the answer.

    First the squares that were covered anyway and the single cells in them, then larger and larger
    ones where covering hurt most; never more than half of the picture.
    """
    flips = (covered.argmax(dim=1) != subject.about).nonzero()[:, 0].tolist()
    if flips:
        sizes = [int(masks[number].sum()) for number in flips]
        best = min(zip(sizes, flips, strict=True))[1]
        singles = [
            cells.of_numbers(number) for number in masks[best].flatten().nonzero()[:, 0].tolist()
        ]
        return _first_flip(subject, cells, [*singles, masks[best]], True)
    candidates = []
    for side in range(3, max(cells.rows, cells.columns)):
        if side > min(cells.rows, cells.columns) or side**2 > cells.count / 2:
            break
        squares = cells.windows(side)
        weights = (squares * drops).flatten(1).sum(dim=1)
        order = weights.argsort(descending=True, stable=True)[:CANDIDATES]
        candidates += [squares[number] for number in order.tolist()]
    return _first_flip(subject, cells, candidates, False)


def _first_flip(
    subject: Subject, cells: Cells, candidates: list[Tensor], known: bool
) -> dict[str, Any]:
    """The first of the choices, smallest first, without which the answer is another."""
    found: dict[str, Any] = {
        "kind": "changes", "of": "picture", "found": False, "picture": subject.picture,
        "before": subject.classes[subject.about], "tried": len(candidates) + known,
    }  # fmt: skip
    if not candidates:
        return found
    shares = _scores(subject, cells.masks(torch.stack(candidates))).softmax(dim=1)
    for chosen, row in zip(candidates, shares, strict=True):
        after = int(row.argmax())
        if after != subject.about:
            found |= {
                "found": True, "after": subject.classes[after],
                "probability": round(float(row[after]), explaining.DIGITS),
                "box": cells.corners(chosen), "share": round(float(chosen.float().mean()), 4),
            }  # fmt: skip
            return found
    return found
