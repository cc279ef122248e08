"""Points to voxels: the integer cells that are occupied and the cell each point lies in.

What voxels carry and how they are batched is left to ``training.data``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from schema.errors import InputError


@dataclass(frozen=True)
class Voxels:
    """Occupied cells.

    Attributes:
        voxel_coords: distinct cells, ascending by x, then y, then z; the cell (0, 0, 0) starts at the
            origin of the world.
        point_to_voxel: row of ``voxel_coords`` of each point.
    """

    voxel_coords: Int[np.ndarray, "V 3"]
    point_to_voxel: Int[np.ndarray, "N"]


def voxelize(points_world: Float[np.ndarray, "N 3"], voxel_m: float) -> Voxels:
    """The cells ``floor(points / voxel_m)``; no point is left out, and their order does not matter.

    Args:
        points_world: metres.
        voxel_m: edge of a cell, m.

    Raises:
        InputError: there is no point, a coordinate is not finite, or the points span too many cells.
    """
    points = np.asarray(points_world, dtype=np.float64)
    if len(points) == 0:
        raise InputError("the cloud has no point", remedy="check the capture it was made from")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise InputError(
            f"{int((~finite).sum())} of {len(points)} points are not finite",
            field="points_world",
            remedy="remove them from the cloud",
        )
    cells = np.floor(points / voxel_m)
    low, high = cells.min(axis=0), cells.max(axis=0)
    if np.abs([low, high]).max() >= 2**31 - 2:
        raise InputError(
            "the points span more voxels than 32-bit coordinates can hold",
            field="voxel_m",
            value=voxel_m,
            remedy="use larger voxels or remove stray points",
        )
    coords = cells.astype(np.int32)
    sizes = [int(b) - int(a) + 1 for a, b in zip(low, high, strict=True)]
    if sizes[0] * sizes[1] * sizes[2] >= 2**62:
        voxel_coords, point_to_voxel = np.unique(coords, axis=0, return_inverse=True)
        return Voxels(voxel_coords, point_to_voxel.reshape(-1).astype(np.int64))
    x, y, z = (coords[:, axis].astype(np.int64) - int(low[axis]) for axis in range(3))
    keys = (x * sizes[1] + y) * sizes[2] + z
    _, first, point_to_voxel = np.unique(keys, return_index=True, return_inverse=True)
    return Voxels(coords[first], point_to_voxel.astype(np.int64))
