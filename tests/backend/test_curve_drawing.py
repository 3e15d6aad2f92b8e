"""Curves as SVG: well-formed whatever the values and names are, and drawn where they belong."""

from xml.etree import ElementTree

import numpy as np
import pytest

from backend.curve_drawing import HEIGHT, WIDTH, Curve, curves_svg, ticks

SVG = "{http://www.w3.org/2000/svg}"


def picture(*curves: Curve, log: bool = False, percent: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(
        curves_svg(curves, title="<Loss> & more", x_title="Step", log=log, percent=percent)
    )


def lines(root: ElementTree.Element) -> list[str]:
    return [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("fill") == "none"]


def words(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_a_falling_curve_is_drawn_downwards_inside_the_picture() -> None:
    [line] = lines(picture(Curve("loss", np.arange(5.0), np.array([5.0, 4, 3, 2, 1]))))
    points = [point.split("h")[0].split(" ") for point in line[1:].split("L")]
    x, y = zip(*[(float(a), float(b)) for a, b in points], strict=True)
    assert list(x) == sorted(x)
    assert list(y) == sorted(y), "a falling value is further down"
    assert 0 < min(x) <= max(x) < WIDTH
    assert 0 < min(y) <= max(y) < HEIGHT


def test_names_are_escaped_and_listed() -> None:
    x = np.arange(2.0)
    root = picture(Curve("<script>alert(1)</script>", x, x), Curve("b & c", x, x))
    assert "b & c" in words(root)
    assert "<script>alert(1)</script>" in words(root)
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize(
    "y",
    [
        [],
        [float("nan")] * 3,
        [1.0],
        [2.0, 2.0, 2.0],
        [0.0, 0.0],
        [1e-12, 1e12],
        [float("inf"), 1.0],
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_odd_curves_give_sound_pictures(y: list[float], log: bool) -> None:
    text = curves_svg(
        [Curve("a", np.arange(float(len(y))), np.array(y))], title="t", x_title="Step", log=log
    )
    ElementTree.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text


def test_a_gap_breaks_the_line() -> None:
    [line] = lines(picture(Curve("a", np.arange(4.0), np.array([1.0, np.nan, 2.0, 3.0]))))
    assert line.count("M") == 2


def test_shares_and_logarithms_are_written_as_people_do() -> None:
    x = np.arange(2.0)
    assert "50 %" in words(picture(Curve("a", x, np.array([0.0, 1.0])), percent=True))
    assert {"1", "10", "100"} <= set(words(picture(Curve("a", x, np.array([1.0, 100])), log=True)))


def test_ticks_are_round() -> None:
    assert ticks(0.0, 1.0, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(0.0, 374.0, 7) == [0, 100, 200, 300]
