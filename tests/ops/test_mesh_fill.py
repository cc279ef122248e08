"""Filled triangles: every spot of a large triangle has a point near, small triangles have none."""

import numpy as np
import pytest

from ops.mesh_fill import fill_triangles
from schema.errors import InputError

SHAPES = {
    "right": [[0, 0, 0], [3, 0, 0], [0, 1, 0]],
    "sliver": [[0, 0, 0], [4, 0, 0], [3.9, 0.03, 0]],
    "obtuse": [[0, 0, 1], [1, 0, 1], [3, 0.5, 2]],
    "line": [[0, 0, 0], [2, 2, 2], [1, 1, 1]],
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_spot_has_a_point_near(name: str) -> None:
    corners = np.array(SHAPES[name], dtype=np.float64)
    (found,) = fill_triangles(corners, np.array([[0, 1, 2]]), spacing_m=0.1, longer_than_m=0.5)
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([1, 1, 1], 2000)
    spots = weights @ corners
    distance = np.linalg.norm(spots[:, None] - found[None], axis=2).min(axis=1)
    assert distance.max() <= 0.1 * np.hypot(1, 0.5) + 1e-9
    # nothing outside: barycentric weights by least squares are those of the triangle
    if name != "line":
        solved = np.linalg.lstsq(
            np.vstack([corners.T, np.ones(3)]), np.vstack([found.T, np.ones(len(found))])
        )[0]
        assert solved.min() > -1e-9
    assert len(found) < 3.5 * 100 * 1.5 + 60 * 4


def test_small_triangles_are_passed_over() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.1, 0, 0], [0, 0.1, 0]])
    faces = np.array([[0, 3, 4], [0, 1, 2]])
    assert len(list(fill_triangles(points, faces, spacing_m=0.1, longer_than_m=0.2))) == 1
    assert list(fill_triangles(points, faces[:0], spacing_m=0.1, longer_than_m=0.2)) == []


def test_a_wrong_unit_is_told() -> None:
    points = np.array([[0, 0, 0], [5000, 0, 0], [0, 5000, 0]], dtype=np.float64)
    with pytest.raises(InputError, match=r"--scale.*check the unit"):
        list(fill_triangles(points, np.array([[0, 1, 2]]), spacing_m=0.01, longer_than_m=0.04))
