"""Round shapes: cylinders, ovals, turned and bent things, boxes with rounded edges.

Boxes and the surface between rings are in ``ops/shapes.py``.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from ops.finishes import Finish
from ops.shapes import Corner, Number, Part, loft

SIDES = 20


def oval(
    center: Corner, radius_x: Number, radius_y: Number, *, power: Number = 2.0, sides: int = SIDES
) -> Float[np.ndarray, "n 3"]:
    """A level ring, counter-clockwise from above: an ellipse at power 2, nearer a rectangle above it."""
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    c, s = np.cos(angle), np.sin(angle)
    x = np.sign(c) * np.abs(c) ** (2 / power) * radius_x
    y = np.sign(s) * np.abs(s) ** (2 / power) * radius_y
    ring: np.ndarray = np.stack([x, y, np.zeros(sides)], axis=1) + np.asarray(center)
    return ring


def cylinder(
    base: Corner,
    radius: Number,
    height: Number,
    finish: Finish,
    *,
    top: Number | None = None,
    sides: int = SIDES,
) -> Part:
    """An upright cylinder that stands on ``base``; a cone if the radius at its ``top`` is another."""
    x, y, z = base
    upper = radius if top is None else top
    return loft(
        [
            oval((x, y, z), radius, radius, sides=sides),
            oval((x, y, z + height), upper, upper, sides=sides),
        ],
        finish,
    )


def lathe(
    base: Corner,
    profile: Sequence[tuple[Number, Number]],
    finish: Finish,
    *,
    stretch_y: Number = 1.0,
    sides: int = SIDES,
) -> Part:
    """A turned thing: circles of (radius, height) above ``base`` from first to last.

    A profile that goes up outside and down inside makes a vessel.
    """
    x, y, z = base
    return loft([oval((x, y, z + h), r, r * stretch_y, sides=sides) for r, h in profile], finish)


def ball(center: Corner, radii: Corner, finish: Finish, *, sides: int = 16) -> Part:
    """An ellipsoid."""
    rings = []
    for angle in np.radians([-75, -50, -25, 0, 25, 50, 75]):
        c, s = np.cos(angle), np.sin(angle)
        middle = (center[0], center[1], center[2] + s * radii[2])
        rings.append(oval(middle, c * radii[0], c * radii[1], sides=sides))
    return loft(rings, finish)


def tube(
    path: Sequence[Corner], radius: Number, finish: Finish, *, sides: int = 8, end: Number | None = None
) -> Part:
    """A round bar along a path; its radius runs to ``end`` at the last point."""
    points = np.asarray(path, dtype=np.float64)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    start = np.array([0.0, 1.0, 0.0]) if abs(tangent[0, 1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    rings, right = [], start
    for i, (point, along) in enumerate(zip(points, tangent, strict=True)):
        right = right - along * (right @ along)
        right /= np.linalg.norm(right)
        up = np.cross(along, right)
        share = i / (len(points) - 1)
        thick = radius if end is None else radius + (end - radius) * share
        rings.append(
            point + thick * (np.cos(angle)[:, None] * right + np.sin(angle)[:, None] * up)
        )  # counter-clockwise about the tangent
    return loft(rings, finish)


def rounded_box(low: Corner, high: Corner, radius: Number, finish: Finish, *, puff: Number = 0.0) -> Part:
    """A box whose edges are rounded; with ``puff`` it is thinner towards its rim, as cushions are."""
    lattice, direction, faces = _rounded_lattice(6 if radius > 0.015 else 4)
    start, stop = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    half = (stop - start) / 2
    r = min(float(radius), float(half.min()) * 0.999)
    vertices = lattice * (half - r) + direction * r
    if puff:
        inner = np.clip(1 - (np.abs(vertices[:, :2]) / half[:2]) ** 2, 0, 1).prod(axis=1)
        thick = 1 + puff * (np.sqrt(inner) - 1)
        vertices[:, 2] *= thick / thick.max()
    return Part(vertices + (start + stop) / 2, faces, finish)


@lru_cache(maxsize=4)
def _rounded_lattice(
    m: int,
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "V 3"], Int[np.ndarray, "M 3"]]:
    """Signs of the corner each vertex belongs to, its direction from that corner, and the faces.

    Vertices are those of a cube's surface with m along an edge, half of them per corner; the two middle ones
    point the same way, which keeps sides flat.
    """
    steps = np.concatenate([np.linspace(-45, 0, m // 2), np.linspace(0, 45, m // 2)])
    index = np.stack(np.meshgrid(*[np.arange(m)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    on_surface = ((index == 0) | (index == m - 1)).any(axis=1)
    number = np.full(m**3, -1)
    number[on_surface] = np.arange(on_surface.sum())
    index = index[on_surface]
    direction = np.tan(np.radians(steps))[index]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(m - 1), np.arange(m - 1), indexing="ij"))
    faces = []
    for axis in range(3):
        for side in (0, m - 1):
            corners = []
            for da, db in ((0, 0), (1, 0), (1, 1), (0, 1)):
                at = np.zeros((len(a), 3), dtype=np.int64)
                at[:, axis], at[:, (axis + 1) % 3], at[:, (axis + 2) % 3] = side, a + da, b + db
                corners.append(number[at @ np.array([m * m, m, 1])])
            p, q, r, s = corners if side else corners[::-1]
            faces += [np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)]
    return np.where(index < m // 2, -1.0, 1.0), direction, np.vstack(faces)
