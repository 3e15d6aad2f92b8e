"""Random changes to training pictures, for a whole batch at once; used by image splits."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

# light: how far a picture is moved (share of its size), turned (radians) and enlarged or shrunk.
SHIFT, TURN, ZOOM = 0.08, math.radians(10), 0.1
# standard: the share of the area that a crop keeps, and how far it is stretched.
SMALLEST_AREA, STRETCH = 0.35, 4 / 3


def augment(images: Tensor, kind: str) -> Tensor:
    """Another view of each picture [b, c, h, w]; kind is light or standard.

    light moves, turns and scales a little and suits digits. standard is the random resized crop
    with mirroring that ImageNet models are trained with (Szegedy et al., 2015). Random numbers
    come from torch's global generator, whose state checkpoints keep.
    """
    count, device = len(images), images.device
    numbers = torch.rand(5, count, device=device) * 2 - 1
    if kind == "light":
        angle = numbers[0] * TURN
        scale = torch.exp(numbers[1] * ZOOM)
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        first = torch.stack([cos, -sin, numbers[2] * 2 * SHIFT], dim=1)
        second = torch.stack([sin, cos, numbers[3] * 2 * SHIFT], dim=1)
    else:
        area = SMALLEST_AREA + (1 - SMALLEST_AREA) * (numbers[0] + 1) / 2
        stretch = torch.exp(numbers[1] * (math.log(STRETCH) / 2))
        width = (area.sqrt() * stretch).clamp(max=1)
        height = (area.sqrt() / stretch).clamp(max=1)
        mirrored = width * torch.where(numbers[4] < 0, -1.0, 1.0)
        zero = torch.zeros_like(width)
        first = torch.stack([mirrored, zero, numbers[2] * (1 - width)], dim=1)
        second = torch.stack([zero, height, numbers[3] * (1 - height)], dim=1)
    matrices = torch.stack([first, second], dim=1)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
