from pathlib import Path

import pytest

from report import sections
from storage.store import Store
from tests import factories_report as factory

EVIL = "<b onclick=x>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("sections") / "s", create=True)
    factory.fill_scene(store, "a", points_per_m2=30)
    factory.fill_scene(store, "b", points_per_m2=30, seed=1)
    factory.fill_scene(store, "c", points_per_m2=30, seed=2, truth=False)
    return store


def test_headline_shows_the_table_in_both_forms_and_what_failed() -> None:
    named = {
        "title": "scores",
        "columns": ["row", "mIoU"],
        "rows": [{"name": "fuse", "cells": ["fuse", 0.25]}],
    }
    plain = {"columns": ["mIoU"], "rows": ["fuse"], "cells": [[0.25]]}
    for content in (named, plain):
        page = sections.headline(
            {"table": content, "failures": [{"unit": EVIL, "stage": "lift", "message": EVIL}]}
        )
        assert page.count("0.250") == 1
        assert page.count(">fuse<") == 1
        assert ">row<" not in page
        assert "failed: lift &lt;b" in page
    assert sections.headline({}) == ""


def test_a_section_of_nothing_is_nothing() -> None:
    assert sections.section("Results", "", anchor="results") == ""


def test_dropped_frames_are_named_with_their_reason(store: Store) -> None:
    page = sections.dropped_frames(store, ["a", "b"])
    assert page.count("the pose is not finite") == 2
    assert "2 frames" in page


def test_configuration_is_escaped_yaml(tmp_path: Path) -> None:
    page = sections.configuration(factory.recipe(tmp_path, report={"queries": [EVIL]}))
    assert "&lt;b onclick" in page
    assert EVIL not in page
    assert "vocabulary: scannet20" in page


@pytest.mark.parametrize(
    ("started", "text"),
    [("2026-01-02T03:04:05+00:00", "2026-01-02 03:04 UTC"), ("", ""), (EVIL, EVIL)],
)
def test_times_are_readable(started: str, text: str) -> None:
    assert sections.when(started) == text
