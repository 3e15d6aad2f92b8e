"""R12: an upload that is cut at any byte leaves no half data set, and nothing for long."""

import io
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from backend import datasets
from backend.datasets.incoming.given import forget_given, give, given_folder
from backend.datasets.splits import SPLITS
from backend.datasets.store import Store
from backend.errors import TrainroomError
from backend.jobs.aftercare import TEMPORARY_FILE_SECONDS, remove_old_temporary_files
from backend.jobs.processes import ROOT
from backend.jobs.supervisor import Pace, Supervisor
from storage import datasets as stored
from storage import files, runs
from tests.backend.datasets.conftest import class_members, write_zip
from tests.backend.jobs.conftest import queue_run, wait_for
from tests.e2e.app_server import AppServer

TEXTS = "text,label\n" + "".join(
    f'"sentence {number}, said ""twice""",{"yes" if number % 2 else "no"}\n' for number in range(30)
)


@pytest.fixture
def own_home(home: Path) -> Path:
    datasets.list_datasets()
    return home


def temporary_files(home: Path) -> list[Path]:
    return list((home / "tmp").glob("*"))


def own_sets() -> list[str]:
    return [dataset.id for dataset in stored.list_datasets() if not dataset.bundled]


def folders() -> set[str]:
    return {folder.name for folder in files.datasets_dir().iterdir()}


def bring_in(content: bytes, task: str, name: str) -> str | None:
    """As the page does it: upload, then import; the data set's id, or None where it was refused."""
    given = give(name, [(name, io.BytesIO(content))])
    path = given_folder(given.id) / "0"
    try:
        return datasets.import_dataset(path, task=task, name="cut", original_name=name).id
    except TrainroomError:
        return None
    finally:
        forget_given(given.id)


def test_a_table_cut_at_any_byte(own_home: Path) -> None:
    """Refused with nothing kept, or whole rows: a cut table is a shorter table."""
    content, kept = TEXTS.encode(), 0
    points = [*range(0, len(content), 7), len(content)]
    for cut in points:
        known = folders()
        dataset_id = bring_in(content[:cut], "text-classification", "texts.csv")
        assert temporary_files(own_home) == []
        if dataset_id is None:
            assert own_sets() == []
            assert folders() == known
            continue
        kept += 1
        (dataset,) = (one for one in stored.list_datasets() if one.id == dataset_id)
        store = Store.open(dataset_id)
        assert len(store) == dataset.rows == sum(len(store.indices(split)) for split in SPLITS)
        # Every text but the one that was cut is a text of the file.
        texts = [store.text(index) for index in range(len(store))]
        strange = [text for text in texts if not re.fullmatch(r'sentence \d+, said "twice"', text)]
        assert len(strange) <= 1
        datasets.delete_dataset(dataset_id)
        assert folders() == known
    print(f"R12: a table cut at {len(points)} places: {kept} shorter ones, 0 halves")


def test_an_archive_cut_at_any_byte(own_home: Path, tmp_path: Path) -> None:
    content = write_zip(tmp_path / "a.zip", class_members(6)).read_bytes()
    points = [*range(0, len(content), max(1, len(content) // 200)), len(content) - 1]
    known = folders()
    for cut in points:
        assert bring_in(content[:cut], "image-classification", "pictures.zip") is None
        assert own_sets() == []
        assert folders() == known
        assert temporary_files(own_home) == []
    assert bring_in(content, "image-classification", "pictures.zip") is not None
    print(f"R12: an archive cut at {len(points)} places was refused each time, 0 files left")


class BrokenStream(io.BytesIO):
    """Fails after its first megabyte."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 1 << 20:
            raise ConnectionResetError("the other side is gone")
        return super().read(size)


def test_a_stream_that_breaks_leaves_nothing(own_home: Path) -> None:
    with pytest.raises(ConnectionResetError):
        give("big.csv", [("big.csv", BrokenStream(bytes(3 << 20)))])
    assert temporary_files(own_home) == []


IMPORT = """
import sys, time
from pathlib import Path
from backend import datasets

def wait(words, share):
    print("half way", flush=True)
    time.sleep(600)

datasets.import_dataset(
    Path(sys.argv[1]), task="image-classification", name="cut", progress=wait)
"""


def test_what_a_killed_import_left_is_gone_within_ten_minutes(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "a.zip", class_members(6))
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(archive)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert own_sets() == []
    (left,) = temporary_files(own_home)
    upload = given_folder(give("forgotten", [("forgotten.csv", io.BytesIO(TEXTS.encode()))]).id)

    def age(seconds: float) -> None:
        moment = time.time() - seconds
        for folder in (left, upload):
            for path in (*folder.rglob("*"), folder):
                os.utime(path, (moment, moment))

    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    age(TEMPORARY_FILE_SECONDS - 60)
    remove_old_temporary_files()
    assert left.exists()
    assert upload.exists()
    age(TEMPORARY_FILE_SECONDS + 1)
    # By the supervisor, at its first look and then as often as its pace says.
    Supervisor(prepare=False).look()
    assert temporary_files(own_home) == []
    pace = Pace()
    longest = TEMPORARY_FILE_SECONDS + pace.clean + pace.look
    print(f"R12: what was left is deleted after {TEMPORARY_FILE_SECONDS:.0f} to {longest:.0f} s")
    assert longest <= 600


def test_a_long_import_is_not_taken_for_a_dead_one(own_home: Path, tmp_path: Path) -> None:
    """It lives, though no file of its own has grown for an hour."""
    archive = write_zip(tmp_path / "a.zip", class_members(6))
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(archive)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    (folder,) = temporary_files(own_home)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    remove_old_temporary_files()
    assert (folder / "items.bin").exists()
    process.kill()
    process.wait()
    process.stdout.close()
    remove_old_temporary_files()
    assert not folder.exists()


def test_half_a_checkpoint_goes_with_its_process(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed worker had begun to save; what it had saved stays."""
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    run = queue_run()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert runs.claim_run(
        lambda *_: "cpu", pid=dead.pid, process_started=time.time(), host=socket.gethostname()
    )
    checkpoints = files.checkpoints_dir(run.id)
    for name in ("part-0123", "step-00000010"):
        (checkpoints / name).mkdir(parents=True)
        (checkpoints / name / "model.safetensors").write_bytes(bytes(1000))
    Supervisor(prepare=False).look()
    assert [path.name for path in checkpoints.iterdir()] == ["step-00000010"]


def session_of(tab: ClientConnection) -> str:
    """Open the import page; the session's id, which an upload must name."""
    message = BackMsg()
    message.rerun_script.page_name = "add-data"
    tab.send(message.SerializeToString())
    session = ""
    while True:
        received = ForwardMsg()
        data = tab.recv(60)
        assert isinstance(data, bytes)
        received.ParseFromString(data)
        kind = received.WhichOneof("type")
        if kind == "new_session":
            session = received.new_session.initialize.session_id
        if kind == "script_finished":
            return session


def start_upload(server: AppServer, session: str, sent: bytes, length: int) -> socket.socket:
    """The head of a browser's upload and the first bytes of its body."""
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(server.address + "/_stcore/health")) as response:
        cookie = response.headers["Set-Cookie"].split(";")[0]
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = (
        f"PUT /_stcore/upload_file/{session}/{secrets.token_hex(8)} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\nOrigin: {server.address}\r\n"
        f"Cookie: {cookie}\r\nX-Xsrftoken: {cookie.split('=', 1)[1]}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    return connection


@pytest.mark.slow
def test_a_closed_socket_in_the_middle_of_an_upload(
    jobs_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the real server, whose temporary files may go nowhere but into a folder of ours."""
    spool = tmp_path / "spool"
    spool.mkdir()
    disposition = b'Content-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    body = b"--edge\r\n" + disposition + secrets.token_bytes(3 << 20) + b"\r\n--edge--\r\n"
    with AppServer(jobs_home, TRAINROOM_STANDBY_WORKER="0", TMPDIR=str(spool)) as server:
        url = server.address.replace("http", "ws", 1) + "/_stcore/stream"
        with connect(
            url,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            compression=None,
            proxy=None,
        ) as tab:
            session = session_of(tab)
            whole = start_upload(server, session, body, len(body))
            assert b" 204 " in whole.recv(200).split(b"\r\n")[0]  # the request is a good one
            whole.close()
            cuts = [0, 1, 40, len(disposition) + 8, 1000, 1 << 20, len(body) - 12, len(body) - 1]
            for cut in cuts:
                start_upload(server, session, body[:cut], len(body)).close()
                wait_for(server.is_healthy, 5)
        assert own_sets() == []
        assert temporary_files(jobs_home) == []
        wait_for(lambda: not list(spool.iterdir()), 10)
        log = server.log.read_text()
    print(f"R12: {len(cuts)} uploads cut on the way, 0 files left, the server goes on")
    # The server notes that the visitor has gone; anything else would be an error of ours.
    errors = set(re.findall(r"^[\w.]+(?:Error|Exception|Disconnect)\b", log, re.MULTILINE))
    assert errors <= {"starlette.requests.ClientDisconnect"}, log[-3000:]
