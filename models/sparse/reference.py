"""Sparse convolution as a dictionary and three loops: slow, obvious, and what the engines are compared with.

Speed is left to the other engines; autograd differentiates what is written here.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.sparse.protocol import kernel_offsets
from schema.errors import InputError


class ReferenceEngine:
    """Looks every neighbour up in a Python dictionary."""

    name = "reference"

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> "ReferenceGrid":
        """A grid of distinct voxels; see ``protocol.SparseEngine``."""
        return ReferenceGrid([(c[0], c[1], c[2], c[3]) for c in voxel_coords.tolist()])


Voxel = tuple[int, int, int, int]


class ReferenceGrid:
    """Voxels of one batch; coarser strides are listed in ascending order."""

    def __init__(self, voxels: list[Voxel]) -> None:
        if not voxels or len(set(voxels)) != len(voxels):
            raise InputError("voxels are missing or repeat", remedy="voxelize the points first")
        self._voxels = {1: voxels}

    def _at(self, stride: int) -> list[Voxel]:
        if stride not in self._voxels:
            fine = self._at(stride // 2)
            coarse = {(b, _down(x, stride), _down(y, stride), _down(z, stride)) for b, x, y, z in fine}
            self._voxels[stride] = sorted(coarse)
        return self._voxels[stride]

    def voxel_coords(self, stride: int) -> Int[Tensor, "V 4"]:
        """Coordinates of each row at ``stride``; see ``protocol.SparseGrid``."""
        return torch.tensor(self._at(stride))

    def convolve(
        self,
        feat: Float[Tensor, "Vin Cin"],
        kernel: Float[Tensor, "K Cin Cout"],
        *,
        stride_in: int,
        stride_out: int,
    ) -> Float[Tensor, "Vout Cout"]:
        """Convolve; see ``protocol.SparseGrid``."""
        fine = min(stride_in, stride_out)
        offsets = kernel_offsets(round(kernel.shape[0] ** (1 / 3)))
        row_of = {voxel: row for row, voxel in enumerate(self._at(stride_in))}
        sign = -1 if stride_out < stride_in else 1
        rows = []
        for batch, x, y, z in self._at(stride_out):
            total = feat.new_zeros(kernel.shape[2])
            for index, (dx, dy, dz) in enumerate(offsets):
                step = sign * fine
                row = row_of.get((batch, x + step * dx, y + step * dy, z + step * dz))
                if row is not None:
                    total = total + feat[row] @ kernel[index]
            rows.append(total)
        return torch.stack(rows)


def _down(value: int, stride: int) -> int:
    return value // stride * stride
