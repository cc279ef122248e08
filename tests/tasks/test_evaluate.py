"""Stage evaluate under both protocols: only the student's answer differs, and the store says which it was."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.plan import make_plan
from ops.turns import scene_turns, turned
from storage.recipes import check_recipe
from storage.store import Store
from tests.recipes import small_values
from training.infer import load_student, student_features
from training.summarise import headline_table


def run(values: dict[str, Any]) -> list[str]:
    config = check_recipe(values)
    plan = make_plan(config, Store(config.store, create=True))
    done = []
    for job in plan.todo():
        getattr(importlib.import_module(f"tasks.{job.word}"), job.word).fn(config, job)
        done.append(job.word)
    return done


def evaluated(store: Store) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    unit = store.scene("room_3")
    names = ("student_feat", "label", "score", "truth_label", "confusion")
    return unit.attrs("evaluate"), {name: unit.array("evaluate", name) for name in names}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Any], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("protocols")
    run(small_values(folder))
    store = Store(folder / "store")
    single = evaluated(store)
    changes = {"evaluate__protocol": "openscene", "evaluate__num_passes": 2, "evaluate__seed": 7}
    assert run(small_values(folder, **changes)) == ["evaluate", "report"]
    return store, single, evaluated(store)


def test_the_student_is_asked_once_a_turn(both: Any) -> None:
    store, _, (_, arrays) = both
    student = load_student(store.student().path)
    points = store.scene("room_3").array("ingest", "points_world")
    passes = [
        student_features(student, turned(points, turn), voxel_m=0.2) for turn in scene_turns("room_3", 7, 2)
    ]
    expected = (passes[0] + passes[1]) / 2
    np.testing.assert_allclose(
        arrays["student_feat"], expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max()
    )


def test_everything_but_the_student_is_untouched(both: Any) -> None:
    _, (attrs, single), (_, openscene) = both
    others = [r for r, row in enumerate(attrs["rows"]) if row != "student"]
    for name, axis in (("label", 1), ("score", 1), ("confusion", 0)):
        np.testing.assert_array_equal(single[name].take(others, axis), openscene[name].take(others, axis))
    assert not np.array_equal(single["student_feat"], openscene["student_feat"])


def test_the_protocol_is_recorded_and_printed(both: Any) -> None:
    store, (single, _), (openscene, _) = both
    assert single["protocol"] == "single"
    assert openscene["protocol"] == "openscene (2 turned passes, seed 7)"
    table = headline_table(store, ["room_3"])
    assert table is not None
    assert table["title"].endswith("protocol openscene (2 turned passes, seed 7)")
    labelled = headline_table(store, ["room_3"], "synthetic")
    assert labelled is not None
    assert labelled["title"] == f"{table['title']}; procedural rooms; not comparable with ScanNet"
    page = (Path(store.root) / "report" / "index.html").read_text("utf-8")
    assert "the student under protocol openscene (2 turned passes, seed 7)" in page
    assert "Procedural rooms; not comparable with ScanNet." in page
