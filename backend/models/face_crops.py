"""Cuts pictures to the face in them, before they are compared; finds faces, recognises nobody."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.datasets.store import Store
from backend.errors import ModelError
from backend.models.faces import FaceFinder, can_find_faces
from storage import files

LARGEST_SIDE = 320
"""Pixels that a picture is looked at with: a face to be compared is large in its picture."""
MARGIN = 0.15
"""What is kept around a face, as a share of its size."""
CACHE = "face-places-1.npy"


@cache
def _finder() -> FaceFinder:
    if not can_find_faces():
        raise ModelError(
            "The weights that find faces are not on this computer. Install the package that "
            "carries them (pip install --no-deps facenet-pytorch==2.6.0), or switch “Crop to the "
            "face” off."
        )
    return FaceFinder()


def find_face(image: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """The largest face of a picture [h, w, 1 or 3] as left, top, right, bottom, with a margin.

    None where there is none from the front. Raises ModelError where the weights are missing.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    seen = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    faces = _finder().find(seen.reshape(size[1], size[0], -1))
    if not len(faces):
        return None
    sides = faces[:, 2:4] - faces[:, :2]
    left, top, right, bottom = (faces[sides.prod(axis=1).argmax(), :4] / scale).tolist()
    reach = MARGIN * max(right - left, bottom - top)
    return (
        max(0, round(left - reach)),
        max(0, round(top - reach)),
        min(width, round(right + reach)),
        min(height, round(bottom + reach)),
    )


def crop_face(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The part of a picture with its largest face; None where there is none."""
    place = find_face(image)
    if place is None:
        return None
    left, top, right, bottom = place
    return image[top:bottom, left:right]


class CroppedStore(Store):
    """A data set whose pictures are cut to their faces; those without a face stay whole.

    All faces are looked for once; where they are is kept beside the data.
    """

    def __init__(self, folder: Path, version: Path | None = None) -> None:
        super().__init__(folder, version)
        self._cache = folder / "cache" / CACHE
        self._places = self._find_all()

    def image(self, index: int) -> NDArray[np.uint8]:
        """One picture's face, uint8 [height, width, channels]."""
        left, top, right, bottom = self._places[index].tolist()
        whole = super().image(index)
        return whole[top:bottom, left:right] if right else whole

    def stacked(self) -> None:
        """Never one block: faces differ in size."""
        return

    def _find_all(self) -> NDArray[np.int32]:
        if self._cache.exists():
            found: NDArray[np.int32] = np.load(self._cache, allow_pickle=False)
            if found.shape == (len(self), 4):
                return found
        print(f"Looking for the faces of {len(self):,} pictures ...", flush=True)
        places = [find_face(super(CroppedStore, self).image(index)) for index in range(len(self))]
        found = np.array([place or (0, 0, 0, 0) for place in places], np.int32)
        print(f"{int((found[:, 2] > 0).sum()):,} of them show a face.", flush=True)
        self._cache.parent.mkdir(exist_ok=True)
        part = files.temporary_dir() / CACHE
        np.save(part, found)
        part.replace(self._cache)
        files.remove_folder(part.parent)
        return found
