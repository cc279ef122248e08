"""Furniture to sit and lie on.

The record, the palettes and the frame of a piece are ``furniture_base.py``'s.
"""

import numpy as np

from ops.furniture_base import DARK, FABRICS, LINEN, METAL, WOODS, Furniture, brighter, legs, pick
from ops.shapes import box, cylinder


def make_chair(rng: np.random.Generator) -> Furniture:
    """A kitchen chair with a slatted or closed back, or an office chair on a star base."""
    width, depth, seat = rng.uniform(0.40, 0.46), rng.uniform(0.42, 0.48), rng.uniform(0.43, 0.48)
    height = seat + rng.uniform(0.42, 0.52)
    if rng.random() < 0.3:
        return _office_chair(rng, (width, depth, height), seat)
    color = pick(rng, (*WOODS, DARK, FABRICS[1]))
    half = width / 2
    parts = [box((-half, 0, seat - 0.04), (half, depth, seat), color, "wood")]
    parts += legs(width, depth, seat - 0.04, 0.04, color)
    parts += [box((x, 0, seat), (x + 0.04, 0.04, height), color) for x in (-half, half - 0.04)]
    if rng.random() < 0.5:
        parts.append(box((-half + 0.04, 0.005, seat + 0.12), (half - 0.04, 0.035, height), color, "wood"))
    else:
        for bottom in np.linspace(seat + 0.14, height - 0.08, 3):
            parts.append(box((-half + 0.04, 0.005, bottom), (half - 0.04, 0.035, bottom + 0.08), color))
    return Furniture("chair", tuple(parts), (width, depth, height))


def _office_chair(rng: np.random.Generator, size_m: tuple[float, float, float], seat: float) -> Furniture:
    width, depth, height = size_m
    color, half, middle = pick(rng, (DARK, *FABRICS[:4])), width / 2, depth / 2
    parts = [
        box((-half, 0.05, seat - 0.07), (half, depth, seat), color, "fabric"),
        box((-half + 0.02, 0, seat + 0.10), (half - 0.02, 0.06, height), color, "fabric"),
        box((-0.04, 0.0, seat - 0.05), (0.04, 0.05, seat + 0.10), DARK),
        cylinder((0, middle, 0.07), 0.035, seat - 0.14, METAL),
        box((-half, middle - 0.03, 0.02), (half, middle + 0.03, 0.07), DARK),
        box((-0.03, 0.01, 0.02), (0.03, depth, 0.07), DARK),
    ]
    for x in (-half, half - 0.05):
        parts.append(box((x, 0.14, seat + 0.16), (x + 0.05, depth - 0.08, seat + 0.20), DARK))
        parts.append(box((x + 0.01, 0.22, seat), (x + 0.04, 0.27, seat + 0.16), DARK))
    return Furniture("chair", tuple(parts), size_m)


def make_sofa(rng: np.random.Generator) -> Furniture:
    """A sofa for two or three, with arms, back and seat cushions."""
    seats = int(rng.integers(2, 4))
    arm, seat_width = 0.2, rng.uniform(0.58, 0.68)
    width, depth, height, seat = (
        2 * arm + seats * seat_width,
        rng.uniform(0.82, 0.95),
        rng.uniform(0.75, 0.88),
        0.44,
    )
    color = pick(rng, FABRICS)
    light = brighter(color, 1.18)
    half = width / 2
    parts = [
        box((-half, 0, 0.06), (half, depth - 0.04, 0.28), color, "fabric"),
        box((-half + arm, 0, 0.28), (half - arm, 0.22, height), color, "fabric"),
        box((-half, 0, 0.28), (-half + arm, depth, 0.60), color, "fabric"),
        box((half - arm, 0, 0.28), (half, depth, 0.60), color, "fabric"),
        *(
            box((x, y, 0), (x + 0.06, y + 0.06, 0.06), DARK)
            for x in (-half + 0.02, half - 0.08)
            for y in (0.02, depth - 0.12)
        ),
    ]
    for i in range(seats):
        x = -half + arm + i * seat_width
        parts.append(box((x + 0.01, 0.22, 0.28), (x + seat_width - 0.01, depth, seat), light, "fabric"))
        top = height - 0.04
        parts.append(box((x + 0.02, 0.22, seat + 0.01), (x + seat_width - 0.02, 0.36, top), light, "fabric"))
    return Furniture("sofa", tuple(parts), (width, depth, height))


def make_bed(rng: np.random.Generator) -> Furniture:
    """A bed with headboard, mattress, pillows and a blanket over its lower part."""
    width, depth, top = rng.uniform(0.95, 1.6), rng.uniform(1.95, 2.1), rng.uniform(0.46, 0.56)
    height, wood, blanket = rng.uniform(0.9, 1.15), pick(rng, WOODS), pick(rng, FABRICS)
    half, fold = width / 2, rng.uniform(0.65, 0.95)
    parts = [
        box((-half, 0, 0), (half, 0.06, height), wood, "wood"),
        box((-half, 0.06, 0.12), (half, depth, 0.30), wood, "wood"),
        *(box((x, depth - 0.07, 0), (x + 0.07, depth, 0.12), wood) for x in (-half, half - 0.07)),
        box((-half + 0.02, 0.06, 0.30), (half - 0.02, depth - 0.02, top - 0.02), LINEN, "fabric"),
        box((-half + 0.005, fold, 0.27), (half - 0.005, depth - 0.005, top), blanket, "fabric"),
    ]
    num_pillows = 1 if width < 1.25 else 2
    room = (width - 0.1) / num_pillows
    for i in range(num_pillows):
        x = -half + 0.05 + i * room
        parts.append(box((x + 0.04, 0.10, top - 0.02), (x + room - 0.04, 0.48, top + 0.09), LINEN, "fabric"))
    return Furniture("bed", tuple(parts), (width, depth, height))
