"""Points on the large triangles of a mesh, so that its voxels form a surface and not a few dots.

Which meshes need them, and what is done with the points, is left to ``training.predict``.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from schema.errors import InputError

MAX_POINTS = 200_000_000
"""More are refused: a mesh in millimetres taken for metres would need a million times too many."""


def fill_triangles(
    points_world: Float[np.ndarray, "N 3"],
    faces: Int[np.ndarray, "M 3"],
    *,
    spacing_m: float,
    longer_than_m: float,
) -> Iterator[Float[np.ndarray, "P 3"]]:
    """Points on every triangle with an edge above a length, triangle by triangle.

    Rows run parallel to the longest edge, at most ``spacing_m`` apart and as dense in themselves. The angles
    at that edge are acute, so every spot of the triangle lies straight above some part of the row below it:
    at most ``spacing_m`` above, and at most half of it beside a point.

    Args:
        points_world: corners, m.
        faces: rows of corners.
        spacing_m: largest distance of neighbours, m.
        longer_than_m: triangles without a longer edge are passed over, m.

    Raises:
        InputError: there would be more than ``MAX_POINTS``.
    """
    corners = points_world[faces]
    edges = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    large = np.flatnonzero(edges.max(axis=1) > longer_than_m)
    longest = edges[large].argmax(axis=1)
    # the longest edge from a to b, the third corner c
    a, b, c = (corners[large, (longest + k) % 3] for k in range(3))
    base = edges[large, longest]
    height = np.linalg.norm(np.cross(b - a, c - a), axis=1) / base
    rows, columns = np.ceil(height / spacing_m), np.ceil(base / spacing_m)
    num_points = float(((rows + 1) * (columns + 1)).sum())
    if num_points > MAX_POINTS:
        raise InputError(
            f"the mesh would need {num_points:.0e} points {spacing_m:g} m apart",
            field="--scale",
            remedy="check the unit (0.001 for millimetres), or use larger voxels",
        )
    for k in range(len(large)):
        yield _on_triangle(np.stack([a[k], b[k], c[k]]), int(rows[k]), int(columns[k]))


def _on_triangle(corners: Float[np.ndarray, "3 3"], rows: int, columns: int) -> Float[np.ndarray, "P 3"]:
    """Rows between the base a-b and c; a row has as many of the base's points as it has of its length."""
    up = np.linspace(0.0, 1.0, rows + 1)
    counts = np.ceil((1 - up) * columns).astype(np.int64) + 1
    row = np.repeat(np.arange(rows + 1), counts)
    along = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) / np.maximum(
        counts - 1, 1
    )[row]
    weight_c = up[row]
    weight_b = (1 - weight_c) * along
    weights = np.stack([1 - weight_b - weight_c, weight_b, weight_c], axis=1)
    return np.asarray(weights @ corners)
