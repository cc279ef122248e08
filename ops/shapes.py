"""Boxes, cylinders and folded sheets: the triangles that furniture is made of.

Which shapes make a chair is ``ops/furniture.py``'s business.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Material = Literal["plain", "wood", "fabric", "planks"]
MATERIALS: tuple[Material, ...] = ("plain", "wood", "fabric", "planks")

Color = tuple[float, float, float]
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
    """A closed piece of one colour.

    Attributes:
        vertices: metres, in the frame of the object it belongs to.
        faces: vertex ids, counter-clockwise seen from outside.
        color: RGB, 0..1.
        material: surface pattern.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "M 3"]
    color: Color
    material: Material = "plain"


def box(
    low: Corner,
    high: Corner,
    color: Color,
    material: Material = "plain",
) -> Part:
    """An axis-aligned box between two corners."""
    corners = np.asarray(low) + _BOX_CORNERS * (np.asarray(high) - np.asarray(low))
    return Part(corners, _BOX_FACES, color, material)


def cylinder(
    base: Corner, radius: Number, height: Number, color: Color, material: Material = "plain"
) -> Part:
    """An upright cylinder of 16 sides that stands on ``base``."""
    sides = 16
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(sides)], axis=1)
    vertices = np.vstack([ring, ring + np.array([0, 0, height]), [(0, 0, 0), (0, 0, height)]]) + np.asarray(
        base
    )
    i = np.arange(sides)
    j = (i + 1) % sides
    bottom, top = np.full(sides, 2 * sides), np.full(sides, 2 * sides + 1)
    faces = [(i, j, j + sides), (i, j + sides, i + sides), (bottom, j, i), (top, i + sides, j + sides)]
    return Part(vertices, np.vstack([np.stack(face, axis=1) for face in faces]), color, material)


def folded_sheet(
    low: Corner,
    high: Corner,
    color: Color,
    *,
    num_folds: int,
    material: Material = "fabric",
) -> Part:
    """A hanging cloth that fills the box between two corners, folded back and forth in y along x."""
    steps = 8 * num_folds
    x = np.linspace(low[0], high[0], steps + 1)
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * num_folds * np.linspace(0, 1, steps + 1))
    y = low[1] + (high[1] - low[1]) * (0.15 + 0.85 * wave)
    bottom = np.stack([x, y, np.full_like(x, low[2])], axis=1)
    vertices = np.vstack([bottom, bottom + np.array([0, 0, high[2] - low[2]])])
    i = np.arange(steps)
    up = i + steps + 1
    faces = np.vstack([np.stack([i + 1, i, up], axis=1), np.stack([i + 1, up, up + 1], axis=1)])
    return Part(vertices, faces, color, material)
