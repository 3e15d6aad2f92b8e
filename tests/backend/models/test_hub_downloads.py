"""Models of the Hub by the real client, from a stand-in: searched, fetched, told, resumed."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from backend.errors import DownloadError, ModelError
from backend.jobs.phase import download_words, downloads_told, read_phase
from backend.models import hub, hub_download, weights
from backend.models.hub_search import HubModel, search_models
from backend.models.spec import Weights
from backend.tasks import get_task
from storage import files
from tests.backend.models.hub_server import HubModelOnServer, Server, model_hub, read_folder
from tests.backend.models.test_hub_classifiers import save_tiny

TASK = get_task("image-classification")
VIT = "ann/tiny-vit"
# Large enough that a download takes several looks.
BIG = {"hidden_size": 256, "num_hidden_layers": 2, "intermediate_size": 256}


@pytest.fixture(scope="module")
def vit_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return read_folder(save_tiny(tmp_path_factory.mktemp("vit") / "tiny", "vit", **BIG))


@pytest.fixture
def models(vit_files: dict[str, bytes]) -> dict[str, HubModelOnServer]:
    code = {**vit_files, "modeling.py": b"print('gotcha')", "pytorch_model.bin": b"unsafe"}
    vit = {"model_type": "vit"}
    good = ["license:apache-2.0", "safetensors", "transformers"]
    return {
        VIT: HubModelOnServer(code, tags=good, config=vit, parameters={"F32": 86_000_000}),
        "ann/half": HubModelOnServer(
            vit_files, tag="image-feature-extraction", config=vit, parameters={"F16": 10_000_000},
            downloads=5000,
        ),
        "ann/talks": HubModelOnServer(vit_files, config={"model_type": "bert"}),
        "ann/own-code": HubModelOnServer(vit_files, config={**vit, "auto_map": {"AutoModel": "x"}}),
        "ann/gated": HubModelOnServer(vit_files, config=vit, gated=True),
        "ann/pickled": HubModelOnServer(vit_files, tags=["transformers"], config=vit),
        "ann/texts": HubModelOnServer(vit_files, tag="text-classification"),
    }  # fmt: skip


@pytest.fixture
def server(
    home: Path, models: dict[str, HubModelOnServer], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The stand-in, and the real client pointed to it."""
    from huggingface_hub import constants

    with model_hub(models) as found:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", found.address)
        template = f"{found.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        # What has arrived is written in pieces of ten megabytes, more than these models have.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 64 * 1024)
        monkeypatch.setattr(hub_download, "LOOK_SECONDS", 0.02)
        yield found


def search(words: str = "") -> list[HubModel]:
    return search_models(words, (TASK.name, *TASK.hub_tags), TASK.hub_kinds)


def test_a_search_lists_what_can_be_used(server: Server) -> None:
    found = search()
    assert [model.id for model in found] == ["ann/half", VIT], "most downloaded first"
    half, vit = found
    assert (vit.licence, vit.parameters, vit.megabytes) == ("apache-2.0", 86_000_000, 344)
    assert vit.memory_mb == pytest.approx(500 + 86 * 16, abs=1)
    assert (half.licence, half.megabytes, half.is_here) == ("mit", 20, False)
    assert [model.id for model in search("tiny")] == [VIT]
    assert search("nothing like it") == []


def test_the_command_line_asks_too(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    from backend.cli.main import main

    asked = ["models", "--task", TASK.name, "--hub", "tiny", "--json"]
    assert main(asked) == 0
    (found,) = json.loads(capfd.readouterr().out)
    assert (found["id"], found["licence"], found["megabytes"]) == (VIT, "apache-2.0", 344)
    assert main(["models", "--task", "word-embeddings", "--hub", ""]) == 2
    assert "only the models of its own list" in capfd.readouterr().err


def test_nobody_is_asked_where_downloads_are_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError, match="switched off"):
        search()
    with pytest.raises(DownloadError, match="switched off"):
        hub.open_folder(VIT)
    assert server.asked == []


def test_a_hub_that_cannot_be_reached_is_told_at_once(
    home: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="cannot be reached"):
        search()
    with pytest.raises(DownloadError, match="could not be downloaded"):
        hub.open_folder(VIT)


def test_a_download_tells_how_far_it_is(
    server: Server, models: dict[str, HubModelOnServer]
) -> None:
    models[VIT].seconds = 0.3
    told: list[tuple[str, int, int]] = []
    spec = TASK.get_model(VIT)
    assert TASK.weights(spec) is Weights.DOWNLOAD
    with weights.telling(lambda *news: told.append(news)):
        folder = hub.open_folder(VIT)
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json"}
    here = [news[1] for news in told]
    total = sum(len(data) for name, data in models[VIT].files.items() if name in names)
    assert {(news[0], news[2]) for news in told} == {(VIT, total)}
    assert here == sorted(here)
    assert len({number for number in here if 0 < number < total}) > 2
    assert TASK.weights(TASK.get_model(VIT)) is Weights.HERE
    assert TASK.get_model(VIT).parameters > 0
    server.asked.clear()
    hub.open_folder(VIT)
    assert server.asked == [], "it is fetched once"


KILLED_IN_THE_MIDDLE = """
import os, sys
from huggingface_hub import constants
from backend.models import hub, hub_download, weights
constants.DOWNLOAD_CHUNK_SIZE, hub_download.LOOK_SECONDS = 64 * 1024, 0.02

def listener(what, here, total):
    if here > total / 3:
        os._exit(7)

with weights.telling(listener):
    hub.open_folder(sys.argv[1])
"""


def test_what_breaks_off_goes_on(
    server: Server, models: dict[str, HubModelOnServer], home: Path
) -> None:
    """A process that ends in the middle leaves what has arrived; the next asks for the rest."""
    size = len(models[VIT].files["model.safetensors"])
    models[VIT].seconds = 2.0
    known = {"HF_ENDPOINT": server.address, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home / "hf")}
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED_IN_THE_MIDDLE, VIT], env=environment | known, check=False
    )
    assert done.returncode == 7
    assert hub.find_folder(VIT) is None, "half a model is none"
    part = files.downloads_dir() / "huggingface" / "ann--tiny-vit.part"
    assert size / 4 < files.folder_bytes(part) < size
    models[VIT].seconds = 0.0
    server.ranges.clear()
    folder = hub.open_folder(VIT)
    assert (folder / "model.safetensors").read_bytes() == models[VIT].files["model.safetensors"]
    assert not part.exists()
    (wanted,) = server.ranges
    assert int(wanted.removeprefix("bytes=").split("-")[0]) > size / 4


def test_two_that_want_the_same_fetch_it_once(
    server: Server, models: dict[str, HubModelOnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_together(folder: Path) -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        check(folder)

    both, check = threading.Barrier(2), hub.check_folder
    monkeypatch.setattr(hub, "check_folder", check_together)
    models[VIT].seconds = 0.3
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(hub.open_folder, [VIT, VIT])
    assert one == other
    assert len(server.ranges) == 1


def test_a_stop_is_heard_while_it_downloads(
    server: Server, models: dict[str, HubModelOnServer]
) -> None:
    models[VIT].seconds = 1.0
    files.run_dir(7).mkdir(parents=True)
    with pytest.raises(weights.DownloadStoppedError), downloads_told(7, lambda: True):
        hub.open_folder(VIT)
    assert hub.find_folder(VIT) is None
    for thread in threading.enumerate():  # the client's own: in a worker it ends with the process
        if thread.name == "download":
            thread.join(30)


def test_a_broken_connection_is_taken_up_again(
    server: Server, models: dict[str, HubModelOnServer]
) -> None:
    models[VIT].cut_at = len(models[VIT].files["model.safetensors"]) // 2
    try:
        folder = hub.open_folder(VIT)
    except DownloadError:  # some versions of the client leave the second try to whoever asked
        folder = hub.open_folder(VIT)
    assert any(wanted for wanted in server.ranges[1:]), "only the rest is asked for"
    assert (folder / "model.safetensors").read_bytes() == models[VIT].files["model.safetensors"]


def test_changed_weights_are_refused(
    server: Server, models: dict[str, HubModelOnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[Any] = []

    def verify(path: Path, sha256: str) -> Path:
        verified.append(path.name)
        raise ModelError("The weights are not the ones they should be.")

    monkeypatch.setattr(weights, "verify", verify)
    with pytest.raises(ModelError, match="not the ones"):
        hub.open_folder(VIT)
    assert verified == ["model.safetensors"]
    assert hub.find_folder(VIT) is None


@pytest.mark.parametrize(
    ("name", "words"), [("ann/gated", "accepted its terms"), ("ann/nothing", "no public model")]
)
def test_what_cannot_be_had_gets_a_sentence(server: Server, name: str, words: str) -> None:
    with pytest.raises(DownloadError, match=words):
        hub.open_folder(name)


def test_a_full_disk_is_told_before(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DownloadError, match="are free on the disk"):
        hub.open_folder(VIT)


def test_a_run_says_what_it_downloads(
    server: Server, models: dict[str, HubModelOnServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.jobs.phase.TELL_SECONDS", 0.0)
    models[VIT].seconds = 0.3
    files.run_dir(7).mkdir(parents=True)
    seen: list[str] = []

    def should_stop() -> bool:
        seen.append(read_phase(7))
        return False

    with downloads_told(7, should_stop):
        hub.open_folder(VIT)
    assert any(words.startswith(f"Downloading {VIT}: ") for words in seen)
    assert read_phase(7) == "", "it is over"
    with pytest.raises(weights.DownloadStoppedError), downloads_told(7, lambda: True):
        weights.tell("something", 1, 2)


def test_words_have_bytes() -> None:
    assert download_words("a/b", 120_000_000, 346_000_000) == (
        "Downloading a/b: 120 of 346 MB (34 %)."
    )
    assert download_words("a/b", 2_000, 4_000) == "Downloading a/b: 2 of 4 kB."
    assert download_words("a.pth", 5_000_000, 0) == "Downloading a.pth: 5 MB so far."
