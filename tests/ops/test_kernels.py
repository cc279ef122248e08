"""Compiled loops: right in parallel, safe to call from several threads."""

import threading

import numba
import numpy as np

from ops.kernels import parallel_kernel, serial_kernel


@serial_kernel
def _sum_of_squares(values: np.ndarray) -> float:
    total = 0.0
    for value in values:
        total += value * value
    return total


@parallel_kernel
def _row_sums(values: np.ndarray) -> np.ndarray:
    out = np.zeros(len(values))
    for n in numba.prange(len(values)):
        for value in values[n]:
            out[n] += value
    return out


def test_kernels_compute_what_they_say() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert _sum_of_squares(np.array([1.0, 2, 3])) == 14
    assert _row_sums(values).tolist() == [6, 22, 38]
    assert _row_sums.__name__ == "_row_sums"


def test_callers_in_several_threads_get_their_own_results() -> None:
    wrong: list[int] = []

    def call(seed: int) -> None:
        values = np.random.default_rng(seed).integers(0, 9, (200, 50)).astype(np.float64)
        wrong.extend(seed for _ in range(20) if (_row_sums(values) != values.sum(axis=1)).any())

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
