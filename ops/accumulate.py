"""Adding up what views say about points: sums of feature vectors, and counts of (point, caption) pairs.

Which pixel a view sees a point in comes from `ops.visibility`; the loop over views is `ops.lift`'s.
"""

import numba
import numpy as np
from jaxtyping import Float, Int, Int32

from ops.kernels import parallel_kernel

_TILE_PIXELS, _TILE_CHANNELS = 256, 16  # a transposed block: 20 kB, inside the first cache; whole cache lines
_CAPTION_BITS = 32


def pixels_on_grid(
    pixel: Int[np.ndarray, "V"], image_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> Int[np.ndarray, "V"]:
    """Cells of a teacher's own h x w grid that hold the centres of pixels of an H x W image.

    Column ``floor((u + 0.5) * w / W)`` and row likewise, in integers; the identity where sizes agree.
    Pixel -1 (not seen) stays -1.

    >>> pixels_on_grid(np.array([0, 5, 15]), (4, 4), (2, 2))
    array([0, 0, 3])
    """
    if image_hw == grid_hw:
        return pixel
    (height, width), (grid_height, grid_width) = image_hw, grid_hw
    v, u = np.divmod(pixel.astype(np.int64), width)
    row = (2 * v + 1) * grid_height // (2 * height)
    column = (2 * u + 1) * grid_width // (2 * width)
    cells: np.ndarray = np.where(pixel < 0, -1, row * grid_width + column)
    return cells


def channels_last(
    feat: Float[np.ndarray, "h w C"], out: Float[np.ndarray, "h w C"] | None = None
) -> Float[np.ndarray, "h w C"]:
    """The map as C-contiguous float32; a channel-first map seen through a transpose is copied in tiles.

    Args:
        feat: any float type and memory order; returned itself where nothing is to be done.
        out: memory for the copy of a channel-first map, where the caller has some of the right shape.
    """
    feat = np.asarray(feat, dtype=np.float32)
    first = feat.transpose(2, 0, 1)
    if feat.flags.c_contiguous or not first.flags.c_contiguous:
        return np.ascontiguousarray(feat)
    if out is None or out.shape != feat.shape:
        out = np.empty(feat.shape, dtype=np.float32)
    _transpose(first.reshape(len(first), -1), out.reshape(-1, len(first)))
    return out


@parallel_kernel
def _transpose(rows: Float[np.ndarray, "C P"], out: Float[np.ndarray, "P C"]) -> None:
    # Through a small buffer: planes lie a power of two apart and would push each other out of the cache.
    channels, pixels = rows.shape
    for tile in numba.prange((pixels + _TILE_PIXELS - 1) // _TILE_PIXELS):
        start, stop = tile * _TILE_PIXELS, min((tile + 1) * _TILE_PIXELS, pixels)
        block = np.empty((_TILE_PIXELS, _TILE_CHANNELS + 4), dtype=np.float32)
        for first in range(0, channels, _TILE_CHANNELS):
            width = min(_TILE_CHANNELS, channels - first)
            for c in range(width):
                for p in range(start, stop):
                    block[p - start, c] = rows[first + c, p]
            for p in range(start, stop):
                for c in range(width):
                    out[p, first + c] = block[p - start, c]


@parallel_kernel
def add_nearest(
    sums: Float[np.ndarray, "N C"],
    cells: Int[np.ndarray, "G N"],
    maps: tuple[Float[np.ndarray, "P C"], ...],
) -> None:
    """``sums[n] += maps[g][cells[g, n]]`` for each of G views in turn, in place; -1: the view does not see n.

    Several views at a time, because a row of sums then travels to memory and back once for all of them.
    """
    for n in numba.prange(len(sums)):
        row = sums[n]
        for g in range(len(maps)):
            cell = cells[g, n]
            if cell >= 0:
                source = maps[g][cell]
                for c in range(row.shape[0]):
                    row[c] += source[c]


@parallel_kernel
def add_bilinear(
    sums: Float[np.ndarray, "N C"],
    points: Int[np.ndarray, "V"],
    grid_uv: Float[np.ndarray, "V 2"],
    feat: Float[np.ndarray, "h w C"],
) -> None:
    """Add to ``sums[points[i]]`` the map's value at ``grid_uv[i]``, between four cells; outside, the edge's.

    ``grid_uv`` is (column, row) in cells, integers at cell centres.
    """
    height, width = feat.shape[0], feat.shape[1]
    for i in numba.prange(len(points)):
        u = min(max(grid_uv[i, 0], 0.0), width - 1.0)
        v = min(max(grid_uv[i, 1], 0.0), height - 1.0)
        left, top = int(u), int(v)
        right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
        across, down = u - left, v - top
        w00 = np.float32((1 - across) * (1 - down))
        w01 = np.float32(across * (1 - down))
        w10 = np.float32((1 - across) * down)
        w11 = np.float32(across * down)
        f00, f01, f10, f11 = feat[top, left], feat[top, right], feat[bottom, left], feat[bottom, right]
        row = sums[points[i]]
        for c in range(row.shape[0]):
            row[c] += w00 * f00[c] + w01 * f01[c] + w10 * f10[c] + w11 * f11[c]


@parallel_kernel
def divide_rows(sums: Float[np.ndarray, "N C"], num_views: Int[np.ndarray, "N"]) -> Int[np.ndarray, "N"]:
    """Turn sums into means, in place; rows without views stay zero. Returns 1 per row that is not finite."""
    broken = np.zeros(len(sums), dtype=np.int8)
    for n in numba.prange(len(sums)):
        if num_views[n] > 0:
            row = sums[n]
            divisor = np.float32(num_views[n])
            check = np.float32(0)
            for c in range(row.shape[0]):
                row[c] /= divisor
                check += row[c] * np.float32(0)
            if check != 0:  # NaN: infinity times zero, or NaN itself
                broken[n] = 1
    return broken


class PairCounts:
    """Counts of (point, caption) pairs in bounded memory.

    Pairs gather in a buffer; when it passes ``limit`` pairs, equal ones are merged into one with a count.

    >>> pairs = PairCounts()
    >>> pairs.add(np.array([4, 2]), np.array([0, 1]))
    >>> pairs.add(np.array([4, 2]), np.array([0, 0]))
    >>> [column.tolist() for column in pairs.result()]
    [[2, 2, 4], [0, 1, 0], [1, 1, 2]]
    """

    def __init__(self, limit: int = 1 << 24) -> None:
        self._limit = limit
        self._buffer: list[np.ndarray] = []
        self._buffered = 0
        self._keys = np.zeros(0, dtype=np.int64)
        self._counts = np.zeros(0, dtype=np.int64)

    def add(self, points: Int[np.ndarray, "V"], captions: Int[np.ndarray, "V"]) -> None:
        """Count each pair once; ids below 2**31."""
        self._buffer.append((points.astype(np.int64) << _CAPTION_BITS) | captions.astype(np.int64))
        self._buffered += len(points)
        if self._buffered > self._limit:
            self._merge()

    def result(self) -> tuple[Int32[np.ndarray, "P"], Int32[np.ndarray, "P"], Int32[np.ndarray, "P"]]:
        """Points, captions and counts of the distinct pairs, by point, then caption."""
        self._merge()
        points = (self._keys >> _CAPTION_BITS).astype(np.int32)
        captions = (self._keys & ((1 << _CAPTION_BITS) - 1)).astype(np.int32)
        return points, captions, self._counts.astype(np.int32)

    def _merge(self) -> None:
        fresh = np.concatenate([*self._buffer, np.zeros(0, dtype=np.int64)])
        keys = np.concatenate([self._keys, fresh])
        counts = np.concatenate([self._counts, np.ones(len(fresh), dtype=np.int64)])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        self._keys = keys[first]
        self._counts = np.add.reduceat(counts[order], first) if len(first) else counts[:0]
        self._buffer, self._buffered = [], 0
