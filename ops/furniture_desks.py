"""Desks.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import CHROME, Finish, metal, painted, wood
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box


def make_desk(rng: np.random.Generator) -> Furniture:
    """A desk to work at: with drawers, on trestles, with a shelf above, on a steel frame, or L-shaped."""
    design = choose(rng, ("drawers", "double pedestal", "hutch", "frame", "corner"), (3, 2, 2, 2, 2))
    width, depth = float(rng.uniform(1.15, 1.6)), float(rng.uniform(0.6, 0.76))
    height, half = float(rng.uniform(0.72, 0.77)), width / 2
    main = (
        wood(rng)
        if rng.random() < 0.6
        else painted(rng, ("white", "grey", "black", "blue", "green", "red", "beige"))
    )
    parts = [box((-half, 0, height - 0.03), (half, depth, height), main)]
    tops = [((-half + 0.06, 0.05, half - 0.06, depth * 0.62), height)]
    side = -1 if rng.random() < 0.5 else 1
    if design == "frame":
        parts += _steel_frame(rng, width, depth, height)
    else:
        parts.append(box((-half + 0.03, 0.05, 0.3), (half - 0.03, 0.065, height - 0.03), main.tinted(0.9)))
        parts += _drawers((side, half, depth, height), main)
        if design == "double pedestal":
            parts += _drawers((-side, half, depth, height), main)
        else:
            edge = sorted((-side * half, -side * (half - 0.03)))
            parts.append(box((edge[0], 0.02, 0), (edge[1], depth - 0.03, height - 0.03), main))
    if design == "hutch":
        up = height + float(rng.uniform(0.32, 0.5))
        parts += [box((x, 0, height), (x + 0.025, 0.26, up), main) for x in (-half, half - 0.025)]
        parts += [box((-half, 0, up), (half, 0.26, up + 0.025), main)]
        parts += [box((-half, 0, height), (half, 0.012, up), main.tinted(0.8))]
        tops = [((-half + 0.06, 0.04, half - 0.06, depth * 0.62), height)]
    if design == "corner":
        arm = sorted((-side * half, -side * (half - 0.55)))
        parts += [
            box((arm[0], depth, height - 0.03), (arm[1], depth + 0.6, height), main),
            box((arm[0], depth + 0.57, 0), (arm[1], depth + 0.6, height - 0.03), main),
        ]
    return furniture("desk", design, parts, main, tops=tops, word=size_word(width, 1.22, 1.5))


def _steel_frame(rng: np.random.Generator, width: float, depth: float, height: float) -> list[Part]:
    bar, half = metal(rng), width / 2
    parts = []
    for x in (-half + 0.08, half - 0.14):
        parts += [
            box((x, 0.02, 0), (x + 0.06, depth - 0.02, 0.03), bar),
            box((x, depth * 0.4, 0.03), (x + 0.06, depth * 0.4 + 0.07, height - 0.03), bar),
        ]
    parts.append(
        box((-half + 0.1, depth * 0.42, height - 0.1), (half - 0.1, depth * 0.42 + 0.04, height - 0.05), bar)
    )
    parts.append(
        box((-half + 0.2, 0.1, height - 0.16), (-half + 0.62, depth - 0.05, height - 0.03), bar.tinted(0.8))
    )
    return parts


def _drawers(place: tuple[int, float, float, float], main: Finish) -> list[Part]:
    side, half, depth, height = place
    a, b = sorted((side * half, side * (half - 0.4)))
    parts = [box((a, 0.02, 0.02), (b, depth - 0.03, height - 0.03), main.tinted(0.92))]
    for z in np.linspace(0.05, height - 0.25, 3):
        low, high = (a + 0.012, depth - 0.03, z), (b - 0.012, depth - 0.012, z + 0.19)
        parts.append(box(low, high, main.tinted(1.06)))
        middle = (a + b) / 2
        parts.append(box((middle - 0.06, depth - 0.012, z + 0.09), (middle + 0.06, depth, z + 0.11), CHROME))
    return parts
