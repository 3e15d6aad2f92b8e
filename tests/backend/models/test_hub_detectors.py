"""Detectors of transformers from a folder: tiny ones that the test saves, learnt on and asked."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.datasets.images import encode_png
from backend.datasets.store import Store
from backend.errors import ModelError
from backend.models.hub_detectors import HubDetector
from backend.models.spec import Weights
from backend.tasks import get_task
from backend.tasks.object_detection import HUB_KINDS, DetectionOptions
from backend.training import checkpoints
from backend.training.config import config_from
from backend.training.evaluation import evaluate
from storage.records import Dataset
from tests.backend.tasks.samples import boxes_dataset

CPU = torch.device("cpu")
TASK = get_task("object-detection")
SMALL = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_queries": 12,
    "num_labels": 7,
}  # fmt: skip
RESNET = {
    "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16, 16, 24],
    "depths": [1, 1, 1, 1], "layer_type": "basic", "out_features": ["stage4"],
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "detr": {**SMALL, "use_timm_backbone": False, "backbone_config": RESNET},
    "yolos": {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "num_labels": 7,
        "intermediate_size": 32, "image_size": [64, 64], "num_detection_tokens": 12,
    },
    "rt_detr": {
        **SMALL, "encoder_hidden_dim": 32, "num_denoising": 4, "decoder_in_channels": [32] * 3,
        "encoder_in_channels": [16, 16, 24], "num_feature_levels": 3, "decoder_n_points": 2,
        "backbone_config": {
            "model_type": "rt_detr_resnet", "embedding_size": 8, "hidden_sizes": [8, 16, 16, 24],
            "depths": [1, 1, 1, 1], "layer_type": "basic", "out_features": [
                "stage2", "stage3", "stage4"
            ],
        },
    },
}  # fmt: skip


def save_tiny(folder: Path, kind: str) -> Path:
    """A model as save_pretrained writes it: configuration, safetensors, preprocessing."""
    from transformers import AutoConfig, AutoModelForObjectDetection

    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **KINDS[kind])
    AutoModelForObjectDetection.from_config(config).save_pretrained(folder)
    record: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    if kind == "rt_detr":
        record["do_normalize"] = False
    (folder / "preprocessor_config.json").write_text(json.dumps(record))
    return folder


def prepared(folder: Path, dataset: Dataset, **changes: Any) -> tuple[Any, Any, Any, Any]:
    spec = TASK.get_model(str(folder))
    values = {"image_size": 64, "pretrained": True, "score_threshold": 0.001, **changes}
    config = config_from(TASK.config, values)
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=True)
    return spec, config, processor, model


@pytest.mark.parametrize("kind", list(KINDS))
def test_it_learns_saves_and_answers_the_same(home: Path, tmp_path: Path, kind: str) -> None:
    dataset = boxes_dataset(24)
    folder = save_tiny(tmp_path / "tiny", kind)
    spec, config, processor, model = prepared(folder, dataset)
    assert TASK.weights(spec) is Weights.HERE
    assert spec.parameters > 0
    assert processor.mean == ([0.0] * 3 if kind == "rt_detr" else [0.5] * 3)
    split = TASK.load_split(dataset, processor, config, "train")
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []
    model.train()
    for _ in range(10):
        loss = TASK.compute(model, split.batch(torch.arange(8), CPU), train=True)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < losses[0], losses

    validation = TASK.load_split(dataset, processor, config, "validation")
    measured = evaluate(TASK, model, processor, validation, 4, CPU)
    assert measured is not None
    assert {"loss", "map", "map50", "picture_ms"} <= measured.keys()

    # The folder may go: a saved model is whole.
    checkpoints.save_checkpoint(
        tmp_path / "saved", model, processor.save, {}, step=1, epoch=1.0, metrics={}, is_best=True
    )
    folder.rename(tmp_path / "gone")
    saved = checkpoints.load_checkpoint(tmp_path / "saved")
    again = TASK.load_processor(saved.path)
    other = TASK.build_model(spec, again, config, pretrained=False)
    checkpoints.load_weights(other, saved)
    store = Store.open(dataset.id)
    inputs = [encode_png(store.image(int(index))) for index in store.indices("test")]
    options = DetectionOptions(threshold=0.0)
    with torch.inference_mode():
        before = TASK.predict(model.eval(), processor, inputs, CPU, options)
        after = TASK.predict(other.eval(), again, inputs, CPU, options)
    assert before == after
    assert before[0]["boxes"]
    assert {box["label"] for reply in before for box in reply["boxes"]} <= {"tall", "wide"}


def test_nothing_counts_as_a_class_only_where_the_model_has_it() -> None:
    """Two classes: three scores are weighed against each other, two are each for themselves."""

    class Answers(torch.nn.Module):
        logits: torch.Tensor

        def forward(self, pixel_values: torch.Tensor) -> Any:
            from types import SimpleNamespace

            boxes = torch.tensor([[[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.5, 0.5]]])
            return SimpleNamespace(logits=self.logits, pred_boxes=boxes)

    net = Answers()
    model = HubDetector(net, classes=2, least_score=0.3, most_boxes=10)
    images, sizes = torch.zeros(1, 3, 64, 64), torch.tensor([[64, 40]])
    net.logits = torch.tensor([[[0.0, 5.0, 0.0], [0.0, 0.0, 5.0]]])
    (found,) = model.find(images, sizes)
    assert found["labels"].tolist() == [1]
    assert found["boxes"].tolist() == [[16, 16, 40, 48]], "cut at the edge of the picture"
    net.logits = torch.tensor([[[3.0, 5.0], [-9.0, -9.0]]])
    (found,) = model.find(images, sizes)
    assert found["labels"].tolist() == [1, 0]
    assert found["scores"].tolist() == pytest.approx([0.9933, 0.9526], abs=1e-3)


def test_what_finds_nothing_is_refused_before_the_start(home: Path, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "detr")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(ModelError, match="of the kind bert"):
        TASK.weights(TASK.get_model(str(folder)))
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"x": "y.Z"}}))
    with pytest.raises(ModelError, match="program code"):
        TASK.weights(TASK.get_model(str(folder)))
    assert TASK.weights(TASK.get_model("facebook/detr-resnet-50")) is Weights.DOWNLOAD


def test_a_backbone_of_timm_loads_without_fetching_its_own_weights(
    home: Path, tmp_path: Path
) -> None:
    """As the well-known facebook/detr-resnet-50 is configured, in small."""
    options = {key: value for key, value in KINDS["detr"].items() if key != "backbone_config"}
    KINDS["detr-timm"] = {**options, "use_timm_backbone": True, "backbone": "resnet10t"}
    from transformers import AutoConfig, AutoModelForObjectDetection

    config = AutoConfig.for_model("detr", **KINDS.pop("detr-timm"))
    folder = tmp_path / "timm"
    AutoModelForObjectDetection.from_config(config).save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    assert written["backbone_config"]["model_type"] == "timm_backbone"
    *_, model = prepared(folder, boxes_dataset(12))
    images, sizes = torch.zeros(1, 3, 64, 64), torch.tensor([[64, 64]])
    with torch.inference_mode():
        assert len(model.eval().find(images, sizes)) == 1


def test_the_kinds_are_those_that_transformers_knows() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES

    assert set(HUB_KINDS) <= set(MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES)
