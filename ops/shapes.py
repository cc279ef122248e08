"""The triangles that furniture is made of: boxes, and surfaces spanned between rings of points.

Round shapes built on these are in ``ops/shapes_round.py``; which shapes make a chair is the furniture's
business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ops.finishes import Finish

Number = int | float
Corner = tuple[Number, Number, Number]
"""A position, metres."""

_BOX_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
_BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A piece of surface of one finish, closed unless its maker says otherwise.

    Attributes:
        vertices: metres, in the frame of the object it belongs to.
        faces: vertex ids, counter-clockwise seen from outside.
        finish: its look.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "M 3"]
    finish: Finish

    def moved(self, offset: Corner) -> "Part":
        """The part somewhere else."""
        return Part(self.vertices + np.asarray(offset), self.faces, self.finish)

    def turned(self, axis: int, angle_deg: float) -> "Part":
        """The part turned about a coordinate axis (0 x, 1 y, 2 z), counter-clockwise looking against it."""
        c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
        rotation = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        rotation[i, i], rotation[i, j], rotation[j, i], rotation[j, j] = c, -s, s, c
        return Part(self.vertices @ rotation.T, self.faces, self.finish)


def box(low: Corner, high: Corner, finish: Finish) -> Part:
    """An axis-aligned box between two corners."""
    corners = np.asarray(low) + _BOX_CORNERS * (np.asarray(high) - np.asarray(low))
    return Part(corners, _BOX_FACES, finish)


def loft(rings: Sequence[Float[np.ndarray, "n 3"]] | Float[np.ndarray, "k n 3"], finish: Finish) -> Part:
    """The closed surface through rings of equally many points, with a fan over the first and the last.

    Rings that run counter-clockwise seen from the side the surface grows to have their faces outwards.
    """
    stack = np.asarray(rings, dtype=np.float64)
    k, n = stack.shape[:2]
    vertices = np.vstack([stack.reshape(-1, 3), stack[0].mean(axis=0), stack[-1].mean(axis=0)])
    i = np.arange(n)
    j = (i + 1) % n
    faces = [np.stack([np.full(n, k * n), j, i], axis=1)]
    for level in range(k - 1):
        low, high = level * n, level * n + n
        faces.append(np.stack([low + i, low + j, high + j], axis=1))
        faces.append(np.stack([low + i, high + j, high + i], axis=1))
    top = (k - 1) * n
    faces.append(np.stack([np.full(n, k * n + 1), top + i, top + j], axis=1))
    return Part(vertices, np.vstack(faces), finish)


def frame(low: Corner, high: Corner, edge: Number, finish: Finish) -> list[Part]:
    """Four bars around the x-z rectangle between two corners."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    return [
        box((x0, y0, z0), (x0 + edge, y1, z1), finish),
        box((x1 - edge, y0, z0), (x1, y1, z1), finish),
        box((x0 + edge, y0, z0), (x1 - edge, y1, z0 + edge), finish),
        box((x0 + edge, y0, z1 - edge), (x1 - edge, y1, z1), finish),
    ]


def slab_with_hole(low: Corner, high: Corner, hole: tuple[Corner, Corner], finish: Finish) -> list[Part]:
    """A box with a rectangular hole through it along z; of the hole's corners only x and y count."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    (a0, b0, _), (a1, b1, _) = hole
    return [
        box((x0, y0, z0), (a0, y1, z1), finish),
        box((a1, y0, z0), (x1, y1, z1), finish),
        box((a0, y0, z0), (a1, b0, z1), finish),
        box((a0, b1, z0), (a1, y1, z1), finish),
    ]


def folded_sheet(low: Corner, high: Corner, finish: Finish, *, num_folds: int) -> Part:
    """A hanging cloth, open, that fills the box between two corners, folded back and forth in y along x."""
    steps = 8 * num_folds
    x = np.linspace(low[0], high[0], steps + 1)
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * num_folds * np.linspace(0, 1, steps + 1))
    y = low[1] + (high[1] - low[1]) * (0.15 + 0.85 * wave)
    bottom = np.stack([x, y, np.full_like(x, low[2])], axis=1)
    vertices = np.vstack([bottom, bottom + np.array([0, 0, high[2] - low[2]])])
    i = np.arange(steps)
    up = i + steps + 1
    faces = np.vstack([np.stack([i + 1, i, up], axis=1), np.stack([i + 1, up, up + 1], axis=1)])
    return Part(vertices, faces, finish)
