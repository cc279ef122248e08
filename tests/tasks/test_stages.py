"""The stages' tasks through ``.fn``, without an engine: the whole chain on a room, and what redoes what."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.plan import make_plan
from ops.fuse import mask_features
from schema.errors import SpaceMismatchError
from schema.records import MaskLift, StageRef
from schema.stages import Plan
from storage.recipes import check_recipe
from storage.scene_io import read_cloud, read_frames, read_lift
from storage.store import Store
from tests.recipes import small_values


def run_all(values: dict[str, Any]) -> tuple[Plan, list[StageRef]]:
    config = check_recipe(values)
    plan = make_plan(config, Store(config.store, create=True))
    tasks = {job.word: getattr(importlib.import_module(f"tasks.{job.word}"), job.word) for job in plan.jobs}
    return plan, [tasks[job.word].fn(config, job) for job in plan.jobs]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[StageRef]]:
    values = small_values(tmp_path_factory.mktemp("room"))
    return values, run_all(values)[1]


def test_every_stage_is_computed_once(done: tuple[dict[str, Any], list[StageRef]]) -> None:
    values, references = done
    assert [ref.stage for ref in references] == [
        "ingest",
        "oversegment",
        "lift/tiny",
        "fuse",
        "distill",
        "evaluate",
        "report",
    ]
    assert {ref.status for ref in references} == {"computed"}
    again_plan, again = run_all(values)
    assert {job.state for job in again_plan.jobs} == {"done"}
    assert {ref.status for ref in again} == {"cached"}


def test_what_was_written_can_be_read(done: tuple[dict[str, Any], list[StageRef]]) -> None:
    store = Store(Path(done[0]["store"]))
    unit = store.scene("room_3")
    cloud, frames, lift = read_cloud(unit), read_frames(unit), read_lift(unit, "tiny")
    assert len(frames.names) == 4
    assert frames.image_hw == (60, 80)
    assert isinstance(lift, MaskLift)
    assert len(lift.row_start) == len(cloud.points_world) + 1
    assert lift.num_views.max() <= 4
    assert any(label in caption for caption, label in zip(lift.captions, lift.caption_labels, strict=True))
    student = unit.array("evaluate", "student_feat")
    assert student.shape == (len(cloud.points_world), 32)
    assert np.isfinite(student).all()
    assert (store.root / "report" / "index.html").is_file()
    assert unit.verify() == []


def test_lifted_captions_become_the_fused_features_of_a_single_teacher(
    done: tuple[dict[str, Any], list[StageRef]],
) -> None:
    from models.cache import load_text
    from storage.label_sets import load_synonyms

    config = check_recipe(done[0])
    unit = Store(config.store).scene("room_3")
    lift = read_lift(unit, "tiny")
    assert isinstance(lift, MaskLift)
    encoder = load_text(config.text, synonyms=load_synonyms())
    feat = mask_features(lift, encoder.encode(lift.captions))
    seen = lift.num_views > 0
    unit_rows = feat[seen] / np.linalg.norm(feat[seen], axis=1, keepdims=True)
    np.testing.assert_allclose(unit.array("fuse", "feat")[seen], unit_rows, atol=1e-3)
    np.testing.assert_array_equal(unit.array("fuse", "seen"), seen)


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        ({"oversegment__min_size": 30}, {"oversegment", "fuse", "distill", "evaluate", "report"}),
        ({"lift__tau": 0.1}, {"lift/tiny", "fuse", "distill", "evaluate", "report"}),
        ({"fuse__temperature": 0.1}, {"fuse", "distill", "evaluate", "report"}),
        ({"distill__epochs": 3}, {"distill", "evaluate", "report"}),
        ({"evaluate__num_shuffles": 3}, {"evaluate", "report"}),
        ({"report__queries": ["a table"]}, {"report"}),
        ({"runtime__threads": 1, "name": "renamed"}, set()),
    ],
)
def test_a_knob_redoes_only_what_depends_on_it(
    done: tuple[dict[str, Any], list[StageRef]], tmp_path: Path, change: dict[str, Any], redone: set[str]
) -> None:
    folder = Path(done[0]["store"]).parent
    config = check_recipe(small_values(folder, **change))
    plan = make_plan(config, Store(config.store))
    assert {job.stage for job in plan.todo()} == redone
    assert {job.state for job in plan.todo()} <= {"stale"}
    for job in plan.todo():
        assert job.why


def test_the_reason_names_the_key_and_both_values(done: tuple[dict[str, Any], list[StageRef]]) -> None:
    config = check_recipe(small_values(Path(done[0]["store"]).parent, fuse__temperature=0.1))
    plan = make_plan(config, Store(config.store))
    assert plan.job("room_3", "fuse").why == "fuse.temperature: 0.05 -> 0.1"
    assert plan.job("student", "distill").why == "input room_3/fuse changed"


def test_new_weights_make_the_lift_stale(tmp_path: Path) -> None:
    values = small_values(tmp_path)
    before = make_plan(check_recipe(values), Store(tmp_path / "s", create=True))
    (tmp_path / "labels.txt").write_text("other\nchair\ntable\nbed\n", encoding="utf-8")
    after = make_plan(check_recipe(values), Store(tmp_path / "s"))
    pairs = zip(before.jobs, after.jobs, strict=True)
    changed = {job.stage for job, other in pairs if job.fingerprint != other.fingerprint}
    assert changed == {"lift/tiny", "fuse", "distill", "evaluate", "report"}


def test_features_of_another_text_space_are_refused_by_name(
    done: tuple[dict[str, Any], list[StageRef]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.cache import load_text
    from storage.label_sets import load_synonyms
    from tasks import lifted

    config = check_recipe(done[0])
    encoder = load_text(config.text, synonyms=load_synonyms())
    monkeypatch.setattr(lifted, "lift_space", lambda unit, name: "open_clip:ViT-B-32:00000000")
    with pytest.raises(SpaceMismatchError, match=r"tiny.*open_clip:ViT-B-32:00000000.*words:32"):
        lifted.lifted_features(Store(config.store).scene("room_3"), ("tiny",), encoder)


def test_the_number_of_processes_counts_only_where_something_is_counted_per_process(
    done: tuple[dict[str, Any], list[StageRef]],
) -> None:
    folder = Path(done[0]["store"]).parent
    for change, redone in (
        ({}, False),
        ({"distill__sync_batch_norm": False}, True),
        ({"distill__micro_batch_scenes": 1}, True),
        ({"distill__targets": "superpoint_sample"}, True),
    ):
        prints = set()
        for processes in (1, 2):
            config = check_recipe(small_values(folder, runtime__processes=processes, **change))
            plan = make_plan(config, Store(config.store))
            prints.add(plan.job("student", "distill").fingerprint)
        assert (len(prints) == 2) is redone
