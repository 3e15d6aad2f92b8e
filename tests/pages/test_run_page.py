"""A run's page in every state, and with every kind of bad address."""

import pytest

from backend.queue_order import queue_position
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


def test_a_stopped_run_goes_on_with_one_click(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.STOPPED, done=40, reason=Reason.USER_STOP)
    page = open_page(PAGE, run=str(run.id))
    assert "continue any time" in page.info[0].value
    page.button(key="run_continue").click()
    page.run()
    assert not page.exception
    assert get_run(run.id).status is RunStatus.QUEUED
    assert "Next in the queue" in words(page).replace("\\", "")


def test_a_finished_run_can_be_trained_further(open_page: OpenPage) -> None:
    run = seed_run()
    page = open_page(PAGE, run=str(run.id))
    page.button(key="run_further").click()
    page.run()
    epochs = page.number_input(key="further_epochs")
    assert epochs.min == run.config["epochs"] + 1
    assert epochs.value == 2 * run.config["epochs"]
    epochs.set_value(run.config["epochs"] + 2)
    # A dialog is a fragment of its own, which this harness draws with the button that opened it.
    page.button(key="run_further").click()
    next(button for button in page.button if button.label == "Continue").click()
    page.run()
    again = get_run(run.id)
    assert again.status is RunStatus.QUEUED
    assert again.config == {**run.config, "epochs": run.config["epochs"] + 2}


def test_the_most_epochs_there_can_be_break_nothing(open_page: OpenPage) -> None:
    from storage import database
    from storage.schema import RunRow

    run = seed_run()
    with database.write() as session:
        row = session.get(RunRow, run.id)
        assert row is not None
        row.config = {**run.config, "epochs": 1000}
    page = open_page(PAGE, run=str(run.id))
    page.button(key="run_further").click()
    page.run()
    assert not page.exception
    assert "as often as a run can" in words(page)


@pytest.mark.parametrize(
    ("reason", "page_title"), [(Reason.BAD_DATA, "Data sets"), (Reason.DISK_FULL, "Storage")]
)
def test_a_failure_leads_to_the_page_that_helps(
    open_page: OpenPage, reason: Reason, page_title: str
) -> None:
    run = seed_run(RunStatus.FAILED, done=40, reason=reason, message="So it ended.")
    page = open_page(PAGE, run=str(run.id))
    page.button(key="remedy_0").click()
    page.run()
    assert not page.exception
    assert page.title[0].value == page_title


def test_a_failure_offers_the_way_on_for_its_reason(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.FAILED, done=40, reason=Reason.OOM_HOST, message="Memory is full.")
    page = open_page(PAGE, run=str(run.id))
    best = page.button(key="remedy_0")
    assert best.label == "Continue with half the memory"
    best.click()
    page.run()
    again = get_run(run.id)
    assert again.status is RunStatus.QUEUED
    assert again.config["batch_size"] == run.config["batch_size"] // 2
    assert again.config["gradient_accumulation"] == 2 * run.config["gradient_accumulation"]


def test_a_lower_learning_rate_arrives_in_the_form(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.FAILED, done=40, reason=Reason.NAN_LOSS, message="Not a number.")
    page = open_page(PAGE, run=str(run.id))
    page.button(key="remedy_0").click()
    page.run()
    assert not page.exception
    (rate,) = [one for one in page.number_input if one.label == "Learning rate"]
    assert rate.value == pytest.approx(run.config["learning_rate"] / 10)


@pytest.mark.parametrize("value", ["nan", "-1", "<script>", "1e30"])
def test_a_bad_setting_in_the_address_is_told(open_page: OpenPage, value: str) -> None:
    run = seed_run()
    page = open_page("train/new_run.py", clone=str(run.id), learning_rate=value)
    assert "Learning rate" in page.error[0].value.replace("\\", "")


def test_a_queued_run_can_be_held_and_let_go(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.QUEUED)
    page = open_page(PAGE, run=str(run.id))
    page.button(key="queue_hold").click()
    page.run()
    assert get_run(run.id).held
    assert "Held back" in words(page).replace("\\", "")
    assert ":material/pause_circle: Held" in words(page)
    assert "Earlier" not in {button.label for button in page.button}
    page.button(key="queue_release").click()
    page.run()
    assert not get_run(run.id).held


def test_a_queued_run_among_others_starts_earlier(open_page: OpenPage) -> None:
    first, last = seed_run(RunStatus.QUEUED, name="first"), seed_run(RunStatus.QUEUED, name="last")
    page = open_page(PAGE, run=str(last.id))
    assert "1 before it" in words(page)
    page.button(key="queue_up").click()
    page.run()
    assert [queue_position(run.id) for run in (last, first)] == [1, 2]
    assert "Next in the queue" in words(page)
