"""Normals of points: from a mesh's triangles, or from a bare cloud's neighbourhoods.

Which of them a stage uses is the stage's business (`ops.oversegment`).
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from ops.graph_segmentation import spanning_signs

_FLAT = 1e-9  # share of the largest eigenvalue under which a neighbourhood is a line or a point


def unit_or_zero(vectors: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Vectors at length 1 in float64; zero where a vector is not finite or has no length.

    >>> unit_or_zero(np.array([[0.0, 0.0, 2.0], [np.nan, 0.0, 0.0]]))
    array([[0., 0., 1.],
           [0., 0., 0.]])
    """
    wide = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0).astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: np.ndarray = np.divide(wide, length, out=np.zeros_like(wide), where=length > 1e-12)
    return unit


def mesh_normals(
    points_world: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "M 3"]
) -> Float[np.ndarray, "N 3"]:
    """Area-weighted mean of the normals of a vertex's triangles, unit length; zero where there is none.

    Triangles without area or with a coordinate that is not finite add nothing.
    """
    corners = points_world.astype(np.float64)[faces]
    with np.errstate(invalid="ignore"):
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    cross = np.where(np.isfinite(cross).all(axis=1, keepdims=True), cross, 0)
    total = np.zeros((len(points_world), 3))
    for axis in range(3):
        weights = np.repeat(cross[:, axis], 3)
        total[:, axis] = np.bincount(faces.reshape(-1), weights=weights, minlength=len(points_world))
    return unit_or_zero(total)


def nearest_neighbours(points_world: Float[np.ndarray, "N 3"], k: int) -> Int[np.ndarray, "N k"]:
    """The k nearest other points of each point, nearest first; k shrinks to N - 1 in a smaller cloud.

    Of more than k coinciding points some may list others twice removed rather than each other; a point
    never lists itself.
    """
    num_points = len(points_world)
    k = min(k, num_points - 1)
    if k < 1:
        return np.zeros((num_points, 0), dtype=np.int64)
    points = np.ascontiguousarray(points_world, dtype=np.float64)
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    found = np.asarray(tree.query(points, k=k + 1)[1])
    own = found == np.arange(num_points)[:, None]
    own[~own.any(axis=1), -1] = True  # the point is not among its own k + 1 nearest: drop the farthest
    others: np.ndarray = found[~own].reshape(num_points, k)
    return others


def cloud_normals(
    points_world: Float[np.ndarray, "N 3"],
    neighbours: Int[np.ndarray, "N k"],
    edges: Int[np.ndarray, "E 2"] | None = None,
) -> Float[np.ndarray, "N 3"]:
    """Normals of a bare cloud: least principal axis of each neighbourhood, with signs that agree.

    Signs are carried along the minimum spanning tree of ``1 - |n1.n2|`` (Hoppe et al., "Surface
    Reconstruction from Unorganized Points", 1992). Each connected part then faces the middle of the cloud
    with most of its points, as a room seen from within does.

    Args:
        points_world: finite, metres.
        neighbours: of `nearest_neighbours`.
        edges: of `neighbour_edges`, where the caller has them already.

    Returns:
        unit length; zero where the neighbourhood is a line or a point.
    """
    points = points_world.astype(np.float64)
    normals = _principal_axis(points, neighbours)
    edges = neighbour_edges(neighbours) if edges is None else edges
    dots = np.einsum("ij,ij->i", normals[edges[:, 0]], normals[edges[:, 1]])
    sign, tree = spanning_signs(edges, 1 - np.abs(dots), dots < 0, len(points))
    normals *= sign[:, None]
    inward = np.einsum("ij,ij->i", normals, points.mean(axis=0) - points) if len(points) else np.zeros(0)
    votes = np.bincount(tree, weights=np.sign(inward), minlength=len(points))
    oriented: np.ndarray = np.where(votes[tree] < 0, -1.0, 1.0)[:, None] * normals
    return oriented


def _principal_axis(
    points: Float[np.ndarray, "N 3"], neighbours: Int[np.ndarray, "N k"]
) -> Float[np.ndarray, "N 3"]:
    if neighbours.shape[1] < 2:
        return np.zeros((len(points), 3))
    covariance = np.zeros((len(points), 3, 3))
    for start in range(0, len(points), 65536):
        rows = slice(start, start + 65536)
        around = points[neighbours[rows]] - points[rows, None]  # relative first: keeps the digits
        around = np.concatenate([around, np.zeros_like(around[:, :1])], axis=1)
        around -= around.mean(axis=1, keepdims=True)
        covariance[rows] = np.matmul(around.transpose(0, 2, 1), around)
    values, vectors = np.linalg.eigh(covariance)
    known = values[:, 1] > _FLAT * np.maximum(values[:, 2], 1e-300)
    return np.where(known[:, None], vectors[:, :, 0], 0.0)


def unique_edges(a: Int[np.ndarray, "E"], b: Int[np.ndarray, "E"], num_nodes: int) -> Int[np.ndarray, "U 2"]:
    """Undirected edges once each, as (smaller id, larger id) in ascending order; loops are left out.

    >>> unique_edges(np.array([2, 0, 1]), np.array([0, 2, 1]), 3)
    array([[0, 2]])
    """
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    keys = np.sort((low * num_nodes + high)[low != high])  # sort and compare: faster than np.unique
    keys = keys[np.diff(keys, prepend=-1) > 0]
    low = keys // max(num_nodes, 1)
    return np.stack([low, keys - low * num_nodes], axis=1)


def neighbour_edges(neighbours: Int[np.ndarray, "N k"]) -> Int[np.ndarray, "E 2"]:
    """Each pair once of which one is among the other's neighbours; order as in `unique_edges`."""
    num_points, k = neighbours.shape
    return unique_edges(np.repeat(np.arange(num_points), k), neighbours.reshape(-1), num_points)
