"""Threads that share out the blocks of a convolution on the CPU, each multiplying on its own.

One loop cut into a few runs lets the threads meet once per convolution; threads inside every small product
would meet some ten thousand times a step. What a run does is ``products``' business.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import torch

Item = TypeVar("Item")
Work = Callable[[int, Sequence[Item]], None]

PARALLEL_SIZE = 2**16
"""Numbers per thread that PyTorch certainly shares out among its own threads."""


def split(items: Sequence[Item], device: torch.device) -> list[Sequence[Item]]:
    """Runs of items, one per thread, or as many as there are items; the same ones at every call."""
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    parts = min(threads, len(items))
    cuts = [len(items) * part // parts for part in range(parts + 1)]
    return [items[a:b] for a, b in pairwise(cuts)]


def share_out(work: Work[Item], runs: Sequence[Sequence[Item]]) -> None:
    """Call ``work(number of the run, run)`` for each run, side by side where there are several.

    The calls are made in inference mode, which a thread does not inherit, and write into tensors made
    beforehand.
    """
    if len(runs) == 1:
        _infer(work, 0, runs[0])
        return
    pool = _pool(torch.get_num_threads(), os.getpid())
    for done in [pool.submit(_infer, work, number, run) for number, run in enumerate(runs)]:
        done.result()


def _infer(work: Work[Item], number: int, run: Sequence[Item]) -> None:
    with torch.inference_mode():
        work(number, run)


@lru_cache(maxsize=1)
def _pool(threads: int, _process: int) -> ThreadPoolExecutor:
    """Threads of this process (a forked child has none of its parent's), each of which works alone.

    PyTorch's own threads wait for work by spinning, some milliseconds after every operation, on the very
    cores these threads are to use. GNU OpenMP cuts that to microseconds once it holds more threads than
    there are cores, so the first thread makes it hold some, which sleep from then on.
    """
    ready = threading.Barrier(threads + 1)
    first = threading.Lock()

    def prepare() -> None:
        torch.get_num_threads()  # PyTorch gives a thread its number on the first question, not before
        if first.acquire(blocking=False):
            torch.ones(threads * PARALLEL_SIZE).add_(1)
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, "sparse", prepare)
    for _ in range(threads):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(threads)  # for threads yet to come: ``prepare`` changed their number too
    return pool
