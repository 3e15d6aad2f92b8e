"""torchvision's networks: true file names, verified weights, frozen backbones."""

import hashlib
import io
import shutil
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import DownloadError, ModelError
from backend.models import torchvision, weights
from backend.models.spec import ModelSpec, Weights
from backend.tasks import get_task
from tests.backend.jobs.conftest import wait_for

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
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **o: io.BytesIO(b"something"))
    target = tmp_path / "new" / "file.pth"
    with pytest.raises(ModelError, match="changed or damaged"):
        weights.download("https://example.org/file.pth", target, "00", "What to do.")
    assert list(target.parent.iterdir()) == []


class Server:
    """A server of one file that can cut its answer short; notes what was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.cut_at, self.takes_ranges = data, 0, True
        self.asked: list[str] = []

    def open(self, request: urllib.request.Request, timeout: float) -> Any:
        asked = request.get_header("Range", "")
        self.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.takes_ranges else 0
        if start >= len(self.data):
            raise urllib.error.HTTPError(request.full_url, 416, "", Message(), None)
        reply: Any = io.BytesIO(self.data[start : self.cut_at or None])
        reply.status = 206 if start else 200
        reply.headers = {"Content-Length": str(len(self.data) - start)}
        self.cut_at = 0
        return reply


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server(bytes(range(256)) * 20)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(urllib.request, "urlopen", found.open)
    return found


def fetch(server: Server, target: Path) -> bytes:
    sha256 = hashlib.sha256(server.data).hexdigest()[:8]
    return weights.download("https://example.org/file.pth", target, sha256, "Do this.").read_bytes()


def test_a_download_that_was_cut_goes_on(server: Server, tmp_path: Path) -> None:
    server.cut_at, target = 3000, tmp_path / "file.pth"
    with pytest.raises(DownloadError, match=r"cut.*What has arrived is kept. Do this."):
        fetch(server, target)
    told: list[tuple[str, int, int]] = []
    with weights.telling(lambda *each: told.append(each)):
        assert fetch(server, target) == server.data
    assert server.asked == ["", "bytes=3000-"]
    assert told[-1] == ("file.pth", len(server.data), len(server.data))
    assert [path.name for path in tmp_path.glob("file*")] == ["file.pth"]
    assert fetch(server, target) == server.data
    assert len(server.asked) == 2, "what is there is not fetched again"


@pytest.mark.parametrize("takes_ranges", [True, False])
@pytest.mark.parametrize("length", [100, 5120, 9000])
def test_what_was_left_of_another_file_is_begun_anew(
    server: Server, tmp_path: Path, length: int, *, takes_ranges: bool
) -> None:
    target, server.takes_ranges = tmp_path / "file.pth", takes_ranges
    (tmp_path / "file.pth.part").write_bytes(b"x" * length)
    assert fetch(server, target) == server.data
    assert [path.name for path in tmp_path.glob("file*")] == ["file.pth"]


def test_a_file_that_lacked_only_its_name_is_not_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "file.pth.part").write_bytes(server.data)
    assert fetch(server, tmp_path / "file.pth") == server.data
    assert server.asked == [f"bytes={len(server.data)}-"]


def test_two_that_want_the_same_file_fetch_it_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "LOOK_SECONDS", 0.01)
    target, waiting = tmp_path / "file.pth", threading.Event()
    really = server.open

    def slowly(*each: Any, **options: Any) -> Any:
        assert waiting.wait(30)
        return really(*each, **options)

    def told(*_: object) -> None:
        waiting.set()

    def second() -> bytes:
        with weights.telling(told):
            return fetch(server, target)

    monkeypatch.setattr(urllib.request, "urlopen", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fetch, server, target)
        wait_for(lambda: (tmp_path / "file.pth.part").exists())
        other = pool.submit(second)
        assert first.result() == other.result() == server.data
    assert len(server.asked) == 1


def test_vision_transformers_take_multiples_of_sixteen() -> None:
    with pytest.raises(ModelError, match="multiple of 16"):
        torchvision.build_network(
            TASK.get_model("vit_b_16"), 2, 40, pretrained=False, freeze_backbone=False
        )
