"""Kernel maps as work lists: for blocks of output rows, which input rows meet which kernel matrix.

How tables of neighbours are found is ``coordinates``'s business, what is multiplied ``torch_engine``'s.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Int
from torch import Tensor

BLOCK_ROWS = 4096
"""Output rows worked on together: the gathered rows of a block (about ten per output) stay in cache."""


@dataclass(frozen=True)
class Block:
    """The pairs (input row, output row) of a range of output rows, grouped by kernel offset.

    Attributes:
        start: first output row.
        stop: one past the last output row.
        source: input row of each pair.
        target: output row of each pair.
        segments: (offset, first pair, one past the last pair) of each offset that occurs.
        bag: the pairs once more, grouped by output row (ascending offset within it).
        bag_start: where each output row's part of ``bag`` begins.
    """

    start: int
    stop: int
    source: Int[Tensor, "P"]
    target: Int[Tensor, "P"]
    segments: tuple[tuple[int, int, int], ...]
    bag: Int[Tensor, "P"]
    bag_start: Int[Tensor, "R"]


@dataclass(frozen=True)
class KernelMap:
    """All blocks of one convolution in one direction.

    Attributes:
        blocks: ranges of output rows, in order and without gaps.
        num_out: output rows.
        identity: the offset that pairs every row with itself; it is not in the blocks. None without one.
    """

    blocks: tuple[Block, ...]
    num_out: int
    identity: int | None


def build_map(table: Int[Tensor, "K Vout"], identity: int | None, block_rows: int = BLOCK_ROWS) -> KernelMap:
    """Turn a neighbour table (-1 for none) into blocks."""
    num_out = table.shape[1]
    starts = range(0, num_out, block_rows)
    blocks = tuple(_block(table[:, a : a + block_rows], a, identity) for a in starts)
    return KernelMap(blocks, num_out, identity)


def _block(part: Int[Tensor, "K R"], start: int, identity: int | None) -> Block:
    hit = part >= 0
    if identity is not None:
        hit[identity] = False
    num_rows = part.shape[1]
    rows = torch.arange(start, start + num_rows, dtype=torch.int32, device=part.device)
    rank = hit.flatten().cumsum(0, dtype=torch.int32).view_as(hit) - 1
    per_row = hit.sum(0, dtype=torch.int32)
    ends = [0, *(int(v) for v in hit.sum(1).cumsum(0))]
    return Block(
        start=start,
        stop=start + num_rows,
        source=part[hit],
        target=rows.expand_as(part)[hit],
        segments=tuple((k, a, b) for k, (a, b) in enumerate(pairwise(ends)) if b > a),
        bag=rank.t()[hit.t()],
        bag_start=per_row.cumsum(0, dtype=torch.int32) - per_row,
    )
