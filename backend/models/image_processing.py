"""Pictures as a network takes them: the one path for training, evaluation and the playground."""

import base64
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

from backend.datasets.images import decode_image, encode_png
from backend.datasets.store import Store
from backend.errors import CheckpointError
from backend.models.augmentation import augment
from backend.models.balance import balance
from backend.models.spec import ModelSpec
from storage.records import Dataset

# Pictures looked at for mean, deviation and background.
SAMPLE = 2000
# A border lighter than this counts as paper, darker than that as a black background (of 255).
LIGHT, DARK = 0.6 * 255, 0.25 * 255
# A split up to this many bytes lives on the device as normalised floats, up to the next in memory
# as bytes; above, its pictures are resized again for every batch.
MOST_FLOATS, MOST_BYTES = 1_000_000_000, 4_000_000_000
FILE = "processor.json"
TURNED = (
    "Your picture is dark on light; the training pictures are light on dark, so its colours were "
    "turned round."
)


def fit_image(image: NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """A picture [h, w, 1 or 3] as [channels, size, size]: all of it, the rest filled up.

    The longer side is resized (antialiased), the shorter one filled with the border's mean
    colour, so that nothing is cut off. A picture of the right size is not changed.
    """
    height, width, given = image.shape
    if (height, width) != (size, size):
        scale = size / max(height, width)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        picture = Image.fromarray(image[:, :, 0] if given == 1 else image)
        resized = np.asarray(picture.resize(inner, Image.Resampling.BILINEAR))
        filled = np.empty((size, size, given), np.uint8)
        filled[:] = _border(image).mean(axis=0).round()
        top, left = (size - inner[1]) // 2, (size - inner[0]) // 2
        filled[top : top + inner[1], left : left + inner[0]] = resized.reshape(
            inner[1], inner[0], given
        )
        image = filled
    if given == 3 and channels == 1:
        image = np.asarray(Image.fromarray(image).convert("L"))[:, :, None]
    elif given == 1 and channels == 3:
        image = image.repeat(3, axis=2)
    # A copy: torch wants memory that it may write to.
    return np.array(image.transpose(2, 0, 1), order="C")


def _border(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The outermost pixels [n, channels]."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def normalize(pixels: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Bytes [..., channels, h, w] as floats: minus mean, by deviation (shares of 255)."""
    # Two plain operations with equal roundings everywhere: devices agree to the last bit.
    centre = torch.tensor(mean, device=pixels.device).mul(255).view(-1, 1, 1)
    factor = torch.tensor(std, device=pixels.device).mul(255).reciprocal().view(-1, 1, 1)
    return pixels.float().sub_(centre).mul_(factor)


@dataclass
class ImageProcessor:
    """What a network was trained to expect of a picture; saved as JSON with its checkpoints."""

    classes: list[str]
    size: int
    channels: int
    mean: list[float]
    std: list[float]
    dark_background: bool
    # Of a network of transformers, whole: a checkpoint needs no folder beside it.
    model_config: dict[str, Any] | None = None

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ImageProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                "The saved model's description of its pictures is missing or damaged. Train the "
                "model again."
            ) from error

    def read(self, data: bytes) -> tuple[Tensor, list[str]]:
        """A file's picture, uint8 [channels, size, size], and what was done to it in words."""
        image = decode_image(data)
        hints = []
        # No picture of the data set has a border as light as that: see build_image_processor.
        if self.dark_background and _border(image).mean() > LIGHT:
            image = 255 - image
            hints.append(TURNED)
        return torch.from_numpy(fit_image(image, self.size, self.channels)), hints

    def normalize(self, pixels: Tensor) -> Tensor:
        """Bytes [..., channels, h, w] as floats of mean 0 and deviation 1, on their device."""
        return normalize(pixels, self.mean, self.std)

    def __call__(
        self, inputs: Sequence[bytes], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """A batch without labels from the bytes of picture files."""
        pixels = torch.stack([self.read(data)[0] for data in inputs])
        return {"images": self.normalize(pixels).to(device)}


def build_image_processor(
    store: Store,
    classes: list[str],
    size: int,
    channels: int,
    *,
    colours: tuple[list[float], list[float]] | None,
    train: NDArray[np.int64] | None = None,
) -> ImageProcessor:
    """Mean, deviation and background of the pictures.

    colours: mean and deviation that pretrained weights expect, in the place of the pictures' own.
    train: the pictures to look at, the training split unless given.
    """
    train = store.indices("train") if train is None else train
    chosen = train[:: max(1, len(train) // SAMPLE)]
    mean, std = colours or _statistics(pixels_of(store, chosen, size, channels))
    return ImageProcessor(classes, size, channels, mean, std, _has_dark_background(store, chosen))


def usual_size(dataset: Dataset, spec: ModelSpec) -> int:
    """Pixels per side that suit a data set's pictures and a model."""
    shape = dataset.details.get("image_shape")
    own: int = max(shape[:2]) if shape else 256
    if spec.library == "trainroom":
        return min(own, 64)
    # Networks for photos halve the size five times: tiny pictures are enlarged.
    return 64 if own <= 64 else 128


def _statistics(pixels: Tensor) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel of bytes [n, channels, h, w], as shares of 255."""
    values = pixels.float().div_(255)
    std, mean = torch.std_mean(values, dim=(0, 2, 3))
    return mean.tolist(), std.clamp(min=1e-3).tolist()


def _has_dark_background(store: Store, sample: NDArray[np.int64]) -> bool:
    """Whether all pictures are grey with a dark border, as handwritten digits often are.

    The mean of a sample says dark, and no single picture of the set is light: so a picture that
    the set holds is never turned round, and the playground scores exactly what the run scored.
    """
    if store.image(0).shape[2] != 1:
        return False
    if np.mean([_border(store.image(index)).mean() for index in sample.tolist()]) > DARK:
        return False
    stacked = store.stacked()
    if stacked is None:
        images = (store.image(index) for index in range(len(store)))
        return all(image.shape[2] == 1 and _border(image).mean() <= LIGHT for image in images)
    sides = (stacked[:, 0], stacked[:, -1], stacked[:, :, 0], stacked[:, :, -1])
    borders = np.concatenate(sides, axis=1).mean(axis=(1, 2))
    return bool((borders <= LIGHT).all())


def pixels_of(store: Store, indices: NDArray[np.int64], size: int, channels: int) -> Tensor:
    """The given pictures of a store as bytes [n, channels, size, size]."""
    stacked = store.stacked()
    if stacked is not None and stacked.shape[1:] == (size, size, channels):
        return torch.from_numpy(np.ascontiguousarray(stacked[indices].transpose(0, 3, 1, 2)))
    pixels = np.empty((len(indices), channels, size, size), np.uint8)

    def place(position: int) -> None:
        pixels[position] = fit_image(store.image(int(indices[position])), size, channels)

    # Pillow lets go of Python's lock while it resizes.
    with ThreadPoolExecutor() as pool:
        list(pool.map(place, range(len(indices)), chunksize=64))
    return torch.from_numpy(pixels)


class ImageSplit:
    """The pictures of one split, prepared once or, where they are too many, batch by batch."""

    lengths: Tensor | None = None

    def __init__(
        self,
        store: Store,
        processor: ImageProcessor,
        split: str,
        augmentation: str = "none",
        class_balance: str = "none",
        indices: NDArray[np.int64] | None = None,
        *,
        mirror: bool = True,
    ) -> None:
        """indices: which pictures, those of the split unless given. mirror: see augment()."""
        self.mirror = mirror
        self.store, self.processor, self.augmentation = store, processor, augmentation
        self.indices = store.indices(split) if indices is None else indices
        self.labels = torch.from_numpy(store.labels[self.indices])
        evened = balance(self.labels, class_balance)
        self.weights, self.draw = evened.weights, evened.draw
        count = len(self.indices) * processor.channels * processor.size**2
        self.images: Tensor | None = None
        if count <= MOST_BYTES:
            self.images = pixels_of(store, self.indices, processor.size, processor.channels)
        # Normalised here, on the processor, as uploads are: the same numbers on every device.
        self.ready = 4 * count <= MOST_FLOATS
        if self.images is not None and self.ready:
            self.images = processor.normalize(self.images)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """{"images": float [b, channels, size, size], "labels": int64 [b]} on the device.

        Where classes are to count alike also "weights", float [b].
        """
        if self.labels.device != device:
            self.labels = self.labels.to(device)
            if self.weights is not None:
                self.weights = self.weights.to(device)
            if self.ready and self.images is not None:
                self.images = self.images.to(device)
        labels = self.labels.index_select(0, indices.to(device))
        images = self._images(indices, device)
        if self.augmentation != "none":
            images = augment(images, self.augmentation, mirror=self.mirror)
        batch = {"images": images, "labels": labels}
        if self.weights is not None:
            batch["weights"] = self.weights.index_select(0, indices.to(device))
        return batch

    def _images(self, indices: Tensor, device: torch.device) -> Tensor:
        if self.images is None:
            size, channels = self.processor.size, self.processor.channels
            pixels = pixels_of(self.store, self.indices[indices.numpy()], size, channels)
        elif self.ready:
            return self.images.index_select(0, indices.to(device))
        else:
            pixels = self.images.index_select(0, indices)
        return self.processor.normalize(pixels.to(device))


def as_png(pixels: Tensor) -> str:
    """Bytes [channels, h, w] as a PNG file in base64, for the answer of a prediction."""
    return base64.b64encode(encode_png(pixels.permute(1, 2, 0).numpy())).decode()
