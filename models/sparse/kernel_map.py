"""Kernel maps as work lists: for blocks of output rows, which input rows meet which kernel matrix.

How tables of neighbours are found is ``coordinates``'s business, what is multiplied ``products``'.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import pad

BLOCK_PAIRS = {"cpu": 5120, "cuda": 2**18}
"""Pairs of a block, about: few on a CPU, whose caches hold their rows; many where launching costs."""
MIN_ROWS = 128
MIN_BLOCKS = {"cpu": 4, "cuda": 1}
"""A coarse grid is cut into this many blocks, of ``MIN_ROWS`` at least, so that threads can share it."""
BLOCKS_AT_ONCE = 32


@dataclass(frozen=True)
class Block:
    """The pairs (input row, output row) of a range of output rows, grouped by kernel offset.

    Attributes:
        start: first output row.
        stop: one past the last output row.
        offsets: kernel offsets that occur, ascending.
        counts: pairs of each of them.
        source: input row of each pair.
        target: output row of each pair, ascending within an offset.
        bag: the pairs once more, grouped by output row (ascending offset within it).
        bag_start: where each output row's part of ``bag`` begins.
    """

    start: int
    stop: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    source: Int[Tensor, "P"]
    target: Int[Tensor, "P"]
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


def build_map(
    table: Int[Tensor, "K Vout"], identity: int | None, block_pairs: int | None = None
) -> KernelMap:
    """Turn a neighbour table into blocks, many at once: a GPU is waited for five times per map or so.

    Args:
        table: input row of each offset and output row, -1 for none; that of ``identity`` is overwritten.
        identity: the offset at which every row meets itself.
        block_pairs: pairs of a block, about; None for what suits the device.
    """
    if identity is not None:
        table[identity] = -1
    device = "cpu" if table.device.type == "cpu" else "cuda"
    num_out = table.shape[1]
    rows = _block_rows(
        num_out, int((table >= 0).sum()), block_pairs or BLOCK_PAIRS[device], MIN_BLOCKS[device]
    )
    parts = range(0, num_out, BLOCKS_AT_ONCE * rows)
    blocks = [block for a in parts for block in _blocks(table[:, a : a + BLOCKS_AT_ONCE * rows], a, rows)]
    return KernelMap(tuple(blocks), num_out, identity)


def _block_rows(num_out: int, num_pairs: int, block_pairs: int, min_blocks: int) -> int:
    by_pairs = num_out * block_pairs // max(num_pairs, 1)
    by_rows = max(-(-num_out // min_blocks), MIN_ROWS)
    return max(min(by_pairs, by_rows, num_out), 1)


def _blocks(table: Int[Tensor, "K R"], start: int, rows: int) -> Iterator[Block]:
    """Blocks of ``rows`` output rows (the last of what is left) out of a range of a table."""
    num_offsets, num_rows = table.shape
    num_blocks = -(-num_rows // rows)
    filled = pad(table, (0, num_blocks * rows - num_rows), value=-1)
    table = filled.view(num_offsets, num_blocks, rows).transpose(0, 1).contiguous()
    hit = table >= 0
    pair = hit.flatten().nonzero().squeeze(1)  # in the order block, offset, row
    source = table.flatten().index_select(0, pair)
    block = torch.div(pair, num_offsets * rows, rounding_mode="floor")
    target = (start + block * rows + pair % rows).to(torch.int32)
    rank = hit.flatten(1).cumsum(1, dtype=torch.int32).view_as(hit) - 1
    bag = rank.transpose(1, 2).masked_select(hit.transpose(1, 2))
    per_row = hit.sum(1, dtype=torch.int32)
    bag_start = per_row.cumsum(1, dtype=torch.int32) - per_row
    counts = hit.sum(2).tolist()
    ends = accumulate((sum(row) for row in counts), initial=0)
    for index, (row, (a, b)) in enumerate(zip(counts, pairwise(ends), strict=True)):
        first = index * rows
        last = min(first + rows, num_rows)
        yield Block(
            start=start + first,
            stop=start + last,
            offsets=tuple(offset for offset, count in enumerate(row) if count),
            counts=tuple(count for count in row if count),
            source=source[a:b],
            target=target[a:b],
            bag=bag[a:b],
            bag_start=bag_start[index, : last - first],
        )
