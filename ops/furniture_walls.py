"""What hangs on or stands in a wall: pictures, doors, windows, curtains.

The record, the palettes and the frame of a piece are ``furniture_base.py``'s.
"""

import numpy as np

from ops.furniture_base import DARK, FABRICS, LINEN, METAL, WOODS, Furniture, brighter, pick
from ops.shapes import box, folded_sheet


def make_picture(rng: np.random.Generator) -> Furniture:
    """A framed painting of colour fields."""
    width, height = rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.7)
    half, edge, frame = width / 2, 0.04, pick(rng, (*WOODS, DARK))
    parts = [box((-half, 0, 0), (half, 0.03, height), frame)]
    low, high = np.array([-half + edge, edge]), np.array([half - edge, height - edge])
    parts.append(box((low[0], 0.03, low[1]), (high[0], 0.034, high[1]), LINEN))
    for i in range(6):
        a, b = np.sort(rng.uniform(low + 0.01, high - 0.01, size=(2, 2)), axis=0)
        color = brighter(pick(rng, FABRICS), rng.uniform(1.0, 1.7))
        parts.append(box((a[0], 0.034, a[1]), (b[0], 0.035 + 0.001 * i, b[1]), color))
    return Furniture("picture", tuple(parts), (width, 0.04, height))


def make_door(rng: np.random.Generator) -> Furniture:
    """A door leaf with two panels and a handle in a frame."""
    width, height, color = 0.92, 2.05, pick(rng, (*WOODS, (0.88, 0.87, 0.83)))
    half, edge = width / 2, 0.07
    frame = brighter(color, 0.75)
    parts = [
        box((-half, 0, 0), (-half + edge, 0.07, height), frame),
        box((half - edge, 0, 0), (half, 0.07, height), frame),
        box((-half + edge, 0, height - edge), (half - edge, 0.07, height), frame),
        box((-half + edge, 0, 0), (half - edge, 0.045, height - edge), color, "wood"),
        box((half - 0.22, 0.045, 1.0), (half - 0.10, 0.10, 1.03), METAL),
    ]
    for low, high in ((0.18, 0.90), (1.10, height - 0.2)):
        panel = brighter(color, 0.88)
        parts.append(box((-half + 0.2, 0.045, low), (half - 0.26, 0.055, high), panel, "wood"))
    return Furniture("door", tuple(parts), (width, 0.10, height))


def make_window(rng: np.random.Generator) -> Furniture:
    """A window of two bright panes in a white frame; stands as high above z = 0 as its sill in the room."""
    width, height, sky = rng.uniform(1.0, 1.5), rng.uniform(1.0, 1.2), (0.75, 0.88, 1.0)
    half, edge, white = width / 2, 0.07, (0.95, 0.95, 0.94)
    parts = [
        box((-half, 0, 0), (half, 0.12, 0.05), white),
        box((-half, 0, 0.05), (-half + edge, 0.06, height), white),
        box((half - edge, 0, 0.05), (half, 0.06, height), white),
        box((-half + edge, 0, height - edge), (half - edge, 0.06, height), white),
        box((-0.03, 0, 0.05), (0.03, 0.055, height - edge), white),
        box((-half + edge, 0, 0.05), (half - edge, 0.03, height - edge), sky),
    ]
    return Furniture("window", tuple(parts), (width, 0.12, height))


def make_curtain(rng: np.random.Generator) -> Furniture:
    """One wing of a folded curtain."""
    width, height = rng.uniform(0.3, 0.42), rng.uniform(2.05, 2.25)
    color = brighter(pick(rng, (*FABRICS, LINEN)), 1.15)
    sheet = folded_sheet((-width / 2, 0.02, 0.03), (width / 2, 0.11, height), color, num_folds=5)
    rod = box((-width / 2, 0.04, height - 0.02), (width / 2, 0.07, height), DARK)
    return Furniture("curtain", (sheet, rod), (width, 0.11, height))
