import hashlib
import os
import subprocess
import sys
import traceback
from dataclasses import replace

import numpy as np
import pytest

from ops.raycast import nearest_faces
from ops.rooms import make_room
from ops.tsdf import fuse_tsdf
from schema.config_source import RgbdFolderConfig
from schema.config_stages import IngestConfig
from schema.errors import InputError
from schema.records import Cloud, View
from storage.sources.catalog import open_source
from tests.captures import room_views

COARSE = IngestConfig(voxel_m=0.03, truncation_voxels=4, min_weight=1)


@pytest.fixture(scope="module")
def views() -> list[View]:
    return room_views(seed=1, num_frames=10, hw=(120, 160))


@pytest.fixture(scope="module")
def cloud(views) -> Cloud:
    return fuse_tsdf(views, COARSE)


def _digest(cloud: Cloud) -> str:
    parts = (cloud.points_world, cloud.normals, cloud.colors, cloud.faces)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def test_shapes_and_types(cloud):
    assert cloud.points_world.dtype == cloud.normals.dtype == np.float32
    assert cloud.colors.dtype == np.uint8
    assert cloud.faces.dtype == np.int32
    assert cloud.faces.min() >= 0
    assert cloud.faces.max() < len(cloud.points_world) == len(cloud.normals) == len(cloud.colors)
    assert np.allclose(np.linalg.norm(cloud.normals, axis=1), 1, atol=1e-2)


def test_points_lie_on_the_rooms_surfaces(cloud):
    _, distance_m = nearest_faces(make_room(1), cloud.points_world)
    assert np.median(distance_m) < 0.004
    assert (distance_m < 0.015).mean() > 0.9


def test_faces_and_normals_look_into_the_room(cloud, views):
    corner = cloud.points_world[cloud.faces].astype(np.float64)
    face_normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert ((face_normal * cloud.normals[cloud.faces].mean(axis=1)).sum(axis=1) > 0).mean() > 0.97
    floor = np.abs(cloud.points_world[:, 2]) < 0.01
    assert (cloud.normals[floor, 2] > 0.9).mean() > 0.95


def test_faces_are_oriented_alike_and_none_is_degenerate(cloud):
    edges = cloud.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    assert len(np.unique(edges, axis=0)) == len(edges)  # an edge shared by two faces runs in both directions
    corner = cloud.points_world[cloud.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    assert area.min() > 0


def test_half_a_pixel_is_not_lost():
    """A slanted plane seen by one camera comes out where it is: Open3D's pixels start at their corner."""
    focal, middle, slope = 200.0, 99.5, 0.8
    u = np.tile(np.arange(200.0), (200, 1))
    depth_m = (1.5 / (1 + slope * (u - middle) / focal)).astype(np.float32)
    intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    view = View("0", np.zeros((200, 200, 3), np.uint8), depth_m, np.eye(4), intrinsics)
    points = fuse_tsdf([view], IngestConfig(voxel_m=0.01, min_weight=0)).points_world
    offset_m = (points[:, 2] + slope * points[:, 0] - 1.5) / np.hypot(1, slope)
    assert abs(offset_m.mean()) < 0.0005  # without the half pixel: 0.0028


def test_colours_are_those_of_the_images():
    depth_m = np.full((60, 80), 1.0, np.float32)
    color = np.zeros((60, 80, 3), np.uint8)
    color[:, :40], color[:, 40:] = (200, 100, 50), (10, 20, 30)
    intrinsics = np.array([[80.0, 0, 39.5], [0, 80, 29.5], [0, 0, 1]])
    cloud = fuse_tsdf([View("0", color, depth_m, np.eye(4), intrinsics)], IngestConfig(min_weight=0))
    left, right = cloud.points_world[:, 0] < -0.05, cloud.points_world[:, 0] > 0.05
    assert (cloud.colors[left] == (200, 100, 50)).all()
    assert (cloud.colors[right] == (10, 20, 30)).all()


def test_the_same_to_the_bit_with_one_thread_and_in_another_process(cloud, views):
    script = (
        "from tests.captures import room_views; from tests.ops.test_tsdf import COARSE, _digest\n"
        "from ops.tsdf import fuse_tsdf\n"
        "print(_digest(fuse_tsdf(room_views(seed=1, num_frames=10, hw=(120, 160)), COARSE)))"
    )
    assert _digest(fuse_tsdf(iter(views), COARSE)) == _digest(cloud)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": "."},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == _digest(cloud)


def test_a_grid_that_starts_too_small_grows(cloud, views, monkeypatch):
    monkeypatch.setattr("ops.tsdf.FIRST_BLOCKS", 2)
    assert _digest(fuse_tsdf(views, COARSE)) == _digest(cloud)


def test_a_huge_grid_is_refused(views, monkeypatch):
    monkeypatch.setattr("ops.tsdf.MAX_GRID_BYTES", 10**6)
    with pytest.raises(InputError, match=r"ingest\.voxel_m = 0\.03: the voxel grid would grow"):
        fuse_tsdf(views, COARSE)


def test_no_surface_is_refused(views):
    empty = [replace(view, depth_m=np.zeros_like(view.depth_m)) for view in views]
    for config, frames in ((COARSE, empty), (COARSE, []), (IngestConfig(min_weight=1000), views)):
        with pytest.raises(InputError, match="the depths give no surface"):
            fuse_tsdf(frames, config)


def test_an_error_that_is_kept_keeps_no_grid(views):
    with pytest.raises(InputError) as caught:
        fuse_tsdf([*views[:1], replace(views[0], depth_m=None)], COARSE)
    held = [
        value
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        for value in frame.f_locals.values()
    ]
    assert not [value for value in held if type(value).__module__.startswith("open3d")]


def test_a_view_without_depth_is_refused(views):
    with pytest.raises(InputError, match="frame '000000' has no depth"):
        fuse_tsdf([replace(views[0], depth_m=None)], COARSE)


def test_depths_beyond_the_limit_are_not_fused(views):
    near = fuse_tsdf(views[:1], IngestConfig(voxel_m=0.05, min_weight=0, depth_max_m=2.0))
    cam = views[0].cam_from_world @ np.vstack([near.points_world.T, np.ones(len(near.points_world))])
    assert cam[2].max() < 2.1
    assert cam[2].max() > 1.5


@pytest.mark.kitchen
def test_the_kitchen_gives_130_000_points(kitchen_root):
    source = open_source(
        RgbdFolderConfig(root=kitchen_root, frames_folder="frames", intrinsics_file="camera-intrinsics.txt")
    )
    capture = source.open(source.scene_ids()[0])
    assert len(capture.frames.names) == 100
    assert capture.dropped == ()
    cloud = fuse_tsdf(capture.views(), IngestConfig(voxel_m=0.015, truncation_voxels=8))
    assert 130_000 <= len(cloud.points_world) <= 145_000
    assert len(cloud.faces) > 1.7 * len(cloud.points_world)
