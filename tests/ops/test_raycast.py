import numpy as np
import pytest

from ops.cameras import intrinsics_from_fov, look_at
from ops.raycast import RoomRenderer, nearest_faces
from ops.rooms import ROOM_CLASSES, Room, camera_walk, make_room
from ops.shapes import box

HW = (60, 80)
INTRINSICS = intrinsics_from_fov(HW, 70.0)


def _one_box_room() -> Room:
    """A floor of 4 m x 4 m and one box of 0.4 m on it: everything in the image can be computed by hand."""
    parts = [
        box((0, 0, -0.1), (4, 4, 0), (0.5, 0.5, 0.5)),
        box((1.8, 1.8, 0), (2.2, 2.2, 0.4), (0.8, 0.1, 0.1)),
    ]
    return Room(
        vertices=np.vstack([part.vertices for part in parts]).astype(np.float32),
        faces=np.vstack([parts[0].faces, parts[1].faces + 8]),
        face_class=np.repeat([1, 6], 12).astype(np.int16),
        face_instance=np.repeat([0, 6], 12).astype(np.int32),
        face_color=np.repeat([part.color for part in parts], 12, axis=0).astype(np.float32),
        face_material=np.zeros(24, np.int8),
        size_m=(4.0, 4.0, 2.5),
        boxes=np.array([[[1.8, 1.8, 0], [2.2, 2.2, 0.4]]]),
        labels=("table",),
    )


def test_depth_and_labels_of_a_box_are_exact():
    """From 1.4 m above a box of 0.4 m: its top is 1 m away along the axis wherever it is in the image."""
    down = np.array([[1.0, 0, 0, 2], [0, -1, 0, 2], [0, 0, -1, 1.4], [0, 0, 0, 1]])
    render = RoomRenderer(_one_box_room()).render(down, INTRINSICS, HW, np.random.default_rng(0))
    v, u = np.meshgrid(np.arange(HW[0]), np.arange(HW[1]), indexing="ij")
    x = (u - INTRINSICS[0, 2]) / INTRINSICS[0, 0]
    y = (v - INTRINSICS[1, 2]) / INTRINSICS[1, 1]
    on_top = (np.abs(x) < 0.2) & (np.abs(y) < 0.2)
    on_floor = (np.abs(1.4 * x) > 0.3) | (np.abs(1.4 * y) > 0.3)
    assert np.allclose(render.depth_m[on_top], 1.0, atol=1e-6)
    assert np.allclose(render.depth_m[on_floor], 1.4, atol=1e-6)
    assert (render.semantic[on_top] == 6).all()
    assert (render.instance[on_top] == 6).all()
    assert (render.semantic[on_floor] == 1).all()
    assert (render.color[on_top][:, 0] > render.color[on_top][:, 1] + 40).all()


def test_rays_that_leave_the_room_have_no_depth_and_no_label():
    up = look_at(np.array([2.0, 2.0, 1.0]), np.array([4.0, 2.0, 4.0]))
    render = RoomRenderer(_one_box_room()).render(up, INTRINSICS, HW, np.random.default_rng(0))
    assert (render.depth_m == 0).all()
    assert (render.semantic == -1).all()
    assert (render.instance == -1).all()
    assert (render.color == 0).all()


def test_every_pixel_shows_the_triangle_it_says():
    room = make_room(2)
    pose = camera_walk(room, 2, 4)[1]
    render = RoomRenderer(room).render(pose, INTRINSICS, HW, np.random.default_rng(0))
    v, u = np.nonzero(render.depth_m)
    rays = np.linalg.inv(INTRINSICS) @ np.stack([u, v, np.ones_like(u)])
    points = (pose[:3, :3] @ (rays * render.depth_m[v, u])).T + pose[:3, 3]
    face, distance_m = nearest_faces(room, points)
    assert distance_m.max() < 1e-4
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


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_walk_shows_most_of_the_furniture(seed):
    room = make_room(seed)
    renderer = RoomRenderer(room)
    shown = set()
    for pose in camera_walk(room, seed, 12):
        ids, counts = np.unique(
            renderer.render(pose, INTRINSICS, HW, np.random.default_rng(0)).instance, return_counts=True
        )
        shown |= set(ids[counts >= 12].tolist())
    missing = set(range(6, 6 + len(room.labels))) - shown
    assert len(missing) <= 1, [ROOM_CLASSES[room.face_class[room.face_instance == i][0]] for i in missing]
