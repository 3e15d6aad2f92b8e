"""The page of mistakes: found from the run's page, corrected in place, trained on again."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from backend import corrections
from backend.datasets import get_dataset
from backend.datasets.store import Store
from backend.inference import Explanation
from backend.runs import Run, get_run, list_runs
from backend.scores.outcomes import Outcomes
from backend.scores.results import TRAINING, TestResults, save_results
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import TEXTS, seed_run

PAGE = "train/mistakes.py"
WRONG = 5


def run_with_mistakes(task: str, model: str, dataset: str) -> Run:
    """A finished run that got the first test examples wrong."""
    run = seed_run(task=task, model=model, dataset=dataset)
    found = get_dataset(dataset)
    store = Store.open(found)
    examples = store.indices("test")
    truth = store.labels[examples]
    answer = truth.copy()
    answer[:WRONG] = (answer[:WRONG] + 1) % len(found.classes)
    right = truth == answer
    share = np.where(right, 0.8, 0.9).astype(np.float32)
    outcomes = Outcomes(
        {"accuracy": right.astype(np.float32)}, None, truth, answer,
        np.where(right, 0.8, 0.05).astype(np.float32), share, examples,
    )  # fmt: skip
    save_results(run.id, TestResults(10, outcomes, None, list(found.classes)))
    return run


def test_the_run_leads_to_its_mistakes(open_page: OpenPage) -> None:
    page = open_page()
    run = run_with_mistakes(TEXTS, "lstm", "languages")
    page = open_page("train/run.py", run=str(run.id))
    page.button(key="run_mistakes").click()
    page.run()
    assert not page.exception
    assert "Mistakes of" in words(page)


@pytest.mark.parametrize(
    "data", [("image-classification", "mlp", "digits"), (TEXTS, "lstm", "topics")]
)
def test_relabel_in_place_and_train_on_it(open_page: OpenPage, data: tuple[str, str, str]) -> None:
    open_page()
    run = run_with_mistakes(*data)
    page = open_page(PAGE, run=str(run.id))
    assert f"{WRONG} of" in words(page)
    assert page.button(key="mistakes_relabel").disabled
    assert page.button(key="mistakes_train").disabled
    answers = corrections.tested(run).answers
    number = int(answers.examples[0])
    page.checkbox(key=f"mistake_{run.id}_{number}").check()
    page.run()
    page.button(key="mistakes_relabel").click()
    page.run()
    assert not page.exception
    said = answers.classes[answers.answer[0]]
    assert corrections.labels_now(run, [number]) == {number: said}
    assert any("now" in box.label for box in page.checkbox)
    page.button(key="mistakes_train").click()
    page.run()
    assert not page.exception
    child = next(one for one in list_runs() if one.parent_id == run.id)
    assert child.dataset_name.endswith("(copy)")

    # After its test, both are compared on the same examples.
    results = dataclasses.replace(
        corrections.load_results(run.id), classes=get_dataset(child.dataset_id).classes
    )
    save_results(child.id, results)
    page = open_page(PAGE, run=str(child.id))
    assert "Before and after" in words(page)


def test_one_that_is_ticked_can_be_explained(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def explain(run_id: int, value: object) -> Explanation:
        asked.append(value)
        part = {"kind": "nearest", "examples": [], "searched": 10, "of": 20}
        return Explanation([part], 0.1, 10)

    monkeypatch.setattr("backend.inference.explain_answer", explain)
    open_page()
    run = run_with_mistakes(TEXTS, "lstm", "topics")
    page = open_page(PAGE, run=str(run.id))
    found = corrections.tested(run)
    number = int(found.answers.examples[0])
    page.checkbox(key=f"mistake_{run.id}_{number}").check()
    page.run()
    page.button(key="mistakes_why").click()
    page.run()
    assert not page.exception
    assert asked == [corrections.value_of(found, number)]
    assert "10 of 20 looked at so far" in words(page)


def test_other_lists_and_pairs(open_page: OpenPage) -> None:
    open_page()
    run = run_with_mistakes(TEXTS, "lstm", "topics")
    page = open_page(PAGE, run=str(run.id))
    page.session_state["mistakes_show"] = "Likely wrong labels"
    page.run()
    assert len(page.checkbox) == WRONG
    page.session_state["mistakes_show"] = "A pair of classes"
    page.run()
    assert not page.exception
    assert {box.label for box in page.selectbox} >= {"It is", "The model said"}
    assert len(page.checkbox) >= 1


def test_labels_it_learned_from_are_judged_and_corrected(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page()
    run = run_with_mistakes(TEXTS, "lstm", "topics")
    data = get_dataset("topics")
    store = Store.open(data)
    numbers = store.indices("train")[:30]

    def judge(run_id: int) -> Iterator[tuple[int, int]]:
        truth = store.labels[numbers].astype(np.int64)
        answer = truth.copy()
        answer[0] = (answer[0] + 1) % len(data.classes)
        own = np.where(truth == answer, 0.9, 0.1).astype(np.float32)
        share = np.full(30, 0.9, np.float32)
        outcomes = Outcomes({"agrees": own}, None, truth, answer, own, share, numbers)
        results = TestResults(10, outcomes, None, list(data.classes))
        yield 12, 30
        save_results(run_id, results, TRAINING)
        yield 30, 30

    monkeypatch.setattr("backend.inference.judge_labels", judge)
    page = open_page(PAGE, run=str(run.id))
    page.session_state["mistakes_show"] = "Labels it learned from"
    page.run()
    assert not page.checkbox
    page.button(key="mistakes_learned").click()
    page.run()
    assert not page.exception
    assert "30 of 1,202 were looked at" in words(page)
    (box,) = page.checkbox
    number = int(numbers[0])
    assert box.key == f"mistake_{run.id}_{number}"
    page.button(key="mistakes_all").click()
    page.run()
    assert page.button(key="mistakes_all").disabled
    page.button(key="mistakes_relabel").click()
    page.run()
    assert not page.exception
    said = data.classes[(store.labels[number] + 1) % len(data.classes)]
    assert corrections.labels_now(run, [number]) == {number: said}


def test_a_run_without_a_test_says_so(open_page: OpenPage) -> None:
    run = seed_run()
    page = open_page(PAGE, run=str(run.id))
    assert "no test yet" in words(page)
    page = open_page(PAGE, run="../x")
    assert "There is no such run" in words(page)
    assert get_run(run.id)
