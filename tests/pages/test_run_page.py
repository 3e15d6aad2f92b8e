"""A run's page in every state, and with every kind of bad address."""

import pytest

from backend.runs import Reason, RunStatus, get_run
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import seed_run

PAGE = "train/run.py"


@pytest.mark.parametrize(
    "asked", ["999999", "../..", "", "abc", "-1", "1e3", "１", "9" * 40, "1;drop table runs"]
)
def test_an_address_without_a_run_gets_a_friendly_page(open_page: OpenPage, asked: str) -> None:
    seed_run()
    page = open_page(PAGE, run=asked)
    assert "There is no such run" in words(page)
    assert [link.value for link in page.page_link if link.value == "See all runs"]


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_state_has_its_word_and_the_live_part(open_page: OpenPage, status: RunStatus) -> None:
    from pages.components.status import LOOKS

    run = seed_run(status, done=50, reason=Reason.BUG, message="It stopped for a reason.")
    page = open_page(PAGE, run=str(run.id))
    assert LOOKS[status].word in words(page)
    (component,) = page.get("bidi_component")
    assert component.proto.component_name == "live_run"


def test_a_finished_run_can_be_tried_and_copied(open_page: OpenPage) -> None:
    run = seed_run()
    labels = {button.label for button in open_page(PAGE, run=str(run.id)).button}
    assert {"Try it", "Train again", "Rename", "Delete"} <= labels
    assert "Stop" not in labels


def test_a_running_run_can_be_stopped_and_not_deleted(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.RUNNING, done=40)
    page = open_page(PAGE, run=str(run.id))
    assert "Delete" not in {button.label for button in page.button}
    page.button(key="run_stop").click()
    page.run()
    assert not page.exception
    assert get_run(run.id).status is RunStatus.STOPPING
    assert "Stopping" in words(page)


def test_a_failed_run_says_what_happened_what_was_kept_and_what_to_do(open_page: OpenPage) -> None:
    run = seed_run(
        RunStatus.FAILED, done=40, reason=Reason.NAN_LOSS, message="Lower the learning rate."
    )
    page = open_page(PAGE, run=str(run.id))
    (box,) = page.error
    assert "Lower the learning rate" in box.value.replace("\\", "")
    assert "was kept" in box.value
    page.button(key="run_clone").click()
    page.run()
    assert page.query_params["clone"] == str(run.id)
    assert not page.exception


def test_a_name_is_shown_as_it_is_and_never_as_markup(open_page: OpenPage) -> None:
    name = "<script>alert(1)</script> **b** :red[x] $y$ ![i](http://h/x.png)"
    run = seed_run(name=name)
    page = open_page(PAGE, run=str(run.id))
    title = page.title[0].value
    assert "\\<script\\>" in title
    assert "\\*\\*b\\*\\*" in title
    assert "\\!\\[i\\]\\(" in title


def test_a_deleted_data_set_and_an_unknown_model_break_nothing(open_page: OpenPage) -> None:
    from storage import database
    from storage.schema import RunRow

    run = seed_run()
    with database.write() as session:
        row = session.get(RunRow, run.id)
        assert row is not None
        row.dataset_id, row.model, row.task = "gone", "gone", "gone"
    text = words(open_page(PAGE, run=str(run.id)))
    assert "deleted since" in text
