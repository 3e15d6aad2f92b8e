"""Finding faces: where there is one, that there is none, and a data set cut to its faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import ModelError
from backend.models import face_crops
from backend.models.face_crops import CroppedStore, crop_face, find_face
from storage import files
from tests.backend.tasks.samples import _finish


def drawn_face(side: int = 300, middle: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    """Nobody: hair, skin, eyes, nose and mouth, about as large as the picture allows."""
    image = Image.new("RGB", (side, side), (90, 110, 130))
    pen, unit = ImageDraw.Draw(image), side * 0.8
    x, y = middle[0] * side, middle[1] * side

    def ellipse(dx: float, dy: float, wide: float, high: float, fill: tuple[int, ...]) -> None:
        left, top = x + (dx - wide) * unit, y + (dy - high) * unit
        pen.ellipse((left, top, left + 2 * wide * unit, top + 2 * high * unit), fill=fill)

    ellipse(0, -0.04, 0.27, 0.34, (60, 40, 30))
    ellipse(0, 0.025, 0.22, 0.305, (224, 180, 150))
    for turn in (-1, 1):
        ellipse(turn * 0.095, -0.03, 0.045, 0.02, (245, 245, 245))
        ellipse(turn * 0.095, -0.03, 0.02, 0.02, (40, 30, 20))
        ellipse(turn * 0.095, -0.08, 0.055, 0.008, (70, 50, 40))
    pen.polygon([(x, y), (x - 0.04 * unit, y + 0.1 * unit), (x + 0.04 * unit, y + 0.1 * unit)],
                fill=(200, 150, 125))  # fmt: skip
    ellipse(0, 0.185, 0.085, 0.025, (170, 70, 70))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(side / 150)))


@pytest.mark.parametrize("side", [120, 300, 900])
def test_a_face_is_found_where_it_is(side: int) -> None:
    place = find_face(drawn_face(side))
    assert place is not None
    left, top, right, bottom = (value / side for value in place)
    assert left < 0.4 < 0.6 < right
    assert top < 0.45 < 0.65 < bottom
    assert right - left < 0.85


def test_the_largest_of_two_is_taken() -> None:
    picture = np.full((400, 700, 3), 120, np.uint8)
    picture[50:350, 20:320] = drawn_face(300)
    picture[220:380, 500:660] = drawn_face(160)
    place = find_face(picture)
    assert place is not None
    assert place[2] < 340


def test_grey_pictures_have_faces_too() -> None:
    grey = np.asarray(Image.fromarray(drawn_face()).convert("L"))[:, :, None]
    found = crop_face(grey)
    assert found is not None
    assert found.shape[2] == 1


@pytest.mark.parametrize("shape", [(200, 200, 3), (1, 1, 3), (8, 900, 1)])
def test_without_a_face_there_is_none(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    assert find_face(rng.integers(0, 256, shape, np.uint8)) is None
    assert find_face(np.full(shape, 200, np.uint8)) is None


def test_a_data_set_is_cut_to_its_faces_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = StoreWriter("image-class")
    pictures = [drawn_face(160), np.full((160, 160, 3), 90, np.uint8), drawn_face(140)]
    for number, picture in enumerate(pictures):
        writer.add_image(picture, f"class {number % 2}")
    dataset = _finish(writer, "image-similarity")
    whole, cut = Store.open(dataset.id), CroppedStore.open(dataset.id)
    assert cut.image(0).shape[0] < 150
    assert (cut.image(1) == whole.image(1)).all()
    assert cut.stacked() is None
    monkeypatch.setattr(face_crops, "find_face", lambda image: pytest.fail("looked again"))
    again = CroppedStore.open(dataset.id)
    assert (again.image(2) == cut.image(2)).all()
    assert list((files.home() / "tmp").iterdir()) == []


def test_missing_weights_get_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    face_crops._finder.cache_clear()
    monkeypatch.setattr("backend.models.weights.package_file", lambda *_: None)
    with pytest.raises(ModelError, match="facenet-pytorch"):
        find_face(drawn_face(100))
    face_crops._finder.cache_clear()
