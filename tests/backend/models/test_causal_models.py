"""Pretrained models that write: a tiny GPT-2 in a folder, LoRA, and folders that do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from backend.errors import ModelError
from backend.models.causal_models import KNOWN, build_network
from backend.models.running_text import END, train_pieces
from backend.tasks import get_task
from backend.training import checkpoints
from backend.training.config import config_from
from backend.training.loop import fit
from tests.backend.tasks.samples import plain_dataset
from tests.backend.training.toy import Notes

CPU = torch.device("cpu")
TASK = get_task("text-generation")


def tiny_gpt2(folder: Path) -> Path:
    """A GPT-2 of two thin layers with a tokenizer of its own, as save_pretrained writes it."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer: Tokenizer = train_pieces(["apple pear plum rain snow goal team"] * 4, 300)
    size = tokenizer.get_vocab_size()
    end = tokenizer.token_to_id(END)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=size, n_positions=32, n_embd=16, n_layer=2, n_head=2,
        bos_token_id=end, eos_token_id=end,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def settings(**changes: object) -> dict[str, object]:
    return {
        "pretrained": True, "batch_size": 8, "epochs": 2, "windows": 24, "context": 64,
        "learning_rate": 1e-2, "device": "cpu", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_a_folder_is_tuned_saved_and_rebuilt_without_it(
    home: Path, tmp_path: Path, tuning: str
) -> None:
    folder = tiny_gpt2(tmp_path / "tiny")
    before = (folder / "model.safetensors").read_bytes()
    spec, dataset = TASK.get_model(str(folder)), plain_dataset()
    config = config_from(TASK.config, settings(tuning=tuning))
    run = tmp_path / "run"
    notes = Notes()
    outcome = fit(TASK, spec, dataset, config, device="cpu", folder=run, monitor=notes)
    first, *_, last = (float.fromhex(loss) for loss in notes.series("val/loss").values())
    assert last < first
    assert outcome.metrics["test/bits_per_byte"] > 0
    assert (folder / "model.safetensors").read_bytes() == before
    # Everything is in the checkpoint: the folder may be gone.
    folder.rename(tmp_path / "away")
    saved = checkpoints.load_checkpoint(run)
    processor = TASK.load_processor(saved.path)
    assert processor.context == 32  # type: ignore[attr-defined] - no longer than it can read
    model = TASK.build_model(spec, processor, config, pretrained=False)
    checkpoints.load_weights(model, saved)
    learnt = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert all("lora_" in name for name in learnt) == (tuning == "lora")
    model.eval()
    with torch.inference_mode():
        [answer] = TASK.predict(model, processor, ["apple"], CPU, TASK.options())
    assert isinstance(answer["text"], str)


def test_additions_resume_exactly(home: Path, tmp_path: Path) -> None:
    spec, dataset = TASK.get_model(str(tiny_gpt2(tmp_path / "tiny"))), plain_dataset()
    config = config_from(TASK.config, settings(tuning="lora"))

    def train(folder: Path, **options: Any) -> Notes:
        resume = options.pop("resume", False)
        notes = Notes(**options)
        fit(TASK, spec, dataset, config, device="cpu", folder=folder, monitor=notes, resume=resume)
        return notes

    whole = train(tmp_path / "whole").series("train/loss")
    first = train(tmp_path / "parts", stop_at=2).series("train/loss")
    rest = train(tmp_path / "parts", resume=True).series("train/loss")
    assert {**first, **rest} == whole
    saved = [checkpoints.load_checkpoint(tmp_path / name, "last") for name in ("whole", "parts")]
    one, other = ((found.path / checkpoints.MODEL).read_bytes() for found in saved)
    assert one == other


def test_lora_begins_where_the_model_was(home: Path, tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "tiny")
    spec = TASK.get_model(str(folder))
    config = config_from(TASK.config, settings())
    processor = TASK.build_processor(plain_dataset(), spec, config)
    plain = build_network(spec, processor, pretrained=True, lora_rank=0).eval()  # type: ignore[arg-type]
    added = build_network(spec, processor, pretrained=True, lora_rank=4).eval()  # type: ignore[arg-type]
    ids = torch.randint(0, 100, (2, 9))
    assert torch.equal(plain(ids), added(ids))
    learning = sum(weight.numel() for weight in added.parameters() if weight.requires_grad)
    whole = sum(weight.numel() for weight in plain.parameters())
    assert 0 < learning < whole / 2
    scores, state = plain.step(ids[:, :4], None)
    for place in range(4, 9):
        scores, state = plain.step(ids[:, place : place + 1], state)
    assert torch.allclose(scores, plain(ids)[:, -1], atol=1e-5)


def test_a_known_architecture_starts_from_zero_without_the_hub(home: Path) -> None:
    spec, dataset = TASK.get_model("distilgpt2"), plain_dataset()
    config = config_from(TASK.config, {"vocabulary_size": 300, "context": 16})
    processor = TASK.build_processor(dataset, spec, config)
    with torch.device("meta"):
        model = TASK.build_model(spec, processor, config, pretrained=False)
    assert len(model.model.transformer.h) == KNOWN[spec.checkpoint]["n_layer"]  # type: ignore[union-attr]


def test_folders_that_do_not_fit_are_refused_before_the_start(home: Path, tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "tiny")
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "architectures": ["BertForSequenceClassification"]}))
    with pytest.raises(ModelError, match="not made to write text"):
        TASK.weights(TASK.get_model(str(folder)))
    path.write_text(json.dumps({**config, "eos_token_id": 5000}))
    with pytest.raises(ModelError, match="do not belong together"):
        TASK.build_processor(
            plain_dataset(), TASK.get_model(str(folder)), config_from(TASK.config, settings())
        )
    (folder / "extra.py").write_text("print('hello')")
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="program code"):
        TASK.weights(TASK.get_model(str(folder)))
