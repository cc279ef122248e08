"""The fast segmentation against the plain one, and hand-computed graphs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.graph_segmentation import segment_graph, spanning_signs
from ops.oversegment_reference import segment_graph_reference


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    num_nodes=st.integers(2, 60),
    k=st.sampled_from([0.001, 0.05, 0.5]),
    min_size=st.sampled_from([1, 3, 10]),
    levels=st.sampled_from([2, 5, 1000]),
)
def test_equals_reference(seed: int, num_nodes: int, k: float, min_size: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, num_nodes, (3 * num_nodes, 2))
    weights = rng.integers(0, levels, len(edges)) / levels  # few levels: many ties
    fast = segment_graph(edges, weights, num_nodes, k=k, min_size=min_size)
    slow = segment_graph_reference(edges, weights, num_nodes, k=k, min_size=min_size)
    np.testing.assert_array_equal(fast, slow)
    assert fast.dtype == np.int32


LINE = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])


@pytest.mark.parametrize(
    ("weights", "k", "min_size", "expected"),
    [
        # 0-1 merges at 0 (threshold then 0 + 0.1 / 2 = 0.05); 0.06 is above it, so node 2 stays out
        ([0.0, 0.06, 0.0, 0.0], 0.1, 1, [0, 0, 1, 1, 1]),
        # at k = 0.2 the thresholds are 0.1 and 0.2 / 3 = 0.0667, both above 0.06
        ([0.0, 0.06, 0.0, 0.0], 0.2, 1, [0, 0, 0, 0, 0]),
        # nothing merges by weight; by size, cheapest edges first, until pairs have two nodes
        ([0.5, 0.9, 0.6, 0.8], 0.01, 2, [0, 0, 1, 1, 1]),
    ],
)
def test_by_hand(weights: list[float], k: float, min_size: int, expected: list[int]) -> None:
    assert segment_graph(LINE, np.array(weights), 5, k=k, min_size=min_size).tolist() == expected


def test_a_small_part_without_edges_out_stays() -> None:
    labels = segment_graph(np.array([[2, 3]]), np.array([0.0]), 4, k=0.1, min_size=10)
    assert labels.tolist() == [0, 1, 2, 2]


def test_signs_agree_along_cheap_edges() -> None:
    edges = np.array([[0, 1], [1, 2], [0, 2], [3, 4]])
    flip = np.array([True, True, True, False])  # around 0, 1, 2 not all flips can hold: the dearest gives way
    sign, tree = spanning_signs(edges, np.array([0.1, 0.2, 0.9, 0.0]), flip, 5)
    assert sign[0] == -sign[1]
    assert sign[1] == -sign[2]
    assert sign[3] == sign[4]
    assert len(set(tree[:3].tolist())) == 1
    assert tree[3] == tree[4] != tree[0]
