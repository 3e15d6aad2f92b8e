"""Figures are pure functions: what goes in is found in fig.data."""

from xml.etree import ElementTree

import numpy as np
import pytest

from backend import charts


def test_sparkline_keeps_the_shape_in_few_points() -> None:
    values = np.concatenate([np.linspace(2, 1, 50_000), np.linspace(1, 0, 50_000)])
    points = charts.sparkline(values, 40)
    assert len(points) == 40
    assert points == sorted(points, reverse=True)
    assert points[0] == pytest.approx(1.975, abs=0.01)


def test_sparkline_leaves_out_what_is_no_number() -> None:
    assert charts.sparkline([1.0, float("nan"), 3.0, float("inf")]) == [1.0, 3.0]
    assert charts.sparkline([]) == []


def test_sparkline_svg_is_a_small_picture_of_finite_numbers() -> None:
    picture = charts.sparkline_svg([3.0, 2.0, 1.0])
    root = ElementTree.fromstring(picture)
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights), "a falling value is drawn further down"
    assert "nan" not in charts.sparkline_svg([1.0, 1.0, 1.0])
    assert charts.sparkline_svg([1.0]) == ""


def test_class_balance_stacks_the_splits_largest_class_first() -> None:
    counts = {"a": {"train": 1, "test": 1}, "b": {"train": 8, "validation": 1, "test": 1}}
    figure = charts.class_balance_figure(counts, {"train": "Training"})
    assert [bar.name for bar in figure.data] == ["Training", "validation", "test"]
    assert list(figure.data[0].y) == ["b", "a"]
    assert [list(bar.x) for bar in figure.data] == [[8, 1], [1, 0], [1, 1]]
    assert figure.layout.barmode == "stack"


def test_class_balance_sums_up_what_cannot_be_shown() -> None:
    counts = {f"class {number}": {"train": 1000 - number} for number in range(200)}
    figure = charts.class_balance_figure(counts)
    assert len(figure.data[0].y) == charts.MOST_CLASSES + 1
    assert figure.data[0].y[-1] == "140 more classes"
    assert sum(figure.data[0].x) == sum(1000 - number for number in range(200))


def test_probabilities_are_ranked_and_cut() -> None:
    shares = {str(number): number / 45 for number in range(10)}
    figure = charts.probabilities_figure(shares, most=3)
    assert list(figure.data[0].y) == ["9", "8", "7"]
    assert list(figure.data[0].x) == [9 / 45, 8 / 45, 7 / 45]
    assert figure.data[0].text[0] == "20.0 %"


@pytest.mark.parametrize("name", ["<b>bold</b>", "a<br>b", "x" * 300, "", "a\nb", "<a href='x'>y"])
def test_class_names_never_become_markup(name: str) -> None:
    label = charts.short(name)
    assert "<" not in label
    assert "\n" not in label
    assert label
    figure = charts.probabilities_figure({name: 1.0})
    assert list(figure.data[0].y) == [label]


def test_numbers_as_class_names_stay_names() -> None:
    figure = charts.class_balance_figure({"01": {"train": 2}, "1": {"train": 1}})
    assert list(figure.data[0].y) == ["01", "1"]
    assert figure.layout.yaxis.type == "category"
