"""A run's page in every state, and with every kind of bad address."""

from types import SimpleNamespace

import pytest

from backend.queue_order import queue_position
from backend.runs import Reason, RunStatus, get_run
from tests.backend.reading.test_door import guessing_run
from tests.backend.scores.test_honest import run_with_test
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
    drawn = {component.proto.component_name for component in page.get("bidi_component")}
    assert {"live_run", "run_story"} <= drawn


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
    assert "One epoch has taken about" in words(page)
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


def test_a_run_that_stopped_early_goes_on_from_there(open_page: OpenPage) -> None:
    from storage import database
    from storage.schema import RunRow

    run = seed_run()
    with database.write() as session:
        row = session.get(RunRow, run.id)
        assert row is not None
        row.config, row.epoch = {**run.config, "epochs": 40, "early_stopping": 3}, 10.0
    page = open_page(PAGE, run=str(run.id))
    page.button(key="run_further").click()
    page.run()
    assert "10 times of 40, and stopped because" in words(page)
    epochs = page.number_input(key="further_epochs")
    assert (epochs.min, epochs.value) == (11, 40)
    page.button(key="run_further").click()
    next(button for button in page.button if button.label == "Continue").click()
    page.run()
    again = get_run(run.id)
    assert again.status is RunStatus.QUEUED
    assert (again.config["epochs"], again.config["early_stopping"]) == (40, 0)


def test_the_most_epochs_there_can_be_break_nothing(open_page: OpenPage) -> None:
    from storage import database
    from storage.schema import RunRow

    run = seed_run()
    with database.write() as session:
        row = session.get(RunRow, run.id)
        assert row is not None
        row.config, row.epoch = {**run.config, "epochs": 1000}, 1000.0
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


def add_texts(run_id: int, step: int, answer: str, given: str = "vier") -> None:
    from storage import database, snapshots

    items = [{"given": given, "answer": answer, "truth": "4"}, {"given": "", "answer": "freely"}]
    with database.write() as session:
        snapshots.add(
            session, run_id, 1, step=step, epoch=step / 10, kind="texts",
            content={"kind": "texts", "items": items},
        )  # fmt: skip


def test_the_slider_replays_what_it_answered(open_page: OpenPage) -> None:
    run = seed_run(RunStatus.RUNNING, done=40)
    add_texts(run.id, 10, "1", given="<b>vier</b> **4**")
    page = open_page(PAGE, run=str(run.id))
    shown = words(page)
    assert "\\<b\\>vier" in shown
    assert "it should be" in shown
    assert not page.select_slider
    add_texts(run.id, 20, "4")
    page.run()
    (slider,) = page.select_slider
    assert slider.value == slider.options[-1] == "epoch 2 · step 20"
    assert "it should be" not in words(page)
    slider.set_value("epoch 1 · step 10").run()
    assert "it should be" in words(page)
    add_texts(run.id, 30, "4")  # somebody who looks back is left alone
    page.run()
    assert page.select_slider[0].value == "epoch 1 · step 10"
    page.select_slider[0].set_value("epoch 3 · step 30").run()
    add_texts(run.id, 40, "4")
    page.run()
    assert page.select_slider[0].value == "epoch 4 · step 40"
    assert not page.exception


def add_map(run_id: int, step: int, x: float) -> None:
    from storage import database, snapshots

    points = [
        {"x": x, "y": 0.5, "text": "<b>king</b>", "group": "king, queen"},
        {"x": -x, "y": 0.1, "text": "bread", "group": "bread"},
    ]
    content = {"kind": "map", "points": points, "groups": ["bread", "king, queen"]}
    with database.write() as session:
        snapshots.add(session, run_id, 1, step=step, epoch=step / 10, kind="map", content=content)


def test_a_map_sends_all_its_moments_to_the_browser(open_page: OpenPage) -> None:
    from backend.runs import list_moments
    from pages.components.point_map import MOST_FRAMES, _frames

    run = seed_run(RunStatus.RUNNING, done=40)
    add_map(run.id, 10, 1.0)
    add_map(run.id, 20, 2.0)
    page = open_page(PAGE, run=str(run.id))
    assert "The map while it learns" in words(page)
    frames, texts = _frames(list_moments(run.id, "map"))
    assert texts == ["<b>king</b>", "bread"]
    assert [frame["x"] for frame in frames] == [[1.0, -1.0], [2.0, -2.0]]
    assert frames[0]["groups"] == [1, 0]
    for step in range(30, 30 + 2 * MOST_FRAMES):
        add_map(run.id, step, float(step))
    frames, _ = _frames(list_moments(run.id, "map"))
    assert len(frames) == MOST_FRAMES
    assert frames[0]["x"][0] == 1.0
    assert frames[-1]["x"][0] == 29.0 + 2 * MOST_FRAMES


def test_boxes_of_an_evaluation_are_drawn_on_its_pictures(open_page: OpenPage) -> None:
    import base64

    import numpy as np

    from backend.datasets.images import encode_png
    from storage import database, snapshots

    run = seed_run(RunStatus.RUNNING, done=40)
    png = base64.b64encode(encode_png(np.zeros((40, 60, 3), np.uint8))).decode()
    shown = {
        "picture": png, "height": 40, "width": 60,
        "truth": [{"label": "<cat>", "box": [1, 2, 20, 30]}],
        "found": [{"label": "dog", "score": 0.61, "box": [2, 2, 21, 30]}],
    }  # fmt: skip
    with database.write() as session:
        snapshots.add(
            session, run.id, 1, step=10, epoch=1.0, kind="boxes",
            content={"kind": "boxes", "pictures": [shown, shown]},
        )  # fmt: skip
    page = open_page(PAGE, run=str(run.id))
    assert "What it finds while it learns" in words(page)
    pictures = page.get("image")
    assert len(pictures) == 2
    assert "dog 61 %" in str(pictures[0].proto)


def test_all_scores_stand_beside_each_other_and_say_what_they_mean(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those without a curve, such as what a model has to beat."""
    from dataclasses import replace

    measured = {"recall_10": 0.594, "ndcg_10": 0.456, "popular_recall_10": 0.124}
    metrics = {f"test/{name}": value for name, value in measured.items()}
    run = seed_run(task="recommendation", model="two-tower", dataset="films")
    run = replace(run, metrics={**metrics, "val/recall_10": 0.1})
    monkeypatch.setattr("backend.runs.get_run", lambda number: run)
    text = words(open_page(PAGE, run=str(run.id)))
    table = text[text.index("Scores :gray[· on the test part]") :]
    places = [table.index(f":gray[{title}]") for title in
              ("Found in ten", "Order of the ten", "Found by fame")]  # fmt: skip
    assert places == sorted(places)
    assert "12.4\N{NO-BREAK SPACE}%" in table
    assert "the ten most popular things" in table


def test_the_button_of_a_finding_does_what_it_says(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.components import live_run

    run = get_run(guessing_run())
    pressed = SimpleNamespace(finding="not-learning", status=None)
    monkeypatch.setattr(live_run, "_component", lambda **_: pressed)
    page = open_page()
    page.switch_page(PAGE)
    page.query_params["run"] = str(run.id)
    page.run()
    assert not page.exception
    assert page.query_params["clone"] == str(run.id)
    assert page.query_params["learning_rate"] == "0.05"


def test_the_button_of_a_finding_that_is_gone_does_nothing(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.components import live_run

    pressed = SimpleNamespace(finding="plateau", status=None)
    monkeypatch.setattr(live_run, "_component", lambda **_: pressed)
    page = open_page(PAGE, run=str(seed_run().id))
    assert not page.exception
    assert "Try it" in {button.label for button in page.button}


def test_a_score_stands_beside_chance_and_a_guess(open_page: OpenPage) -> None:
    run = get_run(run_with_test())
    text = words(open_page(PAGE, run=str(run.id)))
    assert "Between 54.1 % and 77.3 %: with only 60 test examples" in text
    assert "the most frequent class, gets 50.0 %" in text
    table = text[text.index("Scores :gray[· on the test part]") :]
    assert "54.1\N{NO-BREAK SPACE}% – 77.3\N{NO-BREAK SPACE}%" in table
    assert "looked at" not in text


def test_a_score_that_a_guess_reaches_is_no_success(open_page: OpenPage) -> None:
    page = open_page(PAGE, run=str(run_with_test(naive=0.6)))
    assert not page.success
    (box,) = page.warning
    assert "66.7 %" in box.value


def test_a_test_part_that_was_looked_at_often_is_told(open_page: OpenPage) -> None:
    from backend.scores.honest import OFTEN

    numbers = [run_with_test(results=False) for _ in range(OFTEN)]
    text = words(open_page(PAGE, run=str(numbers[0])))
    assert f"looked at {OFTEN} times" in text


def test_each_class_has_a_row(open_page: OpenPage) -> None:
    page = open_page(PAGE, run=str(run_with_test()))
    (table,) = [one.value for one in page.dataframe]
    assert list(table["Class"]) == ["c", "b", "a"]
    assert list(table["Count"]) == [10, 20, 30]
