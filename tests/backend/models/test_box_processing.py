"""Pictures with boxes on canvases and back, the boxes under augmentation, and what is left out."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.datasets.picture_view import shown_picture, upright_size
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import CheckpointError, DataError
from backend.models.box_augmentation import LEAST_SIDE, augment
from backend.models.box_processing import BoxProcessor, BoxSplit, build_box_processor
from tests.backend.tasks.samples import boxes_dataset, things

COLOURS = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def processor(size: int = 64) -> BoxProcessor:
    return BoxProcessor(["tall", "wide"], size, *COLOURS, smallest=14.0)


def test_boxes_come_back_from_the_canvas() -> None:
    boxes = np.array([[0, 0, 300, 100], [30, 20, 60, 90]], np.float32)
    on_canvas = processor().to_canvas(boxes, 100, 300)
    assert on_canvas[0].tolist() == [0, 0, 64, 21]
    assert np.allclose(processor().from_canvas(on_canvas, 100, 300), boxes, atol=1e-3)
    assert processor().to_canvas(np.array([[-9, -9, 400, 400]], np.float32), 100, 300).max() == 64


@pytest.mark.parametrize(("height", "width"), [(20, 60), (60, 20), (64, 64), (200, 131), (1, 900)])
def test_the_box_is_around_the_thing_on_the_canvas_too(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    y1, y2, x1, x2 = height // 4, max(1, height // 2), width // 4, width // 2
    image[y1:y2, x1:x2] = 255
    canvas = processor().place(image)
    assert canvas.shape == (3, 64, 64)
    (box,) = processor().to_canvas(np.array([[x1, y1, x2, y2]], np.float32), height, width)
    inner = processor().inner_size(height, width)
    bright = (canvas.float().mean(0)[: inner[0], : inner[1]] > 128).nonzero()
    if min(height, width) > 1:
        low, high = bright.min(0).values, bright.max(0).values + 1
        assert torch.allclose(torch.tensor([low[1], low[0], high[1], high[0]]).float(), box, atol=2)
    # What is left of the canvas counts as nothing: the mean colour, zero once it is normalised.
    empty = processor().normalize(canvas)[:, inner[0] :, inner[1] :]
    assert empty.abs().max() < 0.02 if empty.numel() else True


def test_upload_and_store_give_the_same_canvas(home: Path) -> None:
    from backend.datasets.images import encode_png

    dataset = boxes_dataset(12)
    store = Store.open(dataset.id)
    made = build_box_processor(store, dataset.classes, 64, *COLOURS)
    assert made.smallest == pytest.approx((10 * 20) ** 0.5 * 64 / 56, abs=0.5)
    split = BoxSplit(store, made, "train")
    batch = split.batch(torch.arange(3), torch.device("cpu"))
    files = [encode_png(store.image(int(index))) for index in split.indices[:3]]
    for name, value in made(files).items():
        assert torch.equal(value, batch[name])  # type: ignore[arg-type]


def test_saved_and_loaded(tmp_path: Path) -> None:
    processor().save(tmp_path)
    assert BoxProcessor.load(tmp_path) == processor()
    (tmp_path / "processor.json").write_text("[]")
    with pytest.raises(CheckpointError, match="damaged"):
        BoxProcessor.load(tmp_path)


def test_slivers_are_left_out_and_pictures_without_boxes_stay(home: Path) -> None:
    image, boxes = things(1)
    with StoreWriter("image-boxes") as writer:
        writer.add_boxes(image, [*boxes, ("wide", 5, 5, 5.2, 40)], 0)
        writer.add_boxes(image, [], 0)
        writer.finish()
        split = BoxSplit(Store(writer.folder), processor(), "train")
        assert [len(target["boxes"]) for target in split.targets] == [len(boxes), 0]
        assert len(split) == 2


def test_no_box_at_all_is_told(home: Path) -> None:
    with StoreWriter("image-boxes") as writer:
        writer.add_boxes(things(0)[0], [], 0)
        writer.finish()
        with pytest.raises(DataError, match="not one box"):
            build_box_processor(Store(writer.folder), ["a"], 64, *COLOURS)


# ------------------------------------------------------------------------ augmentation


def a_batch(count: int = 8) -> tuple[torch.Tensor, torch.Tensor, list[dict[str, torch.Tensor]]]:
    """Grey canvases with one white thing each, in a picture that fills three quarters."""
    pixels = torch.full((count, 3, 64, 64), 60, dtype=torch.uint8)
    targets = []
    for number in range(count):
        x, y = 6 + 3 * number, 30 - 3 * number
        pixels[number, :, y : y + 16, x : x + 12] = 250
        box = torch.tensor([[x, y, x + 12, y + 16]]).float()
        targets.append({"boxes": box, "labels": torch.tensor([number % 2])})
    return pixels, torch.tensor([[48, 64]] * count), targets


@pytest.mark.parametrize("kind", ["light", "standard"])
def test_boxes_move_with_the_picture(kind: str) -> None:
    torch.manual_seed(0)
    pixels, sizes, targets = a_batch()
    views, changed, boxes = augment(pixels, sizes, targets, kind, [0.25, 0.25, 0.25])
    assert views.shape == pixels.shape
    assert views.dtype == torch.uint8
    assert type(views) is torch.Tensor
    assert changed.tolist() == [[64, 64]] * len(views)
    assert not torch.equal(views, pixels)
    seen = 0
    for view, target in zip(views, boxes, strict=True):
        assert type(target["boxes"]) is torch.Tensor
        for box in target["boxes"]:
            x1, y1, x2, y2 = box.round().int().tolist()
            inside = view[:, y1:y2, x1:x2].float().mean()
            around = view.float().sum() - view[:, y1:y2, x1:x2].float().sum()
            outside = around / (view.numel() - 3 * (y2 - y1) * (x2 - x1))
            assert inside > outside + 60
            assert min(x2 - x1, y2 - y1) >= LEAST_SIDE - 1
            seen += 1
    assert seen >= 4


def test_only_torchs_random_numbers_are_used() -> None:
    """They are the ones that a checkpoint keeps for an exact resume."""
    states = random.getstate(), np.random.get_state(legacy=True)[1].tolist()
    torch.manual_seed(3)
    first = augment(*a_batch(), "standard", [0.5] * 3)
    torch.manual_seed(3)
    again = augment(*a_batch(), "standard", [0.5] * 3)
    assert torch.equal(first[0], again[0])
    assert all(torch.equal(a["boxes"], b["boxes"]) for a, b in zip(first[2], again[2], strict=True))
    assert not torch.equal(augment(*a_batch(), "standard", [0.5] * 3)[0], again[0])
    assert states == (random.getstate(), np.random.get_state(legacy=True)[1].tolist())


# ------------------------------------------------------------------------ a user's own picture


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_an_upload_is_that_of_the_upright_picture(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", (1600, 900), (200, 10, 10)).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    upright = (900, 1600) if orientation < 5 else (1600, 900)
    small = (256, 455) if orientation < 5 else (455, 256)
    assert upright_size(data, *small) == upright
    picture, height, width = shown_picture(data)
    assert (height, width) == upright
    shown = Image.open(io.BytesIO(picture))
    assert (shown.height > shown.width) == (height > width)
    assert max(shown.size) <= 1280
    assert not shown.getexif()


def test_what_is_no_picture_is_not_shown() -> None:
    with pytest.raises(DataError):
        shown_picture(b"%!PS-Adobe")
