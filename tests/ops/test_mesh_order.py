import numpy as np
import pytest

from ops.mesh_order import canonical_cloud
from schema.records import Cloud


def _mesh(seed: int = 0, n: int = 200, m: int = 300) -> Cloud:
    rng = np.random.default_rng(seed)
    faces = np.stack([rng.choice(n, 3, replace=False) for _ in range(m)])
    return Cloud(
        points_world=rng.uniform(-1, 1, (n, 3)).astype(np.float32),
        normals=rng.normal(size=(n, 3)).astype(np.float32),
        colors=rng.integers(0, 256, (n, 3)).astype(np.uint8),
        faces=faces,
    )


def _shuffled(cloud: Cloud, seed: int) -> Cloud:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(cloud.points_world))
    new_id = np.argsort(order)
    faces = new_id[cloud.faces][rng.permutation(len(cloud.faces))]
    turned = np.stack([np.roll(face, rng.integers(3)) for face in faces])
    return Cloud(cloud.points_world[order], cloud.normals[order], cloud.colors[order], turned)


def _same(a: Cloud, b: Cloud) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("points_world", "normals", "colors", "faces")
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_numbering_of_a_mesh_becomes_the_same(seed):
    mesh = _mesh()
    assert not _same(mesh, _shuffled(mesh, seed))
    assert _same(canonical_cloud(mesh), canonical_cloud(_shuffled(mesh, seed)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_positions_are_told_apart_by_normal_and_colour(seed):
    mesh = _mesh()
    mesh.points_world[:100] = mesh.points_world[100:]
    mesh.normals[:50] = mesh.normals[100:150]
    assert _same(canonical_cloud(mesh), canonical_cloud(_shuffled(mesh, seed)))
    assert len(canonical_cloud(mesh).points_world) == 200


def test_wholly_equal_points_become_one_and_faces_follow():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=np.float32)
    mesh = Cloud(points, np.zeros_like(points), np.zeros((6, 3), np.uint8), np.array([[0, 1, 2], [3, 5, 4]]))
    result = canonical_cloud(mesh)
    assert len(result.points_world) == 4
    assert {tuple(map(tuple, result.points_world[face])) for face in result.faces} == {
        ((0, 0, 0), (1, 0, 0), (0, 1, 0)),
        ((1, 0, 0), (1, 1, 0), (0, 1, 0)),
    }


def test_faces_keep_their_orientation_and_those_without_area_go():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0]], dtype=np.float32)
    faces = np.array([[2, 0, 1], [0, 1, 3], [1, 1, 2]])
    result = canonical_cloud(Cloud(points, np.zeros_like(points), np.zeros((4, 3), np.uint8), faces))
    assert len(result.faces) == 1
    a, b, c = result.points_world[result.faces[0]]
    assert np.cross(b - a, c - a)[2] > 0
    assert result.faces[0, 0] == result.faces[0].min()
    assert len(result.points_world) == 4
