"""Scenes from a store: what is read, what stays in memory, what is skipped."""

import numpy as np
import pytest

from ops.fuse import Fusion
from ops.pool import superpoint_mean
from schema.labels import LabelSet
from storage.label_sets import load_label_set
from storage.scene_io import write_fusion, write_superpoints
from storage.store import Store
from storage.unit import Unit
from training.scenes import MemoryScenes, StoreScenes, only_seen

C, T = 6, 2


@pytest.fixture
def units(tmp_path) -> list[Unit]:
    store = Store(tmp_path / "store", create=True)
    return [fill(store.scene(f"room_{k}"), k, seen=k != 1) for k in range(3)]


def fill(unit: Unit, seed: int, *, seen: bool) -> Unit:
    rng = np.random.default_rng(seed)
    num_points = 400
    vocabulary: LabelSet = load_label_set("scannet20")
    superpoint_id = rng.integers(0, 9, num_points)
    mask = rng.random(num_points) < (0.7 if seen else 0.0)
    fusion = Fusion(
        feat=np.where(mask[:, None], rng.standard_normal((num_points, C)), 0).astype(np.float32),
        seen=mask,
        weight=np.full((num_points, T), 0.5, dtype=np.float32),
        teacher_label=np.zeros((num_points, T), dtype=np.int16),
        label=np.zeros(num_points, dtype=np.int16),
    )
    with unit.writing("ingest", "i", version=1, config={}, inputs={}) as writer:
        arrays = {
            "points_world": rng.random((num_points, 3)).astype(np.float32),
            "normals": np.zeros((num_points, 3), np.float32),
            "colors": np.zeros((num_points, 3), np.uint8),
            "faces": np.zeros((0, 3), np.int32),
            "world_from_cam": np.eye(4)[None],
            "intrinsics": np.eye(3)[None],
            "preview_color": np.zeros((1, 2, 2, 3), np.uint8),
            "preview_frame": np.zeros(1, np.int32),
        }
        for name, array in arrays.items():
            writer.put(name, array)
        writer.attrs.update(frame_names=["a"], dropped=[], image_hw=[2, 2], has_depth=True)
    with unit.writing("oversegment", "o", version=1, config={}, inputs={}) as writer:
        write_superpoints(writer, superpoint_id)
    with unit.writing("fuse", "f", version=1, config={}, inputs={}) as writer:
        means = superpoint_mean(fusion.feat, fusion.seen, superpoint_id)
        write_fusion(
            writer, fusion, means, teachers=("a", "b"), vocabulary=vocabulary, space="s", strategy="add"
        )
    return unit


def test_targets_of_superpoints_are_the_means_of_their_seen_points(units):
    scene = StoreScenes(units, "superpoint", cache_bytes=0).read(0)
    feat, seen = units[0].array("fuse", "feat").astype(np.float64), units[0].array("fuse", "seen")
    for s in range(9):
        inside = (scene.superpoint_id == s) & seen
        assert scene.target_known[s] == inside.any()
        assert np.allclose(scene.target[s], feat[inside].mean(0), atol=2e-3)
    assert np.array_equal(scene.point_seen, seen)


def test_variants_of_points_read_every_points_feature(units):
    for targets in ("pixel_point", "superpoint_sample"):
        scenes = StoreScenes(units, targets, cache_bytes=0)
        assert scenes.channels == C
        assert np.array_equal(scenes.read(0).target, units[0].array("fuse", "feat"))


def test_scenes_stay_in_memory_up_to_a_number_of_bytes(units):
    one = StoreScenes(units, "superpoint", cache_bytes=0).read(0)
    size = sum(getattr(one, name).nbytes for name in ("points_world", "superpoint_id", "target"))
    size += one.target_known.nbytes + one.point_seen.nbytes
    scenes = StoreScenes(units, "superpoint", cache_bytes=2 * size)
    first, second = scenes.read(0), scenes.read(1)
    assert scenes.read(0) is first
    assert scenes.read(2) is not None  # pushes out the one that was not used for longest
    assert scenes.read(0) is first
    assert scenes.read(1) is not second
    nothing = StoreScenes(units, "superpoint", cache_bytes=0)
    assert nothing.read(0) is not nothing.read(0)


def test_scenes_that_nobody_saw_are_left_out_by_name(units):
    scenes = StoreScenes(units, "superpoint", cache_bytes=10**6)
    used, blind = only_seen(scenes)
    assert used.scene_ids == ("room_0", "room_2")
    assert blind == ("room_1",)
    assert used.read(1).scene_id == "room_2"
    assert only_seen(used) == (used, ())
    assert used.is_seen(1)


def test_no_scene_at_all_has_no_channels():
    assert MemoryScenes([]).channels == StoreScenes([], "superpoint", cache_bytes=0).channels == 0
