"""Sparse convolution in plain PyTorch, forward and backward, on any device PyTorch has.

A convolution is a list of pairs (input row, output row) per kernel offset, found by ``coordinates`` and cut
into blocks of output rows by ``kernel_map``. Per block ``products`` gathers the input rows, multiplies them
by one matrix per offset, and lets each output row add up its products in the order of the offsets: no atomic
addition, so results do not depend on chance, and no more than a block's products exist per thread. The
backward pass goes along the opposite map; all that is kept for it is the input and the kernel.
"""

from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.sparse import coordinates, products
from models.sparse.kernel_map import KernelMap, build_map

MapKey = tuple[int, int, int]
"""Stride of the input, stride of the output, kernel size."""


class TorchEngine:
    """The default engine."""

    name = "torch"

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> "TorchGrid":
        """A grid of distinct voxels; see ``protocol.SparseEngine``."""
        return TorchGrid(voxel_coords)


class TorchGrid:
    """Voxel sets and kernel maps of one batch, each built when first needed and shared by all layers."""

    def __init__(self, voxel_coords: Int[Tensor, "V 4"]) -> None:
        self._voxels = {1: coordinates.voxel_set(voxel_coords.long())}
        self._tables: dict[MapKey, Tensor] = {}
        self._maps: dict[MapKey, KernelMap] = {}
        self._occupied: dict[tuple[int, int], Tensor] = {}

    def voxel_coords(self, stride: int) -> Int[Tensor, "V 4"]:
        """Coordinates of each row at ``stride``; see ``protocol.SparseGrid``."""
        return self._voxel_set(stride).coords

    def convolve(
        self,
        feat: Float[Tensor, "Vin Cin"],
        kernel: Float[Tensor, "K Cin Cout"],
        *,
        stride_in: int,
        stride_out: int,
    ) -> Float[Tensor, "Vout Cout"]:
        """Convolve; see ``protocol.SparseGrid``. The output has the type of the input, or autocast's.

        Features that are one row expanded (``row.expand(V, -1)``, as a constant input is) take a shorter way.
        """
        size = round(kernel.shape[0] ** (1 / 3))
        dtype = feat.dtype
        if torch.is_autocast_enabled(feat.device.type):
            dtype = torch.get_autocast_dtype(feat.device.type)
        if stride_in == stride_out and feat.stride(0) == 0 and not feat.requires_grad:
            occupied = self.occupied(stride_in, size)
            alike: Tensor = _ConvolutionOfConstant.apply(feat[0], kernel, occupied, dtype)  # type: ignore[no-untyped-call]
            return alike
        key = (stride_in, stride_out, size)
        result: Tensor = _Convolution.apply(feat.to(dtype), kernel, self, key)  # type: ignore[no-untyped-call]
        return result

    def _voxel_set(self, stride: int) -> coordinates.VoxelSet:
        if stride not in self._voxels:
            fine = self._voxel_set(stride // 2)
            coarse, down, up = coordinates.coarsen(fine)
            self._voxels[stride] = coarse
            self._tables[fine.stride, stride, 2] = down
            self._tables[stride, fine.stride, 2] = up
        return self._voxels[stride]

    def occupied(self, stride: int, kernel_size: int) -> UInt8[Tensor, "C V"]:
        """Which offsets of each row hold a voxel; see ``coordinates.occupied``."""
        key = (stride, kernel_size)
        if key not in self._occupied:
            self._occupied[key] = coordinates.occupied(self._voxel_set(stride), kernel_size)
        return self._occupied[key]

    def kernel_map(self, stride_in: int, stride_out: int, kernel_size: int) -> KernelMap:
        """The work list of a convolution, which is also the way back of the opposite one."""
        key = (stride_in, stride_out, kernel_size)
        if key not in self._maps:
            voxels = self._voxel_set(max(stride_in, stride_out))
            if stride_in == stride_out:
                table, identity = coordinates.neighbour_table(voxels, kernel_size), kernel_size**3 // 2
                self._maps[key] = build_map(table, identity)
            else:
                self._maps[key] = build_map(self._tables.pop(key), None)
        return self._maps[key]


class _Convolution(torch.autograd.Function):
    """A convolution along a grid's map; the map of the way back is built when first gone."""

    @staticmethod
    def forward(ctx: Any, feat: Tensor, kernel: Tensor, grid: TorchGrid, key: MapKey) -> Tensor:
        ctx.save_for_backward(feat, kernel)
        ctx.grid, ctx.key = grid, key
        return products.convolve(feat, kernel, grid.kernel_map(*key))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        stride_in, stride_out, size = ctx.key
        opposite = ctx.grid.kernel_map(stride_out, stride_in, size)
        feat, kernel = ctx.saved_tensors
        grads = products.convolve_back(grad_out, feat, kernel, opposite, ctx.needs_input_grad[:2])
        return *grads, None, None


class _ConvolutionOfConstant(torch.autograd.Function):
    """A convolution to the same stride of features that are alike in all rows and need no gradient."""

    @staticmethod
    def forward(ctx: Any, row: Tensor, kernel: Tensor, occupied: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(row, kernel, occupied)
        return products.convolve_constant(row, kernel, occupied, dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[None, Tensor, None, None]:
        return None, products.convolve_constant_back(grad_out, *ctx.saved_tensors), None, None
