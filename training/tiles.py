"""Which voxels decide a voxel's feature, and a scene cut into tiles that each hold what decides their core's.

Running the student on the tiles is left to ``infer``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from models.student.minkunet import Layout, MinkUNet, Planes
from schema.errors import InputError

MIN_CORE = 64
"""Longer cores are cut, shorter ones not, voxels: below, a tile would be nearly all context."""
_STEM_REACH = 2


@dataclass(frozen=True)
class Tile:
    """Part of a scene.

    Attributes:
        core: rows of the scene's voxels that get their features from this tile; each is in one core.
        context: rows of the voxels that decide the core's features; the core is among them.
        core_in_context: where in ``context`` each row of ``core`` stands.
    """

    core: Int[np.ndarray, "c"]
    context: Int[np.ndarray, "t"]
    core_in_context: Int[np.ndarray, "c"]


def layout_of(student: MinkUNet) -> Layout:
    """Blocks and channels of a network, read off its layers."""
    levels = [getattr(student, f"block{level}") for level in range(1, 9)]
    blocks: list[int] = [len(level) for level in levels]
    planes: list[int] = [level[0].conv1.kernel.shape[2] for level in levels]
    return Layout(_eight(blocks), _eight(planes))


def _eight(values: list[int]) -> Planes:
    a, b, c, d, e, f, g, h = values
    return (a, b, c, d, e, f, g, h)


def receptive_box(
    layout: Layout, low: Int[np.ndarray, "A"], high: Int[np.ndarray, "A"]
) -> tuple[Int[np.ndarray, "A"], Int[np.ndarray, "A"]]:
    """The smallest box outside of which no voxel changes an evaluation-mode feature inside a box.

    Walks the network backwards with the interval of cells that each layer reads, per axis. A convolution of
    kernel size 3 reads one cell further on both sides, a block has two of them; a strided one reads the two
    halves of a cell; a transposed one reads the cell that holds the voxel. Coarse cells begin at multiples
    of their stride whatever the box, so the box's position counts, not only its size.

    Args:
        layout: blocks per level; the channels do not matter.
        low: first voxel of the box, any number of axes.
        high: last voxel of the box, at least ``low``.

    Returns:
        First and last voxel of the larger box.
    """
    down, up = layout.num_blocks[:4], layout.num_blocks[4:][::-1]
    skips = []
    for depth, blocks in enumerate(up):  # from the output to the coarsest level
        stride = 2**depth
        low, high = low - 2 * blocks * stride, high + 2 * blocks * stride
        skips.append((low, high))
        low, high = _cell(low, 2 * stride), _cell(high, 2 * stride)
    for depth in (3, 2, 1, 0):  # and back to the input
        coarse, fine = 2 ** (depth + 1), 2**depth
        low, high = low - 2 * down[depth] * coarse, high + 2 * down[depth] * coarse + fine
        low, high = np.minimum(low, skips[depth][0]), np.maximum(high, skips[depth][1])
    return low - _STEM_REACH, high + _STEM_REACH


def _cell(voxel: Int[np.ndarray, "A"], stride: int) -> Int[np.ndarray, "A"]:
    return voxel // stride * stride


def cut(voxel_coords: Int[np.ndarray, "V 3"], layout: Layout, max_voxels: int) -> tuple[Tile, ...]:
    """Tiles of at most ``max_voxels`` voxels with their context, whose cores share the scene out.

    A core that is too large with its context is halved at the median of its longest axis. A scene of at most
    ``max_voxels`` is one tile, itself.

    Args:
        voxel_coords: distinct cells.
        layout: of the student.
        max_voxels: of a tile, context included.

    Raises:
        InputError: some core of at most ``MIN_CORE`` voxels' edge needs more context than ``max_voxels``;
            the smallest value that would do is named.
    """
    coords = np.asarray(voxel_coords, dtype=np.int64)
    everything = np.arange(len(coords))
    if len(coords) <= max_voxels:
        return (Tile(everything, everything, everything),)
    tiles, needed = [], 0
    for core, context in _leaves(coords, layout, max_voxels):
        needed = max(needed, len(context))
        tiles.append(Tile(core, context, np.searchsorted(context, core)))
    if needed > max_voxels:
        reach = -int(receptive_box(layout, np.zeros(1, np.int64), np.zeros(1, np.int64))[0][0])
        raise InputError(
            f"a small part of the scene and what lies within {reach} voxels of it are {needed:,} voxels",
            field="runtime.max_voxels",
            value=max_voxels,
            remedy=f"raise it to {needed} at least (--max-voxels of predict), or use larger voxels",
        )
    return tuple(tiles)


def _leaves(
    coords: Int[np.ndarray, "V 3"], layout: Layout, max_voxels: int
) -> Iterator[tuple[Int[np.ndarray, "c"], Int[np.ndarray, "t"]]]:
    """Cores with their contexts, ascending rows each; contexts of the smallest cores may be too large.

    Once one is, no part with a smaller context is cut any further: nothing in it can need more.
    """
    rows = np.arange(len(coords))
    todo = [(rows, rows)]
    limit = max_voxels
    while todo:
        core, around = todo.pop()
        low, high = coords[core].min(axis=0), coords[core].max(axis=0)
        context = _inside(coords, around, *receptive_box(layout, low, high))
        if len(context) <= limit or int((high - low).max()) < MIN_CORE:
            limit = max(limit, len(context))
            yield core, context
            continue
        axis = int(np.argmax(high - low))
        position = coords[core, axis]
        middle = max(int(np.median(position)), int(low[axis]) + 1)
        # a part's context lies within the whole's, so only that is searched
        todo += [(core[position >= middle], context), (core[position < middle], context)]


def _inside(
    coords: Int[np.ndarray, "V 3"],
    rows: Int[np.ndarray, "a"],
    low: Int[np.ndarray, "3"],
    high: Int[np.ndarray, "3"],
) -> Int[np.ndarray, "t"]:
    here = coords[rows]
    kept: np.ndarray = rows[((here >= low) & (here <= high)).all(axis=1)]
    return kept
