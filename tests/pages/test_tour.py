"""The tour on the home page and in the sidebar, from its first button to the last step."""

from streamlit.testing.v1 import AppTest

from backend import lessons
from backend.runs import RunStatus, list_runs
from storage import database
from storage import runs as stored
from storage.schema import RunRow
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import seed_run
from tests.pages.test_learn_pages import lesson


def go_home(page: AppTest) -> None:
    page.switch_page("home/home.py")
    page.run()
    assert not page.exception


def press(page: AppTest) -> None:
    page.button(key="tour_go").click()
    page.run()
    assert not page.exception


def test_five_steps_lead_to_a_trained_model(open_page: OpenPage, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(lessons, "teach", lambda *_: lesson())
    page = open_page()
    assert "in five steps" in words(page)
    press(page)
    [run] = list_runs()
    assert page.query_params["run"] == str(run.id)
    go_home(page)
    said = words(page)
    assert "2 of 5" in said, "being sent to the run's page was looking at it"
    assert page.button(key="tour_go").disabled
    with database.write() as session:
        row = session.get(RunRow, run.id)
        assert row is not None
        row.best_step, row.step, row.started_at = 10, 10, row.created_at
    stored.move_run(run.id, RunStatus.FINISHED, when=list(RunStatus), message="Done.")
    for title in ("Try it yourself", "Look inside"):
        go_home(page)
        press(page)
        assert title in [link.label for link in page.page_link]
    go_home(page)
    press(page)
    go_home(page)
    assert "That was the tour" in words(page)


def test_it_can_be_put_away_for_good(open_page: OpenPage) -> None:
    page = open_page()
    page.button(key="tour_away").click()
    page.run()
    assert "in five steps" not in words(page)
    assert "Welcome" in words(page)
    go_home(page)
    assert "in five steps" not in words(page)


def test_whoever_has_runs_is_left_in_peace(open_page: OpenPage) -> None:
    seed_run()
    assert "five steps" not in words(open_page())
