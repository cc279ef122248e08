"""Large triangles become small ones without gaps, and the surface stays where it was."""

import numpy as np
import pytest

from ops.mesh_split import split_long_edges
from schema.errors import InputError
from schema.records import Cloud


def mesh(points, faces) -> Cloud:
    points = np.array(points, dtype=np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (len(points), 1))
    colors = (np.arange(len(points))[:, None] * 60 % 256).astype(np.uint8).repeat(3, axis=1)
    return Cloud(points, normals, colors, np.array(faces, dtype=np.int64).reshape(-1, 3))


def areas(cloud: Cloud) -> np.ndarray:
    a, b, c = (cloud.points_world[cloud.faces[:, i]].astype(np.float64) for i in range(3))
    return np.cross(b - a, c - a) / 2


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0, 0), (1, 0, 0), (0, 1, 0)],  # all three edges too long
        [(0, 0, 0), (0.3, 0, 0), (0.15, 2, 0)],  # two
        [(0, 0, 0), (0.9, 0, 0), (0.45, 0.2, 0)],  # one
    ],
)
def test_no_edge_stays_too_long_and_the_surface_is_the_same(corners):
    split = split_long_edges(mesh(corners, [(0, 1, 2)]), 0.5)
    ends = split.points_world[np.stack([split.faces, np.roll(split.faces, -1, axis=1)], axis=-1)]
    assert np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1).max() <= 0.5
    assert areas(split).sum(axis=0) == pytest.approx(areas(mesh(corners, [(0, 1, 2)])).sum(axis=0), rel=1e-6)
    assert (areas(split)[:, 2] > 0).all()  # none is turned over
    assert np.unique(split.faces).tolist() == list(range(len(split.points_world)))


def test_neighbours_are_cut_at_the_same_point():
    """Two triangles share an edge: every inner edge still belongs to two triangles, so nothing gapes."""
    split = split_long_edges(
        mesh([(0, 0, 0), (2, 0, 0), (2, 0.4, 0), (0, 0.4, 0)], [(0, 1, 2), (0, 2, 3)]), 0.45
    )
    edges = np.sort(np.stack([split.faces, np.roll(split.faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    found, count = np.unique(edges, axis=0, return_counts=True)
    middle = split.points_world[found].mean(axis=1)
    rim = (np.isclose(middle[:, 0], [[0], [2]]) | np.isclose(middle[:, 1], [[0], [0.4]])).any(axis=0)
    assert (count[~rim] == 2).all()
    assert (count[rim] == 1).all()
    assert len(np.unique(split.points_world, axis=0)) == len(split.points_world)


def test_a_new_corner_lies_between_its_ends():
    split = split_long_edges(mesh([(0, 0, 0), (0.8, 0, 0), (0.4, 0.1, 0)], [(0, 1, 2)]), 0.5)
    assert split.points_world[3].tolist() == pytest.approx([0.4, 0, 0])
    assert split.colors[3].tolist() == [30, 30, 30]
    assert split.normals[3].tolist() == [0, 0, 1]


def test_a_dense_mesh_and_a_bare_cloud_come_back_as_they_are():
    dense, bare = mesh([(0, 0, 0), (0.1, 0, 0), (0, 0.1, 0)], [(0, 1, 2)]), mesh([(0, 0, 0), (9, 9, 9)], [])
    assert split_long_edges(dense, 0.5) is dense
    assert split_long_edges(bare, 0.5) is bare


def test_a_mesh_in_millimetres_is_refused():
    with pytest.raises(InputError, match=r"source\.scale"):
        split_long_edges(mesh([(0, 0, 0), (90000, 0, 0), (0, 90000, 0)], [(0, 1, 2)]), 0.04)
