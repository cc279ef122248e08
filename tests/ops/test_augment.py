"""Augmentation: ranges, what stays, and that a generator decides everything."""

import numpy as np

from ops.augment import augment, elastic, rotation


def cloud(num_points: int = 400) -> np.ndarray:
    return np.random.default_rng(1).uniform([-2, -1, 0], [3, 2, 2.5], (num_points, 3))


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def test_rotation_is_one_and_turns_the_right_way():
    matrix = rotation(0.1, -0.2, 2.0)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.isclose(np.linalg.det(matrix), 1)
    np.testing.assert_allclose(rotation(np.pi / 2, 0.0, 0.0) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation(0.0, np.pi / 2, 0.0) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_same_generator_same_result_and_the_input_stays():
    points = cloud()
    before = points.copy()
    first = augment(points, np.random.default_rng(7))
    assert np.array_equal(first, augment(points, np.random.default_rng(7)))
    assert not np.array_equal(first, augment(points, np.random.default_rng(8)))
    assert np.array_equal(points, before)


def test_without_distortion_only_scale_changes_distances(monkeypatch):
    monkeypatch.setattr("ops.augment.ELASTIC_PROBABILITY", 0.0)
    points = cloud(60)
    scales, mirrored = [], set()
    for seed in range(40):
        moved = augment(points, np.random.default_rng(seed))
        ratio = distances(moved)[0, 1:] / distances(points)[0, 1:]
        assert np.ptp(ratio) < 1e-9
        scales.append(ratio[0])
        linear = np.linalg.lstsq(points - points.mean(0), moved - moved.mean(0), rcond=None)[0]
        mirrored.add(bool(np.linalg.det(linear) < 0))
        tilt = linear[2, 2] / ratio[0]
        assert tilt > np.cos(np.pi / 64) ** 2 - 1e-9
    assert 0.9 <= min(scales) < 0.95
    assert 1.05 < max(scales) <= 1.1
    assert mirrored == {True, False}


def test_distortion_is_smooth_and_of_the_size_asked_for():
    points = cloud(3000)
    moved = elastic(points, 0.8, 1.6, np.random.default_rng(0)) - points
    assert 0.02 < np.abs(moved).mean() < 1.6
    close = np.argsort(distances(points)[0])[1:4]
    assert np.abs(moved[close] - moved[0]).max() < np.abs(moved).max()
    assert np.allclose(elastic(points, 0.2, 0.0, np.random.default_rng(0)), points)
