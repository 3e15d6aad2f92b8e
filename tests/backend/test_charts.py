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


def test_neighbours_are_bars_in_their_order() -> None:
    figure = charts.similarities_figure([("a<b>", 0.9), ("c", -0.2)])
    (bars,) = figure.data
    assert list(bars.y) == ["a&lt;b&gt;", "c"]
    assert list(bars.x) == [0.9, -0.2]
    assert figure.layout.xaxis.range == (-0.2, 1)


def test_a_map_marks_what_was_asked() -> None:
    points = [
        {"x": 0, "y": 1, "text": "king", "group": "asked"},
        {"x": 1, "y": 2, "text": "<q>", "group": "near"},
        {"x": 2, "y": 3, "text": "bread", "group": "other"},
    ]
    figure = charts.map_figure(points)
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name["asked"].x) == [0]
    assert list(by_name["near"].text) == ["&lt;q&gt;"]
    assert by_name["asked"].marker.size > by_name["other"].marker.size


def test_attention_has_a_row_per_written_piece_and_labels_that_are_no_markup() -> None:
    weights = [[0.9, 0.1, 0.0], [0.0, 0.2, 0.8]]
    figure = charts.attention_figure(["<b>vier", " ", "vier"], ["4", "4"], weights)
    assert figure is not None
    (heat,) = figure.data
    assert np.allclose(heat.z, weights)
    assert figure.layout.xaxis.ticktext == ("&lt;b&gt;vier", "␣", "vier")
    assert figure.layout.yaxis.ticktext == ("4", "4")
    assert figure.layout.yaxis.autorange == "reversed"
    assert heat.customdata[1][2] == "4 looked at vier"


def test_attention_to_the_end_gets_a_column_where_there_is_some() -> None:
    figure = charts.attention_figure(["a", "b"], ["c"], [[0.1, 0.2]])
    assert figure is not None
    assert figure.layout.xaxis.ticktext == ("a", "b", "(end)")
    assert np.allclose(figure.data[0].z, [[0.1, 0.2, 0.7]])


def test_attention_that_cannot_be_read_is_not_drawn() -> None:
    many = ["x"] * (charts.MOST_PIECES + 1)
    assert charts.attention_figure(many, ["a"], [[0.0] * len(many)]) is None
    assert charts.attention_figure(["a"], [], []) is None


def test_curves_keep_the_colour_of_their_place() -> None:
    x = np.arange(3.0)
    nothing = np.empty(0)
    figure = charts.curves_figure(
        [("one", x, x), ("no such curve", nothing, nothing), ("<b>", x, x + 1)],
        x_title="Step", log=True,
    )  # fmt: skip
    assert [line.line.color for line in figure.data] == [
        charts.RUN_COLORS[0], charts.RUN_COLORS[2],
    ]  # fmt: skip
    assert figure.data[1].name == "&lt;b&gt;"
    assert figure.layout.yaxis.type == "log"


def test_settings_become_axes_and_words_get_places() -> None:
    figure = charts.settings_figure(
        [("Rate", [0.1, 0.2, 0.1]), ("Optimizer", ["sgd", "adamw", "sgd"])],
        ("Right answers, %", [90.0, 95.0, 92.0]),
    )
    rate, optimizer, score = figure.data[0].dimensions
    assert list(rate.values) == [0.1, 0.2, 0.1]
    assert list(optimizer.ticktext) == ["adamw", "sgd"]
    assert list(optimizer.values) == [1, 0, 1]
    assert list(score.values) == [90.0, 95.0, 92.0]
