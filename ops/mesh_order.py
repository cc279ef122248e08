"""The one canonical numbering of a mesh's points and faces, whatever order a parallel algorithm made them in.

Making the mesh is the TSDF's business (``ops/tsdf.py``).
"""

import numpy as np
from jaxtyping import Int

from ops.morton import morton_order
from schema.records import Cloud

ORDER_CELL_M = 0.01
"""Cell of the Morton curve; smaller changes nothing, larger loosens neighbourhood in memory."""


def canonical_cloud(cloud: Cloud) -> Cloud:
    """The same mesh with points in Morton order and faces in lexicographic order.

    Points equal in every attribute become one. Faces keep their orientation: each is rotated so that its
    smallest index comes first; faces without area are dropped. Points in no face stay.
    """
    keep, point_of = _distinct_points(cloud)
    order = keep[morton_order(cloud.points_world[keep], ORDER_CELL_M)]
    new_id = np.empty(len(cloud.points_world), dtype=np.int64)
    new_id[order] = np.arange(len(order))
    points = cloud.points_world[order]
    return Cloud(
        points_world=points,
        normals=cloud.normals[order],
        colors=cloud.colors[order],
        faces=_canonical_faces(new_id[point_of[cloud.faces]], points),
    )


def _distinct_points(cloud: Cloud) -> tuple[Int[np.ndarray, "D"], Int[np.ndarray, "N"]]:
    """Indices of distinct points in one fixed order, and for each point the index of its representative."""
    columns = np.hstack([cloud.points_world, cloud.normals, cloud.colors.astype(cloud.points_world.dtype)])
    order = np.lexsort(columns.T[::-1])
    ranked = columns[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    keep = order[first]
    representative = np.empty(len(order), dtype=np.int64)
    representative[order] = keep[np.cumsum(first) - 1]
    return keep, representative


def _canonical_faces(faces: Int[np.ndarray, "M 3"], points: np.ndarray) -> Int[np.ndarray, "M2 3"]:
    corner = points[faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    faces = faces[area > 0]
    start = np.argmin(faces, axis=1)[:, None]
    rotated = np.take_along_axis(faces, (start + np.arange(3)) % 3, axis=1)
    return rotated[np.lexsort(rotated.T[::-1])].astype(np.int32)
