"""Procedural furniture: each function draws one object's sizes and colours and builds its parts.

Here are tables and what things are kept in, and the table of all makers; seats and beds are in
``furniture_seats.py``, doors, windows and pictures in ``furniture_walls.py``. Where objects stand in a room
is ``ops/rooms.py``'s business.
"""

from collections.abc import Callable, Mapping

import numpy as np

from ops.furniture_base import DARK, FABRICS, METAL, PAINTS, WOODS, Furniture, brighter, legs, pick
from ops.furniture_seats import make_bed, make_chair, make_sofa
from ops.furniture_walls import make_curtain, make_door, make_picture, make_window
from ops.shapes import Part, box, cylinder


def make_table(rng: np.random.Generator) -> Furniture:
    """A rectangular table on four legs, or a round one on a column."""
    height, wood = rng.uniform(0.70, 0.78), pick(rng, (*WOODS, PAINTS[0]))
    if rng.random() < 0.3:
        radius = rng.uniform(0.45, 0.6)
        parts = [
            cylinder((0, radius, height - 0.04), radius, 0.04, wood, "wood"),
            cylinder((0, radius, 0.04), 0.06, height - 0.08, wood),
            cylinder((0, radius, 0), 0.28, 0.04, wood),
        ]
        return Furniture("table", tuple(parts), (2 * radius, 2 * radius, height))
    width, depth = rng.uniform(1.1, 1.6), rng.uniform(0.75, 0.95)
    parts = [box((-width / 2, 0, height - 0.04), (width / 2, depth, height), wood, "wood")]
    parts += legs(width, depth, height - 0.04, 0.06, wood)
    parts.append(box((-width / 2 + 0.06, 0.05, height - 0.12), (width / 2 - 0.06, 0.08, height - 0.04), wood))
    return Furniture("table", tuple(parts), (width, depth, height))


def make_cabinet(rng: np.random.Generator) -> Furniture:
    """A low or tall cabinet with doors and knobs."""
    columns, depth = int(rng.integers(2, 4)), rng.uniform(0.40, 0.55)
    width, height = columns * rng.uniform(0.40, 0.50), float(rng.choice([0.85, 0.9, 1.3, 1.9]))
    color = pick(rng, (*PAINTS, *WOODS[:3]))
    door, half = brighter(color, 1.08), width / 2
    parts = [
        box((-half, 0, 0.07), (half, depth - 0.03, height - 0.03), color),
        box((-half + 0.03, 0.02, 0), (half - 0.03, depth - 0.08, 0.07), DARK),
        box((-half, 0, height - 0.03), (half, depth, height), brighter(color, 0.8), "wood"),
    ]
    rows = 2 if height > 1.2 else 1
    step_x, step_z = width / columns, (height - 0.10) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -half + i * step_x, 0.07 + j * step_z
            low, high = (
                (x + 0.01, depth - 0.03, z + 0.01),
                (x + step_x - 0.01, depth - 0.015, z + step_z - 0.01),
            )
            parts.append(box(low, high, door, "wood" if color[1] > 1.3 * color[2] else "plain"))
            knob = x + (step_x - 0.07 if i % 2 == 0 else 0.04)
            z_knob = z + step_z * 0.5
            parts.append(
                box((knob, depth - 0.015, z_knob - 0.06), (knob + 0.03, depth, z_knob + 0.06), METAL)
            )
    return Furniture("cabinet", tuple(parts), (width, depth, height))


def make_bookshelf(rng: np.random.Generator) -> Furniture:
    """An open shelf filled with rows of books."""
    width, depth, height = rng.uniform(0.75, 1.2), rng.uniform(0.27, 0.33), rng.uniform(1.5, 2.0)
    wood, half, rows = pick(rng, (*WOODS, PAINTS[0])), width / 2, int(rng.integers(4, 6))
    parts = [
        box((-half, 0, 0), (half, 0.015, height), brighter(wood, 0.8), "wood"),
        box((-half, 0.015, 0), (-half + 0.03, depth, height), wood, "wood"),
        box((half - 0.03, 0.015, 0), (half, depth, height), wood, "wood"),
    ]
    step = (height - 0.03) / rows
    for row in range(rows + 1):
        z = row * step
        parts.append(box((-half + 0.03, 0.015, z), (half - 0.03, depth, z + 0.03), wood, "wood"))
        if row < rows:
            parts += _books(rng, (-half + 0.04, half - 0.04), (z + 0.03, step - 0.06), depth)
    return Furniture("bookshelf", tuple(parts), (width, depth, height))


def _books(
    rng: np.random.Generator, across: tuple[float, float], up: tuple[float, float], depth: float
) -> list[Part]:
    books, x = [], across[0]
    while x < across[1] - 0.06:
        thick = rng.uniform(0.025, 0.06)
        tall, deep = up[1] * rng.uniform(0.65, 0.97), depth - rng.uniform(0.03, 0.08)
        color = brighter(pick(rng, (*FABRICS, *PAINTS)), rng.uniform(0.8, 1.3))
        if rng.random() > 0.12:
            books.append(box((x, 0.015, up[0]), (x + thick, deep, up[0] + tall), color))
        x += thick + 0.002
    return books


def make_desk(rng: np.random.Generator) -> Furniture:
    """A desk: a plate between a side panel and a block of drawers, with a back panel."""
    width, depth, height = rng.uniform(1.15, 1.5), rng.uniform(0.6, 0.75), rng.uniform(0.72, 0.77)
    color, half = pick(rng, (*WOODS[1:], PAINTS[0])), width / 2
    side = -1 if rng.random() < 0.5 else 1
    drawers = sorted((side * half, side * (half - 0.38)))
    panel = sorted((-side * half, -side * (half - 0.03)))
    parts = [
        box((-half, 0, height - 0.035), (half, depth, height), color, "wood"),
        box((drawers[0], 0.03, 0.03), (drawers[1], depth - 0.03, height - 0.035), brighter(color, 0.92)),
        box((panel[0], 0.03, 0), (panel[1], depth - 0.03, height - 0.035), color, "wood"),
        box((-half + 0.03, 0.06, 0.30), (half - 0.03, 0.08, height - 0.035), color),
    ]
    for z in np.linspace(0.05, height - 0.26, 3):
        low, high = (drawers[0] + 0.015, depth - 0.03, z), (drawers[1] - 0.015, depth - 0.012, z + 0.19)
        parts.append(box(low, high, brighter(color, 1.1), "wood"))
        middle = (drawers[0] + drawers[1]) / 2
        parts.append(box((middle - 0.06, depth - 0.012, z + 0.09), (middle + 0.06, depth, z + 0.11), METAL))
    return Furniture("desk", tuple(parts), (width, depth, height))


def make_refrigerator(rng: np.random.Generator) -> Furniture:
    """A tall smooth box with two doors and long handles."""
    width, depth, height = rng.uniform(0.6, 0.72), rng.uniform(0.62, 0.7), rng.uniform(1.6, 1.85)
    color, half = pick(rng, ((0.90, 0.92, 0.94), (0.72, 0.74, 0.77))), width / 2
    split = height * rng.choice([0.36, 0.66])
    parts = [box((-half, 0, 0.04), (half, depth - 0.09, height), color)]
    parts.append(box((-half + 0.02, 0.02, 0), (half - 0.02, depth - 0.12, 0.04), DARK))
    for low, high in ((0.05, split - 0.008), (split + 0.008, height)):
        parts.append(box((-half, depth - 0.085, low), (half, depth - 0.04, high), brighter(color, 1.04)))
        near = (split - 0.35, split - 0.04) if low < split - 0.1 else (split + 0.04, split + 0.35)
        parts.append(box((half - 0.09, depth - 0.04, near[0]), (half - 0.06, depth, near[1]), METAL))
    return Furniture("refrigerator", tuple(parts), (width, depth, height))


MAKERS: Mapping[str, Callable[[np.random.Generator], Furniture]] = {
    "cabinet": make_cabinet,
    "bed": make_bed,
    "chair": make_chair,
    "sofa": make_sofa,
    "table": make_table,
    "door": make_door,
    "window": make_window,
    "bookshelf": make_bookshelf,
    "picture": make_picture,
    "desk": make_desk,
    "curtain": make_curtain,
    "refrigerator": make_refrigerator,
}
