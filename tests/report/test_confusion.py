import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from report.confusion import confusion_figure
from report.confusion_part import NOTHING, OTHERS, drawn_part, percent_text

NAMES = ("chair", "table", "wall", "ghost")
MATRIX = np.array(
    [
        [60, 30, 0, 0, 10],
        [0, 8, 0, 2, 0],
        [1, 0, 199, 0, 0],
        [0, 0, 0, 0, 0],
    ]
)


def test_a_class_without_points_is_a_column_and_no_line() -> None:
    part = drawn_part(MATRIX, NAMES)
    assert part is not None
    assert part.names == ("chair", "table", "wall")
    assert part.columns == ("chair", "table", "wall", "ghost", NOTHING)
    assert part.counts.tolist() == [[60, 30, 0, 0, 10], [0, 8, 0, 2, 0], [1, 0, 199, 0, 0]]
    np.testing.assert_allclose(part.shares[:2], [[0.6, 0.3, 0, 0, 0.1], [0, 0.8, 0, 0.2, 0]])
    np.testing.assert_allclose(part.shares.sum(axis=1), 1)
    assert part.mistakes(2) == ["chair as table: 30 %, 30 points", "chair as (nothing): 10 %, 10 points"]
    assert len(part.mistakes(9)) == 4


def test_the_commonest_classes_are_kept_in_their_order_and_no_point_is_lost() -> None:
    part = drawn_part(MATRIX, NAMES, limit=2)
    assert part is not None
    assert part.names == ("chair", "wall")
    assert part.columns == ("chair", "wall", OTHERS, NOTHING)
    assert part.counts.tolist() == [[60, 0, 30, 10], [1, 199, 0, 0]]


def test_never_true_classes_get_columns_while_there_is_room() -> None:
    matrix = np.array([[5, 1, 3, 2, 4, 0], *([[0] * 6] * 4)])
    names = ("a", "b", "c", "d", "e")
    for limit, columns in ((9, "abcde"), (3, "ace"), (2, "ae"), (1, "a")):
        part = drawn_part(matrix, names, limit=limit)
        assert part is not None
        assert part.names == ("a",)
        assert part.columns == (*columns, *([OTHERS] if limit < 9 else []))
        assert part.counts.sum() == 15


def test_no_truth_is_no_picture() -> None:
    assert drawn_part(np.zeros((4, 5), dtype=np.int64), NAMES) is None
    assert confusion_figure(np.zeros((4, 5), dtype=np.int64), NAMES, row="student") == ""


def test_cells_stand_where_they_belong_and_are_as_dark_as_their_share() -> None:
    svg = next(ET.fromstring(confusion_figure(MATRIX, NAMES, row="student")).iter("svg"))
    found = {}
    for group in svg.iter("g"):
        square = group.find("rect").attrib
        found[group.findtext("title")] = (
            float(square["x"]),
            float(square["y"]),
            float(square["fill-opacity"]),
        )
    assert len(found) == 7
    chair, swap = found["chair as chair: 60 %, 60 points"], found["chair as table: 30 %, 30 points"]
    table, ghost = found["table as table: 80 %, 8 points"], found["table as ghost: 20 %, 2 points"]
    assert swap[1] == chair[1]
    assert swap[0] == table[0] == chair[0] + 30
    assert table[1] == chair[1] + 30
    assert ghost[0] == chair[0] + 90
    assert table[2] > chair[2] > swap[2] > ghost[2]
    assert sum("right" in rect.get("class", "") for rect in svg.iter("rect")) == 3


def test_it_can_be_read_without_seeing_it() -> None:
    page = confusion_figure(MATRIX, NAMES, row="student")
    svg = next(ET.fromstring(page).iter("svg"))
    assert svg.attrib["role"] == "img"
    assert "student" in svg.attrib["aria-label"]
    assert "chair (100 points): chair 60 %, table 30 %, (nothing) 10 %" in svg.findtext("desc")
    assert "86 % of 310 labelled points right." in page


@pytest.mark.parametrize("num", [1, 7, 24, 60])
def test_nothing_leaves_the_picture(num: int) -> None:
    names = [f"class with quite a long name {k}" for k in range(num)]
    matrix = np.random.default_rng(0).integers(0, 50, (num, num + 1))
    page = confusion_figure(matrix, names, row="student")
    svg = next(ET.fromstring(page).iter("svg"))
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for rect in svg.iter("rect"):
        assert 0 <= float(rect.attrib["x"])
        assert float(rect.attrib["x"]) + float(rect.attrib["width"]) <= width
        assert float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height
    assert ("commonest classes are drawn" in page) == (num > 40)
    # style attributes would break the page's content policy
    assert not re.search(r"\sstyle=", page)


def test_names_are_escaped() -> None:
    page = confusion_figure(np.array([[3, 1, 0], [0, 2, 0]]), ["<b>", '"'], row="<i>")
    assert "<b>" not in page
    assert "<i>" not in page
    ET.fromstring(page)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (0.0999, "10"), (0.094, "9.4"), (0.999, "100"), (0.0001, "<0.1")],
)
def test_percent(share: float, text: str) -> None:
    assert percent_text(share) == text
