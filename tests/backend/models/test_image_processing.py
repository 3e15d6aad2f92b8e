"""Pictures: one path for training and use, borders, light paper, damaged records."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.datasets.images import decode_image, encode_png
from backend.datasets.store import Store
from backend.datasets.writer import StoreWriter
from backend.errors import CheckpointError, ConfigError
from backend.models import image_processing
from backend.models.augmentation import augment
from backend.models.image_processing import ImageProcessor, ImageSplit, fit_image
from backend.tasks import get_task
from storage import files
from tests.backend.tasks.samples import image_dataset

CPU = torch.device("cpu")
TASK = get_task("image-classification")


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    assert np.array_equal(fit_image(image, 12, 3).transpose(1, 2, 0), image)


def test_nothing_is_cut_off_and_the_rest_is_filled() -> None:
    image = np.full((4, 16, 1), 200, np.uint8)
    fitted = fit_image(image, 8, 3)
    assert fitted.shape == (3, 8, 8)
    assert (fitted == 200).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 200), (200, 1), (7, 5)])
def test_odd_shapes(height: int, width: int) -> None:
    image = np.full((height, width, 3), 9, np.uint8)
    assert fit_image(image, 16, 1).shape == (1, 16, 16)


@pytest.mark.parametrize("size", [0, 24])
@pytest.mark.parametrize("channels", [1, 3])
def test_uploads_equal_training_bit_by_bit(home: Path, size: int, channels: int) -> None:
    dataset = image_dataset(channels=channels)
    spec = TASK.get_model("resnet18")
    config = TASK.config(image_size=size)
    processor = TASK.build_processor(dataset, spec, config)
    store = Store.open(dataset.id)
    for name in ("train", "validation", "test"):
        split = TASK.load_split(dataset, processor, config, name)
        batch = split.batch(torch.arange(len(split)), CPU)
        files_ = [encode_png(store.image(index)) for index in store.indices(name).tolist()]
        assert torch.equal(processor(files_)["images"], batch["images"])


def test_pictures_of_different_shapes(home: Path) -> None:
    writer = StoreWriter("image-class")
    rng = np.random.default_rng(0)
    for number in range(30):
        shape = (int(rng.integers(5, 40)), int(rng.integers(5, 40)), (1, 3)[number % 2])
        writer.add_image(rng.integers(0, 256, shape, dtype=np.uint8), "ab"[number % 2])
    writer.finish()
    files.datasets_dir()
    writer.folder.rename(files.dataset_dir("mixed"))
    store = Store.open("mixed")
    processor = image_processing.build_image_processor(store, ["a", "b"], 20, 3, colours=None)
    assert not processor.dark_background
    split = ImageSplit(store, processor, "train")
    batch = split.batch(torch.arange(len(split)), CPU)
    uploads = [encode_png(store.image(index)) for index in store.indices("train").tolist()]
    assert torch.equal(processor(uploads)["images"], batch["images"])


def test_large_splits_give_the_same_numbers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = image_dataset()
    config = TASK.config()
    processor = TASK.build_processor(dataset, TASK.get_model("cnn"), config)
    indices = torch.tensor([3, 1, 7])
    store = Store.open(dataset.id)
    expected = ImageSplit(store, processor, "train").batch(indices, CPU)
    for limit in ("MOST_FLOATS", "MOST_BYTES"):
        monkeypatch.setattr(image_processing, limit, 0)
        found = ImageSplit(store, processor, "train").batch(indices, CPU)
        assert torch.equal(found["images"], expected["images"])
        assert torch.equal(found["labels"], expected["labels"])


def test_dark_on_light_uploads_are_turned_round(home: Path) -> None:
    dataset = image_dataset(channels=1)
    processor = TASK.build_processor(dataset, TASK.get_model("mlp"), TASK.config())
    assert isinstance(processor, ImageProcessor)
    assert processor.dark_background
    image = Store.open(dataset.id).image(0)
    original, hints = processor.read(encode_png(image))
    turned, turned_hints = processor.read(encode_png(255 - image))
    assert hints == []
    assert turned_hints == [image_processing.TURNED]
    assert torch.equal(original, turned)


def test_a_set_with_one_light_picture_is_never_turned(home: Path) -> None:
    writer = StoreWriter("image-class")
    for number in range(20):
        image = np.zeros((8, 8, 1), np.uint8)
        image[3:5, 3:5] = 100 + number
        writer.add_image(255 - image if number == 7 else image, "ab"[number % 2])
    writer.finish()
    files.datasets_dir()
    writer.folder.rename(files.dataset_dir("light"))
    store = Store.open("light")
    processor = image_processing.build_image_processor(store, ["a", "b"], 8, 1, colours=None)
    assert not processor.dark_background


def test_colour_pictures_are_never_turned(home: Path) -> None:
    dataset = image_dataset(channels=3)
    processor = TASK.build_processor(dataset, TASK.get_model("cnn"), TASK.config())
    assert isinstance(processor, ImageProcessor)
    assert not processor.dark_background


def test_answers_show_what_the_model_saw(home: Path) -> None:
    import base64

    dataset = image_dataset()
    config = TASK.config()
    spec = TASK.get_model("mlp")
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=False).eval()
    image = Store.open(dataset.id).image(0)
    with torch.inference_mode():
        [answer] = TASK.predict(model, processor, [encode_png(image)], CPU, TASK.options())
    assert np.array_equal(decode_image(base64.b64decode(answer["seen"])), image)


def test_the_classic_network_has_its_size() -> None:
    from backend.models.networks import MLP

    assert sum(weight.numel() for weight in MLP(1, 28, 10).parameters()) == 784 * 128 + 128 + 1290


@pytest.mark.parametrize("kind", ["light", "standard"])
def test_augmentation_changes_pictures_and_repeats_by_seed(kind: str) -> None:
    images = torch.rand(6, 3, 20, 20)
    torch.manual_seed(1)
    first = augment(images, kind)
    torch.manual_seed(1)
    assert torch.equal(first, augment(images, kind))
    assert not torch.equal(first, augment(images, kind))
    assert first.shape == images.shape
    assert not torch.equal(first, images)
    assert first.min() >= 0
    assert first.max() <= 1


def test_only_training_pictures_are_changed(home: Path) -> None:
    dataset = image_dataset()
    config = TASK.config(augmentation="light")
    processor = TASK.build_processor(dataset, TASK.get_model("cnn"), config)
    indices = torch.arange(4)
    for name, same in (("train", False), ("validation", True)):
        split = TASK.load_split(dataset, processor, config, name)
        once, twice = (split.batch(indices, CPU)["images"] for _ in range(2))
        assert torch.equal(once, twice) is same


def test_a_damaged_record_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "processor.json").write_text('{"classes": []')
    with pytest.raises(CheckpointError, match="Train the model again"):
        ImageProcessor.load(tmp_path)


def test_a_last_batch_of_one_picture(home: Path) -> None:
    dataset = image_dataset()
    config = TASK.config(image_size=32)
    spec = TASK.get_model("mobilenet_v2")
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=False).train()
    batch = TASK.load_split(dataset, processor, config, "train").batch(torch.tensor([0]), CPU)
    assert math.isfinite(float(TASK.compute(model, batch, train=True)["loss"].detach()))
    assert model.training


def test_settings_that_make_no_sense_are_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match="pretrained"):
        TASK.config(freeze_backbone=True)
    with pytest.raises(ConfigError, match="Image size"):
        TASK.config(image_size=3)
    with pytest.raises(ConfigError, match="no pretrained weights"):
        TASK.build_processor(image_dataset(), TASK.get_model("mlp"), TASK.config(pretrained=True))
