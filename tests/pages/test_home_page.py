"""Home: the welcome that starts a training with one click, and the newest runs."""

from backend.runs import RunStatus, list_runs
from backend.tasks import base, get_task, list_tasks
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import IMAGES, seed_run


def test_an_empty_home_offers_one_start_per_task_and_own_data(open_page: OpenPage) -> None:
    page = open_page()
    assert "Welcome" in page.title[0].value
    starts = [button for button in page.button if button.label == "Start training"]
    assert len(starts) == len(list_tasks())
    assert starts[0].key == f"start_{list_tasks()[0].name}"
    assert [button.label for button in page.button if button.key == "starter_add"] == ["Add data"]


def test_many_tasks_stand_behind_a_fold(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    class Another(type(get_task(IMAGES))):  # type: ignore[misc]
        def __init__(self, number: int) -> None:
            self.name, self.title, self.place = f"another-{number}", f"Another {number}", 90

    registry = {**base._registry, **{f"another-{n}": Another(n) for n in range(8)}}
    monkeypatch.setattr(base, "_registry", registry)
    page = open_page()
    (fold,) = [one for one in page.expander if one.label.startswith("More to try")]
    inside = [button.key for button in fold.button]
    starts = [button.key for button in page.button if button.label == "Start training"]
    assert len(starts) == len(registry)
    assert len(starts) - len(inside) == 3
    assert f"start_{IMAGES}" not in inside
    assert "another 7" in fold.label


def test_the_first_page_waits_for_no_data(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from backend.datasets.bundled import build

    def prepare(*_: object) -> None:
        raise AssertionError("a data set is made while somebody waits for the page")

    monkeypatch.setattr(build, "prepare_bundled", prepare)
    assert "Welcome" in open_page().title[0].value


def test_one_click_starts_a_run_and_shows_it(open_page: OpenPage) -> None:
    page = open_page()
    next(button for button in page.button if button.label == "Start training").click()
    page.run()
    assert not page.exception
    (run,) = list_runs()
    assert run.status is RunStatus.QUEUED
    assert page.query_params["run"] == str(run.id)
    assert "Waiting" in words(page)


def test_a_failing_start_is_told_in_a_sentence(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from backend import runs
    from backend.errors import DiskFullError

    def full(**_: object) -> None:
        raise DiskFullError("The disk has 3 MB left.")

    page = open_page()
    monkeypatch.setattr(runs, "start_run", full)
    next(button for button in page.button if button.label == "Start training").click()
    page.run()
    assert "The disk has 3 MB left" in words(page).replace("\\", "")


def test_runs_are_shown_as_cards_with_score_and_way_in(open_page: OpenPage) -> None:
    seed_run(name="first")
    seed_run(RunStatus.FAILED, name="second", done=30, message="The loss is no number.")
    text = words(open_page())
    assert "**first**" in text
    assert "93.4 %" in text
    assert "The loss is no number" in text.replace("\\", "")


def test_an_active_run_has_a_banner_that_leads_back(open_page: OpenPage) -> None:
    seed_run(RunStatus.RUNNING, name="busy", done=40)
    page = open_page()
    assert any(link.value == "Back to the training" for link in page.page_link)
    assert "**busy** is training: 40% done" in words(page)


def test_nothing_refreshes_by_itself_when_nothing_is_active(open_page: OpenPage) -> None:
    seed_run()
    assert "Idle" in words(open_page())
