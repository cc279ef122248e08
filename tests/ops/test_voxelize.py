"""Cells of points, by hand and by invariance."""

import numpy as np
import pytest

from ops.voxelize import voxelize
from schema.errors import InputError


def test_by_hand():
    points = np.array([[0.05, 0.0, 0.0], [-0.01, 0.0, 0.0], [0.09, 0.09, 0.0], [0.1, 0.0, 0.0]])
    voxels = voxelize(points, 0.1)
    assert voxels.voxel_coords.tolist() == [[-1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert voxels.point_to_voxel.tolist() == [1, 0, 1, 2]


def test_every_point_lies_in_its_voxel_whatever_the_order():
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, (2000, 3)).astype(np.float32)
    voxels = voxelize(points, 0.25)
    cells = np.floor(points.astype(np.float64) / 0.25)
    assert np.array_equal(voxels.voxel_coords[voxels.point_to_voxel], cells)
    assert len(np.unique(voxels.voxel_coords, axis=0)) == len(voxels.voxel_coords)
    order = rng.permutation(len(points))
    shuffled = voxelize(points[order], 0.25)
    assert np.array_equal(shuffled.voxel_coords, voxels.voxel_coords)
    assert np.array_equal(shuffled.point_to_voxel, voxels.point_to_voxel[order])


def test_huge_but_sparse_scenes_fall_back_to_rows():
    points = np.array([[-2e6, -2e6, -2e6], [2e6, 2e6, 2e6], [2e6, 2e6, 2e6 - 0.5]])
    voxels = voxelize(points, 0.001 * 2)
    assert len(voxels.voxel_coords) == 3
    assert np.array_equal(voxels.voxel_coords[voxels.point_to_voxel], np.floor(points / 0.002))


@pytest.mark.parametrize(
    ("points", "match"),
    [
        (np.zeros((0, 3)), "no point"),
        (np.array([[0.0, np.nan, 0.0]]), "1 of 1 points are not finite"),
        (np.array([[1e9, 0.0, 0.0]]), "32-bit"),
    ],
)
def test_unusable_points_are_refused(points, match):
    with pytest.raises(InputError, match=match):
        voxelize(points, 0.02)
