import numpy as np
import pytest

from report.class_table import class_table, is_best


def page(scores: list[list[float]], contends: tuple[bool, ...] = (True, True)) -> str:
    return class_table(
        ["chair", "bed", "wall"],
        ["lift/a_b", "student"],
        np.array(scores),
        num_truth=np.array([1200, 0, 7]),
        foot=[("mIoU", [row[0] for row in scores])],
        contends=contends,
    )


def test_classes_without_truth_are_left_out_and_points_are_counted() -> None:
    text = page([[0.25, np.nan, 0.5], [0.75, np.nan, 0.1]])
    assert ">chair<" in text
    assert ">bed<" not in text
    assert ">1 200<" in text
    assert "lift/<wbr>a_<wbr>b" in text


def test_the_best_of_each_line_is_marked_once() -> None:
    text = page([[0.25, np.nan, 0.5], [0.75, np.nan, 0.1]])
    body, foot = text.split("<tfoot>")
    assert body.count("<strong>") == 2
    assert "<strong>0.750</strong>" in body
    assert "<strong>0.500</strong>" in body
    assert foot.count("<strong>0.750</strong>") == 1


def test_a_row_that_may_not_win_is_passed_over() -> None:
    text = page([[0.25, np.nan, 0.5], [0.75, np.nan, 0.1]], contends=(True, False))
    assert "<strong>0.250</strong>" in text
    assert "<strong>0.750</strong>" not in text


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([0.2, 0.1], [True, False]),
        ([0.5, 0.5004], [True, True]),  # what looks the same is the same
        ([0.0, 0.0], [False, False]),
        ([np.nan, 0.3], [False, True]),
        ([np.nan, np.nan], [False, False]),
    ],
)
def test_which_is_best(values: list[float], best: list[bool]) -> None:
    assert is_best(np.array(values), np.array([True, True])).tolist() == best


def test_names_are_escaped() -> None:
    evil = "<img src=x>"
    text = class_table(
        [evil],
        [evil],
        np.array([[0.5]]),
        num_truth=np.array([1]),
        foot=[(evil, [0.5])],
        contends=[True],
        caption=evil,
    )
    assert "<img" not in text
