"""The playground: choose a model, give it something, read the answer; failures are sentences."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from backend.errors import InferenceError
from backend.runs import RunStatus
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import TEXTS, seed_run

PAGE = "use/playground.py"
Asked = list[tuple[int, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Answers "7" (or "Danish") in place of a model, and keeps what was asked."""
    calls: Asked = []

    def predict(run_id: int, inputs: list[Any]) -> SimpleNamespace:
        calls.append((run_id, inputs[0]))
        label = "Danish" if isinstance(inputs[0], str) else "7"
        prediction = {"label": label, "probabilities": {label: 0.91, "<b>": 0.09}}
        return SimpleNamespace(
            predictions=[prediction], seconds=0.012, device="cpu", step=100, notes=["A *note*."]
        )

    monkeypatch.setattr("pages.use.answers.predict", predict)
    return calls


def test_without_a_model_it_says_what_to_do(open_page: OpenPage) -> None:
    seed_run(RunStatus.QUEUED)
    page = open_page(PAGE)
    assert "No trained model yet" in words(page)


def test_type_a_text(open_page: OpenPage, asked: Asked) -> None:
    run = seed_run(task=TEXTS, model="lstm", dataset="languages")
    page = open_page(PAGE)
    page.text_area[0].set_value("Hvad er det?")
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert not page.exception
    assert asked == [(run.id, "Hvad er det?")]
    text = words(page)
    assert "Danish" in text
    assert "91.0 %" in text
    assert "12 ms" in text
    assert "\\*note\\*" in text
    (chart,) = page.get("plotly_chart")
    assert "&lt;b&gt;" in chart.proto.spec
    assert page.dataframe[-1].value["Answer"].tolist() == ["Danish"]


def test_an_empty_text_asks_for_one(open_page: OpenPage, asked: Asked) -> None:
    seed_run(task=TEXTS, model="lstm", dataset="languages")
    page = open_page(PAGE)
    page.text_area[0].set_value("   ")
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert "Type a sentence" in words(page)
    assert not asked


def test_upload_a_picture_once(open_page: OpenPage, asked: Asked) -> None:
    seed_run()
    page = open_page(PAGE)
    picture = io.BytesIO()
    Image.new("L", (28, 28), 200).save(picture, "PNG")
    page.file_uploader(key="play_upload").upload("seven.png", picture.getvalue())
    page.run()
    page.run()
    assert not page.exception
    assert [given for _, given in asked] == [picture.getvalue()]
    assert "## 7" in words(page)


def test_click_an_example_of_the_test_split(open_page: OpenPage, asked: Asked) -> None:
    run = seed_run()
    page = open_page(PAGE, run=str(run.id))
    next(button for button in page.button if button.label == "Try").click()
    page.run()
    assert not page.exception
    assert asked[0][1].startswith(b"\x89PNG")
    text = words(page)
    assert "right" in text or "it is" in text


def test_the_camera_is_asked_for_only_on_request(open_page: OpenPage) -> None:
    seed_run()
    page = open_page(PAGE)
    assert not page.get("camera_input")
    page.get("segmented_control")[0].set_value("Camera")
    page.run()
    assert page.get("camera_input")


def test_a_failure_is_a_sentence(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise InferenceError("The model could not be loaded. Choose another run.")

    monkeypatch.setattr("pages.use.answers.predict", fail)
    seed_run()
    page = open_page(PAGE)
    next(button for button in page.button if button.label == "Try").click()
    page.run()
    assert not page.exception
    assert "could not be loaded" in page.error[0].value


def test_the_address_chooses_the_run_and_nonsense_is_ignored(open_page: OpenPage) -> None:
    first, second = seed_run(name="one"), seed_run(name="two")
    assert open_page(PAGE, run=str(first.id)).selectbox[0].value == first.id
    for asked_for in ("99", "../..", "x", "9" * 30):
        assert open_page(PAGE, run=asked_for).selectbox[0].value == second.id
