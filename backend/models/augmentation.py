"""Random changes to training pictures, for a whole batch at once; used by image splits."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

# light: how far a picture is moved (share of its size), turned (radians) and enlarged or shrunk.
SHIFT, TURN, ZOOM = 0.08, math.radians(10), 0.1
# standard: the share of the area that a crop keeps, and how far it is stretched.
SMALLEST_AREA, STRETCH = 0.35, 4 / 3
# strong, after the crop: how far it is turned, how much brightness (in deviations), contrast and
# colour change, and how much of the area a blank patch covers, in what share of the pictures.
STRONG_TURN, BRIGHTNESS, CONTRAST = math.radians(15), 0.4, 0.4
PATCH_AREA, PATCHED = (0.02, 0.2), 0.5


def augment(images: Tensor, kind: str, *, mirror: bool = True) -> Tensor:
    """Another view of each picture [b, c, h, w]; kind is light, standard or strong.

    light moves, turns and scales a little and suits digits. standard is the random resized crop
    with mirroring that ImageNet models are trained with (Szegedy et al., 2015). strong turns as
    well, changes light and colours, and blanks out a patch (random erasing, Zhong et al., 2020).
    mirror=False mirrors nothing. Random numbers come from torch's global generator, whose state
    checkpoints keep.
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
        first, second = _crop(numbers, mirror=mirror)
    if kind == "strong":
        first, second = _turned(first, second)
    matrices = torch.stack([first, second], dim=1)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return _patched(_recoloured(images)) if kind == "strong" else images


def _crop(numbers: Tensor, *, mirror: bool) -> tuple[Tensor, Tensor]:
    """Both rows [b, 3] of the matrices that look at a part of each picture."""
    area = SMALLEST_AREA + (1 - SMALLEST_AREA) * (numbers[0] + 1) / 2
    stretch = torch.exp(numbers[1] * (math.log(STRETCH) / 2))
    width = (area.sqrt() * stretch).clamp(max=1)
    height = (area.sqrt() / stretch).clamp(max=1)
    across = width * torch.where(numbers[4] < 0, -1.0, 1.0) if mirror else width
    zero = torch.zeros_like(width)
    first = torch.stack([across, zero, numbers[2] * (1 - width)], dim=1)
    return first, torch.stack([zero, height, numbers[3] * (1 - height)], dim=1)


def _turned(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The same part, turned round its middle."""
    angle = (torch.rand(len(first), device=first.device) * 2 - 1) * STRONG_TURN
    cos, sin = torch.cos(angle), torch.sin(angle)
    across, down = first[:, 0], second[:, 1]
    return (
        torch.stack([across * cos, -down * sin, first[:, 2]], dim=1),
        torch.stack([across * sin, down * cos, second[:, 2]], dim=1),
    )


def _recoloured(images: Tensor) -> Tensor:
    """Normalised pictures, each lighter or darker, with more or less contrast and colour."""
    light, contrast, colour = (
        (torch.rand(3, len(images), device=images.device) * 2 - 1).view(3, -1, 1, 1, 1).unbind()
    )
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = (images - mean) * (1 + contrast * CONTRAST) + mean + light * BRIGHTNESS
    if images.shape[1] == 3:
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * (1 + colour)
    return images


def _patched(images: Tensor) -> Tensor:
    """Some of the pictures with a patch of the mean colour, which is 0."""
    count, _, height, width = images.shape
    numbers = torch.rand(5, count, device=images.device)
    area = PATCH_AREA[0] + (PATCH_AREA[1] - PATCH_AREA[0]) * numbers[0]
    stretch = torch.exp((numbers[1] * 2 - 1) * math.log(2) / 2)
    tall, wide = area.sqrt() * stretch, area.sqrt() / stretch
    top, left = numbers[2] * (1 - tall), numbers[3] * (1 - wide)

    def inside(size: int, start: Tensor, length: Tensor) -> Tensor:
        places = (torch.arange(size, device=images.device) + 0.5) / size
        return (places >= start[:, None]) & (places < (start + length)[:, None])

    covered = inside(height, top, tall)[:, :, None] & inside(width, left, wide)[:, None, :]
    covered &= (numbers[4] < PATCHED)[:, None, None]
    return images.masked_fill(covered[:, None], 0.0)
