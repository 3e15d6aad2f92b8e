"""The command line: exit statuses, one JSON document on stdout, one line on stderr."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.cli import main as cli
from backend.cli.output import as_json, as_table
from backend.jobs.processes import ROOT
from backend.spreadsheets import as_csv
from storage import database, metrics, runs
from storage.records import ACTIVE, RunStatus
from tests.backend.jobs.conftest import heed_ctrl_c, jobs_home, wait_for

__all__ = ["jobs_home"]


def command(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def run_id(home: Path) -> int:
    """A stored run with some points, one of them no number."""
    run = runs.create_run(
        name="=cmd|'/c calc'!A1", task="image-classification", model="mlp", dataset_id="digits",
        dataset_name="digits", config={"epochs": 1},
    )  # fmt: skip
    with database.write() as session:
        points = [(1, 0.5, 0.1, 10.0), (2, float("nan"), 0.2, 11.0)]
        metrics.append_points(session, run.id, 1, {"train/loss": points, "lr": points[:1]})
    return run.id


def answer(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command run in this process."""
    capfd.readouterr()
    status = cli.main(list(arguments))
    out, err = capfd.readouterr()
    return status, out, err


def read_json(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, err = answer(capfd, *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_further_models_are_listed_on_demand(capfd: pytest.CaptureFixture[str]) -> None:
    asked = ("models", "--task", "image-classification")
    few = {one["name"] for one in read_json(capfd, *asked)}
    every = {one["name"] for one in read_json(capfd, *asked, "--all")}
    assert "resnet50" in every - few
    assert few < every


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "'tasks', 'models'"),
        (["tasks", "--yaml"], "--yaml"),
        (["models"], "--task is missing. Known: image-classification"),
        (["models", "--task", "flying"], "Known: audio-classification, image-classification"),
        (["train"], "--task is missing"),
        (["train", "--task", "image-classification"], "--dataset is missing. Known"),
        (["train", "--task", "image-classification", "--dataset", "digits"], "Known for image"),
        (["train", "--task", "image-classification", "--dataset", "d", "--model", "mlp",
          "--set", "epochs"], "KEY=VALUE"),
        (["train", "--task", "image-classification", "--dataset", "nothing", "--model", "mlp"],
         "digits"),
        (["train", "--task", "image-classification", "--dataset", "digits", "--model", "mlp",
          "--set", "epochs=0"], "from 1 to 1000"),
        (["train", "--task", "image-classification", "--dataset", "digits", "--model", "mlp",
          "--set", "epochs=2", "speed=9"], "Known: epochs"),
        (["show", "99"], "no run number 99"),
        (["show", "abc"], "no run number"),
        (["show", "１"], "no run number"),
        (["show", "-1"], ""),
        (["stop", "../.."], "no run number"),
        (["delete", "999999"], "no run number 999999"),
        (["log", "99"], "no run number 99"),
        (["log", "99", "--lines", "0"], "whole number"),
        (["metrics", "99"], "no run number 99"),
        (["metrics", "1", "--name", "val/loss"], "It has: lr, train/loss"),
        (["predict", "1"], "nothing to predict"),
        (["predict", "1", "--file", "/nowhere/x.png"], "no file /nowhere/x.png"),
        (["import", "/nowhere.csv", "--task", "text-classification", "--name", "x"], "no file"),
        (["import", "http://a.b/c.csv", "--task", "text-classification", "--name", "x"], "web"),
        (["import", "x.csv", "--task", "text-classification"], "--name is missing"),
    ],
)  # fmt: skip
def test_bad_usage_is_one_line_and_two(
    arguments: list[str], words: str, run_id: int, capfd: pytest.CaptureFixture[str]
) -> None:
    status, out, err = answer(capfd, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err
    assert "Traceback" not in err


def test_lists_as_json_and_as_tables(run_id: int, capfd: pytest.CaptureFixture[str]) -> None:
    tasks = read_json(capfd, "tasks")
    assert {"image-classification", "text-classification"} <= {task["name"] for task in tasks}
    models = read_json(capfd, "models", "--task", "image-classification")
    assert {"mlp", "cnn"} <= {model["name"] for model in models}
    assert {model["weights"] for model in models} <= {"scratch", "here", "download"}
    listed = read_json(capfd, "runs")
    assert [(one["run"], one["status"]) for one in listed] == [(run_id, "queued")]
    for arguments in (["tasks"], ["models", "--task", "image-classification"], ["runs"]):
        status, out, _ = answer(capfd, *arguments)
        assert status == 0
        assert len(out.splitlines()) >= 2


def test_show_stop_delete(run_id: int, capfd: pytest.CaptureFixture[str]) -> None:
    shown = read_json(capfd, "show", str(run_id))
    assert shown["config"] == {"epochs": 1}
    assert [event["kind"] for event in shown["events"]] == ["queued"]
    assert "queued" in answer(capfd, "show", str(run_id))[1]
    assert read_json(capfd, "stop", str(run_id))["status"] == "stopped"
    assert read_json(capfd, "delete", str(run_id)) == {"run": run_id, "deleted": True}
    assert answer(capfd, "show", str(run_id))[0] == 2


def test_an_active_run_is_not_deleted(run_id: int, capfd: pytest.CaptureFixture[str]) -> None:
    runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
    status, _, err = answer(capfd, "delete", str(run_id))
    assert status == 2
    assert "Stop it first" in err
    runs.move_run(run_id, RunStatus.LOST, when=ACTIVE)
    assert answer(capfd, "delete", str(run_id))[0] == 0


def test_metrics_in_three_forms(run_id: int, capfd: pytest.CaptureFixture[str]) -> None:
    found = read_json(capfd, "metrics", str(run_id))
    assert found["train/loss"] == [[1, 0.5, 0.1, 10.0], [2, None, 0.2, 11.0]]
    assert list(read_json(capfd, "metrics", str(run_id), "--name", "lr")) == ["lr"]
    _, out, _ = answer(capfd, "metrics", str(run_id), "--csv", "--name", "train/loss")
    assert out == "name,step,value,epoch,time\ntrain/loss,1,0.5,0.1,10.0\ntrain/loss,2,,0.2,11.0\n"
    _, out, _ = answer(capfd, "metrics", str(run_id))
    assert out.splitlines()[1].split() == ["lr", "1", "1", "0.5"]


def test_what_libraries_print_stays_off_stdout(
    run_id: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend import runs as door

    working = door.list_runs

    def chatty() -> Any:
        print("downloading 100 %")
        os.write(1, b"from C code\n")
        return working()

    monkeypatch.setattr(door, "list_runs", chatty)
    status, out, err = answer(capfd, "runs", "--json")
    assert status == 0
    assert json.loads(out)[0]["run"] == run_id
    assert "from C code" in err


def test_a_bug_is_a_sentence_and_its_traceback_a_file(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend import runs as door

    def broken() -> Any:
        raise ValueError("secret detail")

    monkeypatch.setattr(door, "list_runs", broken)
    status, out, err = answer(capfd, "runs")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "secret detail" not in err
    assert "secret detail" in (home / "logs" / "command-line.log").read_text()


def test_output_forms() -> None:
    assert json.loads(as_json({"a": [float("inf"), {"b": float("nan")}], 1: (2,)})) == {
        "a": [None, {"b": None}],
        "1": [2],
    }
    rows = [("=1+1", "+x", -1.5, "@a", "-b", "fine", "\tx")]
    assert as_csv(["a"] * 7, rows).split("\n")[1] == "'=1+1,'+x,-1.5,'@a,'-b,fine,'\tx"
    table = as_table(("name", "n"), [("a\nb" * 100, 12_345), (None, np.pi)])
    assert "12,345" in table
    assert "3.142" in table
    assert max(map(len, table.splitlines())) < 80


def test_a_reader_who_leaves_early_sees_no_complaint(run_id: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "backend", "metrics", str(run_id), "--csv"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def quick_home(jobs_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose supervisor leaves soon and keeps no second worker warm."""
    monkeypatch.setenv("TRAINROOM_STANDBY_WORKER", "0")
    return jobs_home


@pytest.mark.slow
def test_the_whole_way_of_a_run(quick_home: Path) -> None:
    done = command(
        "train", "--task", "image-classification", "--dataset", "digits", "--model", "mlp",
        "--name", "From a script", "--set", "epochs=2", "seed=7", "--wait", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["status"], found["name"], found["config"]["seed"]) == (
        "finished",
        "From a script",
        7,
    )
    assert found["metrics"]["test/accuracy"] > 0.5
    run = str(found["run"])
    shown = json.loads(command("metrics", run, "--name", "train/loss", "--json").stdout)
    steps = [point[0] for point in shown["train/loss"]]
    assert steps == list(range(1, found["total_steps"] + 1))
    assert "torch" in command("log", run).stdout
    assert command("delete", run).returncode == 0
    assert json.loads(command("runs", "--json").stdout) == []


@pytest.mark.slow
def test_a_failed_run_is_exit_status_one(quick_home: Path) -> None:
    done = command(
        "train", "--task", "image-classification", "--dataset", "digits", "--model", "mlp",
        "--set", "device=cuda:7", "--wait", "--json",
    )  # fmt: skip
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["status"], found["reason"]) == ("failed", "device")
    assert "no device cuda:7. It has: " in found["message"]


@pytest.mark.slow
def test_ctrl_c_leaves_the_run_alone_and_says_how_to_come_back(quick_home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "train", "--task", "image-classification",
         "--dataset", "digits", "--model", "mlp", "--set", "epochs=1000", "--wait"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    wait_for(lambda: any(run.step > 0 for run in runs.list_runs()), 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "python -m backend show 1" in err
    step = runs.list_runs()[0].step
    wait_for(lambda: runs.list_runs()[0].step > step)
    assert command("stop", "1").returncode == 0
    begun = time.monotonic()
    wait_for(lambda: runs.list_runs()[0].status is RunStatus.STOPPED)
    assert time.monotonic() - begun < 5


def test_prepare_trains_tokenizers_ahead(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A first run on a text set then starts at once; it looks for the very file."""
    assert answer(capfd, "prepare")[0] == 0
    languages = home / "datasets" / "languages" / "cache"
    assert not languages.exists()
    assert answer(capfd, "prepare", "--all")[0] == 0
    made = [path.stat().st_mtime_ns for path in languages.iterdir()]
    assert len(made) == 1
    assert answer(capfd, "prepare", "--all")[0] == 0
    assert [path.stat().st_mtime_ns for path in languages.iterdir()] == made


def test_the_queue_is_changed_from_the_command_line(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend import queue_order

    monkeypatch.setattr(queue_order, "ensure_supervisor", lambda: None)
    first, second = (
        runs.create_run(
            name=name, task="image-classification", model="mlp", dataset_id="digits",
            dataset_name="digits", config={"epochs": 1},
        )
        for name in ("a", "b")
    )  # fmt: skip
    assert read_json(capfd, "hold", str(first.id))["held"] is True
    assert read_json(capfd, "release", str(first.id))["held"] is False
    assert read_json(capfd, "move", str(second.id), "first")["run"] == second.id
    assert [run.id for run in runs.queue()] == [second.id, first.id]
    status, _, err = answer(capfd, "resume", str(first.id))
    assert status == 2
    assert "has not ended" in err
    status, _, err = answer(capfd, "move", str(first.id), "sideways")
    assert status == 2


@pytest.mark.slow
def test_stop_and_resume_from_the_command_line(jobs_home: Path) -> None:
    """The real worker on bundled data: stopped, extended, and its curve has every step once."""
    started = json.loads(
        command(
            "train", "--task", "image-classification", "--dataset", "digits", "--model", "mlp",
            "--set", "epochs=400", "device=cpu", "--json",
        ).stdout
    )  # fmt: skip
    number = str(started["run"])
    wait_for(lambda: (found := runs.get_run(started["run"])) and found.step > 60, 120)
    command("stop", number)
    wait_for(lambda: (found := runs.get_run(started["run"])) and found.has_ended, 60)
    stopped = runs.get_run(started["run"])
    assert stopped is not None
    assert stopped.status is RunStatus.STOPPED
    epochs = int(stopped.epoch) + 3
    done = command("resume", number, "--set", f"epochs={epochs}", "--wait", "--json", timeout=240)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    assert (ended["status"], ended["attempt"]) == ("finished", 2)
    assert ended["step"] == ended["total_steps"]
    points = json.loads(command("metrics", number, "--name", "train/loss", "--json").stdout)
    steps = [point[0] for point in points["train/loss"]]
    assert steps == list(range(1, ended["total_steps"] + 1))
    again = command("resume", number)
    assert again.returncode == 2
    assert "more than" in again.stderr
