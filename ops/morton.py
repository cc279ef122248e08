"""Order of points along a Morton curve: points near in space become near in memory.

What the order is used for (chunks that compress, meshes with one canonical numbering) is ingest's business.
"""

import numpy as np
from jaxtyping import Float, Int, UInt64

from schema.errors import ConfigError, InputError

_BITS = 21  # three axes of 21 bits fill a 63-bit code

# (shift, mask) pairs that put two zero bits after each of the low 21 bits
_SPREAD = (
    (32, 0x001F00000000FFFF),
    (16, 0x001F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def morton_order(points_world: Float[np.ndarray, "N 3"], cell_m: float) -> Int[np.ndarray, "N"]:
    """Indices that sort points by the Morton code of their cell, then by x, y, z, then by input order.

    Cells are counted from the least coordinate of each axis, so the order of the points does not depend
    on the order they came in, unless two points are equal.

    Args:
        points_world: finite, metres.
        cell_m: edge of a cell, metres.

    Returns:
        int64 permutation of ``0..N-1``.

    Raises:
        InputError: a coordinate is not finite.
        ConfigError: the cloud is wider than 2**21 cells.

    >>> morton_order(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), 1.0)
    array([3, 2, 1, 0])
    """
    codes = morton_codes(points_world, cell_m)
    x, y, z = np.asarray(points_world).T
    return np.lexsort((z, y, x, codes)).astype(np.int64, copy=False)


def morton_codes(points_world: Float[np.ndarray, "N 3"], cell_m: float) -> UInt64[np.ndarray, "N"]:
    """Cell coordinates interleaved: x in bits 0, 3, 6, ..., y in 1, 4, ..., z in 2, 5, ... of each code."""
    if not cell_m > 0:
        raise ConfigError("the cell has no size", value=cell_m, remedy="use a length above 0 m")
    points = np.asarray(points_world, dtype=np.float64)
    if len(points) == 0:
        return np.zeros(0, dtype=np.uint64)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise InputError(
            f"{len(bad)} of {len(points)} points are not finite",
            field=f"point {bad[0]}",
            value=points[bad[0]].tolist(),
            remedy="remove them from the cloud",
        )
    cells = np.floor((points - points.min(axis=0)) / cell_m)
    if cells.max() >= 2**_BITS:
        raise ConfigError(
            f"the cloud is {cells.max():.3g} cells wide, more than 2**{_BITS}",
            field="cell_m",
            value=cell_m,
            remedy="use a larger cell, or remove stray points",
        )
    x, y, z = (_spread_bits(axis) for axis in cells.astype(np.uint64).T)
    codes: np.ndarray = x | (y << np.uint64(1)) | (z << np.uint64(2))
    return codes


def _spread_bits(values: UInt64[np.ndarray, "N"]) -> UInt64[np.ndarray, "N"]:
    spread = values
    for shift, mask in _SPREAD:
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
