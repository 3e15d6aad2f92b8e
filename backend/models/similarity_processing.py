"""Pictures to be compared: which of them teach, and how a pair becomes what a network takes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.datasets.images import decode_image, encode_png
from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError, UsageError
from backend.models.face_crops import CroppedStore, crop_face
from backend.models.image_processing import ImageProcessor, ImageSplit, as_png, pixels_of
from backend.models.similarity import Embedder, distances_between

FILE = "processor.json"
# Training pictures among which a picture's like is looked for, and how many are shown.
GALLERY, SHOWN = 400, 4
NO_FACE = "There is no face to be found in the {} picture. Choose one that shows a face from the front, well lit."  # noqa: E501
_galleries: "WeakKeyDictionary[nn.Module, tuple[Tensor, list[tuple[int, int]]]]" = (
    WeakKeyDictionary()
)
"""The vectors of each loaded model's gallery, made when first asked for."""


def store_kind(*, crop_faces: bool) -> type[Store]:
    """How a data set of pictures is opened: each cut to its face where asked for."""
    return CroppedStore if crop_faces else Store


@dataclass
class PairProcessor:
    """How pictures are prepared, and where those lie that a picture's like is looked for among.

    gallery: the number and the class of each of these in the data set.
    """

    pictures: ImageProcessor
    crop_faces: bool
    dataset_id: str
    gallery: list[tuple[int, int]]

    def __post_init__(self) -> None:
        self.classes = self.pictures.classes

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "PairProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        try:
            record = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return cls(**{**record, "pictures": ImageProcessor(**record["pictures"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                "The saved model's description of its pictures is missing or damaged. Train the "
                "model again."
            ) from error

    def open_newest(self) -> Store:
        """The data set as it is by now, in which pictures may be missing; raises DataError."""
        kind = store_kind(crop_faces=self.crop_faces)
        return kind.open(self.dataset_id)

    def read(self, pair: Sequence[bytes]) -> tuple[Tensor, list[str]]:
        """Both pictures, uint8 [2, channels, size, size], and what was done to them in words."""
        if len(pair) != 2:
            raise UsageError("Give two pictures to compare.")
        pixels, hints = [], []
        for place, data in zip(("first", "second"), pair, strict=True):
            if self.crop_faces:
                face = crop_face(decode_image(data))
                if face is None:
                    raise DataError(NO_FACE.format(place))
                data = encode_png(face)
            picture, told = self.pictures.read(data)
            pixels.append(picture)
            hints += told
        return torch.stack(pixels), list(dict.fromkeys(hints))

    def __call__(
        self, inputs: Sequence[Sequence[bytes]], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """{"images": [2 b, channels, size, size]} of b pairs, both of a pair side by side."""
        pixels = torch.cat([self.read(pair)[0] for pair in inputs])
        return {"images": self.pictures.normalize(pixels).to(device)}


class ComparedPictures(ImageSplit):
    """The pictures of one part; those of a class come together in the batches of a training."""

    def __init__(
        self,
        store: Store,
        processor: PairProcessor,
        augmentation: str,
        indices: NDArray[np.int64],
    ) -> None:
        super().__init__(store, processor.pictures, "train", augmentation, indices=indices)
        self.groups = self.labels.clone()


def choose_gallery(store: Store, train: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Which training pictures are kept to look for a picture's like among: evenly spread."""
    chosen = train[:: max(1, -(-len(train) // GALLERY))]
    return list(zip(chosen.tolist(), store.labels[chosen].tolist(), strict=True))


def embed(model: nn.Module, processor: PairProcessor, pixels: Tensor, device: Any) -> Tensor:
    """Vectors [n, width], on the processor, of pictures uint8 [n, channels, size, size]."""
    parts = [
        model(processor.pictures.normalize(part).to(device)).float().cpu()
        for part in pixels.split(64)
    ]
    return torch.cat(parts)


def compare(
    model: Embedder, processor: PairProcessor, pair: Sequence[bytes], device: Any
) -> dict[str, Any]:
    """Whether two picture files show the same, how likely, and what looks like each of them."""
    pixels, hints = processor.read(pair)
    vectors = embed(model, processor, pixels, device)
    distance = distances_between(vectors[:1], vectors[1:])[0, 0]
    sameness = float(model.sameness(distance.to(model.threshold.device)))
    return {
        "match": sameness >= 0.5,
        "score": sameness,
        "distance": float(distance),
        "threshold": float(model.threshold),
        "seen": [as_png(picture) for picture in pixels],
        "alike": most_alike(model, processor, vectors, device),
        "hints": hints,
    }


def most_alike(
    model: nn.Module, processor: PairProcessor, vectors: Tensor, device: Any
) -> list[list[dict[str, Any]]]:
    """Of each vector [n, width] the training pictures nearest to it; none where the data is gone.

    Each as {"label", "distance", "picture": PNG in base64}.
    """
    try:
        store = processor.open_newest()
        if model not in _galleries:
            # Only what the data set still has: pictures may have been taken out of it since.
            present = set(store.present().tolist())
            kept = [(index, label) for index, label in processor.gallery if index in present]
            if not kept:
                return [[] for _ in vectors]
            pixels = _gallery_pixels(store, processor, [index for index, _ in kept])
            _galleries[model] = (embed(model, processor, pixels, device), kept)
    except DataError:
        return [[] for _ in vectors]
    known, kept = _galleries[model]
    best = distances_between(vectors, known).topk(min(SHOWN, len(known)), largest=False)
    found = []
    for distances, rows in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        chosen = [kept[row] for row in rows]
        pictures = _gallery_pixels(store, processor, [index for index, _ in chosen])
        found.append([
            {"label": processor.classes[label], "distance": distance, "picture": as_png(picture)}
            for (_, label), distance, picture in zip(chosen, distances, pictures, strict=True)
        ])  # fmt: skip
    return found


def _gallery_pixels(store: Store, processor: PairProcessor, indices: list[int]) -> Tensor:
    pictures = processor.pictures
    return pixels_of(store, np.array(indices), pictures.size, pictures.channels)
