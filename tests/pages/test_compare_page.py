"""The page that compares runs: the address holds the selection, odd addresses do no harm."""

import pytest

from backend.comparing.curves import metric_names
from pages.train.compare_view import View, parse
from tests.backend.comparing.tested import seed_tested
from tests.pages.conftest import OpenPage, words

PAGE = "train/compare.py"
GOOD, BAD = [1.0] * 40 + [0.0] * 10, [1.0] * 20 + [0.0] * 30


def test_without_runs_it_says_what_is_missing(open_page: OpenPage) -> None:
    assert "Nothing to compare yet" in words(open_page(PAGE))


def test_the_address_chooses_runs_axis_and_smoothing(open_page: OpenPage) -> None:
    one, other = seed_tested("one *a*", GOOD), seed_tested("other", BAD, config={"epochs": 3})
    page = open_page(PAGE, runs=f"{one.id},{other.id}", x="time", smooth="0.6", log="1")
    assert page.multiselect(key="compare_runs").value == [str(one.id), str(other.id)]
    assert page.get("segmented_control")[0].value == "time"
    assert page.select_slider(key="compare_smoothing").value == 0.6
    assert page.toggle(key="compare_log").value
    said = words(page)
    assert "“one \\*a\\*” is right on 20 examples that “other” gets wrong" in said
    assert "Epochs" in page.dataframe[1].value[""].tolist()
    assert page.dataframe[0].value["one *a*"].tolist() == ["80.0 % ★"]
    assert len(page.get("plotly_chart")) == 2


def test_what_is_changed_on_the_page_stands_in_the_address(open_page: OpenPage) -> None:
    ids = [seed_tested(name, GOOD).id for name in ("a", "b", "c")]
    page = open_page(PAGE, runs=f"{ids[0]},{ids[1]}")
    page.multiselect(key="compare_runs").set_value([str(number) for number in ids])
    page.toggle(key="compare_log").set_value(True)
    page.get("segmented_control")[0].set_value("epoch")
    page.run()
    assert not page.exception
    assert page.query_params["runs"] == ",".join(map(str, ids))
    assert page.query_params["x"] == "epoch"
    assert page.query_params["log"] == "1"
    page.run()
    assert page.multiselect(key="compare_runs").value == [str(number) for number in ids]


def test_three_runs_of_one_task_get_the_chart_of_settings(open_page: OpenPage) -> None:
    ids = [
        seed_tested(f"run {rate}", GOOD, config={"learning_rate": rate}).id
        for rate in (0.1, 0.2, 0.3)
    ]
    page = open_page(PAGE, runs=",".join(map(str, ids)))
    assert "Settings and score" in words(page)
    assert "Settings and score" not in words(open_page(PAGE, runs=f"{ids[0]},{ids[1]}"))


@pytest.mark.parametrize(
    "asked", ["", "a,b", "99999,1e3", "1;drop", "１,2", "9" * 40, ",,,", "-1,-2", "1"]
)
def test_odd_addresses_do_no_harm(open_page: OpenPage, asked: str) -> None:
    seed_tested("one", GOOD)
    seed_tested("other", BAD)
    page = open_page(PAGE, runs=asked, x="../", smooth="nan", log="yes", curves="<b>,val/x")
    assert not page.exception
    assert "Choose" in words(page)


def test_a_view_survives_the_way_through_the_address() -> None:
    view = View((3, 1), "epoch", 0.6, True, ("val/loss", "train/loss"))
    assert parse(view.address(), {1, 2, 3}) == view
    assert parse({}, {1}) == View(runs=())


def test_ticked_runs_are_compared(open_page: OpenPage) -> None:
    ids = [seed_tested(name, GOOD).id for name in ("a", "b")]
    page = open_page("train/runs.py")
    page.session_state["runs_table"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    page.run()
    next(button for button in page.button if button.label == "Compare").click()
    page.run()
    assert not page.exception
    assert page.query_params["runs"] == f"{ids[1]},{ids[0]}"


def test_a_run_is_compared_with_the_newest_of_its_kind(open_page: OpenPage) -> None:
    one, other = seed_tested("one", GOOD), seed_tested("other", BAD)
    seed_tested("elsewhere", BAD, dataset="mnist")
    page = open_page("train/run.py", run=str(one.id))
    page.button(key="run_compare").click()
    page.run()
    assert page.query_params["runs"] == f"{one.id},{other.id}"


def test_curves_have_the_titles_of_the_task(open_page: OpenPage) -> None:
    assert metric_names([seed_tested("one", GOOD)]) == {
        "val/loss": "Validation loss",
        "train/loss": "Training loss",
    }
