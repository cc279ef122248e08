"""Superpoints of three walls: one per wall, on a mesh and on a bare cloud, however turned or listed."""

import numpy as np
import pytest

from ops.oversegment import UNKNOWN_WEIGHT, edge_weights, mesh_edges, oversegment
from ops.oversegment_reference import edge_weight_reference
from schema.config_stages import OversegmentConfig
from schema.errors import ConfigError, InputError
from schema.records import Cloud


def _cloud(points: np.ndarray, faces: np.ndarray | None = None, normals: np.ndarray | None = None) -> Cloud:
    n = len(points)
    return Cloud(
        points_world=points.astype(np.float32),
        normals=np.zeros((n, 3), dtype=np.float32) if normals is None else normals.astype(np.float32),
        colors=np.zeros((n, 3), dtype=np.uint8),
        faces=np.zeros((0, 3), dtype=np.int32) if faces is None else faces.astype(np.int32),
    )


def _grid(side: int, first: int = 0) -> np.ndarray:
    ids = first + np.arange(side * side).reshape(side, side)
    a, b, c, d = ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def _corner(side: int = 24, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Three walls that meet at right angles, sampled with a gap to the fold; wall number of each point."""
    rng = np.random.default_rng(5)
    a, b = (axis.reshape(-1) for axis in np.meshgrid(*[np.arange(side) + 1.0] * 2, indexing="ij"))
    c = noise * rng.standard_normal((3, side * side))
    walls = [np.stack([a, b, c[0]], 1), np.stack([a, c[1], b], 1), np.stack([c[2], a, b], 1)]
    points = 0.02 * np.concatenate(walls)
    return points + 1e-5 * rng.standard_normal(points.shape), np.repeat(np.arange(3), side * side)


def _same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = np.unique(np.stack([a, b], axis=1), axis=0)
    return len(pairs) == a.max() + 1 == b.max() + 1


def test_bare_cloud_gives_the_walls() -> None:
    points, wall = _corner()
    superpoint_id = oversegment(_cloud(points), OversegmentConfig(k=0.05, min_size=60))
    assert superpoint_id.dtype == np.int32
    inner = (points > 0.08).sum(axis=1) == 2  # away from the folds, where a neighbourhood spans two walls
    for w in range(3):
        assert len(np.unique(superpoint_id[inner & (wall == w)])) == 1
    assert len(np.unique(superpoint_id[inner])) == 3


def test_mesh_gives_the_walls_and_isolated_vertices_stay_alone() -> None:
    side = 12
    points, wall = _corner(side)
    faces = np.concatenate([_grid(side, w * side * side) for w in range(3)])
    points, wall = np.concatenate([points, [[5, 5, 5]]]), np.append(wall, 3)
    superpoint_id = oversegment(_cloud(points, faces), OversegmentConfig(k=0.05, min_size=20))
    assert superpoint_id.tolist() == wall.tolist()  # ids in order of the first point


def test_a_fold_of_a_connected_mesh_separates() -> None:
    side = 20
    x, y = (
        axis.reshape(-1).astype(float)
        for axis in np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    )
    points = 0.05 * np.stack([np.minimum(x, 10), y, np.maximum(x - 10, 0)], axis=1)
    superpoint_id = oversegment(_cloud(points, _grid(side)), OversegmentConfig(min_size=30))
    assert len(np.unique(superpoint_id[x < 9])) == len(np.unique(superpoint_id[x > 11])) == 1
    assert superpoint_id[0] != superpoint_id[-1]


def test_order_of_points_does_not_matter() -> None:
    points, _ = _corner(noise=0.05)
    order = np.random.default_rng(1).permutation(len(points))
    config = OversegmentConfig(min_size=30)
    assert _same_partition(
        oversegment(_cloud(points), config)[order], oversegment(_cloud(points[order]), config)
    )


def test_turning_the_world_does_not_matter() -> None:
    points, _ = _corner(noise=0.05)
    q, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    q *= np.sign(np.linalg.det(q))
    config = OversegmentConfig(k=0.05, min_size=30)
    one, two = oversegment(_cloud(points), config), oversegment(_cloud(points @ q.T), config)
    agree = [np.bincount(two[one == s]).max() for s in range(one.max() + 1)]
    assert sum(agree) >= 0.98 * len(points)


def test_two_runs_are_equal_and_small_segments_have_merged() -> None:
    points, _ = _corner(noise=0.3)
    config = OversegmentConfig(min_size=40)
    one = oversegment(_cloud(points), config)
    np.testing.assert_array_equal(one, oversegment(_cloud(points), config))
    assert np.bincount(one).min() >= 40
    assert one[np.unique(one, return_index=True)[1]].tolist() == sorted(set(one.tolist()))


def test_broken_normals_do_not_disturb_the_others() -> None:
    side = 12
    points, _ = _corner(side)
    points, faces = points[: side * side], _grid(side)
    normals = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    normals[[7, 30]] = np.nan
    normals[40] = 0
    degenerate = np.array([[7, 7, 30]])
    superpoint_id = oversegment(
        _cloud(points, np.concatenate([faces, degenerate]), normals), OversegmentConfig(min_size=10)
    )
    assert superpoint_id.tolist() == [0] * len(points)


def test_weights_by_hand_and_unknown_ones_come_last() -> None:
    rng = np.random.default_rng(4)
    points, normals = rng.standard_normal((2, 30, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    edges = mesh_edges(rng.integers(0, 30, (40, 3)), 30)
    weights = edge_weights(points, normals, edges)
    expected = [edge_weight_reference(points[a], normals[a], points[b], normals[b]) for a, b in edges]
    np.testing.assert_allclose(weights, expected, rtol=1e-12)
    np.testing.assert_array_equal(weights, edge_weights(points, normals, edges[:, ::-1]))
    normals[3] = 0
    unknown = (edges == 3).any(axis=1)
    assert (edge_weights(points, normals, edges)[unknown] == UNKNOWN_WEIGHT).all()
    assert weights[~unknown].max() <= 4 < UNKNOWN_WEIGHT


def test_one_point() -> None:
    assert oversegment(_cloud(np.zeros((1, 3))), OversegmentConfig()).tolist() == [0]


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="no points"):
        oversegment(_cloud(np.zeros((0, 3))), OversegmentConfig())
    with pytest.raises(InputError, match="not finite"):
        oversegment(_cloud(np.array([[np.nan, 0, 0]])), OversegmentConfig())
    with pytest.raises(ConfigError, match="no faces"):
        oversegment(_cloud(np.zeros((3, 3))), OversegmentConfig(graph="mesh"))
    with pytest.raises(InputError, match=r"outside 0\.\.2"):
        oversegment(_cloud(np.zeros((3, 3)), np.array([[0, 1, 3]])), OversegmentConfig())
