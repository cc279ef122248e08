"""Random turns: their ranges, what they leave alone, and what decides them."""

import numpy as np

from ops.augment import MAX_TILT, rotation
from ops.turns import random_turn, scene_turns, turned


def turns(num: int = 400) -> list[np.ndarray]:
    return [random_turn(np.random.default_rng(seed)) for seed in range(num)]


def test_a_turn_is_a_rotation_times_a_scale_within_the_range() -> None:
    scales = []
    for turn in turns():
        scale = np.cbrt(np.linalg.det(turn))
        np.testing.assert_allclose(turn @ turn.T, scale**2 * np.eye(3), atol=1e-12)
        scales.append(scale)
    assert min(scales) >= 0.9
    assert max(scales) <= 1.1
    assert np.ptp(scales) > 0.19


def test_up_stays_nearly_up_and_every_heading_occurs() -> None:
    up = np.array([turn[:, 2] / np.linalg.norm(turn[:, 2]) for turn in turns()])
    tilt = np.arccos(up[:, 2])
    assert tilt.max() <= 2 * MAX_TILT  # the heading may be turned between the two tilts
    assert tilt.max() > MAX_TILT
    heading = np.array([np.arctan2(turn[1, 0], turn[0, 0]) for turn in turns()])
    counts, _ = np.histogram(heading, bins=8, range=(-np.pi, np.pi))
    assert counts.min() > 25


def test_all_six_orders_of_the_rotations_occur() -> None:
    """The tilt's direction tells whether the heading was turned before or after it."""
    orders = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        about_x, about_y = rng.uniform(-MAX_TILT, MAX_TILT, size=2)
        about_z = rng.uniform(-np.pi, np.pi)
        parts = (rotation(about_x, 0.0, 0.0), rotation(0.0, about_y, 0.0), rotation(0.0, 0.0, about_z))
        turn = random_turn(np.random.default_rng(seed))
        turn = turn / np.cbrt(np.linalg.det(turn))
        found = [
            (i, j, k)
            for i in range(3)
            for j in range(3)
            for k in range(3)
            if {i, j, k} == {0, 1, 2} and np.allclose(parts[k] @ parts[j] @ parts[i], turn, atol=1e-12)
        ]
        assert len(found) == 1
        orders |= set(found)
    assert len(orders) == 6


def test_scene_seed_and_place_decide() -> None:
    first = scene_turns("room", 0, 5)
    for again, turn in zip(scene_turns("room", 0, 5), first, strict=True):
        np.testing.assert_array_equal(again, turn)
    different = [*first, *scene_turns("room", 1, 5), *scene_turns("hall", 0, 5)]
    assert len({turn.tobytes() for turn in different}) == 15


def test_points_are_turned_about_the_origin_in_double() -> None:
    points = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], dtype=np.float32)
    out = turned(points, 0.5 * rotation(0.0, 0.0, np.pi))
    np.testing.assert_allclose(out, [[-0.5, -1.0, 1.5], [0, 0, 0]], atol=1e-12)
    assert out.dtype == np.float64
    assert points[0].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(turned(points, np.eye(3)), points)
