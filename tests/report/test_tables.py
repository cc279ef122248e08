import math

import pytest

from report.tables import cell_text, seconds_text, stage_table, summary_table, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.001, "0 s"),
        (0.042, "0.042 s"),
        (3.14159, "3.1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3720, "1 h 02 min"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (math.nan, "\N{EN DASH}"),
        (0.5, "0.500"),
        (130000, "130 000"),
        (True, "yes"),
        ("a", "a"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_every_text_is_escaped() -> None:
    evil = "<img src=x onerror=alert(1)>"
    pages = [
        table([evil], [[evil, evil]], caption=evil, corner=evil),
        summary_table({"rows": [evil], "columns": [evil], "cells": [[evil]]}),
        stage_table([{"unit": evil, "stage": evil, "status": evil, "seconds": 1.0}]),
    ]
    for page in pages:
        assert "<img" not in page
        assert "&lt;img" in page


def test_numbers_stand_right_under_their_headings() -> None:
    page = table(["mIoU", "reason"], [["a", 0.5, "text"], ["b", None, "more"]])
    assert page.count('class="num">mIoU') == 1
    assert page.count('class="text">reason') == 1


@pytest.mark.parametrize(
    "content", [None, {}, {"rows": ["a"]}, {"rows": ["a"], "columns": ["x"], "cells": []}]
)
def test_a_summary_without_a_whole_table_shows_none(content: object) -> None:
    assert summary_table(content) == ""


def test_stage_table_tolerates_missing_keys() -> None:
    page = stage_table([{"unit": "room", "stage": "fuse"}, {}])
    assert "room" in page
    assert "fuse" in page


def test_the_headline_table_comes_in_two_forms() -> None:
    named = {"columns": ["row", "mIoU"], "rows": [{"name": "fuse", "cells": ["fuse", 0.25]}]}
    plain = {"columns": ["mIoU"], "rows": ["fuse"], "cells": [[0.25]]}
    assert summary_table(named) == summary_table(plain)
