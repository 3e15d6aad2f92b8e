"""Reports: everything on one page, nothing from elsewhere, and data that stays data."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from backend.cli import main as cli
from backend.errors import NotFoundError, UsageError
from backend.reporting import report_html, write_report
from backend.runs import Run
from storage import runs
from storage.records import Reason, RunStatus
from tests.backend.comparing.tested import seed_tested

EVIL = "<script>alert('x')</script> & \"quotes\" <img src=http://evil/>"
RIGHT = [1.0] * 40 + [0.0] * 10
VOID = {"meta", "br", "img", "link", "input"}


class Reader(HTMLParser):
    """Tags with their attributes, and the text that a person reads; fails where tags do not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(run: Run) -> tuple[Reader, str]:
    text = report_html(run.id)
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader, " ".join(" ".join(reader.words).split())


def test_it_tells_what_happened_in_words_and_curves(home: Path) -> None:
    reader, words = read(seed_tested("my run", RIGHT))
    assert "80.0 % Right answers, on the test part of the data" in words
    assert "always answering a, the most frequent class, would reach 33.3 %" in words
    assert "with 50 test examples, chance alone moves it that much" in words
    assert "a 17 " in words, "the class and its number of test examples"
    for title in ("Class by class", "Curves", "Data", "Model", "Settings", "What happened"):
        assert title in words
    assert "Learning rate 0.05" in words
    assert "torch 2.13" in words
    assert sum(tag == "svg" for tag, _ in reader.tags) == 1


def test_it_asks_for_nothing_and_runs_nothing(home: Path) -> None:
    reader, _ = read(seed_tested(EVIL, RIGHT))
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    for tag, attributes in reader.tags:
        assert not {"src", "href", "srcset", "style", "onclick"} & set(attributes), tag
    style = re.search(r"<style>(.*?)</style>", report_html(1), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_data_stays_text_wherever_it_stands(home: Path) -> None:
    run = seed_tested(EVIL, RIGHT, config={"optimizer": EVIL, "odd <setting>": EVIL})
    runs.move_run(run.id, RunStatus.FAILED, when=list(RunStatus), message=EVIL, reason=Reason.BUG)
    _, words = read(runs.get_run(run.id) or run)
    assert words.count("<script>alert('x')</script>") >= 4
    assert "<c>" in words, "the name of a class"


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.FAILED])
def test_a_run_without_a_test_has_a_report_too(home: Path, status: RunStatus) -> None:
    run = runs.create_run(
        name="early", task="image-classification", model="mlp", dataset_id="gone1",
        dataset_name="gone", config={"epochs": 1},
    )  # fmt: skip
    if status is not RunStatus.QUEUED:
        runs.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="test")
        runs.move_run(run.id, status, when=list(RunStatus), message="So it went.")
    _, words = read(run)
    assert "early" in words
    assert "Scores" not in words


def test_a_run_of_a_task_that_is_gone_has_a_report_too(home: Path) -> None:
    _, words = read(seed_tested("old", RIGHT, task="palm-reading"))
    assert "palm-reading" in words


def test_it_is_written_whole_into_a_file_or_a_folder(home: Path, tmp_path: Path) -> None:
    run = seed_tested("one", RIGHT)
    assert write_report(run.id, tmp_path) == tmp_path / "run-1.html"
    path = write_report(run.id, tmp_path / "mine.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sorted(one.name for one in tmp_path.glob("*.html*")) == ["mine.html", "run-1.html"]
    with pytest.raises(UsageError, match=r"\.html"):
        write_report(run.id, tmp_path / "mine.pdf")
    with pytest.raises(UsageError, match="no folder"):
        write_report(run.id, tmp_path / "nowhere" / "mine.html")
    with pytest.raises(NotFoundError):
        write_report(99, tmp_path)


def test_the_command_writes_it(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seed_tested("one", RIGHT)
    assert cli.main(["report", "1", str(tmp_path / "a.html"), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"run": 1, "path": str(tmp_path / "a.html")}
    assert "<h1>one</h1>" in (tmp_path / "a.html").read_text(encoding="utf-8")
