"""Three ways to fine-tune a text classifier: all of it, its last layer, small additions (LoRA)."""

from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import ConfigError
from backend.models.spec import Weights
from backend.presets import preset_config
from backend.runs import default_config
from backend.tasks import get_task
from backend.training import checkpoints
from backend.training.config import config_from
from backend.training.loop import fit
from tests.backend.tasks.samples import text_dataset
from tests.backend.training.toy import Notes

CPU = torch.device("cpu")
TASK = get_task("text-classification")
WAYS: dict[str, dict[str, Any]] = {
    "all": {},
    "last layer": {"freeze_backbone": True},
    "additions": {"tuning": "lora", "lora_rank": 4},
}


def _config(**changes: Any) -> Any:
    values = {"pretrained": True, "epochs": 2, "batch_size": 8, "learning_rate": 1e-2}
    return config_from(TASK.config, {**values, **changes})


def _build(folder: Path, config: Any, dataset: Any = None) -> tuple[Any, Any, Any]:
    spec, dataset = TASK.get_model(str(folder)), dataset or text_dataset()
    processor = TASK.build_processor(dataset, spec, config)
    return spec, processor, TASK.build_model(spec, processor, config, pretrained=True)


@pytest.mark.parametrize("way", list(WAYS))
def test_what_learns(home: Path, tiny_bert: Path, way: str) -> None:
    model = _build(tiny_bert, _config(**WAYS[way]))[-1]
    learns = {name for name, weight in model.named_parameters() if weight.requires_grad}
    head = {"classifier.weight", "classifier.bias"}
    assert head <= learns, "the new layer always learns"
    if way == "last layer":
        assert learns == head
    elif way == "additions":
        assert learns - head
        assert all("lora_" in name for name in learns - head)
    else:
        assert learns == {name for name, _ in model.named_parameters()}


def test_additions_begin_where_the_model_was(home: Path, tiny_bert: Path) -> None:
    dataset = text_dataset()
    processor, plain = _build(tiny_bert, _config(), dataset)[1:]
    added = _build(tiny_bert, _config(**WAYS["additions"]), dataset)[-1]
    batch = processor(["apple rain", "goal"], CPU)
    ours = [model.eval().bert(**batch).last_hidden_state for model in (plain, added)]
    assert torch.equal(*ours)
    few = sum(weight.numel() for weight in added.bert.parameters() if weight.requires_grad)
    assert few < sum(weight.numel() for weight in plain.bert.parameters()) / 2


@pytest.mark.parametrize("way", list(WAYS))
def test_a_resume_is_exact_and_the_checkpoint_answers(
    home: Path,
    tmp_path: Path,
    tiny_bert: Path,
    way: str,
) -> None:
    spec, dataset, config = TASK.get_model(str(tiny_bert)), text_dataset(), _config(**WAYS[way])

    def train(name: str, **options: Any) -> Any:
        resume, notes = options.pop("resume", False), Notes(**options)
        fit(
            TASK, spec, dataset, config, device="cpu", folder=tmp_path / name, monitor=notes,
            resume=resume,
        )  # fmt: skip
        return notes.series("train/loss")

    whole = train("whole")
    parts = {**train("parts", stop_at=3), **train("parts", resume=True)}
    assert parts == whole
    assert len(whole) > 10
    saved = [checkpoints.load_checkpoint(tmp_path / name, "last") for name in ("whole", "parts")]
    one, other = ((found.path / checkpoints.MODEL).read_bytes() for found in saved)
    assert one == other
    answers = []
    for found in saved:  # as the playground does it
        processor = TASK.load_processor(found.path)
        model = TASK.build_model(spec, processor, config, pretrained=False)
        checkpoints.load_weights(model, found)
        with torch.inference_mode():
            answers.append(TASK.predict(model.eval(), processor, ["apple"], CPU, TASK.options()))
    assert answers[0] == answers[1]


def test_minilm_learns_with_additions(home: Path) -> None:
    """Whose vectors are means over tokens: its encoder is another part of the network."""
    spec, dataset = TASK.get_model("minilm"), text_dataset()
    assert TASK.weights(spec) is Weights.HERE
    config = _config(tuning="lora", max_length=8)
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=True)
    learns = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert any("lora_" in name for name in learns)
    assert all("lora_" in name or not name.startswith("encoder.") for name in learns)
    assert any(not name.startswith("encoder.") for name in learns)


def test_from_zero_there_is_nothing_to_add_to(home: Path) -> None:
    spec = TASK.get_model("minilm")
    config = _config(pretrained=False, tuning="lora", max_length=8)
    processor = TASK.build_processor(text_dataset(), spec, config)
    with torch.device("meta"):
        model = TASK.build_model(spec, processor, config, pretrained=False)
    assert all(weight.requires_grad for weight in model.parameters())


def test_last_layer_and_additions_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="choose one of them"):
        _config(tuning="lora", freeze_backbone=True)


def test_models_that_are_named_get_the_classic_recipe(home: Path, tiny_bert: Path) -> None:
    spec = TASK.get_model(str(tiny_bert))
    config = preset_config(TASK, spec, "balanced")
    recipe = (config.epochs, config.batch_size, config.warmup_steps, config.weight_decay)
    assert recipe == (3, 16, 500, 0.01)
    assert default_config(TASK.name, str(tiny_bert)).pretrained is True  # type: ignore[attr-defined]
    for known in (spec, *(TASK.get_model(name) for name in ("bert-base", "distilbert", "minilm"))):
        assert "classic recipe" in known.recipe
