"""Voxel sets as sorted 64-bit keys, and the tables that say which voxel lies at which kernel offset.

Turning tables into work lists is left to ``kernel_map``, the arithmetic on features to ``torch_engine``.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from models.sparse.protocol import kernel_offsets
from schema.errors import InputError

MARGIN = 2
"""Empty cells kept around the grid, in strides: neighbours up to kernel size 5 never wrap to another row."""


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


def voxel_set(coords: Int[Tensor, "V 4"], stride: int) -> VoxelSet:
    """Sort voxels by key.

    Raises:
        InputError: there is no voxel, one repeats, or the key of one would not fit into 64 bits.
    """
    keys, steps = _keys(coords, stride)
    order = None
    if not bool((keys[1:] > keys[:-1]).all()):
        keys, order = torch.sort(keys, stable=True)
        if bool((keys[1:] == keys[:-1]).any()):
            raise InputError("a voxel occurs twice in a batch", remedy="voxelize the points first")
    return VoxelSet(coords, stride, keys, order, steps)


def _keys(coords: Int[Tensor, "V 4"], stride: int) -> tuple[Int[Tensor, "V"], tuple[int, int]]:
    if coords.ndim != 2 or coords.shape[1] != 4 or coords.shape[0] == 0:
        raise InputError(
            "voxel coordinates need the shape [V, 4] with at least one row",
            value=list(coords.shape),
            remedy="pass batch index, x, y, z per voxel",
        )
    low = [int(v) for v in coords.amin(0)]
    high = [int(v) for v in coords.amax(0)]
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
    """Row of the voxel at each offset of an odd kernel, -1 where there is none; int32.

    One binary search per (dx, dy): keys along z are consecutive, so the others follow by stepping.
    """
    radius = kernel_size // 2
    keys, last = voxels.keys, len(voxels.keys) - 1
    rows = torch.arange(len(keys), device=keys.device) if voxels.order is None else voxels.order
    rows = rows.to(torch.int32)
    table = torch.empty((kernel_size**3, len(keys)), dtype=torch.int32, device=keys.device)
    position = {offset: index for index, offset in enumerate(kernel_offsets(kernel_size))}
    none = torch.tensor(-1, dtype=torch.int32, device=keys.device)
    for dx in range(-radius, radius + 1):
        for dy in range(-radius, radius + 1):
            wanted = keys + (dx * voxels.steps[0] + dy * voxels.steps[1] - radius)
            at = torch.searchsorted(keys, wanted)
            for dz in range(-radius, radius + 1):
                candidate = at.clamp(max=last)
                hit = keys[candidate] == wanted
                table[position[dx, dy, dz]] = torch.where(hit, rows[candidate], none)
                at = at + hit
                wanted = wanted + 1
    return table if voxels.order is None else _to_row_order(table, voxels.order)


def _to_row_order(table: Int[Tensor, "K V"], order: Int[Tensor, "V"]) -> Int[Tensor, "K V"]:
    result = torch.empty_like(table)
    result[:, order] = table
    return result


def inner_table(table: Int[Tensor, "K V"], outer_size: int, inner_size: int) -> Int[Tensor, "L V"]:
    """The table of a smaller odd kernel out of a larger one's."""
    position = {offset: index for index, offset in enumerate(kernel_offsets(outer_size))}
    return table[[position[offset] for offset in kernel_offsets(inner_size)]]


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
    keys, _ = _keys(corners, stride)
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
    return voxel_set(coords, stride), down, up
