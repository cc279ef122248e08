"""Voxel sets as sorted 64-bit keys, and the tables that say which voxel lies at which kernel offset.

Turning tables into work lists is left to ``kernel_map``, the arithmetic on features to ``torch_engine``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int, Integer, UInt8
from torch import Tensor

from schema.errors import InputError

MARGIN = 2
"""Empty cells kept around the grid, in strides: neighbours up to kernel size 5 never wrap to another row."""
FAR = 7
"""Stands for "not in this column": shifts every bit of a uint8 out of the five that count."""


@dataclass(frozen=True)
class VoxelSet:
    """Distinct voxels of one tensor stride.

    Attributes:
        coords: batch index, then coordinates in stride-1 units, multiples of ``stride``.
        stride: edge of a cell in stride-1 units.
        keys: ascending; the key of a neighbour is the key of the voxel plus a constant per offset.
        order: row of ``coords`` that each key belongs to; None where rows are already in key order.
        steps: what one cell along x and along y adds to a key (along z it is 1).
    """

    coords: Int[Tensor, "V 4"]
    stride: int
    keys: Int[Tensor, "V"]
    order: Int[Tensor, "V"] | None
    steps: tuple[int, int]


def voxel_set(coords: Int[Tensor, "V 4"]) -> VoxelSet:
    """Sort the voxels of stride 1 by key.

    Raises:
        InputError: there is no voxel, one repeats, or the key of one would not fit into 64 bits.
    """
    keys, steps = _keys(coords, 1)
    order = None
    if not bool((keys[1:] > keys[:-1]).all()):
        keys, order = torch.sort(keys, stable=True)
        if bool((keys[1:] == keys[:-1]).any()):
            raise InputError("a voxel occurs twice in a batch", remedy="voxelize the points first")
    return VoxelSet(coords, 1, keys, order, steps)


def _keys(coords: Int[Tensor, "V 4"], stride: int) -> tuple[Int[Tensor, "V"], tuple[int, int]]:
    if coords.ndim != 2 or coords.shape[1] != 4 or coords.shape[0] == 0:
        raise InputError(
            "voxel coordinates need the shape [V, 4] with at least one row",
            value=list(coords.shape),
            remedy="pass batch index, x, y, z per voxel",
        )
    low, high = torch.stack(torch.aminmax(coords, dim=0)).tolist()
    sizes = [high[0] - low[0] + 1] + [
        (b - a) // stride + 1 + 2 * MARGIN for a, b in zip(low[1:], high[1:], strict=True)
    ]
    if sizes[0] * sizes[1] * sizes[2] * sizes[3] >= 2**62:
        raise InputError(
            "the voxels span more cells than 64-bit keys can tell apart",
            value=sizes,
            remedy="use larger voxels, smaller batches, or remove stray points",
        )
    batch, x, y, z = (coords[:, axis] - low[axis] for axis in range(4))
    x, y, z = (torch.div(axis, stride, rounding_mode="floor") + MARGIN for axis in (x, y, z))
    steps = (sizes[2] * sizes[3], sizes[3])
    return (batch * sizes[1] + x) * steps[0] + y * steps[1] + z, steps


def neighbour_table(voxels: VoxelSet, kernel_size: int) -> Int[Tensor, "K V"]:
    """Row of the voxel at each offset of an odd kernel, -1 where there is none; int32."""
    keys, order = voxels.keys, voxels.order
    rows = None if order is None else order.to(torch.int32)
    shape = (kernel_size, kernel_size, kernel_size, len(keys))  # z, y, x: the order of kernel offsets
    table = torch.empty(shape, dtype=torch.int32, device=keys.device)
    last = len(keys) - 1
    for x, y, lowest, bits in _columns(voxels, kernel_size):
        at = lowest
        for z in range(kernel_size):
            hit = ((bits >> z) & 1).bool()
            row = at if rows is None else rows[at.clamp(max=last)]
            table[z, y, x] = torch.where(hit, row, -1)
            at = at + hit
    return _to_row_order(table.flatten(0, 2), order)


def occupied(voxels: VoxelSet, kernel_size: int) -> UInt8[Tensor, "C V"]:
    """Which offsets of an odd kernel hold a voxel: per (x, y), x fastest, one bit for each z."""
    columns = [bits for _, _, _, bits in _columns(voxels, kernel_size)]
    return _to_row_order(torch.stack(columns), voxels.order)


def _columns(
    voxels: VoxelSet, kernel_size: int
) -> Iterator[tuple[int, int, Int[Tensor, "V"], UInt8[Tensor, "V"]]]:
    """For each (x, y) of a kernel: position of the first key in that column, and which z are there.

    One binary search per column; keys along z are consecutive, so ``_runs`` tells the rest.
    """
    keys, radius = voxels.keys, kernel_size // 2
    last, mask = len(keys) - 1, (1 << kernel_size) - 1
    runs = _runs(keys, kernel_size)
    for y in range(kernel_size):
        for x in range(kernel_size):
            step = (x - radius) * voxels.steps[0] + (y - radius) * voxels.steps[1] - radius
            lowest = keys + step
            at = torch.searchsorted(keys, lowest, out_int32=True)
            found = at.clamp(max=last)
            above = keys.index_select(0, found) - lowest
            above = torch.where(above < 0, FAR, above).clamp_(max=FAR).to(torch.uint8)
            yield x, y, at, (runs.index_select(0, found) << above) & mask


def _runs(keys: Int[Tensor, "V"], length: int) -> UInt8[Tensor, "V"]:
    """Bit t: whether the key t above this one is there, for t below ``length``."""
    runs = torch.ones(len(keys), dtype=torch.uint8, device=keys.device)
    one = torch.ones((), dtype=torch.uint8, device=keys.device)
    for t in range(1, min(length, len(keys))):
        above = keys[t:] - keys[:-t]
        runs[:-t] |= torch.where(above < length, one << above.clamp(max=FAR).to(torch.uint8), 0)
    return runs


def _to_row_order(table: Integer[Tensor, "K V"], order: Int[Tensor, "V"] | None) -> Integer[Tensor, "K V"]:
    if order is None:
        return table
    result = torch.empty_like(table)
    result[:, order] = table
    return result


def coarsen(voxels: VoxelSet) -> tuple[VoxelSet, Int[Tensor, "K Vcoarse"], Int[Tensor, "K V"]]:
    """The voxels of twice the stride, with the tables of the strided convolution and of its transpose.

    Coordinates are rounded down (towards minus infinity) to multiples of the new stride.

    Returns:
        The coarse voxels in key order; per coarse voxel its children (kernel size 2, -1 for none); per fine
        voxel its parent, at the one offset where it is a child.
    """
    stride = 2 * voxels.stride
    spatial = torch.div(voxels.coords[:, 1:], stride, rounding_mode="floor") * stride
    corners = torch.cat([voxels.coords[:, :1], spatial], dim=1)
    keys, steps = _keys(corners, stride)
    kept, parent = torch.unique(keys, sorted=True, return_inverse=True)
    rows = torch.arange(len(keys), device=keys.device)
    coords = torch.empty((len(kept), 4), dtype=corners.dtype, device=keys.device)
    coords[parent] = corners
    step = torch.div(voxels.coords[:, 1:] - spatial, voxels.stride, rounding_mode="floor")
    offset = step[:, 0] + 2 * step[:, 1] + 4 * step[:, 2]
    down = torch.full((8, len(kept)), -1, dtype=torch.int32, device=keys.device)
    down[offset, parent] = rows.to(torch.int32)
    up = torch.full((8, len(keys)), -1, dtype=torch.int32, device=keys.device)
    up[offset, rows] = parent.to(torch.int32)
    return VoxelSet(coords, stride, kept, None, steps), down, up
