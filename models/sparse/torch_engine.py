"""Sparse convolution in plain PyTorch, forward and backward, on any device PyTorch has.

Coordinates and neighbour search are ``coordinates``'s, grouping into blocks ``kernel_map``'s. Per block the
input rows are gathered, multiplied by one matrix per kernel offset, and each output row adds up its products
in the order of the offsets: no atomic addition, so results do not depend on chance, and never more than one
block's products exist at a time.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from models.sparse import coordinates
from models.sparse.kernel_map import Block, KernelMap, build_map

STEM_CHANNELS = 4
"""Up to this many input channels, one product over all offsets at once is faster than one per offset."""
STEM_ROWS = 8192


class TorchEngine:
    """The default engine."""

    name = "torch"

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> "TorchGrid":
        """A grid of distinct voxels; see ``protocol.SparseEngine``."""
        return TorchGrid(voxel_coords)


class TorchGrid:
    """Voxel sets, neighbour tables and kernel maps of one batch, each built when first needed."""

    def __init__(self, voxel_coords: Int[Tensor, "V 4"]) -> None:
        self._voxels = {1: coordinates.voxel_set(voxel_coords.long(), 1)}
        self._tables: dict[tuple[int, int, int], Tensor] = {}
        self._maps: dict[tuple[int, int, int], KernelMap] = {}

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
        """Convolve; see ``protocol.SparseGrid``."""
        size = round(kernel.shape[0] ** (1 / 3))
        if feat.shape[1] <= STEM_CHANNELS and stride_in == stride_out and not feat.requires_grad:
            table = self.table(stride_in, stride_out, size)
            return _few_channels(feat, kernel, table)
        forward_map = self.kernel_map(stride_in, stride_out, size)
        backward_map = self.kernel_map(stride_out, stride_in, size)
        result: Tensor = _Convolution.apply(feat, kernel, forward_map, backward_map)  # type: ignore[no-untyped-call]
        return result

    def _voxel_set(self, stride: int) -> coordinates.VoxelSet:
        if stride not in self._voxels:
            fine = self._voxel_set(stride // 2)
            coarse, down, up = coordinates.coarsen(fine)
            self._voxels[stride] = coarse
            self._tables[fine.stride, stride, 2] = down
            self._tables[stride, fine.stride, 2] = up
        return self._voxels[stride]

    def table(self, stride_in: int, stride_out: int, kernel_size: int) -> Int[Tensor, "K Vout"]:
        """Input row at each offset of each output row, -1 for none."""
        key = (stride_in, stride_out, kernel_size)
        voxels = self._voxel_set(max(stride_in, stride_out))
        if key not in self._tables:
            larger = self._tables.get((stride_in, stride_out, 5))
            self._tables[key] = (
                coordinates.neighbour_table(voxels, kernel_size)
                if larger is None
                else coordinates.inner_table(larger, 5, kernel_size)
            )
        return self._tables[key]

    def kernel_map(self, stride_in: int, stride_out: int, kernel_size: int) -> KernelMap:
        """The work list of a convolution; shared by all layers between the same strides."""
        key = (stride_in, stride_out, kernel_size)
        if key not in self._maps:
            centre = kernel_size**3 // 2 if kernel_size % 2 else None
            self._maps[key] = build_map(self.table(*key), centre)
        return self._maps[key]


class _Convolution(torch.autograd.Function):
    """Gather, multiply, add up; the backward pass does the same along the opposite map."""

    @staticmethod
    def forward(
        ctx: Any, feat: Tensor, kernel: Tensor, forward_map: KernelMap, backward_map: KernelMap
    ) -> Tensor:
        ctx.save_for_backward(feat, kernel)
        ctx.backward_map = backward_map
        feat = feat.contiguous()
        out = feat.new_empty((forward_map.num_out, kernel.shape[2]))
        for block in forward_map.blocks:
            gathered = feat.index_select(0, block.source)
            rows = out[block.start : block.stop]
            _add_up(_products(gathered, kernel, block, None), block, rows)
            if forward_map.identity is not None:
                rows.addmm_(feat[block.start : block.stop], kernel[forward_map.identity])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        feat, kernel = ctx.saved_tensors
        feat, grad_out = feat.contiguous(), grad_out.contiguous()
        opposite: KernelMap = ctx.backward_map
        mirror = None if opposite.identity is None else kernel.shape[0] - 1
        transposed = kernel.transpose(1, 2)
        grad_feat = torch.empty_like(feat)
        grad_kernel = torch.zeros_like(kernel)
        for block in opposite.blocks:
            gathered = grad_out.index_select(0, block.source)
            rows = slice(block.start, block.stop)
            _add_up(_products(gathered, transposed, block, mirror), block, grad_feat[rows])
            inputs = feat.index_select(0, block.target)
            for offset, a, b in block.segments:
                index = offset if mirror is None else mirror - offset
                grad_kernel[index].addmm_(inputs[a:b].t(), gathered[a:b])
            if opposite.identity is not None:
                grad_feat[rows].addmm_(grad_out[rows], transposed[opposite.identity])
                grad_kernel[opposite.identity].addmm_(feat[rows].t(), grad_out[rows])
        return grad_feat, grad_kernel, None, None


def _products(gathered: Tensor, kernel: Tensor, block: Block, mirror: int | None) -> Tensor:
    """One product per offset; ``mirror`` is the last offset where the map runs against the kernel."""
    products = gathered.new_empty((gathered.shape[0], kernel.shape[2]))
    for offset, a, b in block.segments:
        matrix = kernel[offset if mirror is None else mirror - offset]
        torch.mm(gathered[a:b], matrix, out=products[a:b])
    return products


def _add_up(products: Tensor, block: Block, out: Tensor) -> None:
    """Write each output row's sum of products to ``out``."""
    if len(products) == 0:
        out.zero_()
        return
    out.copy_(embedding_bag(block.bag, products, block.bag_start, mode="sum"))


def _few_channels(feat: Tensor, kernel: Tensor, table: Int[Tensor, "K V"]) -> Tensor:
    """Submanifold convolution of inputs with few channels and no gradient of their own (the stem)."""
    padded = torch.cat([feat.new_zeros((1, feat.shape[1])), feat])
    flat = kernel.flatten(0, 1)
    result: Tensor = _FewChannels.apply(padded, flat, table)  # type: ignore[no-untyped-call]
    return result


def _columns(padded: Tensor, table: Int[Tensor, "K V"], start: int) -> Tensor:
    index = (table[:, start : start + STEM_ROWS].t() + 1).flatten()
    num_rows = index.numel() // table.shape[0]
    return padded.index_select(0, index).view(num_rows, -1)


class _FewChannels(torch.autograd.Function):
    """All neighbours of a row side by side (zeros for missing ones), times the whole kernel."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, flat: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(padded, table)
        out = padded.new_empty((table.shape[1], flat.shape[1]))
        for start in range(0, len(out), STEM_ROWS):
            torch.mm(_columns(padded, table, start), flat, out=out[start : start + STEM_ROWS])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[None, Tensor, None]:
        padded, table = ctx.saved_tensors
        grad = padded.new_zeros((table.shape[0] * padded.shape[1], grad_out.shape[1]))
        for start in range(0, len(grad_out), STEM_ROWS):
            grad.addmm_(_columns(padded, table, start).t(), grad_out[start : start + STEM_ROWS])
        return None, grad, None
