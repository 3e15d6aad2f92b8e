"""Telling of a run's end: what is sent, once, where to, and what happens when nobody answers."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from backend import resuming, runs
from backend.jobs import aftercare
from backend.jobs.aftercare import (
    MOST_FRUITLESS,
    Messenger,
    resume_after_restart,
    resume_if_wished,
)
from backend.notifications import notify
from backend.preferences import Preferences, save_preferences
from storage import files
from storage import runs as stored
from storage.records import Reason, Run, RunStatus
from tests.backend.jobs.conftest import queue_run


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        moved = self.path == "/moved"
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    """As much of a mail server as smtplib needs; it offers no encryption."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.seen.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            leaves = line.upper().startswith(b"QUIT")
            self.wfile.write(b"221 bye\r\n" if leaves else b"250 ok\r\n")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield from _serve(HTTPServer(("127.0.0.1", 0), _Hook))


@pytest.fixture
def mail() -> Iterator[Any]:
    yield from _serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail))


def _serve(server: Any) -> Iterator[Any]:
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def address(server: Any, path: str = "/hook") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def ended(status: RunStatus = RunStatus.FAILED, reason: Reason | None = Reason.DISK_FULL) -> Run:
    run = queue_run()
    stored.move_run(
        run.id, status, when=[RunStatus.QUEUED], reason=reason, message="The disk is full."
    )
    return runs.get_run(run.id)


def test_the_web_address_is_told_what_happened(home: Path, hook: Any) -> None:
    run = ended()
    assert notify(run, Preferences(webhook_url=address(hook))) == []
    ((path, said),) = hook.seen
    assert path == "/hook"
    assert said["text"] == "A run: failed. The disk is full."
    assert (said["run"], said["status"], said["reason"]) == (run.id, "failed", "disk_full")


def test_a_redirect_is_not_followed(home: Path, hook: Any) -> None:
    problems = notify(ended(), Preferences(webhook_url=address(hook, "/moved")))
    assert [path for path, _ in hook.seen] == ["/moved"]
    assert problems == ["The web address could not be told (HTTPError)."]


def test_an_email_is_sent_and_a_password_never_in_the_clear(home: Path, mail: Any) -> None:
    port = mail.server_address[1]
    wanted = Preferences(email_to="a@example.org", smtp_host="127.0.0.1", smtp_port=port)
    assert notify(ended(), wanted) == []
    (letter,) = mail.seen
    assert "Subject: Trainroom: A run is failed" in letter
    assert "The disk is full." in letter
    secret = Preferences(
        email_to="a@example.org", smtp_host="127.0.0.1", smtp_port=port, smtp_password="x"
    )
    assert notify(ended(), secret) == ["The e-mail could not be told (ConnectionError)."]
    assert len(mail.seen) == 1


def test_each_end_is_told_once_and_a_stop_by_hand_not_at_all(home: Path, hook: Any) -> None:
    save_preferences(webhook_url=address(hook))
    failed, _ = ended(), ended(RunStatus.STOPPED, Reason.USER_STOP)
    messenger = Messenger()
    for _ in range(2):
        messenger.look()
        messenger.wait(10)
    assert [said["run"] for _, said in hook.seen] == [failed.id]


def test_what_could_not_be_told_stands_in_the_history(home: Path) -> None:
    save_preferences(webhook_url="http://127.0.0.1:1/nobody")
    run = ended()
    messenger = Messenger()
    messenger.look()
    messenger.wait(20)
    assert runs.list_events(run.id)[-1].message.startswith("The web address could not be told")
    assert stored.list_untold() == []


def claimed_and_lost(run: Run) -> None:
    assert stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    stored.move_run(
        run.id, RunStatus.LOST, when=[RunStatus.STARTING], reason=Reason.HOST_LOST, message="Off."
    )


def test_an_interrupted_run_goes_on_by_itself_where_that_is_wished(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def resume(run_id: int) -> None:
        asked.append(run_id)
        assert stored.requeue_run(run_id, {}, "")

    monkeypatch.setattr(resuming, "resume_run", resume)
    run = queue_run()
    claimed_and_lost(run)
    resume_if_wished(run.id)
    assert asked == []
    save_preferences(resume_after_restart=True)
    for tries in range(1, MOST_FRUITLESS):
        resume_if_wished(run.id)
        assert asked == [run.id] * tries
        claimed_and_lost(run)
    # Three attempts from the same step: something there ends them, and a person should look.
    resume_if_wished(run.id)
    resume_if_wished(ended().id)
    assert asked == [run.id] * (MOST_FRUITLESS - 1)


def shut_down(start: str) -> Run:
    """A run that was asked to end in that system start, as a shut-down asks everybody."""
    run = queue_run()
    assert stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="here")
    lock = files.run_lock(run.id, 1)
    lock.parent.mkdir(parents=True)
    lock.write_text(f"1 {start}")
    stored.move_run(
        run.id, RunStatus.STOPPED, when=[RunStatus.STARTING], reason=Reason.KILLED, message="Off."
    )
    return run


def test_what_a_shut_down_ended_goes_on_after_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last one's runs, only after a restart, only where that is wished."""
    asked: list[int] = []
    monkeypatch.setattr(resuming, "resume_run", asked.append)
    monkeypatch.setattr(aftercare, "system_start", lambda: "today")
    runs_of = {start: shut_down(start) for start in ("long ago", "yesterday", "today")}
    by_hand = ended(RunStatus.STOPPED, Reason.USER_STOP)
    assert {run.id for run in resuming.interrupted_runs()} == {run.id for run in runs_of.values()}
    resume_after_restart("yesterday")
    assert asked == []
    save_preferences(resume_after_restart=True)
    for before in ("", "today"):
        resume_after_restart(before)
        assert asked == []
    resume_after_restart("yesterday")
    assert asked == [runs_of["yesterday"].id]
    assert by_hand.id not in asked
