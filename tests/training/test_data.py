"""Batches: coordinates, targets and links of several scenes; nothing that could be a label."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from schema.errors import InputError
from schema.records import TrainingScene
from training.data import BatchMaker, ScenePoints, StudentBatch, check_scene, make_batch
from training.scenes import MemoryScenes

_SPEC = importlib.util.spec_from_file_location(
    "student_scenes", Path(__file__).with_name("student_scenes.py")
)
student_scenes = importlib.util.module_from_spec(_SPEC)
sys.modules["student_scenes"] = student_scenes
_SPEC.loader.exec_module(student_scenes)
config, scene = student_scenes.config, student_scenes.scene


def test_no_field_can_carry_a_label():
    names = {
        field.name
        for kind in (TrainingScene, StudentBatch, ScenePoints)
        for field in dataclasses.fields(kind)
    }
    assert not [name for name in names if "label" in name or "truth" in name or "class" in name]
    assert {field.name for field in dataclasses.fields(StudentBatch)} == {
        "voxel_coords",
        "target",
        "links",
        "scenes",
        "superpoints",
    }


def test_scenes_are_stacked_and_supervised_points_counted():
    scenes = [scene(0), scene(1)]
    batch = make_batch(scenes, config(), None)
    assert batch.voxel_coords[:, 0].unique().tolist() == [0, 1]
    assert len(batch.target) == sum(len(s.target) for s in scenes)
    learning = sum(int(s.target_known[s.superpoint_id].sum()) for s in scenes)
    assert batch.links.num_points == learning == int(batch.links.voxel_count.sum())
    second = batch.voxel_coords[batch.links.row_voxel[-1]]
    assert second[0] == 1
    assert int(batch.links.rows.max()) >= len(scenes[0].target)


@pytest.mark.parametrize("variant", ["superpoint", "superpoint_seen_only", "pixel_point"])
def test_variants_supervise_what_they_say(variant):
    one = scene(0, pixel_point=variant == "pixel_point")
    batch = make_batch([one], config(targets=variant), None)
    expected = {
        "superpoint": lambda: one.target_known[one.superpoint_id],
        "superpoint_seen_only": lambda: one.target_known[one.superpoint_id] & one.point_seen,
        "pixel_point": lambda: one.point_seen,
    }[variant]()
    assert batch.links.num_points == int(expected.sum())


def rngs(seed: int) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, k]) for k in range(2)]


def test_augmented_batches_differ_and_plain_ones_are_kept():
    scenes = [scene(0), scene(1)]
    plain = BatchMaker(MemoryScenes(scenes), config(augment=False))
    assert plain.batch((0, 1), rngs(0)) is plain.batch((0, 1), rngs(1))
    moved = BatchMaker(MemoryScenes(scenes), config(augment=True))
    first, second = (moved.batch((0, 1), rngs(seed)) for seed in (0, 1))
    assert first.voxel_coords.shape != second.voxel_coords.shape or not first.voxel_coords.equal(
        second.voxel_coords
    )


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"superpoint_id": np.zeros(3, dtype=int)}, "superpoint_id"),
        ({"target_known": np.ones(1, dtype=bool)}, "target_known"),
        ({"target": np.zeros((1, 8), dtype=np.float32)}, "target"),
        ({"target": np.zeros((99, 5), dtype=np.float32), "target_known": np.ones(99, dtype=bool)}, "8 long"),
    ],
)
def test_scenes_that_do_not_fit_are_refused(changes, match):
    with pytest.raises(InputError, match=match):
        check_scene(dataclasses.replace(scene(0), **changes), config(), 8)
