"""Morton order against codes spelt out bit by bit, and what it does not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.morton import morton_codes, morton_order
from schema.errors import ConfigError, InputError


def _code(cell: tuple[int, int, int]) -> int:
    return sum(((c >> bit) & 1) << (3 * bit + axis) for axis, c in enumerate(cell) for bit in range(21))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2**21 - 1)] * 3), min_size=1, max_size=20))
def test_codes_interleave_bits(cells: list[tuple[int, int, int]]) -> None:
    points = np.array([(0, 0, 0), *cells], dtype=np.float64)
    codes = morton_codes(points + 0.5, 1.0)
    assert codes.tolist() == [0, *(_code(cell) for cell in cells)]


def test_order_does_not_depend_on_input_order() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, (5000, 3)).astype(np.float32)
    shuffled = points[rng.permutation(len(points))]
    np.testing.assert_array_equal(points[morton_order(points, 0.1)], shuffled[morton_order(shuffled, 0.1)])


def test_ties_go_by_x_then_y_then_z_then_input_order() -> None:
    points = np.array([[0, 0, 0], [0.3, 0.1, 0.1], [0.2, 0.2, 0.1], [0.2, 0.1, 0.3], [0.2, 0.1, 0.3]])
    assert morton_order(points, 1.0).tolist() == [0, 3, 4, 2, 1]


def test_neighbours_in_the_order_are_near() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 1, (4000, 3))
    ordered = points[morton_order(points, 0.02)]

    def step(p: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(p, axis=0), axis=1).mean())

    assert step(ordered) < 0.2 * step(points)


def test_empty_cloud() -> None:
    assert morton_order(np.zeros((0, 3)), 0.1).shape == (0,)


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="point 1"):
        morton_order(np.array([[0, 0, 0], [np.nan, 0, 0]]), 0.1)
    with pytest.raises(ConfigError, match="cells wide"):
        morton_order(np.array([[0, 0, 0], [1e9, 0, 0]]), 0.1)
    with pytest.raises(ConfigError, match="no size"):
        morton_order(np.zeros((1, 3)), 0.0)
