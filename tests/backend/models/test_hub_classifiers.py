"""Image classifiers of transformers from a folder: tiny ones that the test saves, learnt, asked."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import ModelError
from backend.models.spec import Weights
from backend.runs import default_config
from backend.tasks import get_task
from backend.tasks.image_classification import HUB_KINDS
from backend.training import checkpoints
from backend.training.config import config_from
from tests.backend.tasks.samples import image_dataset, picture

CPU = torch.device("cpu")
TASK = get_task("image-classification")
KINDS: dict[str, dict[str, Any]] = {
    "vit": {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "image_size": 32, "patch_size": 8, "num_labels": 7,
    },
    "swin": {
        "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 2,
        "image_size": 32, "patch_size": 4, "num_labels": 7,
    },
    "convnext": {"hidden_sizes": [8, 16, 16, 24], "depths": [1, 1, 1, 1], "num_labels": 7},
}  # fmt: skip


def save_tiny(folder: Path, kind: str, **changes: Any) -> Path:
    """A model as save_pretrained writes it: configuration, safetensors, preprocessing."""
    from transformers import AutoConfig, AutoModelForImageClassification

    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**KINDS[kind], **changes})
    AutoModelForImageClassification.from_config(config).save_pretrained(folder)
    record = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(record))
    return folder


def prepared(folder: Path, **changes: Any) -> tuple[Any, Any, Any, Any, Any]:
    spec, dataset = TASK.get_model(str(folder)), image_dataset()
    values = {"image_size": 32, "pretrained": True, "augmentation": "none", **changes}
    config = config_from(TASK.config, values)
    processor = TASK.build_processor(dataset, spec, config)
    return dataset, spec, config, processor, TASK.build_model(
        spec, processor, config, pretrained=True
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(KINDS))
def test_it_learns_saves_and_answers_the_same(home: Path, tmp_path: Path, kind: str) -> None:
    folder = save_tiny(tmp_path / "tiny", kind)
    dataset, spec, config, processor, model = prepared(folder)
    assert TASK.weights(spec) is Weights.HERE
    assert (processor.mean, processor.std) == ([0.5] * 3, [0.25] * 3)
    split = TASK.load_split(dataset, processor, config, "train")
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    model.train()
    for _ in range(8):
        loss = TASK.compute(model, split.batch(torch.arange(0, 48, 3), CPU), train=True)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < losses[0], losses

    inputs = [_png(number) for number in range(3)]
    model.eval()
    with torch.inference_mode():
        before = TASK.predict(model, processor, inputs, CPU, TASK.options())
    place = tmp_path / "saved"
    checkpoints.save_checkpoint(
        place, model, processor.save, {}, step=1, epoch=1.0, metrics={}, is_best=True
    )
    shutil.rmtree(folder)  # a checkpoint needs nothing of the folder that it came from
    saved = checkpoints.load_checkpoint(place)
    again = TASK.load_processor(saved.path)
    other = TASK.build_model(spec, again, config, pretrained=False)
    checkpoints.load_weights(other, saved)
    with torch.inference_mode():
        after = TASK.predict(other.eval(), again, inputs, CPU, TASK.options())
    assert after == before
    assert set(before[0]["probabilities"]) == set(dataset.classes)


def _png(number: int) -> bytes:
    from backend.datasets.images import encode_png

    return encode_png(picture(900 + number, number % 3))


def test_pretrained_weights_fill_all_but_the_head(home: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForImageClassification

    folder = save_tiny(tmp_path / "tiny", "vit")
    model = prepared(folder)[-1]
    stored = AutoModelForImageClassification.from_pretrained(folder).state_dict()
    for name, value in model.model.state_dict().items():
        if name.startswith("classifier"):
            assert value.shape[0] == 3
        else:
            assert torch.equal(value, stored[name]), name


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_frozen_one_learns_its_last_layer_only(home: Path, tmp_path: Path, kind: str) -> None:
    model = prepared(save_tiny(tmp_path / "tiny", kind), freeze_backbone=True)[-1]
    learns = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert learns == ["model.classifier.weight", "model.classifier.bias"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_other_sizes_of_pictures(home: Path, tmp_path: Path, kind: str) -> None:
    """Vision transformers know the places of a picture: they are interpolated."""
    processor, model = prepared(save_tiny(tmp_path / "tiny", kind), image_size=64)[-2:]
    assert processor.size == 64
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 3)


def test_its_own_size_is_the_usual_one(home: Path, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "vit")
    assert prepared(folder, image_size=0)[-2].size == 32
    config = default_config(TASK.name, str(folder))
    assert (config.pretrained, config.batch_size) == (True, 16)  # type: ignore[attr-defined]


def test_a_size_that_it_cannot_take_is_refused(home: Path, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "vit", patch_size=16)
    with pytest.raises(ModelError, match="8 x 8 pixels"):
        prepared(folder, image_size=8)


def test_a_model_for_something_else_is_refused_before_the_start(home: Path, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "vit")
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, "model_type": "bert"}))
    with pytest.raises(ModelError, match="of the kind bert, which does not sort pictures"):
        TASK.weights(TASK.get_model(str(folder)))


def test_code_and_unsafe_weights_are_refused(home: Path, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "vit")
    spec = TASK.get_model(str(folder))
    (folder / "modeling.py").write_text("print('gotcha')")
    with pytest.raises(ModelError, match="program code"):
        TASK.weights(spec)
    (folder / "modeling.py").unlink()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        TASK.weights(spec)


def test_every_kind_is_one_that_transformers_can_build() -> None:
    from transformers.models.auto import modeling_auto

    assert set(HUB_KINDS) <= set(modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)
