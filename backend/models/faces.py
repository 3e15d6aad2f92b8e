"""Finds faces in pictures, with the weights of the package facenet-pytorch; for the data doctor.

A cascade of three small networks (MTCNN; Zhang, Zhang, Li and Qiao, 2016): the first looks at
every place in every size, the second and third look closer at what the one before has found.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.models import weights

PACKAGE = "facenet_pytorch"
HASHES = {
    "pnet": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}
SMALLEST_FACE = 20
"""Pixels; smaller ones tell nobody who it is."""
STEP = 0.709
"""From one size of the picture to the next: half the area."""
SURE = (0.6, 0.7, 0.95)
"""What each network must say; the last one is stricter than in the paper: rather miss a face."""
CELL, STRIDE, MIDDLE, FINE = 12, 2, 24, 48


def weights_path(name: str) -> Path | None:
    """Where a network's weights lie, or None where the package is not installed."""
    return weights.package_file(PACKAGE, f"data/{name}.pt")


def can_find_faces() -> bool:
    """Whether the weights are here; loads nothing."""
    return all(weights_path(name) is not None for name in HASHES)


Network = TypeVar("Network", bound=nn.Module)


class FaceFinder:
    """The three networks, loaded; raises ModelError where their files were changed."""

    def __init__(self) -> None:
        self._first = _load("pnet", _First())
        self._second = _load("rnet", _Closer([28, 48, 64], (3, 3, 2), 576, 128, "4", "5"))
        self._third = _load(
            "onet", _Closer([32, 64, 64, 128], (3, 3, 3, 2), 1152, 256, "5", "6", points=10)
        )

    @torch.inference_mode()
    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Faces in a picture, uint8 [h, w, 1 or 3]: x1, y1, x2, y2 and sureness, [k, 5]."""
        pixels = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)
        pixels = (pixels.expand(3, -1, -1).unsqueeze(0) - 127.5) / 128.0
        boxes = self._propose(pixels)
        for network, side, sure in ((self._second, MIDDLE, SURE[1]), (self._third, FINE, SURE[2])):
            if not len(boxes):
                break
            parts = _cut(pixels, boxes, side)
            shift, score = network(parts)
            kept = score > sure
            boxes = torch.cat([boxes[kept, :4], score[kept, None]], dim=1)
            boxes = _moved(boxes, shift[kept])
            boxes = boxes[_apart(boxes, 0.7 if side == MIDDLE else 0.5)]
            boxes = _square(boxes) if side == MIDDLE else boxes
        return boxes.numpy()

    def _propose(self, pixels: Tensor) -> Tensor:
        """Where the first network sees a face, in any size, [k, 5]; squares."""
        height, width = pixels.shape[2:]
        found = [torch.empty(0, 5)]
        scale = CELL / SMALLEST_FACE
        while min(height, width) * scale >= CELL:
            size = (int(height * scale + 1), int(width * scale + 1))
            shift, score = self._first(F.interpolate(pixels, size=size, mode="area"))
            rows, columns = torch.nonzero(score[0] >= SURE[0], as_tuple=True)
            corner = torch.stack([columns, rows], dim=1).float() * STRIDE + 1
            boxes = torch.cat(
                [corner / scale, (corner + CELL - 1) / scale, score[0, rows, columns, None]], dim=1
            )
            kept = _apart(boxes, 0.5)
            found.append(_moved(boxes[kept], shift[0][:, rows[kept], columns[kept]].T))
            scale *= STEP
        boxes = torch.cat(found)
        return _square(boxes[_apart(boxes, 0.7)])


class _First(nn.Module):
    """The network that looks at a whole picture: for each place how sure, and how far off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        x = F.max_pool2d(self.prelu1(self.conv1(pixels)), 2, ceil_mode=True)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x).softmax(dim=1)[:, 1]


class _Closer(nn.Module):
    """The networks that look at one place each; their layers are called as in the weights."""

    def __init__(
        self,
        channels: list[int],
        kernels: tuple[int, ...],
        flat: int,
        width: int,
        dense: str,
        last: str,
        points: int = 0,
    ) -> None:
        super().__init__()
        self._layers = len(channels)
        for number, (before, after, kernel) in enumerate(
            zip([3, *channels], channels, kernels, strict=False), 1
        ):
            self.add_module(f"conv{number}", nn.Conv2d(before, after, kernel))
            self.add_module(f"prelu{number}", nn.PReLU(after))
        self._dense, self._last = dense, last
        self.add_module(f"dense{dense}", nn.Linear(flat, width))
        self.add_module(f"prelu{dense}", nn.PReLU(width))
        self.add_module(f"dense{last}_1", nn.Linear(width, 2))
        self.add_module(f"dense{last}_2", nn.Linear(width, 4))
        if points:  # eyes, nose and mouth: not asked for, but in the weights
            self.add_module(f"dense{last}_3", nn.Linear(width, points))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for number in range(1, self._layers + 1):
            x = self.get_submodule(f"prelu{number}")(self.get_submodule(f"conv{number}")(x))
            if number < self._layers:
                x = F.max_pool2d(x, 2 if number == 3 else 3, 2, ceil_mode=True)
        # The weights were made for columns first.
        x = x.permute(0, 3, 2, 1).flatten(1)
        x = self.get_submodule(f"dense{self._dense}")(x)
        x = self.get_submodule(f"prelu{self._dense}")(x)
        score = self.get_submodule(f"dense{self._last}_1")(x).softmax(dim=1)[:, 1]
        return self.get_submodule(f"dense{self._last}_2")(x), score


def _load(name: str, network: Network) -> Network:
    path = weights_path(name)
    if path is None:
        raise FileNotFoundError(f"the weights {name} are not installed")
    state = torch.load(weights.verify(path, HASHES[name]), weights_only=True, map_location="cpu")
    network.load_state_dict(state)
    return network.eval()


def _cut(pixels: Tensor, boxes: Tensor, side: int) -> Tensor:
    """The places of the boxes in one size, [k, 3, side, side]; what lies outside is left out."""
    height, width = pixels.shape[2:]
    low = boxes[:, :2].trunc().long().clamp(min=0)
    parts = []
    for (x1, y1), (x2, y2) in zip(low.tolist(), boxes[:, 2:4].trunc().long().tolist(), strict=True):
        x1, y1 = min(x1, width - 1), min(y1, height - 1)
        part = pixels[:, :, y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        parts.append(F.interpolate(part, size=(side, side), mode="area"))
    return torch.cat(parts)


def _moved(boxes: Tensor, shift: Tensor) -> Tensor:
    """Boxes moved by shares of their width and height."""
    size = (boxes[:, 2:4] - boxes[:, :2] + 1).repeat(1, 2)
    return torch.cat([boxes[:, :4] + shift * size, boxes[:, 4:]], dim=1)


def _square(boxes: Tensor) -> Tensor:
    """Boxes with the longer side on both, around the same middle."""
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half, boxes[:, 4:]], dim=1)


def _apart(boxes: Tensor, most: float) -> Tensor:
    """The numbers of boxes, surest first, that overlap no surer one by more than this share."""
    order = boxes[:, 4].argsort(descending=True)
    kept: list[int] = []
    corners = boxes[order]
    left = torch.ones(len(order), dtype=torch.bool)
    areas = (corners[:, 2:4] - corners[:, :2]).clamp(min=0).prod(dim=1)
    for place in range(len(order)):
        if not left[place]:
            continue
        kept.append(int(order[place]))
        low = torch.maximum(corners[place, :2], corners[:, :2])
        high = torch.minimum(corners[place, 2:4], corners[:, 2:4])
        shared = (high - low).clamp(min=0).prod(dim=1)
        left &= shared <= most * (areas[place] + areas - shared)
    return torch.tensor(kept, dtype=torch.long)
