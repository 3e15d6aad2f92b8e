"""The list of words and the lesson: with a network, without one, and with odd addresses."""

import pytest

from backend import lessons
from backend.errors import DataError
from backend.lessons import Lesson
from backend.runs import list_runs
from tests.backend.comparing.tested import seed_tested
from tests.pages.conftest import OpenPage, words


def lesson(truth: int = 1, *, losses: tuple[float, ...] = (2.3, 1.9, 1.5)) -> Lesson:
    return Lesson(
        classes=["a", "b", "<c>"], truth=truth, rate=0.001, pixels=[1, 8, 8], seen="", weights=99,
        hidden=[0.0, 2.0, 1.0], scores=[1.0, 0.5, 0.1],
        shares=[[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.4, 0.5, 0.1]],
        losses=[*losses], outgoing=[0.1, 0.2, 0.3], unit=1, weight=0.2, gradient=-1.4, bias=0.0,
        nudge=0.01, nudged_loss=2.286,
    )  # fmt: skip


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """What the pages ask the network, which the real process has its own test for."""
    asked: list[tuple[str, float]] = []

    def teach(run_id: int, picture: bytes, truth: str, rate: float) -> Lesson:
        asked.append((truth, rate))
        return lesson(losses=(2.3, 1.9, 1.5) if rate < 0.05 else (2.3, 7.7, 5.1))

    monkeypatch.setattr(lessons, "teach", teach)
    return asked


def test_words_can_be_searched(open_page: OpenPage) -> None:
    page = open_page("learn/words.py")
    assert "Epoch" in words(page)
    page.text_input(key="words_search").set_value("recall")
    page.run()
    assert "Found" in words(page)
    assert "Epoch" not in words(page)
    page.text_input(key="words_search").set_value("xyzzy")
    page.run()
    assert "No word fits" in words(page)


def test_without_a_network_one_can_be_trained(open_page: OpenPage) -> None:
    page = open_page("learn/lesson.py")
    next(button for button in page.button if button.label == "Train one").click()
    page.run()
    [run] = list_runs()
    assert run.model == lessons.MODEL
    assert page.query_params["run"] == str(run.id)


def test_the_five_parts_tell_the_numbers(
    open_page: OpenPage, taught: list[tuple[str, float]]
) -> None:
    seed_tested("net", [1.0] * 30, classes="0123456789")
    page = open_page("learn/lesson.py")
    said = words(page)
    for part in ("1 · ", "2 · Forward", "3 · Loss", "4 · Gradient", "5 · A small"):
        assert part in said
    assert "2.00 × 0.200 = **0.40**" in said
    assert "better" in said
    assert "0.2000 − 0.001 × (−1.400) = **0.2014**" in said
    page.select_slider(key="lesson_rate").set_value(0.1)
    page.run()
    assert "jumped over the goal" in words(page)
    assert taught[-1][1] == 0.1


def test_what_cannot_be_shown_is_said(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def teach(*_: object) -> Lesson:
        raise DataError("The picture is broken. Choose another one.")

    seed_tested("net", [1.0] * 30, classes="0123456789")
    monkeypatch.setattr(lessons, "teach", teach)
    page = open_page("learn/lesson.py", run="9" * 30)
    assert "The picture is broken" in words(page)
