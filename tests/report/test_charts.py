import math
import xml.etree.ElementTree as ET

import pytest

from report.charts import line_chart, nice_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 97, [0, 20, 40, 60, 80]), (-3, 3, [-2, 0, 2]), (5, 5, [5])],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


def points(svg: str) -> list[tuple[float, float]]:
    text = ET.fromstring(svg).find("polyline").attrib["points"]
    return [(float(a), float(b)) for a, b in (pair.split(",") for pair in text.split())]


def test_a_falling_loss_falls() -> None:
    drawn = points(line_chart([0, 1, 2], [3.0, 2.0, 1.0], title="loss", x_label="step", y_label="loss"))
    assert drawn[0][0] < drawn[1][0] < drawn[2][0]
    assert drawn[0][1] < drawn[1][1] < drawn[2][1]  # SVG counts downwards


def test_values_that_are_not_finite_are_left_out_and_one_point_is_no_line() -> None:
    svg = line_chart([0, 1, 2, 3], [1.0, math.nan, 2.0, math.inf], title="t", x_label="x", y_label="y")
    assert len(points(svg)) == 2
    assert line_chart([0, 1], [1.0, math.nan], title="t", x_label="x", y_label="y") == ""


def test_titles_are_escaped() -> None:
    svg = line_chart([0, 1], [0, 1], title='<script>"&', x_label="<x>", y_label="<y>")
    assert ET.fromstring(svg).attrib["aria-label"] == '<script>"&'


def test_many_points_are_thinned_and_keep_both_ends() -> None:
    svg = line_chart(range(100_000), range(100_000), title="t", x_label="x", y_label="y")
    drawn = points(svg)
    assert len(drawn) <= 1500
    assert drawn[0][0] == 56
    assert drawn[-1][0] == 706
