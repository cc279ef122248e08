"""Large triangles cut into small ones, so that a mesh's corners sample its surface as points do.

Which meshes need it is the caller's business.
"""

import numpy as np
from jaxtyping import Bool, Int

from schema.errors import InputError
from schema.records import Cloud

MAX_POINTS = 50_000_000
"""More are refused: a mesh in millimetres taken for metres would need a million times too many."""


def split_long_edges(cloud: Cloud, longest_m: float) -> Cloud:
    """The same surface with no edge longer than a length; a dense mesh comes back as it is.

    Every edge that is too long is halved, in all its triangles at once, so that no gaps open; again until
    none is left. New corners have the mean colour of their edge's ends and the normalised mean normal.

    Args:
        cloud: with faces, or without any.
        longest_m: metres.

    Raises:
        InputError: it would need more than ``MAX_POINTS`` points.
    """
    _refuse_too_many(cloud, longest_m)
    while len(cloud.faces):
        edges, edge_of = _edges(cloud.faces)
        ends = cloud.points_world[edges].astype(np.float64)
        long = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) > longest_m
        if not long.any():
            break
        cloud = _halve(cloud, edges, long, edge_of)
    return cloud


def _refuse_too_many(cloud: Cloud, longest_m: float) -> None:
    corners = cloud.points_world[cloud.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    needed = area.sum() / longest_m**2
    if needed > MAX_POINTS:
        raise InputError(
            f"the mesh would need {needed:.0e} points {longest_m:g} m apart",
            field="source.scale",
            remedy="check the unit (0.001 for millimetres), or raise ingest.voxel_m",
        )


def _edges(faces: Int[np.ndarray, "M 3"]) -> tuple[Int[np.ndarray, "E 2"], Int[np.ndarray, "M 3"]]:
    """Distinct edges, and those of each face: opposite to its corners c, a, b (so a-b, b-c, c-a)."""
    pairs = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, edge_of = np.unique(pairs, axis=0, return_inverse=True)
    return edges, edge_of.reshape(-1, 3)


def _halve(
    cloud: Cloud,
    edges: Int[np.ndarray, "E 2"],
    long: Bool[np.ndarray, "E"],
    edge_of: Int[np.ndarray, "M 3"],
) -> Cloud:
    """Put a corner into the middle of each long edge and cut the triangles at it."""
    middle = np.full(len(edges), -1, dtype=np.int64)
    middle[long] = len(cloud.points_world) + np.arange(int(long.sum()))
    ends = edges[long]
    normal = cloud.normals[ends].astype(np.float64).sum(axis=1)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    color = (cloud.colors[ends].astype(np.uint16).sum(axis=1) + 1) // 2
    return Cloud(
        points_world=np.vstack([cloud.points_world, cloud.points_world[ends].mean(axis=1)]).astype(
            np.float32
        ),
        normals=np.vstack([cloud.normals, normal / np.maximum(length, 1e-12)]).astype(np.float32),
        colors=np.vstack([cloud.colors, color.astype(np.uint8)]),
        faces=_cut(cloud.faces.astype(np.int64), middle[edge_of]),
    )


def _cut(faces: Int[np.ndarray, "M 3"], middle: Int[np.ndarray, "M 3"]) -> Int[np.ndarray, "M2 3"]:
    """Triangles cut at the corners in the middle of their edges (-1: none): into 1, 2, 3 or 4."""
    cut = middle >= 0
    # turned so that the first edge (a-b) is cut where one is, and the last (c-a) is whole where two are
    turn = np.where(cut.sum(axis=1) == 2, (np.argmin(cut, axis=1) + 1) % 3, np.argmax(cut, axis=1))
    order = (turn[:, None] + np.arange(3)) % 3
    a, b, c = np.take_along_axis(faces, order, axis=1).T
    ab, bc, ca = np.take_along_axis(middle, order, axis=1).T
    parts = {
        0: ((a, b, c),),
        1: ((a, ab, c), (ab, b, c)),
        2: ((ab, b, bc), (a, ab, bc), (a, bc, c)),
        3: ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)),
    }
    kind = cut.sum(axis=1)
    return np.concatenate(
        [np.stack(corners, axis=1)[kind == k] for k, triangles in parts.items() for corners in triangles]
    )
