"""Why something was found where it was: covering parts of the picture around a box."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from backend.models import explaining
from backend.models.box_processing import BoxProcessor
from backend.models.explaining import affordable
from backend.models.image_processing import as_png
from backend.models.picture_cells import Cells, border_colour, cover

Found = dict[str, Tensor]
BATCH = 8
AROUND = 0.6
"""So much of a box's sides is looked at beyond it, in each direction."""
FINEST, COARSEST = 7, 2
BUDGET = 3.0
"""Detectors cost more than networks that sort pictures, and are only asked in this way."""
MOST_SHOWN = 56
"""A map is sent with at most so many values along a side."""
LEAST = 1e-4
"""What is not found at all counts as found with this score."""


class BoxSubject:
    """A picture on its canvas, and one of the boxes that were found in it."""

    def __init__(
        self, model: Any, processor: BoxProcessor, data: bytes, device: torch.device
    ) -> None:
        batch, _ = processor.read([data])
        self.model, self.processor = model, processor
        self.image, self.sizes = batch["images"][0].to(device), batch["sizes"]
        with torch.inference_mode():
            self.found: Found = self._find(self.image[None])[0]
        self.used = tuple(int(side) for side in self.sizes[0].tolist())

    def _find(self, images: Tensor) -> list[Found]:
        found: list[Found] = self.model.find(images, self.sizes.expand(len(images), 2))
        return found

    def scores(self, images: Tensor, box: int) -> Tensor:
        """How sure the box is still found in each picture [b, 3, s, s], [b].

        The best of those of its class, each by how much it overlaps: as D-RISE compares boxes
        (Petsiuk et al., 2021).
        """
        target, label = self.found["boxes"][box].cpu(), int(self.found["labels"][box])
        rows = []
        with torch.inference_mode():
            for part in images.split(BATCH):
                for one in self._find(part):
                    mine = one["labels"].cpu() == label
                    fits = overlap(one["boxes"].cpu()[mine], target) * one["scores"].cpu()[mine]
                    rows.append(float(fits.max()) if len(fits) else 0.0)
        return torch.tensor(rows).clamp(min=LEAST)

    def picture(self) -> str:
        """What the model saw of the picture, as PNG in base64."""
        mean = torch.tensor(self.processor.mean).view(3, 1, 1)
        std = torch.tensor(self.processor.std).view(3, 1, 1)
        height, width = self.used
        pixels = (self.image.cpu() * std + mean).mul(255).round().clamp(0, 255).byte()
        return as_png(pixels[:, :height, :width].contiguous())


def overlap(boxes: Tensor, target: Tensor) -> Tensor:
    """Intersection over union of boxes [k, 4] with one box [4]."""
    low, high = torch.maximum(boxes[:, :2], target[:2]), torch.minimum(boxes[:, 2:], target[2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) + (target[2:] - target[:2]).prod()
    return shared / (areas - shared).clamp(min=1e-9)


def explain_boxes(
    model: Any,
    processor: BoxProcessor,
    data: bytes,
    device: torch.device,
    about: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The parts of an explanation of one box: the surest, or the one whose place about names."""
    subject = BoxSubject(model, processor, data, device)
    count = len(subject.found["scores"])
    if not count:
        return
    box = int(about) if about and about.isdigit() and int(about) < count else 0
    name = processor.classes[int(subject.found["labels"][box])]
    _, seconds = explaining.measure(lambda: subject.scores(subject.image[None], box))
    windows = affordable(seconds, (COARSEST + 1) ** 2, (FINEST + 1) ** 2, BUDGET)
    area = _area(subject, box)
    cells = Cells.over(area[3] - area[1], area[2] - area[0], max(COARSEST, math.isqrt(windows) - 1))
    drops = _occlude(subject, box, area, cells)
    yield _heat(subject, box, name, area, cells, drops)


def _area(subject: BoxSubject, box: int) -> tuple[int, int, int, int]:
    """The box and what is around it, x1, y1, x2, y2 in whole pixels of the canvas."""
    x1, y1, x2, y2 = subject.found["boxes"][box].tolist()
    beside, above = AROUND * (x2 - x1), AROUND * (y2 - y1)
    height, width = subject.used
    left, top = max(0, math.floor(x1 - beside)), max(0, math.floor(y1 - above))
    return (
        left, top, max(left + 1, min(width, math.ceil(x2 + beside))),
        max(top + 1, min(height, math.ceil(y2 + above))),
    )  # fmt: skip


def _masks(subject: BoxSubject, area: tuple[int, int, int, int], masks: Tensor) -> Tensor:
    """Masks [b, h, w] of the area as masks of the canvas."""
    side = subject.image.shape[-1]
    whole = torch.zeros(len(masks), side, side, dtype=torch.bool)
    left, top, right, bottom = area
    whole[:, top:bottom, left:right] = masks
    return whole


def _covered(
    subject: BoxSubject, box: int, area: tuple[int, int, int, int], masks: Tensor
) -> Tensor:
    height, width = subject.used
    colour = border_colour(subject.image[:, :height, :width])
    return subject.scores(cover(subject.image, _masks(subject, area, masks), colour), box)


def _occlude(
    subject: BoxSubject, box: int, area: tuple[int, int, int, int], cells: Cells
) -> Tensor:
    """How much less sure the box is with each cell's surroundings covered, [rows, columns]."""
    chosen = cells.windows(min(2, cells.rows, cells.columns), beyond=1)
    chosen = chosen[chosen.flatten(1).any(dim=1)]
    before = float(subject.found["scores"][box])
    drops = before - _covered(subject, box, area, cells.masks(chosen))
    weights = chosen.flatten(1).float()
    means = (weights * drops[:, None]).sum(dim=0) / weights.sum(dim=0)
    return means.view(cells.rows, cells.columns)


def _heat(
    subject: BoxSubject,
    box: int,
    name: str,
    area: tuple[int, int, int, int],
    cells: Cells,
    drops: Tensor,
) -> dict[str, Any]:
    """The map, with what covering its strongest tenth does beside a random tenth of the area."""
    count = explaining.marked_count(cells.count)
    top = drops.flatten().argsort(descending=True, stable=True)[:count]
    choices = [top, *explaining.random_choices(cells.count, count)]
    masks = cells.masks(torch.stack([cells.of_numbers(one) for one in choices]))
    marked, *random = _covered(subject, box, area, masks).tolist()
    before = float(subject.found["scores"][box])
    told = {"before": before, "marked": marked, "random": sum(random) / len(random)}
    height, width = subject.used
    left, top_edge, right, bottom = area
    shape = (min(height, MOST_SHOWN), min(width, MOST_SHOWN))
    small = torch.nn.functional.interpolate(
        drops.clamp(min=0)[None, None], size=(bottom - top_edge, right - left), mode="bilinear",
        align_corners=False,
    )[0]  # fmt: skip
    canvas = torch.zeros(1, height, width)
    canvas[:, top_edge:bottom, left:right] = small
    whole = torch.nn.functional.adaptive_avg_pool2d(canvas, shape)[0]
    x1, y1, x2, y2 = subject.found["boxes"][box].tolist()
    return {
        "kind": "heat", "method": "covering", "about": name,
        "values": explaining.rounded(explaining.relative(whole)), "picture": subject.picture(),
        "box": [round(v, 4) for v in (x1 / width, y1 / height, x2 / width, y2 / height)],
        "check": explaining.check(before, marked, random, told),
    }  # fmt: skip
