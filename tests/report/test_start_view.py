import numpy as np
import pytest

from report.start_view import guess_start_view


def looking(forward: tuple[float, float, float], up: tuple[float, float, float]) -> np.ndarray:
    """OpenCV axes: x right, y down, z forward."""
    pose = np.eye(4)
    z = np.array(forward) / np.linalg.norm(forward)
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z], axis=1)
    return pose


def floor_and_wall(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    floor = np.c_[rng.random((500, 2)) * 4, np.zeros(500)]
    wall = np.c_[rng.random(500) * 4, np.full(500, 4.0), rng.random(500) * 2.5]
    return np.r_[floor, wall], np.r_[np.tile([0, 0, 1.0], (500, 1)), np.tile([0, -1.0, 0], (500, 1))]


def test_tilted_cameras_and_a_level_floor_give_the_floors_up() -> None:
    points, normals = floor_and_wall(np.random.default_rng(0))
    poses = np.stack([looking((0, 1, -0.3), (0.1, 0, 1))])
    view = guess_start_view(points, normals, poses)
    np.testing.assert_allclose(view.up, (0, 0, 1), atol=1e-6)
    assert view.forward[1] > 0.7  # the way the camera looks
    assert -0.7 < view.forward[2] < -0.3  # from above


def test_the_guess_turns_with_the_world() -> None:
    points, normals = floor_and_wall(np.random.default_rng(0))
    poses = np.stack([looking((0, 1, -0.3), (0, 0, 1))])
    turn = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0.0]])  # z becomes y
    whole = np.eye(4)
    whole[:3, :3] = turn
    view = guess_start_view(points, normals, poses)
    turned = guess_start_view(points @ turn.T, normals @ turn.T, whole @ poses)
    np.testing.assert_allclose(turned.up, turn @ view.up, atol=1e-5)
    np.testing.assert_allclose(turned.forward, turn @ view.forward, atol=1e-5)
    np.testing.assert_allclose(turned.target, turn @ view.target, atol=1e-5)


def test_without_cameras_z_is_up() -> None:
    points, normals = floor_and_wall(np.random.default_rng(0))
    view = guess_start_view(points, normals, np.zeros((0, 4, 4)))
    np.testing.assert_allclose(view.up, (0, 0, 1), atol=1e-6)
    assert view.normals_sign == 1
    assert view.forward[2] < 0


def test_normals_that_point_away_from_the_cameras_are_noticed() -> None:
    points, normals = floor_and_wall(np.random.default_rng(0))
    pose = looking((0, 1, -0.3), (0, 0, 1))
    pose[:3, 3] = (2, 1, 1.5)
    assert guess_start_view(points, normals, pose[None]).normals_sign == 1
    assert guess_start_view(points, -normals, pose[None]).normals_sign == -1


@pytest.mark.parametrize("num", [1, 2, 7])
def test_a_few_points_are_enough(num: int) -> None:
    points = np.arange(num * 3, dtype=np.float32).reshape(num, 3)
    view = guess_start_view(points, np.zeros_like(points), np.zeros((0, 4, 4)))
    assert view.radius_m > 0
    assert view.spacing_m > 0
    assert np.isfinite([*view.up, *view.target, *view.forward]).all()
