"""Pictures with boxes as a detector takes them: the one path for training, evaluation and use."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from backend.datasets.images import decode_image
from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError
from backend.models.box_augmentation import augment
from backend.models.image_processing import FILE, MOST_BYTES, normalize

SMALLEST_SIDE = 1.0
"""Pixels of the canvas: a box that is narrower there shows nothing, so it is left out."""
SMALL_SHARE = 0.1
"""This share of the training boxes is smaller than what counts as the smallest thing."""

Target = dict[str, Tensor]
"""Of one picture: "boxes", float [k, 4], x1, y1, x2, y2 on the canvas, and "labels", int64 [k]."""


@dataclass
class BoxProcessor:
    """What a detector expects of a picture; saved as JSON with its checkpoints.

    size: the side of the square canvas. The picture lies in its upper left corner, its longer
    side as long as the canvas; the rest has the mean colour. smallest: the side of the smallest
    things that are to be found, in pixels of the canvas.
    """

    classes: list[str]
    size: int
    mean: list[float]
    std: list[float]
    smallest: float
    model_config: dict[str, Any] | None = None  # of a model of transformers

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "BoxProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                "The saved model's description of its pictures is missing or damaged. Train the "
                "model again."
            ) from error

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a picture has on the canvas."""
        scale = self.size / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def place(self, image: NDArray[np.uint8]) -> Tensor:
        """A picture [h, w, 1 or 3] on the canvas, uint8 [3, size, size]."""
        height, width, channels = image.shape
        inner = self.inner_size(height, width)
        if channels == 1:
            image = image.repeat(3, axis=2)
        if inner != (height, width):
            picture = Image.fromarray(image).resize(inner[::-1], Image.Resampling.BILINEAR)
            image = np.asarray(picture)
        canvas = np.empty((self.size, self.size, 3), np.uint8)
        canvas[:] = np.round(np.array(self.mean) * 255)
        canvas[: inner[0], : inner[1]] = image
        return torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1)))

    def to_canvas(self, boxes: NDArray[np.float32], height: int, width: int) -> Tensor:
        """Boxes [k, 4] in pixels of a picture as boxes on the canvas, cut to the picture."""
        inner = self.inner_size(height, width)
        scale = np.array([inner[1] / width, inner[0] / height] * 2, np.float32)
        high = np.array([inner[1], inner[0]] * 2, np.float32)
        return torch.from_numpy((boxes.reshape(-1, 4) * scale).clip(0, high))

    def from_canvas(self, boxes: Tensor, height: int, width: int) -> list[list[float]]:
        """Boxes [k, 4] on the canvas in pixels of a picture of this size."""
        inner = self.inner_size(height, width)
        scale = torch.tensor([width / inner[1], height / inner[0]] * 2)
        found: list[list[float]] = (boxes.cpu() * scale).tolist()
        return found

    def normalize(self, pixels: Tensor) -> Tensor:
        """Bytes of canvases as the floats that the network was made for."""
        return normalize(pixels, self.mean, self.std)

    def read(self, inputs: Sequence[bytes]) -> tuple[dict[str, Tensor], list[tuple[int, int]]]:
        """A batch from the bytes of picture files, and height and width of what was decoded."""
        images = [decode_image(data) for data in inputs]
        shapes = [(image.shape[0], image.shape[1]) for image in images]
        sizes = torch.tensor([self.inner_size(*shape) for shape in shapes])
        pixels = torch.stack([self.place(image) for image in images])
        return {"images": self.normalize(pixels), "sizes": sizes}, shapes

    def __call__(
        self, inputs: Sequence[bytes], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """A batch without boxes: images, float [b, 3, size, size], and sizes, int64 [b, 2]."""
        batch, _ = self.read(inputs)
        return {"images": batch["images"].to(device), "sizes": batch["sizes"]}


def build_box_processor(
    store: Store, classes: list[str], size: int, mean: list[float], std: list[float]
) -> BoxProcessor:
    """Looks up how small the smallest things are; raises DataError where there is not one box."""
    processor = BoxProcessor(classes, size, mean, std, 0.0)
    sides = []
    for index in store.indices("train").tolist():
        corners, _ = store.boxes(index)
        height, width, _ = store.image(index).shape
        boxes = processor.to_canvas(corners, height, width)
        sides.append((boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt())
    every = torch.cat(sides) if sides else torch.empty(0)
    every = every[every >= SMALLEST_SIDE]
    if len(every) == 0:
        raise DataError(
            "There is not one box in the training pictures. Bring in pictures with boxes around "
            "what is to be found."
        )
    processor.smallest = round(float(every.quantile(SMALL_SHARE)), 1)
    return processor


class BoxSplit:
    """The pictures of one split with their boxes, on canvases, kept as bytes where they fit."""

    lengths: Tensor | None = None

    def __init__(
        self, store: Store, processor: BoxProcessor, split: str, augmentation: str = "none"
    ) -> None:
        self.store, self.processor, self.augmentation = store, processor, augmentation
        self.indices = store.indices(split)
        self.sizes = torch.tensor(
            [processor.inner_size(*store.image(i).shape[:2]) for i in self.indices.tolist()]
        ).reshape(-1, 2)
        self.targets = [self._target(i) for i in self.indices.tolist()]
        self.images: Tensor | None = None
        if len(self.indices) * 3 * processor.size**2 <= MOST_BYTES:
            self.images = self._pixels(torch.arange(len(self.indices)))

    def __len__(self) -> int:
        return len(self.indices)

    def _target(self, index: int) -> Target:
        corners, labels = self.store.boxes(index)
        height, width, _ = self.store.image(index).shape
        boxes = self.processor.to_canvas(corners, height, width)
        good = (boxes[:, 2:] - boxes[:, :2] >= SMALLEST_SIDE).all(dim=1)
        return {"boxes": boxes[good], "labels": torch.from_numpy(labels)[good]}

    def _pixels(self, positions: Tensor) -> Tensor:
        """Canvases, uint8 [b, 3, size, size]."""
        numbers = self.indices[positions.numpy()].tolist()
        # Pillow lets go of Python's lock while it resizes.
        with ThreadPoolExecutor() as pool:
            placed = list(pool.map(lambda i: self.processor.place(self.store.image(i)), numbers))
        side = self.processor.size
        return torch.stack(placed) if placed else torch.empty((0, 3, side, side), dtype=torch.uint8)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor | list[Target]]:
        """{"images", "sizes", "targets"}: what BoxProcessor gives, and the boxes of each."""
        pixels = self._pixels(indices) if self.images is None else self.images[indices]
        sizes = self.sizes[indices]
        targets = [self.targets[index] for index in indices.tolist()]
        if self.augmentation != "none":
            pixels, sizes, targets = augment(
                pixels, sizes, targets, self.augmentation, self.processor.mean
            )
        return {
            "images": self.processor.normalize(pixels).to(device),
            "sizes": sizes,
            "targets": [{name: v.to(device) for name, v in one.items()} for one in targets],
        }
