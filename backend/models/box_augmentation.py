"""Random changes to training pictures together with their boxes; used by box splits.

All random numbers come from torch's global generator, whose state checkpoints keep.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

# How much smaller or larger a picture becomes before a piece of canvas size is cut out (Ghiasi et
# al., 2021, "large-scale jittering", with a narrower range), and how far its colours are moved.
SCALES = (0.75, 1.3)
COLOURS = 0.3
# Of a box that was cut, at least so many pixels on each side stay, or it is dropped.
LEAST_SIDE = 4.0


def augment(
    pixels: Tensor, sizes: Tensor, targets: list[dict[str, Tensor]], kind: str, mean: list[float]
) -> tuple[Tensor, Tensor, list[dict[str, Tensor]]]:
    """Another view of each canvas [b, 3, s, s], its used sizes [b, 2], and its boxes.

    kind: light moves, scales and recolours; standard mirrors as well, which suits photos and not
    digits. mean: the colour of what is empty, as shares of 255.
    """
    from torchvision import tv_tensors

    side = pixels.shape[-1]
    transform = _transform(kind, side, tuple(round(255 * value) for value in mean))
    views, changed = [], []
    for picture, (height, width), target in zip(pixels, sizes.tolist(), targets, strict=True):
        image = tv_tensors.Image(picture[:, :height, :width])
        boxes = tv_tensors.BoundingBoxes(
            target["boxes"], format=tv_tensors.BoundingBoxFormat.XYXY, canvas_size=(height, width)
        )
        view, found = transform(image, {"boxes": boxes, "labels": target["labels"]})
        views.append(view.as_subclass(Tensor))
        changed.append({name: value.as_subclass(Tensor) for name, value in found.items()})
    return torch.stack(views), torch.full_like(sizes, side), changed


@cache
def _transform(kind: str, side: int, fill: tuple[int, ...]) -> Any:
    from torchvision.transforms import v2

    steps = [
        v2.ScaleJitter((side, side), SCALES, antialias=True),
        v2.RandomCrop((side, side), pad_if_needed=True, fill=list(fill)),
        v2.SanitizeBoundingBoxes(min_size=LEAST_SIDE),
        v2.ColorJitter(COLOURS, COLOURS, COLOURS),
    ]
    if kind == "standard":
        steps.append(v2.RandomHorizontalFlip())
    return v2.Compose(steps)
