"""What every source must fulfil, whatever its captures look like on disk."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from ops.cameras import pose_problem
from schema.config_source import SyntheticConfig
from schema.errors import Teach3dError
from storage.sources.catalog import SOURCES, open_source
from tests.captures import write_patterns, write_seven_scenes, write_tum

CAPTURES = {
    "rgbd_folder": (
        write_seven_scenes,
        lambda folder: write_seven_scenes(folder, color="png", frames="frames"),
        write_tum,
        write_patterns,
    ),
    "synthetic": (lambda _: SyntheticConfig(seeds=(3, 4), num_frames=5, image_hw=(48, 64)),),
}
CASES = [
    pytest.param(make, id=f"{kind}-{i}") for kind, makes in CAPTURES.items() for i, make in enumerate(makes)
]


@pytest.fixture(params=CASES)
def source(request, tmp_path: Path):
    return open_source(request.param(tmp_path / "capture"))


WITHOUT_FRAMES = {"clouds"}
"""Geometry alone: tests/storage/test_rendered.py holds their virtual views to the same."""


def test_every_source_of_the_catalog_is_tested():
    assert set(CAPTURES) | WITHOUT_FRAMES == set(SOURCES)


def test_scene_ids_are_unique_and_fixed(source):
    ids = source.scene_ids()
    assert ids
    assert len(set(ids)) == len(ids)
    assert source.scene_ids() == ids


def test_identity_is_json_and_fixed(source):
    for scene_id in source.scene_ids():
        identity = source.identity(scene_id)
        assert json.loads(json.dumps(identity)) == identity
        assert source.identity(scene_id) == identity


def test_frames_are_complete_and_rigid(source):
    for scene_id in source.scene_ids():
        capture = source.open(scene_id)
        table = capture.frames
        assert capture.scene_id == scene_id
        assert (
            len(set(table.names))
            == len(table.names)
            == len(table.world_from_cam)
            == len(table.intrinsics)
            > 0
        )
        assert all(pose_problem(pose) is None for pose in table.world_from_cam)
        assert table.intrinsics.dtype == table.world_from_cam.dtype == np.float64


def test_a_capture_has_frames_or_geometry(source):
    assert source.open(source.scene_ids()[0]).geometry() is None


def test_views_follow_the_frame_table(source):
    capture = source.open(source.scene_ids()[0])
    views = list(capture.views())
    assert [view.name for view in views] == list(capture.frames.names)
    for i, view in enumerate(views):
        assert view.color.dtype == np.uint8
        assert view.color.shape == (*capture.frames.image_hw, 3)
        assert (view.depth_m is not None) == capture.frames.has_depth
        assert view.depth_m.dtype == np.float32
        assert view.depth_m.shape == capture.frames.image_hw
        assert np.isfinite(view.depth_m).all()
        assert (view.depth_m >= 0).all()
        assert np.allclose(view.cam_from_world @ capture.frames.world_from_cam[i], np.eye(4), atol=1e-9)
        assert np.array_equal(view.intrinsics, capture.frames.intrinsics[i])


def test_views_are_the_same_to_the_bit_in_any_order(source):
    capture, again = source.open(source.scene_ids()[0]), source.open(source.scene_ids()[0])
    streamed = list(capture.views())
    for i in reversed(range(len(streamed))):
        view = again.view(i)
        assert np.array_equal(view.color, streamed[i].color)
        assert np.array_equal(view.depth_m, streamed[i].depth_m)
        assert np.array_equal(view.cam_from_world, streamed[i].cam_from_world)


def test_neighbouring_views_agree_on_the_geometry(source):
    """Points of one frame, projected into the next, mostly meet its depth: poses, axes, units fit."""
    capture = source.open(source.scene_ids()[0])
    agreements = []
    for i in range(len(capture.frames.names) - 1):
        a, b = capture.view(i), capture.view(i + 1)
        v, u = np.nonzero(a.depth_m)
        z = a.depth_m[v, u]
        rays = np.linalg.inv(a.intrinsics) @ np.stack([u, v, np.ones_like(u)])
        world = np.linalg.inv(a.cam_from_world) @ np.vstack([rays * z, np.ones(len(z))])
        cam = (b.cam_from_world @ world)[:3]
        pixel = b.intrinsics @ cam
        uv = np.rint(pixel[:2] / np.where(pixel[2] > 0.1, pixel[2], np.inf)).astype(int)
        inside = (
            (pixel[2] > 0.1) & (uv >= 0).all(axis=0) & (uv[0] < a.color.shape[1]) & (uv[1] < a.color.shape[0])
        )
        if inside.sum() > 100:
            seen_m = b.depth_m[uv[1, inside], uv[0, inside]]
            agreements.append((np.abs(seen_m - cam[2, inside]) < 0.05 * cam[2, inside]).mean())
    assert np.median(agreements) > 0.5


def test_closing_the_stream_early_leaves_no_thread(source):
    before = threading.active_count()
    stream = source.open(source.scene_ids()[0]).views()
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_an_unknown_scene_is_refused_by_name(source):
    with pytest.raises(Teach3dError, match="unknown scene"):
        source.open("no_such_scene")
