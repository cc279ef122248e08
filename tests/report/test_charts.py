import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from report.charts import line_chart, nice_ticks, number_text
from report.curves import Curve, thinned


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 97, [0, 20, 40, 60, 80]), (-3, 3, [-2, 0, 2]), (5, 5, [5])],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-4, "1e-4"),
        (-2.5e-5, "-2.5e-5"),
        (0.001, "1e-3"),
        (0.005, "0.005"),
        (0.12346, "0.1235"),
        (7070, "7 070"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


def curve(y: list[float], name: str = "loss", **more: bool) -> Curve:
    return thinned(name, np.arange(float(len(y))), np.array(y, dtype=float), **more)


def drawn(page: str) -> ET.Element:
    return ET.fromstring(page)


def lines(page: str) -> dict[str, list[tuple[float, float]]]:
    return {
        line.attrib["data-name"]: [
            (float(a), float(b)) for a, b in (pair.split(",") for pair in line.attrib["points"].split())
        ]
        for line in drawn(page).iter("polyline")
    }


def test_a_falling_loss_falls_and_can_be_read_back() -> None:
    page = line_chart([curve([3, 2, 1])], title="loss", x_label="step")
    points = lines(page)["loss"]
    assert points[0][0] < points[1][0] < points[2][0]
    assert points[0][1] < points[1][1] < points[2][1]  # SVG counts downwards
    scale = json.loads(next(drawn(page).iter("svg")).attrib["data-scale"])
    (y_low, y_high), (_, top, _, bottom) = scale["y"], scale["box"]
    values = [y_high - (down - top) / (bottom - top) * (y_high - y_low) for _, down in points]
    assert values == pytest.approx([3, 2, 1], abs=0.01)


def test_curves_share_one_scale_and_have_a_key() -> None:
    curves = [curve([1, 2], "points"), curve([2, 4], "superpoints")]
    page = line_chart(curves, title="losses", x_label="step")
    places = lines(page)
    assert places["points"][1][1] == places["superpoints"][0][1]
    assert [item.findtext(".") or "".join(item.itertext()) for item in drawn(page).iter("li")] == [
        "points",
        "superpoints",
    ]
    assert "at the end: points 2, superpoints 4" in page
    classes = {group.attrib["class"] for group in drawn(page).iter("g")}
    assert classes == {"s0", "s1"}


def test_a_curve_of_one_point_is_no_line_and_none_is_no_chart() -> None:
    page = line_chart([curve([1.0, 2.0]), curve([3.0], "short")], title="t", x_label="x")
    assert set(lines(page)) == {"loss"}
    assert line_chart([curve([3.0])], title="t", x_label="x") == ""
    assert line_chart([], title="t", x_label="x") == ""


def test_everything_lies_inside_the_picture() -> None:
    rng = np.random.default_rng(0)
    y = np.exp(rng.standard_normal(5000))
    y[77] = 1e6  # a spike must not flatten the rest
    page = line_chart([curve(list(y))], title="t", x_label="step", marks=[(4990, "stage two")])
    (points,) = lines(page).values()
    band = [pair.split(",") for pair in next(drawn(page).iter("polygon")).attrib["points"].split()]
    for across, down in [*points, *((float(a), float(b)) for a, b in band)]:
        assert 58 <= across <= 616
        assert 18 <= down <= 210
    assert np.ptp([down for across, down in points if across > 80]) > 10


def test_the_mark_stands_between_the_stages() -> None:
    page = line_chart([curve([4, 3, 2, 1, 0])], title="t", x_label="step", marks=[(1.5, "stage <two>")])
    mark = next(line for line in drawn(page).iter("line") if line.attrib["class"] == "mark")
    points = lines(page)["loss"]
    assert points[1][0] < float(mark.attrib["x1"]) < points[2][0]
    assert "stage <two>" in [text.text for text in drawn(page).iter("text")]


def test_few_validations_are_dots() -> None:
    page = line_chart([curve([3, 2, 1], dots=True)], title="t", x_label="x")
    assert len([dot for dot in drawn(page).iter("circle") if "cx" in dot.attrib]) == 3


def test_a_flat_line_has_ticks_and_a_falling_one_starts_at_zero() -> None:
    flat = drawn(line_chart([curve([2.0, 2.0, 2.0])], title="t", x_label="x"))
    assert sum(text.attrib["class"] == "tick" for text in flat.iter("text")) > 4
    page = line_chart([curve([1.0, 0.1])], title="t", x_label="x")
    assert json.loads(next(drawn(page).iter("svg")).attrib["data-scale"])["y"][0] == 0


def test_a_screen_reader_hears_the_ends_and_texts_are_escaped() -> None:
    evil = '<script>"&'
    page = line_chart([curve([2, 1], evil)], title=evil, x_label=evil, unit=evil)
    assert "<script" not in page
    assert next(drawn(page).iter("svg")).attrib["aria-label"] == f"{evil}: {evil} from 2 to 1"


def test_thousands_of_steps_stay_light() -> None:
    rng = np.random.default_rng(0)
    page = line_chart([curve(list(rng.random(50_000)), f"c{k}") for k in range(4)], title="t", x_label="x")
    print(f"four curves of 50 000 steps: {len(page)} bytes")
    assert len(page) < 60_000
