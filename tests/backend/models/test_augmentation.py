"""Random changes to pictures: what each kind does, and the strips that show them."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.models.augmentation import augment
from backend.runs import default_config
from backend.tasks import get_task
from backend.tasks.image_classification import ImageClassificationConfig
from backend.training.config import config_from
from tests.backend.tasks.samples import image_dataset

TASK = get_task("image-classification")


def _halves(count: int = 64, channels: int = 3) -> torch.Tensor:
    """Pictures whose left half is bright and whose right half is dark."""
    pictures = torch.full((count, channels, 32, 32), -1.0)
    pictures[..., :16] = 1.0
    return pictures


def _mirrored(pictures: torch.Tensor) -> int:
    """How many are brighter on the right now."""
    left, right = pictures[..., :8].mean((1, 2, 3)), pictures[..., -8:].mean((1, 2, 3))
    return int((right > left).sum())


@pytest.mark.parametrize("kind", ["standard", "strong"])
def test_about_half_are_mirrored_and_none_where_that_is_off(kind: str) -> None:
    torch.manual_seed(0)
    assert 16 < _mirrored(augment(_halves(), kind)) < 48
    assert _mirrored(augment(_halves(), kind, mirror=False)) == 0
    assert _mirrored(augment(_halves(), "light")) == 0


@pytest.mark.parametrize("kind", ["light", "standard", "strong"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_stay_and_chance_repeats_with_the_seed(kind: str, channels: int) -> None:
    pictures = torch.rand(8, channels, 20, 28)
    torch.manual_seed(1)
    first = augment(pictures, kind)
    again = augment(pictures, kind)
    torch.manual_seed(1)
    assert torch.equal(augment(pictures, kind), first)
    assert not torch.equal(again, first)
    assert first.shape == pictures.shape
    assert torch.isfinite(first).all()


def test_strong_changes_colours_and_covers_a_part() -> None:
    torch.manual_seed(0)
    plain = torch.ones(64, 3, 32, 32) * torch.tensor([1.0, 0.0, 0.5]).view(3, 1, 1)
    changed = augment(plain, "strong")
    covered = (changed == 0).all(dim=1).float().mean((1, 2))
    assert 0.25 < float((covered > 0).float().mean()) < 0.75
    assert float(covered.max()) < 0.3
    corners = changed[:, :, 0, 0]
    assert float(corners.std(0).min()) > 0.05, "each picture has other colours"
    assert torch.allclose(augment(plain, "standard"), plain), "standard leaves colours as they are"


def _mirrors(channels: int, mirror: str) -> bool:
    dataset = image_dataset(channels=channels)
    config = ImageClassificationConfig(augmentation="standard", mirror=mirror, image_size=16)
    spec = TASK.get_model("cnn")
    processor = TASK.build_processor(dataset, spec, config)
    return bool(TASK.load_split(dataset, processor, config, "train").mirror)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("channels", "mirror", "expected"),
    [(1, "auto", False), (3, "auto", True), (1, "yes", True), (3, "no", False)],
)
def test_grey_pictures_are_not_mirrored_by_themselves(
    home: Path, channels: int, mirror: str, expected: bool
) -> None:
    assert _mirrors(channels, mirror) is expected


@pytest.mark.parametrize("channels", [1, 3])
def test_strips_show_a_picture_and_its_views(home: Path, channels: int) -> None:
    dataset, spec = image_dataset(channels=channels), TASK.get_model("cnn")
    config = config_from(TASK.config, {"augmentation": "strong", "image_size": 16})
    strips = TASK.augmented(dataset, spec, config, count=2, views=3)
    assert len(strips) == 2
    assert strips == TASK.augmented(dataset, spec, config, count=2, views=3), "the same each time"
    row = np.asarray(Image.open(io.BytesIO(strips[0])))
    assert row.shape == (96, 4 * 96 + 24 + 2 * 6, 4)
    parts = [row[:, left : left + 96] for left in (0, 120, 222, 324)]
    assert all((part[..., 3] == 255).all() for part in parts)
    assert len({part.tobytes() for part in parts}) == 4, "all four differ"
    plain = config_from(TASK.config, {"augmentation": "none"})
    assert TASK.augmented(dataset, spec, plain, count=2, views=3) == []


def test_the_inference_process_makes_them(home: Path) -> None:
    from backend import datasets, inference

    known = datasets.get_dataset("digits")
    values = {"augmentation": "light"}
    try:
        strips = inference.augmented(TASK.name, known.id, known.version, "cnn", values)
    finally:
        inference.release()
    assert len(strips) == 2
    assert all(strip.startswith(b"\x89PNG") for strip in strips)
    assert default_config(TASK.name, "cnn").augmentation == "light"  # type: ignore[attr-defined]
