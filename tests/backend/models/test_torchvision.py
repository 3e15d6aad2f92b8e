"""torchvision's networks: true file names, verified weights, frozen backbones."""

import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import DownloadError, ModelError
from backend.models import torchvision, weights
from backend.models.spec import ModelSpec, Weights
from backend.tasks import get_task

TASK = get_task("image-classification")
MOBILENET = TASK.get_model("mobilenet_v2")
SPECS = [spec for spec in TASK.models if spec.library == "torchvision"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_file_names_and_sizes_are_torchvisions_own(spec: ModelSpec) -> None:
    from torchvision.models import get_model_weights

    known = {entry.url: entry for entry in get_model_weights(spec.name)}
    entry = known[torchvision.SERVER + spec.checkpoint]
    assert spec.download_mb == pytest.approx(entry.meta["_file_size"] * 1.048576, abs=1)


def _network(**changes: Any) -> Any:
    options = {"pretrained": True, "freeze_backbone": False, **changes}
    return torchvision.build_network(MOBILENET, 4, 64, **options)


def test_pretrained_weights_fill_all_but_the_head(home: Path) -> None:
    assert torchvision.where(MOBILENET) is Weights.HERE
    stored = torch.load(_packaged(), map_location="cpu", weights_only=True)
    own = _network().state_dict()
    for name, value in own.items():
        if name.startswith("classifier.1."):
            assert value.shape[0] == 4
        else:
            assert torch.equal(value, stored[name]), name


def _packaged() -> Path:
    package, path, _ = torchvision.PACKAGED[MOBILENET.checkpoint]
    found = weights.package_file(package, path)
    assert found is not None
    return found


def test_one_flipped_bit_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "mobilenet.pth"
    shutil.copy(_packaged(), damaged)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(weights, "package_file", lambda *args: damaged)
    with pytest.raises(ModelError, match="changed or damaged"):
        _network()


def test_a_frozen_backbone_keeps_its_statistics(home: Path) -> None:
    model = _network(freeze_backbone=True)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainable = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trainable == ["classifier.1.weight", "classifier.1.bias"]
    model(torch.randn(4, 3, 64, 64)).sum().backward()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    model.eval()
    assert not model.classifier.training


def test_without_internet_a_download_says_what_to_do(home: Path) -> None:
    spec = TASK.get_model("resnet18")
    assert torchvision.where(spec) is Weights.DOWNLOAD
    start = time.monotonic()
    with pytest.raises(DownloadError, match="mobilenet_v2"):
        torchvision.build_network(spec, 4, 64, pretrained=True, freeze_backbone=False)
    assert time.monotonic() - start < 10


def test_an_unreachable_server_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(urllib.request, "urlopen", fail)
    target = tmp_path / "new" / "file.pth"
    with pytest.raises(DownloadError, match="What to do"):
        weights.download("https://example.org/file.pth", target, "00", "What to do.")
    assert list(target.parent.iterdir()) == []


def test_a_download_of_other_content_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **o: io.BytesIO(b"something"))
    target = tmp_path / "new" / "file.pth"
    with pytest.raises(ModelError, match="changed or damaged"):
        weights.download("https://example.org/file.pth", target, "00", "What to do.")
    assert list(target.parent.iterdir()) == []


def test_vision_transformers_take_multiples_of_sixteen() -> None:
    with pytest.raises(ModelError, match="multiple of 16"):
        torchvision.build_network(
            TASK.get_model("vit_b_16"), 2, 40, pretrained=False, freeze_backbone=False
        )
