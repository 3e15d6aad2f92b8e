"""The playground's fields and answers for two pictures, recordings and things to like."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from backend import datasets
from backend.datasets.preview import encode_wav
from backend.tasks import get_task
from tests.backend.tasks.samples import note
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import seed_run

PAGE = "use/playground.py"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
Answering = Callable[[dict[str, Any]], list[Any]]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """answering(prediction): every question gets it; the list fills with what was asked."""

    def start(prediction: dict[str, Any]) -> list[Any]:
        asked: list[Any] = []

        def predict(run_id: int, inputs: list[Any], options: dict[str, Any]) -> SimpleNamespace:
            asked.append((inputs[0], options))
            return SimpleNamespace(
                predictions=[prediction], seconds=0.01, device="cpu", step=100, notes=[]
            )

        monkeypatch.setattr("pages.use.answers.predict", predict)
        return asked

    return start


def picture(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (28, 28), grey).save(file, "PNG")
    return file.getvalue()


def press(page: Any, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


def match(same: bool, score: float) -> dict[str, Any]:
    alike = [[{"label": "<b>", "distance": 0.1, "picture": PIXEL}], []]
    return {"match": same, "score": score, "distance": 0.2, "threshold": 0.3,
            "seen": [PIXEL, PIXEL], "alike": alike, "hints": []}  # fmt: skip


def test_two_pictures_are_compared_once_both_are_there(
    open_page: OpenPage, answering: Answering
) -> None:
    asked = answering(match(True, 0.93))
    seed_run(task="image-similarity", model="cnn", dataset="signs")
    page = open_page(PAGE)
    compare = next(button for button in page.button if button.label == "Compare")
    assert compare.disabled
    for place, grey in (("first", 10), ("second", 200)):
        page.file_uploader(key=f"play_{place}_upload").upload(f"{place}.png", picture(grey))
        page.run()
    assert not asked
    press(page, "Compare")
    assert [given for given, _ in asked] == [[picture(10), picture(200)]]
    text = words(page)
    assert "## The same" in text
    assert "93.0 % sure" in text
    assert page.dataframe[-1].value["Answer"].tolist() == ["the same"]
    assert page.dataframe[-1].value["Sure"].tolist() == [0.93]


def test_not_the_same_is_as_sure_as_the_rest(open_page: OpenPage, answering: Answering) -> None:
    answering(match(False, 0.04))
    run = seed_run(task="image-similarity", model="cnn", dataset="signs")
    page = open_page(PAGE, run=str(run.id))
    press(page, "Try")
    text = words(page)
    assert "## Not the same" in text
    assert "96.0 % sure" in text
    assert "they are the same" in text  # the first example is such a pair
    assert page.dataframe[-1].value["Sure"].tolist() == [0.96]


def test_pick_what_you_like(open_page: OpenPage, answering: Answering) -> None:
    names = datasets.list_items(datasets.get_dataset("films"))
    found = {"items": [
        {"item": names[5], "score": 0.2, "because": names[0]},
        {"item": "<script>", "score": 0.1, "because": names[1]},
    ]}  # fmt: skip
    asked = answering(found)
    seed_run(task="recommendation", model="two-tower", dataset="films")
    page = open_page(PAGE)
    press(page, "Suggest")
    assert "Pick at least one" in words(page)
    page.multiselect[0].set_value(names[:2])
    press(page, "Suggest")
    assert asked == [(names[:2], {"count": 10})]
    table = page.dataframe[0].value
    assert table["Suggestion"].tolist() == [names[5], "<script>"]
    assert table["Fit"].tolist() == [1.0, 0.5]
    assert table["Because you like"].tolist() == names[:2]


def test_an_example_tells_what_came_true(open_page: OpenPage, answering: Answering) -> None:
    example = get_task("recommendation").examples(datasets.get_dataset("films"), limit=8, seed=0)[0]
    assert example.truth
    later = example.truth.split("\n")
    found = [{"item": name, "score": 0.1, "because": example.value[0]} for name in (later[0], "x")]
    asked = answering({"items": found})
    run = seed_run(task="recommendation", model="two-tower", dataset="films")
    page = open_page(PAGE, run=str(run.id))
    page.button(key="play_0_0").click()
    page.run()
    assert not page.exception
    assert asked[0][0] == example.value
    assert page.dataframe[0].value["Liked it indeed"].tolist() == [True, False]
    assert f"1 of the {len(later)} thing" in words(page)


def test_a_long_list_is_searched_before_it_is_sent(
    open_page: OpenPage, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering({"items": []})
    names = [f"Thing {number:06}" for number in range(100_000)]
    monkeypatch.setattr("pages.use.items_input.datasets.list_items", lambda dataset: names)
    seed_run(task="recommendation", model="two-tower", dataset="films")
    page = open_page(PAGE)
    assert len(page.multiselect[0].options) == 100
    page.text_input[0].set_value("thing 0999")
    page.run()
    assert page.multiselect[0].options[0] == "Thing 009990" or page.multiselect[0].options
    wanted = next(name for name in page.multiselect[0].options if name == "Thing 099900")
    page.multiselect[0].set_value([wanted])
    press(page, "Suggest")
    assert asked[0][0] == [wanted]
    page.text_input[0].set_value("thing 000001")
    page.run()
    assert page.multiselect[0].options == [wanted, "Thing 000001"]


def test_speak_into_the_microphone(open_page: OpenPage, answering: Answering) -> None:
    asked = answering({"label": "stop", "probabilities": {"stop": 0.8, "go": 0.2}, "seen": PIXEL})
    seed_run(task="audio-classification", model="cnn", dataset="commands")
    page = open_page(PAGE)
    sound = encode_wav(note(500))
    page.get("audio_input")[0].upload("voice.wav", sound)
    page.run()
    page.run()
    assert not page.exception
    assert [given for given, _ in asked] == [sound]
    assert "## stop" in words(page)
    assert page.get("audio"), "what was said can be heard again"


def test_recordings_of_the_test_can_be_heard_and_tried(
    open_page: OpenPage, answering: Answering
) -> None:
    asked = answering({"label": "go", "probabilities": {"go": 1.0}})
    run = seed_run(task="audio-classification", model="cnn", dataset="commands")
    page = open_page(PAGE, run=str(run.id))
    assert len(page.get("audio")) == 4
    press(page, "Try")
    assert asked[0][0].startswith(b"RIFF")
    page.get("segmented_control")[0].set_value("Upload")
    page.run()
    assert not page.get("audio_input")
    assert page.file_uploader(key="play_upload")
