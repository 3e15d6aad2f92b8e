"""Boxes on pictures as SVG: sound XML, words that are words, guesses and truth told apart."""

from xml.etree import ElementTree

import numpy as np
import pytest

from backend.box_drawing import COLOURS, LETTERS, NO_LETTERS, DrawnBox, boxed_svg, drawn_boxes
from backend.datasets.images import encode_png

PICTURE = encode_png(np.zeros((60, 80, 3), np.uint8))
SVG = "{http://www.w3.org/2000/svg}"


def draw(*boxes: DrawnBox, letters: float = LETTERS) -> ElementTree.Element:
    return ElementTree.fromstring(boxed_svg(PICTURE, 600, 800, boxes, letters))


def test_the_picture_is_inside_and_as_large_as_the_boxes_mean() -> None:
    root = draw()
    (image,) = root.findall(f"{SVG}image")
    assert root.get("viewBox") == "0 0 800 600"
    assert (image.get("width"), image.get("height")) == ("800", "600")
    assert (image.get("href") or "").startswith("data:image/png;base64,")
    assert not root.findall(f"{SVG}rect")


def test_guesses_and_truth_are_told_apart_without_colour() -> None:
    root = draw(
        DrawnBox("7", (10, 20, 110, 220), 0.875), DrawnBox("7", (12, 20, 110, 220), truth=True)
    )
    dashed = [rect for rect in root.iter(f"{SVG}rect") if rect.get("stroke-dasharray")]
    assert len(dashed) == 1
    assert [text.text for text in root.iter(f"{SVG}text")] == ["7", "7 88 %"]
    truth, guess = root.iter(f"{SVG}text")
    assert float(truth.get("y") or 0) > 220 > 100 > float(guess.get("y") or 0)


@pytest.mark.parametrize("corners", [(0, 0, 5, 5), (795, 595, 800, 600), (-20, -20, 900, 700)])
def test_words_stay_inside_the_picture(corners: tuple[float, float, float, float]) -> None:
    for truth in (False, True):
        root = draw(DrawnBox("a long name", corners, None if truth else 0.5, truth))
        tag = list(root.iter(f"{SVG}rect"))[-1]
        x, y, width, height = (float(tag.get(n) or 0) for n in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= 800
        assert 0 <= y <= y + height <= 600


def test_names_are_text_and_never_markup() -> None:
    name = "<script>alert(1)</script>&\"'"
    root = draw(DrawnBox(name, (1, 1, 9, 9), 0.5))
    (text,) = root.iter(f"{SVG}text")
    assert (text.text or "").startswith("<script>")
    assert not list(root.iter(f"{SVG}script"))
    assert len(text.text or "") < 40


def test_small_pictures_have_no_words_and_thicker_lines() -> None:
    root, large = (draw(DrawnBox("7", (1, 1, 9, 9)), letters=one) for one in (NO_LETTERS, LETTERS))
    assert not list(root.iter(f"{SVG}text"))
    thick, thin = (
        float(next(one.iter(f"{SVG}rect")).get("stroke-width") or 0) for one in (root, large)
    )
    assert thick == 2 * thin


def test_a_class_has_one_colour_and_white_is_readable_on_each() -> None:
    def colour(label: str) -> str | None:
        return list(draw(DrawnBox(label, (1, 1, 9, 9))).iter(f"{SVG}rect"))[1].get("stroke")

    assert colour("cat") == colour("cat")
    assert len({colour(str(number)) for number in range(10)}) > 3
    for code in COLOURS:
        red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red, green, blue)
        ]
        light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (light + 0.05) >= 3, code


def test_answers_and_snapshots_become_boxes() -> None:
    rows = [{"label": "cat", "score": 0.5, "box": [1, 2, 3, 4]}]
    assert drawn_boxes(rows) == [DrawnBox("cat", (1, 2, 3, 4), 0.5)]
    assert drawn_boxes(rows, truth=True) == [DrawnBox("cat", (1, 2, 3, 4), None, True)]
