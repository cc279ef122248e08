"""Felzenszwalb-Huttenlocher segmentation of a weighted graph: edges by weight, a union-find over nodes.

Where the edges and weights come from is `ops.oversegment`'s business; the obvious version of the same
algorithm stands in `ops.oversegment_reference`.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from ops.kernels import serial_kernel


def segment_graph(
    edges: Int[np.ndarray, "E 2"],
    weights: Float[np.ndarray, "E"],
    num_nodes: int,
    *,
    k: float,
    min_size: int,
) -> Int[np.ndarray, "N"]:
    """Merge nodes along edges of rising weight, then merge what stayed small.

    Two segments merge along an edge of weight w if ``w <= threshold`` holds for both, where a segment's
    threshold is the weight of its last merge plus ``k / size``, and ``k`` for a single node. In a second
    pass over the same edges, two segments of which one has fewer than ``min_size`` nodes merge.
    A connected part of the graph with fewer than ``min_size`` nodes stays a segment of its own.

    Source: Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation", 2004, with the
    minimum size of ScanNet's segmentator.

    Args:
        edges: node ids, undirected.
        weights: finite, not negative; equal weights keep the order of ``edges``.
        num_nodes: N.
        k: scale; larger means larger segments.
        min_size: nodes.

    Returns:
        int32 segment ids ``0..S-1`` in order of each segment's first node.

    >>> line = np.array([[0, 1], [1, 2], [2, 3]])
    >>> segment_graph(line, np.array([0.0, 0.9, 0.1]), 4, k=0.2, min_size=1)
    array([0, 0, 1, 1], dtype=int32)
    """
    order = np.argsort(weights, kind="stable")
    return _segment(
        np.ascontiguousarray(edges[order], dtype=np.int32),
        np.ascontiguousarray(weights[order], dtype=np.float64),
        num_nodes,
        float(k),
        int(min_size),
    )


@serial_kernel
def _root(parent: Int[np.ndarray, "N"], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@serial_kernel
def _segment(
    edges: Int[np.ndarray, "E 2"], weights: Float[np.ndarray, "E"], num_nodes: int, k: float, min_size: int
) -> Int[np.ndarray, "N"]:
    parent = np.arange(num_nodes).astype(np.int32)
    size = np.ones(num_nodes, dtype=np.int32)
    threshold = np.full(num_nodes, k)
    for by_size in (False, True):
        for e in range(len(edges)):
            a, b = _root(parent, edges[e, 0]), _root(parent, edges[e, 1])
            if a == b:
                continue
            if by_size:
                merge = size[a] < min_size or size[b] < min_size
            else:
                merge = weights[e] <= threshold[a] and weights[e] <= threshold[b]
            if merge:
                if size[a] < size[b]:
                    a, b = b, a
                parent[b] = a
                size[a] += size[b]
                threshold[a] = weights[e] + k / size[a]
    segment_id = np.full(num_nodes, -1, dtype=np.int32)
    labels = np.empty(num_nodes, dtype=np.int32)
    num_segments = 0
    for node in range(num_nodes):
        root = _root(parent, node)
        if segment_id[root] < 0:
            segment_id[root] = num_segments
            num_segments += 1
        labels[node] = segment_id[root]
    return labels


def spanning_signs(
    edges: Int[np.ndarray, "E 2"],
    weights: Float[np.ndarray, "E"],
    flip: Bool[np.ndarray, "E"],
    num_nodes: int,
) -> tuple[Int[np.ndarray, "N"], Int[np.ndarray, "N"]]:
    """Signs that agree along a minimum spanning forest.

    Args:
        edges: node ids.
        weights: finite; cheap edges are trusted first.
        flip: whether the two ends of an edge should have opposite signs, not equal ones.
        num_nodes: N.

    Returns:
        int8 sign (+1 or -1) of each node relative to its tree's root, and int32 id of that root.
    """
    order = np.argsort(weights, kind="stable")
    return _signs(
        np.ascontiguousarray(edges[order], dtype=np.int32),
        np.ascontiguousarray(flip[order], dtype=np.int8),
        num_nodes,
    )


@serial_kernel
def _signs(
    edges: Int[np.ndarray, "E 2"], flip: Int[np.ndarray, "E"], num_nodes: int
) -> tuple[Int[np.ndarray, "N"], Int[np.ndarray, "N"]]:
    parent = np.arange(num_nodes).astype(np.int32)
    size = np.ones(num_nodes, dtype=np.int32)
    odd = np.zeros(num_nodes, dtype=np.int8)  # relative to the parent; union by size keeps chains short
    for e in range(len(edges)):
        a, b, parity = edges[e, 0], edges[e, 1], flip[e]
        while parent[a] != a:
            parity ^= odd[a]
            a = parent[a]
        while parent[b] != b:
            parity ^= odd[b]
            b = parent[b]
        if a != b:
            if size[a] < size[b]:
                a, b = b, a
            parent[b], odd[b] = a, parity
            size[a] += size[b]
    sign = np.empty(num_nodes, dtype=np.int8)
    tree = np.empty(num_nodes, dtype=np.int32)
    for node in range(num_nodes):
        root, parity = node, np.int8(0)
        while parent[root] != root:
            parity ^= odd[root]
            root = parent[root]
        sign[node] = 1 - 2 * parity
        tree[node] = root
    return sign, tree
