"""The playground: choose a model, give it something, read the answer; failures are sentences."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from backend.datasets import list_datasets
from backend.errors import InferenceError
from backend.inference import Explanation
from backend.runs import RunStatus
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import BOXES, PAIRS, TEXTS, seed_run

PAGE = "use/playground.py"
Asked = list[tuple[int, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Answers "7" (or "Danish") in place of a model, and keeps what was asked."""
    calls: Asked = []

    def predict(run_id: int, inputs: list[Any], options: dict[str, Any]) -> SimpleNamespace:
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


def test_boxes_follow_the_slider_and_the_history_keeps_one_line(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moving the bar asks again about the same picture, and only then."""
    calls: list[dict[str, Any]] = []

    def predict(run_id: int, inputs: list[Any], options: dict[str, Any]) -> SimpleNamespace:
        calls.append(options)
        boxes = [
            {"label": label, "score": score, "box": [4.0, 5.0, 60.0, 70.0]}
            for label, score in (("7", 0.9), ("<b>", 0.4))
            if score >= options["threshold"]
        ]
        return SimpleNamespace(
            predictions=[{"boxes": boxes}], seconds=0.1, device="cpu", step=9, notes=[]
        )

    monkeypatch.setattr("pages.use.answers.predict", predict)
    run = seed_run(task=BOXES, model="ssdlite320_mobilenet_v3_large", dataset="scenes")
    page = open_page(PAGE, run=str(run.id))
    next(button for button in page.button if button.label == "Try").click()
    page.run()
    assert not page.exception
    assert "1 box" in words(page)
    assert "There is: " in words(page)
    assert page.dataframe[0].value["Class"].tolist() == ["7"]
    (bar,) = page.slider
    bar.set_value(0.3)
    page.run()
    page.run()
    assert not page.exception
    assert [options["threshold"] for options in calls] == [0.5, 0.3]
    assert page.dataframe[0].value["Class"].tolist() == ["7", "<b>"]
    assert page.dataframe[-1].value["Answer"].tolist() == ["7, <b>"]
    next(one for one in page.toggle if one.label == "Show what is there").set_value(True)
    page.run()
    assert not page.exception
    assert len(calls) == 2
    bar = page.slider[0]
    bar.set_value(0.95)
    page.run()
    assert "Nothing found" in words(page)


def test_the_camera_is_asked_for_only_on_request(open_page: OpenPage) -> None:
    seed_run()
    page = open_page(PAGE)
    assert not page.get("camera_input")
    page.get("segmented_control")[0].set_value("Camera")
    page.run()
    assert page.get("camera_input")


def test_a_failure_is_a_sentence(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
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
    for asked_for in ("99", "../..", "x", "9" * 30, "9" * 5000):
        assert open_page(PAGE, run=asked_for).selectbox[0].value == second.id


def grown(texts: list[str]) -> Any:
    """Answers with these texts one after the other, and notes whether it was heard to the end."""

    def stream(run_id: int, value: str, options: dict[str, Any]) -> Any:
        for text in texts:
            prediction = {"text": text, "continues": True, "hints": ["It ended."]}
            yield SimpleNamespace(
                predictions=[prediction], seconds=0.1, device="cpu", step=100, notes=[]
            )

    return stream


def test_a_written_text_goes_on_from_what_was_given(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.inference.predict_stream", grown([" is", " is\n<b>well</b>"]))
    seed_run(task="text-generation", model="gru", dataset="small-talk")
    page = open_page(PAGE)
    labels = {field.label for field in (*page.number_input, *page.slider)}
    assert labels >= {"Length", "Temperature", "Seed"}
    page.text_area[0].set_value("*All*")
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert not page.exception
    text = words(page)
    assert ":gray[\\*All\\*] is" in text
    assert "\\<b\\>well\\<\\/b\\>" in text
    assert "It ended" in text
    assert "You stopped it" not in text
    assert page.dataframe[-1].value["Answer"].tolist() == [" is\n<b>well</b>"]


def test_an_answer_that_breaks_off_tells_why(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Any:
        yield from grown([" is"])(1, "", {})
        raise InferenceError("Its process broke down. Try again.")

    monkeypatch.setattr("backend.inference.predict_stream", fail)
    seed_run(task="text-generation", model="gru", dataset="small-talk")
    page = open_page(PAGE)
    page.text_area[0].set_value("All")
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert not page.exception
    assert "broke down" in page.error[0].value
    assert " is" in words(page)


def test_neighbours_and_their_map(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    near = [{"text": "queen <i>", "score": 0.8}, {"text": "prince", "score": 0.5}]
    points = [
        {"x": 0.0, "y": 1.0, "text": "king", "group": "asked"},
        {"x": 0.5, "y": 1.0, "text": "queen <i>", "group": "near"},
        {"x": 0.5, "y": 0.0, "text": "bread", "group": "other"},
    ]

    def predict(run_id: int, inputs: list[Any], options: dict[str, Any]) -> SimpleNamespace:
        assert options == {"count": 10}
        return SimpleNamespace(
            predictions=[{"neighbours": near, "map": {"points": points}}], seconds=0.1,
            device="cpu", step=100, notes=[],
        )  # fmt: skip

    monkeypatch.setattr("pages.use.answers.predict", predict)
    seed_run(task="word-embeddings", model="skip-gram", dataset="small-talk")
    page = open_page(PAGE)
    assert "king - man" in page.text_area[0].placeholder
    page.text_area[0].set_value("king")
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert not page.exception
    bars, map_ = page.get("plotly_chart")
    assert "queen &lt;i&gt;" in bars.proto.spec
    assert "bread" in map_.proto.spec
    assert page.dataframe[-1].value["Answer"].tolist() == ["queen <i>, prince"]
    near[0]["text"] = "a long <b>passage</b> of a text that is to be read"
    page.run()
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert "passage\\<\\/b\\>" in words(page)


def test_an_answer_that_is_a_text_comes_with_what_it_looked_at(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = [
        {"text": "It rained.", "share": 0.05},
        {"text": "<i>Four</i> came.", "share": 0.9},
        {"text": "That is all.", "share": 0.05},
    ]
    prediction = {
        "text": "4", "hints": [], "compression": 0.125, "sentences": sentences,
        "attention": {"source": ["Fo", "ur"], "target": ["4"], "weights": [[0.7, 0.3]]},
    }  # fmt: skip
    options: list[dict[str, Any]] = []

    def predict(run_id: int, inputs: list[Any], **more: Any) -> SimpleNamespace:
        options.append(more["options"])
        return SimpleNamespace(
            predictions=[prediction], seconds=0.01, device="cpu", step=1, notes=[]
        )

    monkeypatch.setattr("pages.use.answers.predict", predict)
    seed_run(task=PAIRS, model="gru", dataset="dates")
    page = open_page(PAGE)
    (beams,) = [one for one in page.number_input if one.label == "Beams"]
    beams.set_value(4)
    page.button(key="play_0_0").click()
    page.run()
    assert not page.exception
    assert options == [{"beams": 4, "longest": 0}]
    text = words(page)
    assert "## 4" in text
    assert "it is" in text  # the example's right answer is a date
    assert "12.5 %" in text
    assert "90.0 %] \\<i\\>Four" in text
    (chart,) = page.get("plotly_chart")
    assert "looked at" in chart.proto.spec
    assert page.dataframe[-1].value["Answer"].tolist() == ["4"]


def test_why_this_answer_is_asked_for_and_shown(
    open_page: OpenPage, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = {
        "share": 0.1, "before": 0.94, "marked": 0.2, "random": 0.9, "drop_marked": 3.0,
        "drop_random": 0.2, "holds": True,
    }  # fmt: skip
    text = "Hvad <b>er</b> det?"
    marks = [{"start": 0, "end": 4, "weight": 1.0}, {"start": 15, "end": 18, "weight": -0.7}]
    parts = [
        {"kind": "words", "method": "leaving out", "about": "Danish", "text": text, "words": marks,
         "check": check},
        {"kind": "changes", "of": "text", "found": True, "before": "Danish", "after": "Swedish",
         "probability": 0.6, "text": text, "removed": [{"start": 0, "end": 4}], "tried": 3},
        {"kind": "nearest", "examples": [{"example": 0, "similarity": 0.97, "label": "Danish"}],
         "searched": 10, "of": 20},
    ]  # fmt: skip
    whys: list[Any] = []

    def explain(run_id: int, value: Any) -> Explanation:
        whys.append(value)
        return Explanation(parts, 0.1, 100)

    monkeypatch.setattr("backend.inference.explain_answer", explain)
    list_datasets()  # makes the bundled data, as the home page does
    seed_run(task=TEXTS, model="lstm", dataset="languages")
    page = open_page(PAGE)
    page.text_area[0].set_value(text)
    next(button for button in page.button if button.label == "Ask").click()
    page.run()
    assert not whys  # an answer alone is never slowed down
    page.button(key="play_why_ask").click()
    page.run()
    page.run()
    assert not page.exception
    assert whys == [text]
    shown = words(page)
    assert ":green-background[Hvad]" in shown
    assert ":red-background[det]" in shown
    assert "<b>" not in shown.replace("\\<b\\>", "")
    plain = shown.replace("\\", "")
    assert "from 94 % to 20 %" in plain
    assert "Without “Hvad” it would answer “Swedish”" in plain
    assert "10 of 20 looked at so far" in shown
