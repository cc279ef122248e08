import json
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


def test_iou_adds_scenes_up_and_leaves_out_those_without_truth(store: Store) -> None:
    page = sections.results(store, ["a", "b", "c"], factory.recipe(store.root))
    assert "2 scenes with ground truth" in page
    assert "3 scenes together" in page
    assert all(f"<summary>{scene_id}</summary>" in page for scene_id in "abc")


def test_without_any_truth_there_is_agreement_alone(store: Store) -> None:
    page = sections.results(store, ["c"], factory.recipe(store.root))
    assert "IoU" not in page
    assert "Agreement" in page


def test_classes_that_are_void_do_not_count(store: Store, tmp_path: Path) -> None:
    labels = tmp_path / "mine.json"
    labels.write_text(json.dumps({"names": list(factory.NAMES), "void": ["wall"]}))
    pages = [
        sections.results(store, ["a"], factory.recipe(store.root, evaluate={"label_set": name}))
        for name in ("scannet20", str(labels))
    ]
    assert ">wall<" in pages[0]
    assert ">wall<" not in pages[1]
    assert ">chair<" in pages[1]


def test_nothing_evaluated_gives_no_section(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    factory.fill_scene(store, "a", points_per_m2=10).discard("evaluate")
    assert sections.results(store, ["a"], factory.recipe(store.root)) == ""
    assert sections.section("Results", "", anchor="results") == ""


def test_dropped_frames_are_named_with_their_reason(store: Store) -> None:
    page = sections.dropped_frames(store, ["a", "b"])
    assert page.count("the pose is not finite") == 2
    assert "2 frames" in page


def test_losses_survive_a_torn_line_and_lines_without_one(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"step": 0, "loss": 2.0}\n{"step": 1, "seconds": 3}\n{"step": 2, "loss": 1.5}\n{"step": 3, "lo'
    )
    assert sections.read_losses(path) == [(0.0, 2.0), (2.0, 1.5)]
    assert sections.read_losses(tmp_path / "none.jsonl") == []


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
