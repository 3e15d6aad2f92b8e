"""Folders of transformers models: which are refused, what is fetched, what a tiny one can do."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import DownloadError, ModelError, NotFoundError
from backend.models import hub, hub_download, weights
from backend.models.spec import ModelSpec, Weights
from backend.tasks import get_task
from tests.backend.tasks.samples import text_dataset

TASK = get_task("text-classification")


def _build(folder: Path, **changes: Any) -> tuple[Any, Any]:
    config = TASK.config(pretrained=True, **changes)
    spec = TASK.get_model(str(folder))
    processor = TASK.build_processor(text_dataset(), spec, config)
    return TASK.build_model(spec, processor, config, pretrained=True), processor


def test_a_local_folder_trains_from_its_weights(home: Path, tiny_bert: Path) -> None:
    from safetensors.torch import load_file

    spec = TASK.get_model(str(tiny_bert))
    assert spec.title == "tiny-bert"
    stored = load_file(tiny_bert / "model.safetensors")
    assert spec.parameters == sum(weight.numel() for weight in stored.values())
    assert TASK.weights(spec) is Weights.HERE
    model, processor = _build(tiny_bert)
    own = model.state_dict()
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(own[f"bert.{name}"], stored[name])
    # The model has 24 places: longer texts are cut to that.
    assert processor.max_length == 24
    [answer] = TASK.predict(
        model.eval(), processor, ["apple " * 100], torch.device("cpu"), TASK.options()
    )
    assert answer["label"] in processor.classes


def test_freezing_leaves_only_the_head_to_learn(home: Path, tiny_bert: Path) -> None:
    model, _ = _build(tiny_bert, freeze_backbone=True)
    model.train()
    assert {n for n, w in model.named_parameters() if w.requires_grad} == {
        "classifier.weight",
        "classifier.bias",
    }
    assert model.classifier.training
    assert not model.bert.encoder.layer[0].output.dropout.training


def test_saved_processor_is_a_whole_description(
    home: Path, tmp_path: Path, tiny_bert: Path
) -> None:
    _, processor = _build(tiny_bert)
    target = tmp_path / "saved"
    target.mkdir()
    processor.save(target)
    # Nothing of the original folder is needed any more.
    tiny_bert.rename(tmp_path / "gone")
    again = TASK.load_processor(target)
    spec = TASK.get_model(str(tiny_bert))
    model = TASK.build_model(spec, again, TASK.config(pretrained=True), pretrained=False)
    assert model.config.id2label == dict(enumerate(processor.classes))
    assert json.loads((target / "config.json").read_text())["model_type"] == "bert"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "modeling_mine.py").write_text("x = 1"), "program code (modeling_mine.py)"),
        (lambda f: _change(f / "config.json", auto_map={"AutoModel": "x.Y"}), "auto_map"),
        (lambda f: _change(f / "tokenizer_config.json", auto_map={}), "auto_map"),
        (lambda f: _rename(f, "pytorch_model.bin"), "pytorch_model.bin"),
        (lambda f: _rename(f, "model.pkl"), "model.pkl"),
        (lambda f: (f / "model.safetensors").unlink(), "no weights"),
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("[]"), "damaged"),
    ],
    ids=["code", "auto_map", "tokenizer_auto_map", "bin", "pkl", "weights", "config", "damaged"],
)
def test_unsafe_and_broken_folders_are_refused(
    home: Path, tiny_bert: Path, spoil: Any, words: str
) -> None:
    spoil(tiny_bert)
    spec = TASK.get_model(str(tiny_bert))
    with pytest.raises(ModelError) as raised:
        TASK.weights(spec)
    assert words in str(raised.value)
    with pytest.raises(ModelError):
        TASK.build_processor(text_dataset(), spec, TASK.config(pretrained=True))


def _change(path: Path, **values: Any) -> None:
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**content, **values}))


def _rename(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)


def test_a_truncated_weights_file_gets_a_sentence(home: Path, tiny_bert: Path) -> None:
    path = tiny_bert / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be used"):
        _build(tiny_bert)


def test_a_missing_folder_still_has_a_record(home: Path) -> None:
    spec = TASK.get_model("/no/such/folder")
    assert spec.parameters == 0
    with pytest.raises(ModelError, match="no folder"):
        TASK.weights(spec)


@pytest.mark.parametrize("name", ["nonsense", "a/b/c", "../secret", "https://x.org/m", "a/..", ""])
def test_other_names_are_unknown_and_the_known_are_listed(name: str) -> None:
    with pytest.raises(NotFoundError, match="minilm"):
        TASK.get_model(name)


@pytest.mark.parametrize("name", ["distilbert", "bert-base", "somebody/some-model"])
def test_without_internet_a_download_says_what_to_do(home: Path, name: str) -> None:
    spec = TASK.get_model(name)
    assert TASK.weights(spec) is Weights.DOWNLOAD
    start = time.monotonic()
    with pytest.raises(DownloadError, match="MiniLM"):
        TASK.build_processor(text_dataset(), spec, TASK.config(pretrained=True))
    assert time.monotonic() - start < 10


def test_a_connection_that_fails_becomes_a_download_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def fail(*args: Any, **options: Any) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    with pytest.raises(DownloadError, match="Name or service not known"):
        hub.open_folder("somebody/some-model")


def test_only_safe_files_are_fetched() -> None:
    names = ["config.json", "model.safetensors", "pytorch_model.bin", "modeling.py", "vocab.txt"]
    chosen = hub_download.choose_files("a/b", [*names, "onnx/config.json", "1_Pooling/config.json"])
    assert sorted(chosen) == [
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "vocab.txt",
    ]
    with pytest.raises(DownloadError, match="safetensors"):
        hub_download.choose_files("a/b", ["config.json", "pytorch_model.bin"])


def test_minilm_is_verified(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, inside, _ = hub.PACKAGED[hub.MINILM]
    monkeypatch.setitem(hub.PACKAGED, hub.MINILM, (package, inside, "0" * 64))
    with pytest.raises(ModelError, match="changed or damaged"):
        hub.open_folder(hub.MINILM)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "weights"
    path.write_bytes(b"sound")
    sha256 = hashlib.sha256(b"sound").hexdigest()
    assert weights.verify(path, sha256) == path
    path.write_bytes(b"sounD")
    with pytest.raises(ModelError, match="changed or damaged"):
        weights.verify(path, sha256)


def test_unknown_architectures_get_a_sentence(home: Path, tiny_bert: Path) -> None:
    _change(tiny_bert / "config.json", model_type="no-such-kind")
    spec = ModelSpec("x", "X", "", "transformers", 0, checkpoint=str(tiny_bert))
    with pytest.raises(ModelError, match="no-such-kind"):
        TASK.build_processor(text_dataset(), spec, TASK.config(pretrained=True))
