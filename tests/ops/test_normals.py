"""Normals on shapes whose normals are known."""

import numpy as np

from ops.normals import cloud_normals, mesh_normals, nearest_neighbours, neighbour_edges, unit_or_zero


def _sphere(num_points: int) -> np.ndarray:
    i = np.arange(num_points)
    z = 1 - (2 * i + 1) / num_points
    turn = i * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)


def test_a_sphere_faces_its_middle() -> None:
    points = _sphere(3000)
    normals = cloud_normals(points, nearest_neighbours(points, 12))
    cosine = (normals * -points).sum(axis=1)
    assert cosine.min() > 0.99  # one sign everywhere: the one towards the middle


def test_cloud_normals_turn_with_the_world() -> None:
    rng = np.random.default_rng(0)
    points = _sphere(2000) * [1.0, 1.3, 0.8]
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.linalg.det(q))
    turned = points @ q.T
    one = cloud_normals(points, nearest_neighbours(points, 12)) @ q.T
    two = cloud_normals(turned, nearest_neighbours(turned, 12))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_lines_and_repeated_points_have_no_normal() -> None:
    line = np.stack([np.arange(20.0), np.zeros(20), np.zeros(20)], axis=1)
    assert not cloud_normals(line, nearest_neighbours(line, 6)).any()
    heap = np.zeros((20, 3))
    assert not cloud_normals(heap, nearest_neighbours(heap, 6)).any()


def test_neighbours_are_those_of_brute_force() -> None:
    points = np.random.default_rng(3).uniform(size=(200, 3))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_array_equal(nearest_neighbours(points, 5), np.argsort(distance, axis=1)[:, :5])


def test_a_point_never_neighbours_itself_even_in_a_heap() -> None:
    points = np.concatenate([np.zeros((30, 3)), np.ones((3, 3))])
    neighbours = nearest_neighbours(points, 4)
    assert neighbours.shape == (33, 4)
    assert not (neighbours == np.arange(33)[:, None]).any()


def test_small_clouds_have_fewer_neighbours() -> None:
    assert nearest_neighbours(np.zeros((1, 3)), 8).shape == (1, 0)
    assert nearest_neighbours(np.eye(3), 8).shape == (3, 2)


def test_edges_are_undirected_and_single() -> None:
    assert neighbour_edges(np.array([[1], [0], [1]])).tolist() == [[0, 1], [1, 2]]


def test_triangles_without_area_add_nothing() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [np.nan, 0, 0]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 4]])
    normals = mesh_normals(points, faces)
    np.testing.assert_allclose(normals[:3], [[0, 0, 1]] * 3)
    assert not normals[3:].any()


def test_unusable_vectors_become_zero() -> None:
    vectors = np.array([[3.0, 0, 0], [0, 0, 0], [np.inf, 0, 0]], dtype=np.float32)
    assert unit_or_zero(vectors).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
