"""Kernel maps as work lists: for blocks of output rows, which input rows meet which kernel matrix.

How tables of neighbours are found is ``coordinates``'s business, what is multiplied ``torch_engine``'s.
"""

from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import pad

BLOCK_PAIRS = {"cpu": 5120, "cuda": 2**18}
"""Pairs of a block, about: few on a CPU, whose caches hold the rows meanwhile; many where launching costs."""
MIN_ROWS = 128
MIN_BLOCKS = 4
"""A coarse grid is cut into this many blocks (of ``MIN_ROWS`` at least), so that threads can share it."""


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
    """Turn a neighbour table (-1 for none) into blocks; all of them at once, so a GPU waits four times.

    Args:
        table: input row of each offset and output row.
        identity: the offset at which every row meets itself.
        block_pairs: pairs of a block, about; None for what suits the device.
    """
    num_offsets, num_out = table.shape
    hit = table >= 0
    if identity is not None:
        hit[identity] = False
    per_row = hit.sum(0, dtype=torch.int32)
    wanted = block_pairs or BLOCK_PAIRS["cpu" if table.device.type == "cpu" else "cuda"]
    rows = _block_rows(num_out, int(per_row.sum()), wanted)
    num_blocks = -(-num_out // rows)
    fill = num_blocks * rows - num_out  # the last block is filled up with rows that meet nothing
    shape = (num_offsets, num_blocks, rows)
    hit = pad(hit, (0, fill)).view(shape).transpose(0, 1).contiguous()  # [block, offset, row]
    table = pad(table, (0, fill), value=-1).view(shape).transpose(0, 1).contiguous()
    pair = hit.flatten().nonzero().squeeze(1)
    block = torch.div(pair, num_offsets * rows, rounding_mode="floor")
    rank = hit.flatten(1).cumsum(1, dtype=torch.int32).view_as(hit) - 1
    per_row = pad(per_row, (0, fill)).view(num_blocks, rows)
    return KernelMap(
        blocks=_cut(
            counts=hit.sum(2).tolist(),
            source=table.flatten().index_select(0, pair),
            target=(block * rows + pair % rows).to(torch.int32),
            bag=rank.transpose(1, 2).masked_select(hit.transpose(1, 2)),
            bag_start=per_row.cumsum(1, dtype=torch.int32) - per_row,
            num_out=num_out,
        ),
        num_out=num_out,
        identity=identity,
    )


def _block_rows(num_out: int, num_pairs: int, block_pairs: int) -> int:
    by_pairs = num_out * block_pairs // max(num_pairs, 1)
    by_rows = max(-(-num_out // MIN_BLOCKS), MIN_ROWS)
    return max(min(by_pairs, by_rows, num_out), 1)


def _cut(
    *,
    counts: list[list[int]],
    source: Int[Tensor, "P"],
    target: Int[Tensor, "P"],
    bag: Int[Tensor, "P"],
    bag_start: Int[Tensor, "B R"],
    num_out: int,
) -> tuple[Block, ...]:
    """One block per row of ``counts`` and ``bag_start``."""
    ends = [0, *accumulate(sum(row) for row in counts)]
    rows = bag_start.shape[1]
    blocks = []
    for index, row in enumerate(counts):
        pairs = slice(ends[index], ends[index + 1])
        start, stop = index * rows, min((index + 1) * rows, num_out)
        blocks.append(
            Block(
                start=start,
                stop=stop,
                offsets=tuple(offset for offset, count in enumerate(row) if count),
                counts=tuple(count for count in row if count),
                source=source[pairs],
                target=target[pairs],
                bag=bag[pairs],
                bag_start=bag_start[index, : stop - start],
            )
        )
    return tuple(blocks)
