"""Other furniture that hangs on walls: mirrors, whiteboards, clocks, towels.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import CHROME, DARK, Finish, fabric, painted, plain, shade, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture
from ops.shapes import Part, box, frame
from ops.shapes_round import cylinder, lathe, tube


def make_mirror(rng: np.random.Generator) -> Furniture:
    """A mirror, round or framed; it does not reflect, it is glossy and pale."""
    glass = Finish("glass", (0.66, 0.72, 0.75), (0.84, 0.88, 0.9), "clouds", 0.6, 1.0)
    rim, design = wood_or_paint(rng), choose(rng, ("round", "framed"))
    if design == "round":
        r = float(rng.uniform(0.24, 0.38))
        disc = cylinder((0, 0, 0), r, 0.02, glass, sides=32)
        ring = lathe(
            (0, 0, 0), [(r, 0), (r + 0.03, 0), (r + 0.03, 0.028), (r, 0.028), (r * 0.99, 0)], rim, sides=32
        )
        parts = [disc.turned(0, -90), ring.turned(0, -90)]
    else:
        w, h = float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.5, 0.9))
        parts = [box((-w, 0, 0), (w, 0.02, h), glass), *frame((-w, 0, 0), (w, 0.03, h), 0.035, rim)]
    return furniture(("mirror", "otherfurniture"), design, parts, glass)


def make_whiteboard(rng: np.random.Generator) -> Furniture:
    """A whiteboard with a few strokes and a tray."""
    w, h = float(rng.uniform(0.55, 0.9)), float(rng.uniform(0.75, 1.0))
    main = plain((0.95, 0.96, 0.97), "metal", 0.5)
    parts = [box((-w, 0, 0), (w, 0.015, h), main), *frame((-w, 0, 0), (w, 0.022, h), 0.02, CHROME)]
    parts.append(box((-w * 0.6, 0.015, -0.02), (w * 0.6, 0.07, 0.0), CHROME))
    for _ in range(6):
        x, z = float(rng.uniform(-w * 0.85, w * 0.4)), float(rng.uniform(0.15, h * 0.85))
        ink = plain(shade(rng, ("blue", "red", "black", "green")))
        parts.append(box((x, 0.015, z), (x + float(rng.uniform(0.1, 0.4)), 0.017, z + 0.012), ink))
    return furniture(("whiteboard", "otherfurniture"), "framed", parts, main)


def make_clock(rng: np.random.Generator) -> Furniture:
    """A round wall clock."""
    r, main = float(rng.uniform(0.13, 0.19)), painted(rng)
    rim = lathe(
        (0, 0, 0), [(r, 0), (r, 0.04), (r * 0.9, 0.045), (r * 0.88, 0.025), (r * 0.4, 0.025)], main, sides=28
    )
    face = cylinder((0, 0, 0.0), r * 0.89, 0.028, painted(rng, ("white", "beige")), sides=28)
    parts = [rim.turned(0, -90), face.turned(0, -90)]
    for angle, reach in ((float(rng.uniform(0, 6.28)), 0.5), (float(rng.uniform(0, 6.28)), 0.75)):
        tip = (np.sin(angle) * r * reach, 0.031, np.cos(angle) * r * reach)
        parts.append(tube([(0, 0.031, 0), tip], 0.006, DARK, sides=4))
    return furniture(("clock", "otherfurniture"), "round", parts, main)


def make_towel(rng: np.random.Generator) -> Furniture:
    """A towel over a rail."""
    main, w, h = fabric(rng), float(rng.uniform(0.2, 0.32)), float(rng.uniform(0.45, 0.7))
    parts: list[Part] = [tube([(-w - 0.06, 0.06, h), (w + 0.06, 0.06, h)], 0.01, CHROME)]
    parts += [tube([(x, 0, h), (x, 0.06, h)], 0.012, CHROME) for x in (-w - 0.05, w + 0.05)]
    parts.append(box((-w, 0.045, 0), (w, 0.078, h + 0.014), main))
    return furniture(("towel", "otherfurniture"), "rail", parts, main)
