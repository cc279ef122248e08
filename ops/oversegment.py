"""Superpoints: pieces of surface of one direction, on a mesh or on a bare cloud.

The graph's merging is in `ops.graph_segmentation`, normals in `ops.normals`; features of superpoints are
pooled in `ops.pool`.
"""

import numpy as np
from jaxtyping import Float, Int

from ops.graph_segmentation import segment_graph
from ops.normals import (
    cloud_normals,
    mesh_normals,
    nearest_neighbours,
    neighbour_edges,
    unique_edges,
    unit_or_zero,
)
from schema.config_stages import OversegmentConfig
from schema.errors import ConfigError, InputError
from schema.records import Cloud

UNKNOWN_WEIGHT = 8.0
"""Weight of an edge with an end of unknown normal; others weigh at most 2, squared 4, so it comes last."""


def oversegment(cloud: Cloud, config: OversegmentConfig) -> Int[np.ndarray, "N"]:
    """Felzenszwalb-Huttenlocher superpoints over normals (SAS 4.1; ScanNet's segmentator).

    The graph is the mesh's edges, or the k nearest neighbours of each point. An edge weighs ``1 - n1.n2``,
    squared where the surface is convex. Normals are the cloud's own; points without one take it from
    their triangles or, without faces, from their neighbourhood. Where none can be told, the point joins
    along the last edges, by size only; no edge weighs NaN.

    A vertex in no triangle and any other connected part smaller than ``min_size`` is a superpoint of its
    own: nothing says which surface it belongs to. Equal weights go by point index, so the result is
    reproducible, and independent of the points' order only as far as the weights differ.

    Args:
        cloud: at least one point; coordinates finite.
        config: see its fields.

    Returns:
        int32 superpoint ids ``0..S-1`` in order of each superpoint's first point.

    Raises:
        InputError: the cloud is empty or not finite, or a face names a point that does not exist.
        ConfigError: ``graph: mesh`` for a cloud without faces.
    """
    _check(cloud, config)
    points = cloud.points_world.astype(np.float64)
    normals = unit_or_zero(cloud.normals)
    if graph_kind(cloud, config) == "mesh":
        edges = mesh_edges(cloud.faces, len(points))
        estimated = mesh_normals(points, cloud.faces) if _some_unknown(normals) else normals
    else:
        neighbours = nearest_neighbours(points, config.num_neighbours)
        edges = neighbour_edges(neighbours)
        estimated = cloud_normals(points, neighbours, edges) if _some_unknown(normals) else normals
    normals = np.where(normals.any(axis=1, keepdims=True), normals, estimated)
    weights = edge_weights(points, normals, edges)
    return segment_graph(edges, weights, len(points), k=config.k, min_size=config.min_size)


def graph_kind(cloud: Cloud, config: OversegmentConfig) -> str:
    """The graph that `oversegment` uses: "mesh" or "neighbours"."""
    if config.graph == "auto":
        return "mesh" if len(cloud.faces) else "neighbours"
    return config.graph


def mesh_edges(faces: Int[np.ndarray, "M 3"], num_points: int) -> Int[np.ndarray, "E 2"]:
    """Each edge of the triangles once, (smaller id, larger id), ascending."""
    a, b = faces.reshape(-1), np.roll(faces, -1, axis=1).reshape(-1)
    return unique_edges(a, b, num_points)


def edge_weights(
    points_world: Float[np.ndarray, "N 3"], normals: Float[np.ndarray, "N 3"], edges: Int[np.ndarray, "E 2"]
) -> Float[np.ndarray, "E"]:
    """How much the surface turns along each edge: ``1 - n1.n2``, squared where it is convex.

    Convex means that the normals spread apart along the edge, ``(n2 - n1).(p2 - p1) > 0``; unlike the
    released code's ``n2.(p2 - p1) > 0`` this does not depend on which end is called the first.

    >>> up, right = np.array([0.0, 0.0, 1.0]), np.array([0.6, 0.0, 0.8])
    >>> ends = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> pair = np.array([[0, 1]])
    >>> edge_weights(ends, np.stack([up, right]), pair).round(6)  # a ridge
    array([0.04])
    >>> edge_weights(ends, np.stack([right, up]), pair).round(6)  # a valley
    array([0.2])
    """
    a, b = edges[:, 0], edges[:, 1]
    n1, n2 = normals[a], normals[b]
    turn = np.maximum(1.0 - (n1[:, 0] * n2[:, 0] + n1[:, 1] * n2[:, 1] + n1[:, 2] * n2[:, 2]), 0.0)
    apart = ((n2 - n1) * (points_world[b] - points_world[a])).sum(axis=1)
    weights = np.where(apart > 0, turn * turn, turn)
    known = n1.any(axis=1) & n2.any(axis=1)
    return np.where(known, np.minimum(weights, UNKNOWN_WEIGHT), UNKNOWN_WEIGHT)


def _some_unknown(normals: Float[np.ndarray, "N 3"]) -> bool:
    return not bool(normals.any(axis=1).all())


def _check(cloud: Cloud, config: OversegmentConfig) -> None:
    num_points = len(cloud.points_world)
    if num_points == 0:
        raise InputError("the cloud has no points", remedy="check what ingest made of the capture")
    if not np.isfinite(cloud.points_world).all():
        raise InputError("points are not finite", field="points_world", remedy="remove them from the cloud")
    if config.graph == "mesh" and not len(cloud.faces):
        raise ConfigError(
            "the cloud has no faces",
            field="oversegment.graph",
            value="mesh",
            remedy="use 'neighbours' or 'auto'",
        )
    if len(cloud.faces) and not (0 <= cloud.faces.min() and cloud.faces.max() < num_points):
        raise InputError(
            f"a face names a point outside 0..{num_points - 1}",
            field="faces",
            value=int(cloud.faces.max()),
            remedy="re-export the mesh",
        )
