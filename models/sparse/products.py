"""The arithmetic of a convolution along a kernel map: gather, multiply, add up, block by block.

Gradients are plain functions here; ``torch_engine`` hands them to autograd, ``workers`` shares blocks out.
On a CPU half precision is a way to store features: products are made and added up in single precision.
"""

import threading
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.sparse.kernel_map import Block, KernelMap
from models.sparse.workers import share_out, split

CONSTANT_ROWS = {True: 2048, False: 2**16}
"""Rows worked on together, on a CPU or not, where all features are alike."""

_LOCAL = threading.local()


def convolve(
    feat: Float[Tensor, "Vin Cin"], kernel: Float[Tensor, "K Cin Cout"], kernel_map: KernelMap
) -> Float[Tensor, "Vout Cout"]:
    """Features of the output rows, in the type of ``feat``."""
    feat = feat.contiguous()
    matrices = kernel.to(_product_type(feat)).unbind(0)
    out = feat.new_empty((kernel_map.num_out, kernel.shape[2]))

    def work(_: int, blocks: Sequence[Block]) -> None:
        for block in blocks:
            gathered = _gather(feat, block.source, 0, matrices[0].dtype)
            _write_sums(gathered, feat, matrices, block, kernel_map.identity, out)

    share_out(work, split(kernel_map.blocks, feat.device))
    return out


def convolve_back(
    grad_out: Float[Tensor, "Vout Cout"],
    feat: Float[Tensor, "Vin Cin"],
    kernel: Float[Tensor, "K Cin Cout"],
    opposite: KernelMap,
    wanted: tuple[bool, bool],
) -> tuple[Float[Tensor, "Vin Cin"] | None, Float[Tensor, "K Cin Cout"] | None]:
    """Gradients of features and kernel, each if ``wanted``.

    Args:
        grad_out: gradient of the output.
        feat: the input.
        kernel: the kernel.
        opposite: the map from output rows to input rows; along a map to the same stride the offsets come
            in reverse order, so the kernel is turned round before and its gradient after.
        wanted: whether the features' and the kernel's gradient is asked for.
    """
    grad_out, feat = grad_out.contiguous(), feat.contiguous()
    dtype = _product_type(feat)
    turned = kernel.to(dtype) if opposite.identity is None else kernel.to(dtype).flip(0)
    matrices = turned.transpose(1, 2).contiguous().unbind(0)
    grad_feat = torch.empty_like(feat)
    runs = split(opposite.blocks, feat.device)
    sums = kernel.new_zeros((len(runs), *kernel.shape), dtype=torch.promote_types(dtype, torch.float32))

    def work(part: int, blocks: Sequence[Block]) -> None:
        grad_matrices = sums[part].unbind(0)
        for block in blocks:
            gathered = _gather(grad_out, block.source, 0, dtype)
            if wanted[0]:
                _write_sums(gathered, grad_out, matrices, block, opposite.identity, grad_feat)
            if wanted[1]:
                _add_matrices(gathered, grad_out, feat, block, opposite.identity, grad_matrices)

    share_out(work, runs)
    grad_kernel = sums.sum(0) if opposite.identity is None else sums.sum(0).flip(0)
    return grad_feat if wanted[0] else None, grad_kernel.to(kernel.dtype) if wanted[1] else None


def _write_sums(
    gathered: Float[Tensor, "P Cin"],
    feat: Float[Tensor, "Vin Cin"],
    matrices: Sequence[Float[Tensor, "Cin Cout"]],
    block: Block,
    identity: int | None,
    out: Float[Tensor, "Vout Cout"],
) -> None:
    """Write the block's output rows: each adds up its products in the order of the offsets."""
    products = _scratch(1, len(gathered), matrices[0].shape[1], gathered)
    parts = zip(block.offsets, _cut(gathered, block), _cut(products, block), strict=True)
    for offset, rows, product in parts:
        torch.mm(rows, matrices[offset], out=product)
    total = embedding_bag(block.bag, products, block.bag_start, mode="sum")
    if identity is not None:
        total.addmm_(feat[block.start : block.stop].to(total.dtype), matrices[identity])
    out[block.start : block.stop] = total


def _add_matrices(
    gathered: Float[Tensor, "P Cout"],
    grad_out: Float[Tensor, "Vout Cout"],
    feat: Float[Tensor, "Vin Cin"],
    block: Block,
    identity: int | None,
    grad_matrices: Sequence[Float[Tensor, "Cin Cout"]],
) -> None:
    """Add the block's part of the kernel's gradient."""
    inputs = _gather(feat, block.target, 2, gathered.dtype)
    for offset, rows, grads in zip(block.offsets, _cut(inputs, block), _cut(gathered, block), strict=True):
        _add_product(grad_matrices[offset], rows, grads)
    if identity is not None:
        rows, grads = (x[block.start : block.stop].to(gathered.dtype) for x in (feat, grad_out))
        _add_product(grad_matrices[identity], rows, grads)


def _cut(rows: Float[Tensor, "P C"], block: Block) -> tuple[Tensor, ...]:
    """The rows of each offset of a block."""
    parts: tuple[Tensor, ...] = torch.split(rows, list(block.counts))
    return parts


def _add_product(
    total: Float[Tensor, "A B"], first: Float[Tensor, "P A"], second: Float[Tensor, "P B"]
) -> None:
    if total.dtype == first.dtype:
        total.addmm_(first.t(), second)
    else:
        total.add_(first.t() @ second)


def _product_type(feat: Tensor) -> torch.dtype:
    """Half precision is multiplied as such on a GPU only; a CPU is no faster at it, or not able to."""
    if feat.device.type == "cpu" and feat.dtype.itemsize < 4:
        return torch.float32
    return feat.dtype


def _gather(
    feat: Float[Tensor, "V C"], index: Int[Tensor, "P"], slot: int, dtype: torch.dtype
) -> Float[Tensor, "P C"]:
    if feat.dtype != dtype:
        return _scratch(slot, len(index), feat.shape[1], feat, dtype).copy_(feat.index_select(0, index))
    return torch.index_select(feat, 0, index, out=_scratch(slot, len(index), feat.shape[1], feat))


def _scratch(slot: int, rows: int, columns: int, like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Memory of this thread, used again by the next block (fresh pages would cost as much as gathering)."""
    dtype = dtype or like.dtype
    if like.device.type != "cpu":
        return torch.empty((rows, columns), dtype=dtype, device=like.device)
    held: dict[tuple[int, torch.dtype], Tensor] = _LOCAL.__dict__.setdefault("held", {})
    if (slot, dtype) not in held or held[slot, dtype].numel() < rows * columns:
        held[slot, dtype] = torch.empty(rows * columns, dtype=dtype)
    return held[slot, dtype][: rows * columns].view(rows, columns)


def convolve_constant(
    row: Float[Tensor, "Cin"],
    kernel: Float[Tensor, "K Cin Cout"],
    occupied: UInt8[Tensor, "C V"],
    dtype: torch.dtype,
) -> Float[Tensor, "V Cout"]:
    """Features where all input rows are alike: the sum of one vector per offset that holds a voxel."""
    vectors = (kernel * row[:, None].to(kernel.dtype)).sum(1)
    out = kernel.new_empty((occupied.shape[1], kernel.shape[2]), dtype=dtype)

    def work(_: int, starts: Sequence[int]) -> None:
        for start in starts:
            part = _unpacked(occupied, start, vectors)
            rows = _scratch(0, part.shape[1], vectors.shape[1], vectors)
            out[start : start + part.shape[1]] = torch.mm(part.t(), vectors, out=rows)

    share_out(work, split(_starts(occupied), occupied.device))
    return out


def convolve_constant_back(
    grad_out: Float[Tensor, "V Cout"],
    row: Float[Tensor, "Cin"],
    kernel: Float[Tensor, "K Cin Cout"],
    occupied: UInt8[Tensor, "C V"],
) -> Float[Tensor, "K Cin Cout"]:
    """Gradient of the kernel."""
    runs = split(_starts(occupied), occupied.device)
    sums = kernel.new_zeros((len(runs), kernel.shape[0], kernel.shape[2]))

    def work(number: int, starts: Sequence[int]) -> None:
        for start in starts:
            part = _unpacked(occupied, start, sums)
            sums[number].addmm_(part, grad_out[start : start + part.shape[1]].to(sums.dtype))

    share_out(work, runs)
    return sums.sum(0)[:, None, :] * row[:, None].to(kernel.dtype)


def _starts(occupied: UInt8[Tensor, "C V"]) -> Sequence[int]:
    return range(0, occupied.shape[1], CONSTANT_ROWS[occupied.device.type == "cpu"])


def _unpacked(occupied: UInt8[Tensor, "C V"], start: int, like: Tensor) -> Float[Tensor, "K R"]:
    """One number, 0 or 1, per offset and row, of a range of rows."""
    part = occupied[:, start : start + CONSTANT_ROWS[occupied.device.type == "cpu"]]
    size = round(len(occupied) ** 0.5)
    z = torch.arange(size, dtype=torch.uint8, device=occupied.device)
    return ((part >> z[:, None, None]) & 1).flatten(0, 1).to(like.dtype)
