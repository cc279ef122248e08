from collections import Counter

import numba
import numpy as np
import pytest

from ops.cameras import camera_rays, intrinsics_from_fov, look_at
from ops.finishes import plain
from ops.raycast import RoomRenderer, nearest_faces
from ops.room_shell import FIRST_PIECE, Lights
from ops.room_walk import camera_walk
from ops.rooms import Room, make_room
from ops.sensor import Exposure, sensor_depth
from ops.shapes import box

HW = (60, 80)
INTRINSICS = intrinsics_from_fov(HW, 70.0)
DOWN = np.array([[1.0, 0, 0, 2], [0, -1, 0, 2], [0, 0, -1, 1.4], [0, 0, 0, 1]])


def _one_box_room(lamp: tuple[float, float, float] = (2.0, 2.0, 2.4), ambient: float = 0.3) -> Room:
    """A floor of 4 m x 4 m and one box of 0.4 m on it: everything in the image can be computed by hand."""
    parts = [
        box((0, 0, -0.1), (4, 4, 0), plain((0.5, 0.5, 0.5), gloss=0.0)),
        box((1.8, 1.8, 0), (2.2, 2.2, 0.4), plain((0.8, 0.1, 0.1), gloss=0.0)),
    ]
    frames = np.zeros((FIRST_PIECE + 1, 5), np.float32)
    frames[:, 0] = 1
    one = np.ones((1, 3), np.float32)
    return Room(
        vertices=np.vstack([part.vertices for part in parts]).astype(np.float32),
        faces=np.vstack([parts[0].faces, parts[1].faces + 8]),
        face_class=np.repeat([1, 6], 12).astype(np.int16),
        face_instance=np.repeat([0, FIRST_PIECE], 12).astype(np.int32),
        face_part=np.repeat([0, 1], 12).astype(np.int32),
        finishes=tuple(part.finish for part in parts),
        part_axis=np.zeros(2, np.int8),
        frames=frames,
        lights=Lights(np.array([lamp], np.float32), one, 0 * one, np.zeros(1, np.float32), ambient * one[0]),
        size_m=(4.0, 4.0, 2.5),
        notch=None,
        pieces=(),
        plan="living room",
    )


def test_depth_and_labels_of_a_box_are_exact():
    """From 1.4 m above a box of 0.4 m: its top is 1 m away along the axis wherever it is in the image."""
    render = RoomRenderer(_one_box_room()).render(DOWN, INTRINSICS, HW, np.random.default_rng(0))
    v, u = np.meshgrid(np.arange(HW[0]), np.arange(HW[1]), indexing="ij")
    x = (u - INTRINSICS[0, 2]) / INTRINSICS[0, 0]
    y = (v - INTRINSICS[1, 2]) / INTRINSICS[1, 1]
    on_top = (np.abs(x) < 0.2) & (np.abs(y) < 0.2)
    on_floor = (np.abs(1.4 * x) > 0.3) | (np.abs(1.4 * y) > 0.3)
    assert np.allclose(render.depth_m[on_top], 1.0, atol=1e-6)
    assert np.allclose(render.depth_m[on_floor], 1.4, atol=1e-6)
    assert (render.semantic[on_top] == 6).all()
    assert (render.instance[on_top] == FIRST_PIECE).all()
    assert (render.semantic[on_floor] == 1).all()
    assert (render.color[on_top][:, 0] > render.color[on_top][:, 1] + 40).all()


def test_rays_that_leave_the_room_have_no_depth_and_no_label():
    up = look_at(np.array([2.0, 2.0, 1.0]), np.array([4.0, 2.0, 4.0]))
    render = RoomRenderer(_one_box_room()).render(up, INTRINSICS, HW, np.random.default_rng(0))
    assert (render.depth_m == 0).all()
    assert (render.semantic == -1).all()
    assert (render.instance == -1).all()
    assert (render.facing == 0).all()
    assert render.color.mean() < 12


def test_every_pixel_shows_the_triangle_it_says():
    room = make_room(2)
    pose = camera_walk(room, 2, 4)[1]
    render = RoomRenderer(room).render(pose, INTRINSICS, HW, np.random.default_rng(0))
    v, u = np.nonzero(render.depth_m)
    rays = np.linalg.inv(INTRINSICS) @ np.stack([u, v, np.ones_like(u)])
    points = (pose[:3, :3] @ (rays * render.depth_m[v, u])).T + pose[:3, 3]
    face, distance_m = nearest_faces(room, points)
    assert distance_m.max() < 5e-3  # single precision, on surfaces seen from their edge
    assert np.quantile(distance_m, 0.99) < 2e-4
    assert (room.face_class[face] == render.semantic[v, u]).mean() > 0.995
    assert (room.face_instance[face] == render.instance[v, u]).mean() > 0.995


def test_a_render_depends_on_nothing_but_its_arguments():
    room = make_room(1)
    poses = camera_walk(room, 1, 3)
    first = RoomRenderer(room)
    ordered = [
        first.render(pose, INTRINSICS, HW, np.random.default_rng([1, i])) for i, pose in enumerate(poses)
    ]
    second = RoomRenderer(make_room(1))
    for i in (2, 0, 1):
        again = second.render(poses[i], INTRINSICS, HW, np.random.default_rng([1, i]))
        assert np.array_equal(again.color, ordered[i].color)
        assert np.array_equal(again.depth_m, ordered[i].depth_m)
        assert np.array_equal(again.instance, ordered[i].instance)


def test_a_render_does_not_depend_on_the_number_of_threads():
    room, before, found = make_room(2), numba.get_num_threads(), []
    pose = camera_walk(room, 2, 4)[1]
    for threads in (1, before):
        numba.set_num_threads(threads)
        render = RoomRenderer(room).render(pose, INTRINSICS, HW, np.random.default_rng(0))
        found.append((render.color, sensor_depth(render.depth_m, render.facing, np.random.default_rng(1))))
    numba.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_the_walk_shows_nearly_all_of_the_furniture(seed):
    room = make_room(seed)
    renderer, shown = RoomRenderer(room), Counter()
    for pose in camera_walk(room, seed, 40):
        hits = renderer.cast(camera_rays(pose, INTRINSICS, HW).reshape(-1, 6))
        shown.update(room.face_instance[hits.face].tolist())
    hidden = [p.kind for p in room.pieces if shown[p.instance_id] < 12 and p.host_id < 0]
    assert len(hidden) <= 2, hidden


def test_light_is_what_the_formula_gives():
    """Straight below a lamp of strength 1: ambient light, and the lamp's by the square of the distance."""
    room = _one_box_room(lamp=(1.0, 2.0, 2.0), ambient=0.3)
    pose = look_at(np.array([1.0, 2.0, 1.5]), np.array([1.0, 2.001, 0.0]))
    renderer = RoomRenderer(room)
    light = renderer.shade(renderer.cast(camera_rays(pose, INTRINSICS, HW).reshape(-1, 6)), HW, pixel_m=0.01)
    linear = ((0.5 + 0.055) / 1.055) ** 2.4
    assert light[30, 40] == pytest.approx(linear * (0.3 + 1 / (1 + (2 / 2.2) ** 2)), rel=0.01)


def test_a_box_throws_a_shadow_away_from_the_lamp():
    """A lamp beside the box at 1 m: the floor behind the box gets ambient light alone, before it more."""
    renderer = RoomRenderer(_one_box_room(lamp=(1.0, 2.0, 1.0)))
    hits = renderer.cast(camera_rays(DOWN, INTRINSICS, HW).reshape(-1, 6))
    light = renderer.shade(hits, HW, pixel_m=0.01)[..., 1]
    x = hits.point[:, 0].reshape(HW)
    floor = renderer.parts_of(hits).reshape(HW) == 0
    row = np.abs(hits.point[:, 1].reshape(HW) - 2) < 0.1
    linear = ((0.5 + 0.055) / 1.055) ** 2.4
    behind, before = floor & row & (x > 2.3) & (x < 2.7), floor & row & (x < 1.7)
    assert light[behind] == pytest.approx(0.3 * linear, rel=0.01)
    assert light[before].min() > 1.5 * 0.3 * linear


def test_curved_surfaces_have_smooth_normals_and_boxes_sharp_ones():
    from ops.shading import corner_normals
    from ops.shapes_round import cylinder

    can = cylinder((0, 0, 0), 1, 2, plain((0.5, 0.5, 0.5)), sides=20)
    normals = corner_normals(can.vertices.astype(np.float32), can.faces)
    corner = can.vertices[can.faces]
    side = np.abs(np.ptp(corner[..., 2], axis=1)) > 1
    outward = corner[side] * (1, 1, 0)
    assert np.allclose(normals[side], outward / np.linalg.norm(outward, axis=2, keepdims=True), atol=0.09)
    assert np.allclose(np.abs(normals[~side][..., 2]), 1, atol=1e-5)
    cube = box((0, 0, 0), (1, 1, 1), plain((0.5, 0.5, 0.5)))
    sharp = corner_normals(cube.vertices.astype(np.float32), cube.faces)
    assert (np.sort(np.abs(sharp), axis=2)[..., :2] < 1e-6).all()


def test_exposure_changes_brightness_and_nothing_else():
    room = make_room(1)
    pose, renderer = camera_walk(room, 1, 3)[1], RoomRenderer(room)
    plain_one, dark, warm = (
        renderer.render(pose, INTRINSICS, HW, np.random.default_rng(0), exposure=exposure)
        for exposure in (Exposure(), Exposure(-1.0), Exposure(0.0, (1.15, 1.0, 0.85)))
    )
    assert dark.color.mean() < plain_one.color.mean() - 25
    assert (warm.color[..., 0].mean() - warm.color[..., 2].mean()) > (
        plain_one.color[..., 0].mean() - plain_one.color[..., 2].mean()
    ) + 8
    assert np.array_equal(dark.depth_m, plain_one.depth_m)
    assert np.array_equal(warm.instance, plain_one.instance)
