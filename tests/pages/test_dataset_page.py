"""A data set's page: findings and cures, filters, changes in place, classes, parts, history."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend import datasets
from backend.datasets import edits, versions
from backend.datasets.doctor.examination import examine
from backend.datasets.edits import Change
from backend.datasets.store import Store
from backend.models import faces
from pages.data.example_table import changes_of
from storage import runs
from storage.records import Dataset
from tests.backend.datasets.doctor import broken
from tests.pages.conftest import OpenPage, words

ONE = "data/dataset.py"
Make = Callable[[], Dataset]


@pytest.fixture
def open_examined(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """open_examined(make): the page of a data set that the doctor has looked at."""
    monkeypatch.setattr(faces, "can_find_faces", lambda: False)

    def _open(make: Make, view: str = "overview") -> tuple[AppTest, Dataset]:
        dataset = make()
        examine(dataset)
        return open_page(ONE, data=dataset.id, view=view), dataset

    return _open


def reviews() -> Dataset:
    return broken.broken_reviews(200)


def press(page: AppTest, key: str) -> None:
    page.button(key=key).click()
    page.run()
    assert not page.exception, page.exception[0].message


def keys(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def current(dataset: Dataset) -> Dataset:
    return datasets.get_dataset(dataset.id)


# The doctor -------------------------------------------------------------------------------


def test_findings_stand_on_top_with_examples_and_buttons(
    open_examined: Callable[..., Any],
) -> None:
    page, dataset = open_examined(reviews)
    text = words(page)
    assert "3 problems" in text
    assert "differ only by case" in text
    assert "I bought the" in text
    assert {"cure_labels-alike", "show_copies-across-parts", "cure_private-email"} <= keys(page)
    assert "DE89 3704 0044 0532 0130 00" in text.replace("\\", "")
    press(page, "cure_labels-alike")
    later = current(dataset)
    assert (later.version, "PRAISE" in later.classes) == (2, False)
    assert "version 2" in words(page)


def test_what_is_shown_can_be_narrowed_to_a_finding(open_examined: Callable[..., Any]) -> None:
    page, dataset = open_examined(reviews)
    press(page, "show_private-email")
    assert "10 texts" in words(page)
    assert "Only what this is about" in words(page)
    press(page, "finding_off")
    assert f"1 to 50 of {dataset.rows} texts" in words(page)


def test_sound_data_get_a_clean_bill(open_page: OpenPage) -> None:
    examine(datasets.get_dataset("digits"))
    assert "Nothing was found" in words(open_page(ONE, data="digits"))


def test_what_was_not_looked_at_can_be_asked_for(open_page: OpenPage) -> None:
    page = open_page(ONE, data="digits")
    assert "doctor_again" in keys(page)
    assert page.get("plotly_chart"), "the rest of the page does not wait"


def test_a_setting_leads_to_a_new_run_that_has_it(open_page: OpenPage) -> None:
    dataset = broken.uneven_texts()
    examine(dataset)
    page = open_page(ONE, data=dataset.id)
    press(page, "cure_classes-uneven")
    assert "weights" in page.query_params["class_balance"]
    assert "Their mistakes count more" in words(page)
    page.switch_page("train/new_run.py")  # a page that is switched to by itself is not kept
    page.query_params |= {"data": dataset.id, "class_balance": "weights"}
    page.run()
    press(page, "new_start")
    (run,) = runs.list_runs()
    assert run.config["class_balance"] == "weights"
    assert (run.dataset_id, run.dataset_version) == (dataset.id, 1)


def test_wishes_that_make_no_sense_are_passed_over(open_page: OpenPage) -> None:
    page = open_page("train/new_run.py", data="topics", class_balance="<b>", nonsense="1")
    assert "Set for your data" not in words(page)
    assert not page.error


def test_bundled_sets_offer_a_copy_instead(open_page: OpenPage) -> None:
    examine(datasets.get_dataset("topics"))
    page = open_page(ONE, data="topics")
    assert page.button(key="cure_copies-across-parts").disabled
    assert not page.button(key="cure_classes-uneven").disabled
    assert "stays as it is" in words(page)
    page = open_page(ONE, data="topics", view="examples")
    assert not page.checkbox
    assert "chosen_drop" not in keys(page)


# Overview ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "title"),
    [
        (reviews, "Length of the texts"),
        (lambda: broken.broken_pictures(60), "Width"),
        (broken.broken_boxes, "Height"),
        (broken.broken_pairs, "Length of what should come out"),
        (broken.broken_ratings, "Ratings"),
        (broken.broken_sounds, "Duration"),
    ],
)
def test_every_kind_of_data_has_its_figures_and_examples(
    open_examined: Callable[..., Any], make: Make, title: str
) -> None:
    page, dataset = open_examined(make)
    text = words(page)
    assert title in text
    assert f"{dataset.splits['test']:,}" in text
    page.session_state["dataset_view"] = "examples"
    page.run()
    assert not page.exception
    assert page.checkbox or page.get("data_editor") or page.get("arrow_data_frame")
    for view in ("classes", "history"):
        page.session_state["dataset_view"] = view
        page.run()
        assert not page.exception


# Examples ---------------------------------------------------------------------------------


def test_filters_narrow_down(open_examined: Callable[..., Any]) -> None:
    page, dataset = open_examined(reviews, "examples")
    base = f"filter_{dataset.id}"
    page.text_input(key=f"{base}_words").set_value("THANK YOU")
    page.run()
    assert "20 texts" in words(page)
    page.selectbox(key=f"{base}_split").set_value("train")
    page.run()
    assert "There are none" in words(page)
    page.text_input(key=f"{base}_words").set_value("")
    page.selectbox(key=f"{base}_label").set_value("prasie")
    page.run()
    assert "7 texts" in words(page)


def test_ticked_pictures_get_another_class_and_are_left_out(
    open_examined: Callable[..., Any],
) -> None:
    page, dataset = open_examined(lambda: broken.broken_pictures(60), "examples")
    boxes = [box for box in page.checkbox if str(box.key).startswith("tick_")]
    assert len(boxes) == 36
    for box in boxes[:3]:
        box.check()
    page.run()
    assert "3 examples chosen" in words(page)
    page.selectbox(key="chosen_label").set_value("blue")
    press(page, "chosen_set")
    later = current(dataset)
    store = Store.open(later)
    assert {later.classes[store.labels[index]] for index in (0, 1, 2)} == {"blue"}
    for box in [box for box in page.checkbox if str(box.key).startswith("tick_")][:2]:
        box.check()
    page.run()
    press(page, "chosen_pin")
    waiting = page.session_state["new_pins"]["image"]
    assert [one.value[1:4] for one in waiting] == [b"PNG", b"PNG"]
    assert waiting[0].truth == "blue"
    press(page, "chosen_drop")
    assert current(dataset).rows == dataset.rows - 2
    assert "Left out" in page.selectbox(key=f"filter_{dataset.id}_split").options
    press(page, "tick_all")
    assert "36 examples chosen" in words(page)
    press(page, "move_test")
    assert Store.open(current(dataset)).splits[2] == 2
    assert current(dataset).version == 4


def test_pages_are_turned(open_examined: Callable[..., Any]) -> None:
    page, dataset = open_examined(lambda: broken.broken_pictures(60), "examples")
    (turner,) = page.get("pagination")
    assert f"1 to 36 of {dataset.rows} pictures" in words(page)
    page.session_state[turner.key] = 2
    page.run()
    assert f"37 to 72 of {dataset.rows} pictures" in words(page)


def test_changes_in_the_table_are_told_apart(home: object) -> None:
    dataset = dataclasses.replace(
        broken_dataset := Dataset(
            "x", "x", "x", 3, ["a", "b"], {"train": 1, "validation": 1, "test": 1}, "", "", False,
            0, 0.0, format="text-class",
        )
    )  # fmt: skip
    assert broken_dataset == dataset
    before = [
        {"✓": False, "Text": "one", "Class": "a", "Part": "Training"},
        {"✓": False, "Text": "two", "Class": "b", "Part": "Test"},
        {"✓": False, "Text": "three", "Class": "b", "Part": "Test"},
    ]
    after = [
        {"✓": True, "Text": "one", "Class": "a", "Part": "Training"},
        {"✓": False, "Text": "2", "Class": "b", "Part": "Test"},
        {"✓": False, "Text": "three", "Class": "a", "Part": "Validation"},
    ]
    assert changes_of(dataset, before, after, [7, 8, 9]) == {
        8: Change(text="2"), 9: Change(label="a", split="validation"),
    }  # fmt: skip


# Classes, parts, history ------------------------------------------------------------------


def test_the_parts_are_divided_anew(open_examined: Callable[..., Any]) -> None:
    page, dataset = open_examined(lambda: broken.clean_reviews(200), "classes")
    key = f"{dataset.id}_{dataset.version}"
    assert sum(page.number_input(key=f"share_{n}_{key}").value for n in dataset.splits) == 100
    page.number_input(key=f"share_test_{key}").set_value(40)
    divide = next(button for button in page.button if button.label == "Divide anew")
    divide.click()
    page.run()
    assert "130 %" in page.error[0].value.replace("\\", "")
    page.number_input(key=f"share_train_{key}").set_value(40)
    page.number_input(key=f"share_validation_{key}").set_value(20)
    next(button for button in page.button if button.label == "Divide anew").click()
    page.run()
    assert not page.exception
    assert current(dataset).splits == {"train": 80, "validation": 40, "test": 80}


def test_a_class_is_renamed_and_classes_are_merged(open_examined: Callable[..., Any]) -> None:
    page, dataset = open_examined(reviews, "classes")
    table = f"class_table_{dataset.id}_1"
    chosen = [dataset.classes.index(name) for name in ("PRAISE", "praise")]
    page.session_state[table] = {"selection": {"rows": chosen, "columns": [], "cells": []}}
    page.run()
    next(button for button in page.button if button.label == "Merge 2 classes").click()
    page.run()
    assert not page.exception
    assert len(current(dataset).classes) == 4


def test_history_names_versions_and_runs_and_leads_back(
    open_examined: Callable[..., Any],
) -> None:
    def changed() -> Dataset:
        dataset = edits.drop(reviews(), [0, 1])
        runs.create_run(
            name="my run", task="text-classification", model="gru", dataset_id=dataset.id,
            dataset_name=dataset.name, config={}, dataset_version=1,
        )  # fmt: skip
        return dataset

    page, dataset = open_examined(changed, "history")
    text = words(page).replace("\\", "")
    assert "Left out 2 examples." in text
    assert "Brought in." in text
    assert any("my run" in link.label for link in page.get("page_link"))
    press(page, "back_1")
    later = current(dataset)
    assert later.version == 3
    assert versions.ensure_sha256(later) == versions.ensure_sha256(
        datasets.get_dataset(dataset.id, 1)
    )


def test_somebody_else_was_faster(open_examined: Callable[..., Any]) -> None:
    """Two tabs: the second one's change is refused with a sentence, nothing is lost."""
    page, dataset = open_examined(reviews)
    edits.drop(dataset, [0])
    page.button(key="cure_labels-alike").click()
    page.run()
    assert not page.exception
    assert current(dataset).version in (2, 3)
    assert current(dataset).rows == dataset.rows - 1
