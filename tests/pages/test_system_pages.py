"""Storage and settings: what is shown, what is cleared, what is refused."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backend import disk
from backend.errors import BusyError
from backend.preferences import load_preferences, save_preferences
from backend.runs import Reason, RunStatus, get_run, list_runs
from storage import files
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import seed_run

STORAGE, SETTINGS = "system/storage.py", "system/settings.py"


def save_copies(run_id: int, *steps: int, best: int) -> Path:
    """Checkpoints of a kilobyte each, as the loop leaves them."""
    folder = files.checkpoints_dir(run_id)
    for step in steps:
        copy = folder / f"step-{step:08d}"
        copy.mkdir(parents=True)
        (copy / "model.safetensors").write_bytes(bytes(1000))
        (copy / "manifest.json").write_text(f'{{"step": {step}}}')
    (folder / "best.json").write_text(f'{{"checkpoint": "step-{best:08d}"}}')
    return folder


def test_storage_lists_runs_by_size(open_page: OpenPage) -> None:
    small, large = seed_run(name="small"), seed_run(name="large")
    save_copies(small.id, 10, best=10)
    save_copies(large.id, 10, 20, 30, best=20)
    page = open_page(STORAGE)
    frame = page.dataframe[0].value
    assert list(frame["Name"]) == ["large", "small"]
    assert list(frame["Saved copies"]) == [3, 1]
    assert "Free on the disk" in [metric.label for metric in page.metric]


def test_storage_without_runs_says_so(open_page: OpenPage) -> None:
    assert "No run has saved anything yet" in words(open_page(STORAGE))


def tick(page: AppTest, *rows: int) -> None:
    turn = page.session_state["storage_turn"]
    selection = {"selection": {"rows": rows, "columns": [], "cells": []}}
    page.session_state[f"storage_table_{turn}"] = selection
    page.run()


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


@pytest.mark.parametrize(
    ("label", "lost", "copies"),
    [
        ("Keep only the best copy", "older copies go", ["step-00000020"]),
        ("Delete the model, keep the curves", "cannot be tried", []),
        ("Delete the run", "will be gone", []),
    ],
)
def test_ticked_runs_are_cleared_after_a_question(
    open_page: OpenPage, label: str, lost: str, copies: list[str]
) -> None:
    run, other = seed_run(name="large"), seed_run(name="small")
    folder = save_copies(run.id, 10, 20, 30, best=20)
    kept = save_copies(other.id, 10, best=10)
    page = open_page(STORAGE)
    tick(page, 0)
    press(page, label)
    assert len(list(folder.glob("step-*"))) == 3, "nothing goes before the question is answered"
    assert lost in words(page)
    press(page, "Clear")
    assert [path.name for path in folder.glob("step-*")] == copies
    assert len(list(kept.glob("step-*"))) == 1
    assert "selected" not in words(page), "a tick must not pass to the run that moved up"
    assert (label == "Delete the run") == (run.id not in {one.id for one in list_runs()})


def test_what_cannot_be_cleared_is_told(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def busy(run_id: int) -> int:
        raise disk.BusyError("It has not ended.")

    run = seed_run()
    save_copies(run.id, 10, best=10)
    page = open_page(STORAGE)
    tick(page, 0)
    monkeypatch.setattr(disk, "delete_model", busy)
    press(page, "Delete the model, keep the curves")
    press(page, "Clear")
    assert "It has not ended" in str(page.session_state["storage_error"])


def test_downloads_are_shown_and_deleted(open_page: OpenPage) -> None:
    page = open_page(STORAGE)
    assert "Delete downloads" not in {button.label for button in page.button}
    folder = files.downloads_dir()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.bin").write_bytes(bytes(300_000))
    page.run()
    press(page, "Delete downloads")
    press(page, "Clear")
    assert not (folder / "weights.bin").exists()


def test_each_downloaded_model_has_its_size_and_a_button(open_page: OpenPage) -> None:
    place = files.downloads_dir() / "huggingface"
    for name, size in (("ann--vit", 3 * 2**20), ("bob--bert.part", 2**20)):
        (place / name).mkdir(parents=True)
        (place / name / "model.safetensors").write_bytes(bytes(size))
    torchvision = files.downloads_dir() / "torchvision"
    torchvision.mkdir()
    (torchvision / "resnet18-f37072fd.pth").write_bytes(bytes(2 * 2**20))
    found = disk.list_downloads()
    assert [one.name for one in found] == ["ann/vit", "resnet18-f37072fd.pth", "bob/bert"]
    assert [one.is_whole for one in found] == [True, True, False]
    page = open_page(STORAGE)
    assert "ann/vit :gray[3.0 MB]" in words(page).replace("\\", "")
    assert "not complete" in words(page)
    page.button(key="delete_download_ann--vit").click()
    page.run()
    press(page, "Clear")
    assert not (place / "ann--vit").exists()
    assert (torchvision / "resnet18-f37072fd.pth").exists()
    assert "ann/vit" not in words(page).replace("\\", "")


def test_what_a_run_reads_is_not_deleted(home: Path) -> None:
    weights = files.downloads_dir() / "torchvision" / "resnet18-f37072fd.pth"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    seed_run(RunStatus.RUNNING, model="resnet18")
    (download,) = disk.list_downloads()
    with pytest.raises(BusyError, match="just now"):
        disk.delete_download(download)
    assert weights.exists()


def test_the_disk_is_measured_once_for_a_page(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    measured: list[int] = []
    measure = disk.disk_use

    def counted() -> disk.DiskUse:
        measured.append(1)
        return measure()

    for number in range(3):
        save_copies(seed_run(name=f"run {number}").id, 10, best=10)
    monkeypatch.setattr(disk, "disk_use", counted)
    page = open_page()
    page.switch_page(STORAGE)
    page.run()
    assert len(measured) == 1


def test_an_active_run_is_not_cleared(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.RUNNING, done=40)
    save_copies(run.id, 10, best=10)
    page = open_page(STORAGE)
    tick(page, 0)
    buttons = [button for button in page.button if button.label.startswith(("Keep", "Delete"))]
    assert [button.disabled for button in buttons] == [True, True, True]
    assert "still training" in words(page)


def test_the_best_copy_stays_and_a_deleted_model_is_no_longer_offered(open_page: OpenPage) -> None:
    run = seed_run()
    folder = save_copies(run.id, 10, 20, 30, best=20)
    assert disk.keep_best_copy(run.id) == pytest.approx(2000, abs=100)
    assert [path.name for path in folder.glob("step-*")] == ["step-00000020"]
    disk.delete_model(run.id)
    assert not list(folder.glob("step-*"))
    assert get_run(run.id).best_step is None
    page = open_page("train/run.py", run=str(run.id))
    assert "Try it" not in {button.label for button in page.button}


def test_an_active_runs_copies_are_not_touched(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.RUNNING, done=40)
    folder = save_copies(run.id, 10, 20, best=10)
    with pytest.raises(disk.BusyError, match="has not ended"):
        disk.delete_model(run.id)
    assert len(list(folder.glob("step-*"))) == 2


def test_settings_are_saved_and_the_password_is_never_shown(open_page: OpenPage) -> None:
    page = open_page(SETTINGS)
    page.toggle(key="set_resume").set_value(True)
    page.text_input(key="set_email").set_value("a@example.org")
    page.text_input(key="set_host").set_value("mail.example.org")
    page.text_input(key="set_password").set_value("secret-word")
    page.button[0].click()
    page.run()
    assert page.success[0].value == "Saved."
    assert page.text_input(key="set_password").value == ""
    found = load_preferences()
    assert (found.resume_after_restart, found.email_to) == (True, "a@example.org")
    assert found.smtp_password == "secret-word"
    assert "secret-word" not in repr(found)
    again = open_page(SETTINGS)
    assert again.text_input(key="set_password").value == ""
    again.button[0].click()
    again.run()
    assert load_preferences().smtp_password == "secret-word"
    again.checkbox(key="set_forget").set_value(True)
    again.button[0].click()
    again.run()
    assert not again.exception
    assert load_preferences().smtp_password == ""


def test_the_processor_can_be_shared(open_page: OpenPage) -> None:
    page = open_page(SETTINGS)
    field = page.number_input(key="set_processor")
    assert (field.value, field.min) == (1, 1)
    field.set_value(3)
    page.button[0].click()
    page.run()
    assert load_preferences().runs_on_processor == 3
    assert open_page(SETTINGS).number_input(key="set_processor").value == 3


def test_a_card_that_cannot_be_used_is_told_on_every_page(open_page: OpenPage) -> None:
    from backend.jobs.slots import remember_devices

    page = open_page(SETTINGS)
    remember_devices(["cpu"], "The graphics card cannot be used: its driver is too old.")
    page.run()
    assert "its driver is too old" in words(page).replace("\\", "")


def test_a_password_is_not_shown_to_another_mail_server(open_page: OpenPage) -> None:
    save_preferences(email_to="a@b.org", smtp_host="mail.b.org", smtp_password="secret-word")
    page = open_page(SETTINGS)
    page.text_input(key="set_host").set_value("elsewhere.org")
    page.button[0].click()
    page.run()
    assert (load_preferences().smtp_host, load_preferences().smtp_password) == ("elsewhere.org", "")


def test_a_test_message_needs_an_address_and_a_run(open_page: OpenPage) -> None:
    page = open_page(SETTINGS)
    assert page.button(key="send_test").disabled
    assert "address first" in words(page)
    save_preferences(webhook_url="http://127.0.0.1:9/")
    page.run()
    assert page.button(key="send_test").disabled
    assert "no run to tell of" in words(page)
    seed_run(RunStatus.RUNNING, done=10)
    page.run()
    assert page.button(key="send_test").disabled, "a run that has not ended is nothing to tell of"


def test_a_test_message_tells_of_the_newest_ended_run(open_page: OpenPage) -> None:
    seed_run(name="A good run")
    with listener() as (address, got):
        save_preferences(webhook_url=address)
        page = open_page(SETTINGS)
        page.button(key="send_test").click()
        page.run()
    assert page.success
    assert "Test: A good run" in got[0]


def test_a_test_message_that_does_not_arrive_is_told(open_page: OpenPage) -> None:
    seed_run()
    save_preferences(webhook_url="http://127.0.0.1:9/")
    page = open_page(SETTINGS)
    page.button(key="send_test").click()
    page.run()
    assert "could not be told" in page.error[0].value
    assert not page.success


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("set_url", "javascript:alert(1)", "must begin with"),
        ("set_url", "file:///etc/passwd", "must begin with"),
        ("set_email", "nobody", "no e-mail address"),
        ("set_email", "a@example.org", "mail server"),
    ],
)
def test_bad_addresses_are_refused(open_page: OpenPage, key: str, value: str, said: str) -> None:
    page = open_page(SETTINGS)
    page.text_input(key=key).set_value(value)
    page.button[0].click()
    page.run()
    assert said in page.error[0].value.replace("\\", "")
    assert load_preferences().webhook_url == ""


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """A web address on this machine, and what it was sent."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_home_offers_to_go_on_with_what_was_interrupted(open_page: OpenPage) -> None:
    lost = seed_run(RunStatus.LOST, done=40, reason=Reason.HOST_LOST, message="Switched off.")
    killed = seed_run(RunStatus.FAILED, done=40, reason=Reason.KILLED, message="Ended.")
    page = open_page()
    assert "2 trainings were interrupted" in words(page).replace("\\", "")
    page.button(key="continue_all").click()
    page.run()
    assert not page.exception
    assert {get_run(run.id).status for run in (lost, killed)} == {RunStatus.QUEUED}
    assert "interrupted" not in words(page)


def test_the_banner_can_be_put_away(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.LOST, done=40, reason=Reason.HOST_LOST, message="Switched off.")
    page = open_page()
    page.button(key="interrupted_later").click()
    page.run()
    assert "interrupted" not in words(page)
    assert get_run(run.id).status is RunStatus.LOST
    assert "interrupted" not in words(open_page()), "nor does it come back with the next visit"
    seed_run(RunStatus.LOST, done=40, reason=Reason.HOST_LOST, message="Switched off again.")
    assert "1 training was interrupted" in words(open_page()).replace("\\", "")
