"""Sums, grids and pair counts against plain numpy."""

import threading

import numba
import numpy as np
import pytest

from ops.accumulate import (
    PairCounts,
    add_bilinear,
    add_nearest,
    channels_last,
    divide_rows,
    pixels_on_grid,
)
from ops.lift_reference import between_cells, cell_of


def test_pixels_on_grid_equals_the_reference() -> None:
    assert pixels_on_grid(np.array([-1, 0]), (12, 16), (3, 5)).tolist() == [-1, 0]
    for grid in [(3, 5), (12, 16), (24, 32), (7, 31)]:
        pixel = np.arange(12 * 16)
        expected = [
            row * grid[1] + column for row, column in (cell_of(p, (12, 16), grid) for p in range(12 * 16))
        ]
        np.testing.assert_array_equal(pixels_on_grid(pixel, (12, 16), grid), expected)


@pytest.mark.parametrize("hwc", [(1, 1, 1), (7, 9, 5), (40, 33, 70)])
def test_channels_last_keeps_values_in_any_memory_order(hwc: tuple[int, int, int]) -> None:
    feat = np.random.default_rng(0).standard_normal(hwc).astype(np.float32)
    first = np.ascontiguousarray(feat.transpose(2, 0, 1)).transpose(1, 2, 0)
    odd = np.ascontiguousarray(feat.transpose(1, 0, 2)).transpose(1, 0, 2)
    for given in (feat, first, odd, feat.astype(np.float64)):
        result = channels_last(given)
        assert result.flags.c_contiguous
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, feat)
    assert channels_last(feat) is feat


def test_add_nearest_adds_rows_of_the_views_that_see_a_point() -> None:
    rng = np.random.default_rng(1)
    maps = tuple(rng.standard_normal((size, 8)).astype(np.float32) for size in (50, 30, 0))
    sums = rng.standard_normal((200, 8)).astype(np.float32)
    cells = np.stack([rng.integers(-1, 50, 200), rng.integers(-1, 30, 200), np.full(200, -1)]).astype(
        np.int32
    )
    expected = sums.copy()
    for feat, cell in zip(maps, cells, strict=True):
        expected[cell >= 0] += feat[cell[cell >= 0]]
    add_nearest(sums, cells, maps)
    np.testing.assert_array_equal(sums, expected)


def test_add_bilinear_equals_the_reference() -> None:
    rng = np.random.default_rng(2)
    feat = rng.standard_normal((5, 7, 3)).astype(np.float32)
    uv = np.concatenate([rng.uniform(-2, 9, (40, 2)), [[0, 0], [6, 4], [2, 3], [6, 1.5]]])
    sums = np.zeros((len(uv), 3), dtype=np.float32)
    add_bilinear(sums, np.arange(len(uv)), uv, feat)
    expected = [between_cells(feat, u, v) for u, v in uv]
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(sums[-2], feat[3, 2])


def test_divide_rows_finds_what_is_not_finite() -> None:
    sums = np.array([[2, 4], [1, np.nan], [np.inf, 0], [0, 0], [3e38, 3e38]], dtype=np.float32)
    assert divide_rows(sums, np.array([2, 1, 1, 0, 1])).tolist() == [0, 1, 1, 0, 0]
    assert sums[0].tolist() == [1, 2]
    assert sums[3].tolist() == [0, 0]


@pytest.mark.parametrize("limit", [1, 50, 10_000])
def test_pair_counts_do_not_depend_on_when_they_are_merged(limit: int) -> None:
    rng = np.random.default_rng(3)
    pairs, expected = PairCounts(limit), {}
    for _ in range(12):
        points = rng.permutation(40)[:25]
        captions = rng.integers(0, 4, 25)
        pairs.add(points, captions)
        for pair in zip(points.tolist(), captions.tolist(), strict=True):
            expected[pair] = expected.get(pair, 0) + 1
    point, caption, count = (column.tolist() for column in pairs.result())
    assert list(zip(point, caption, strict=True)) == sorted(expected)
    assert count == [expected[pair] for pair in sorted(expected)]


def test_no_pairs() -> None:
    assert [len(column) for column in PairCounts().result()] == [0, 0, 0]


def test_sums_do_not_depend_on_the_number_of_threads_nor_on_who_calls() -> None:
    rng = np.random.default_rng(4)
    feat = rng.standard_normal((500, 33)).astype(np.float32)
    cells = rng.integers(-1, 500, (1, 2000)).astype(np.int32)

    def run() -> np.ndarray:
        sums = np.zeros((2000, 33), dtype=np.float32)
        for _ in range(3):
            add_nearest(sums, cells, (feat,))
        return sums

    results: list[np.ndarray] = []
    before = numba.get_num_threads()
    for threads in {1, before}:
        numba.set_num_threads(threads)
        results.append(run())
    numba.set_num_threads(before)
    callers = [threading.Thread(target=lambda: results.append(run())) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 4 + len({1, before})
    for result in results:
        np.testing.assert_array_equal(result, results[0])
