"""The segmentation of `ops.graph_segmentation` in the plainest form: segments as lists of nodes.

Slow on purpose; tests and the benchmark compare the fast one with it, nothing else uses it.
"""

import numpy as np
from jaxtyping import Float, Int


def segment_graph_reference(
    edges: Int[np.ndarray, "E 2"],
    weights: Float[np.ndarray, "E"],
    num_nodes: int,
    *,
    k: float,
    min_size: int,
) -> Int[np.ndarray, "N"]:
    """Same arguments and result as `ops.graph_segmentation.segment_graph`."""
    members = {node: [node] for node in range(num_nodes)}
    segment_of = list(range(num_nodes))
    threshold = dict.fromkeys(members, k)
    ranked = sorted(range(len(edges)), key=lambda e: (weights[e], e))

    def merge(keep: int, drop: int, weight: float) -> None:
        for node in members[drop]:
            segment_of[node] = keep
        members[keep].extend(members.pop(drop))
        threshold[keep] = weight + k / len(members[keep])

    for e in ranked:
        a, b = (segment_of[node] for node in edges[e])
        if a != b and weights[e] <= threshold[a] and weights[e] <= threshold[b]:
            merge(a, b, weights[e])
    for e in ranked:
        a, b = (segment_of[node] for node in edges[e])
        if a != b and min(len(members[a]), len(members[b])) < min_size:
            merge(a, b, weights[e])

    ids: dict[int, int] = {}
    return np.array([ids.setdefault(segment, len(ids)) for segment in segment_of], dtype=np.int32)


def edge_weight_reference(
    point1: Float[np.ndarray, "3"],
    normal1: Float[np.ndarray, "3"],
    point2: Float[np.ndarray, "3"],
    normal2: Float[np.ndarray, "3"],
) -> float:
    """Weight of one edge whose ends both have unit normals, as METHOD states it."""
    turn = max(1.0 - float(normal1 @ normal2), 0.0)
    convex = float((normal2 - normal1) @ (point2 - point1)) > 0
    return turn**2 if convex else turn
