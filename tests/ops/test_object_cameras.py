"""Cameras that look at single objects."""

import numpy as np
import pytest

from ops.object_cameras import object_camera, surface_patch

SIZE_M = (5.0, 4.5, 2.6)
TABLE = np.array([[2.0, 2.0, 0.0], [2.9, 2.6, 0.75]])
OTHERS = np.stack([TABLE, np.array([[0.2, 0.2, 0.0], [1.8, 1.8, 1.2]])])


def cameras(box: np.ndarray, count: int = 40) -> list:
    rng = np.random.default_rng(0)
    made = [object_camera(box, OTHERS, SIZE_M, image_px=128, rng=rng) for _ in range(count)]
    assert all(camera is not None for camera in made)
    return made


def corners_px(box: np.ndarray, camera: tuple) -> np.ndarray:
    world_from_cam, intrinsics = camera
    corners = np.array(np.meshgrid(*box.T)).reshape(3, -1)
    seen = intrinsics @ (np.linalg.inv(world_from_cam) @ np.vstack([corners, np.ones(8)]))[:3]
    return (seen[:2] / seen[2]).T


def test_the_object_is_whole_and_large_and_not_always_in_the_middle() -> None:
    middles = []
    for camera in cameras(TABLE):
        at = corners_px(TABLE, camera)
        assert at.min() > -8  # turning aside bends the perspective by a few pixels
        assert at.max() < 135
        assert np.ptp(at, axis=0).max() > 128 / 2.4
        middles.append(at.mean(axis=0))
    assert np.std(middles, axis=0).min() > 3


def test_cameras_are_inside_the_room_and_outside_of_furniture() -> None:
    for world_from_cam, _ in cameras(TABLE):
        eye = world_from_cam[:3, 3]
        assert (eye > 0.19).all()
        assert (eye < np.array(SIZE_M) - 0.19).all()
        for low, high in OTHERS:
            assert not ((eye > low) & (eye < high)).all()


def test_the_same_generator_gives_the_same_camera() -> None:
    first, second = cameras(TABLE, 3), cameras(TABLE, 3)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_where_there_is_no_room_there_is_no_camera() -> None:
    full = np.array([[[0.0, 0.0, 0.0], [5.0, 4.5, 2.6]]])
    assert object_camera(TABLE, full, SIZE_M, image_px=64, rng=np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(5))
def test_patches_are_parts_of_the_surface(seed: int) -> None:
    wall = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 2.6]])
    patch = surface_patch(wall, np.random.default_rng(seed))
    assert (patch >= wall[0]).all()
    assert (patch <= wall[1]).all()
    assert 0.8 < np.ptp(patch[:, 0]) < 1.8001
