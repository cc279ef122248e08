"""Lamps: standing, on tables, below the ceiling.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import DARK, Finish, ceramic, metal, plain, shade, wood
from ops.furniture_base import Furniture, choose, furniture
from ops.shapes import Corner, Part
from ops.shapes_round import ball, cylinder, lathe, rounded_box, tube


def make_floor_lamp(rng: np.random.Generator) -> Furniture:
    """A standing lamp: a straight pole, an arc, or three legs."""
    design = choose(rng, ("pole", "arc", "tripod"), (3, 1, 2))
    bar, height = (wood(rng) if rng.random() < 0.3 else metal(rng)), float(rng.uniform(1.35, 1.65))
    look = lamp_shade(rng)
    x = 0.0
    if design == "tripod":
        parts = []
        parts += [
            tube([(0.26 * np.cos(angle), 0.26 * np.sin(angle), 0), (0, 0, height - 0.2)], 0.014, bar)
            for angle in np.arange(3) * 2 * np.pi / 3
        ]
    else:
        parts = [lathe((0, 0, 0), [(0.15, 0), (0.15, 0.015), (0.03, 0.035)], bar)]
        path: list[Corner] = [(0, 0, 0.02), (0, 0, height - 0.2)]
        if design == "arc":
            path = [
                (0, 0, 0.02),
                (0, 0, height * 0.6),
                (0.06, 0, height * 0.88),
                (0.22, 0, height),
                (0.38, 0, height - 0.08),
            ]
            x = 0.38
        parts.append(tube(path, 0.013, bar))
    low, wide = height - 0.28, float(rng.uniform(0.16, 0.23))
    parts.append(_shade_part((x, 0, low), wide, look))
    return furniture(("lamp", "otherfurniture"), design, parts, look, light=(x, 0, height + 0.12, 0.6))


def lamp_shade(rng: np.random.Generator) -> Finish:
    """A lampshade's cloth; some glow."""
    color = shade(
        rng, ("white", "beige", "beige", "yellow", "orange", "red", "blue", "green", "grey", "pink")
    )
    return Finish("fabric", color, color, "plain", 0.1, 0.0, float(rng.choice([0.0, 0.45, 0.6, 0.75])))


def _shade_part(at: tuple[float, float, float], wide: float, look: Finish) -> Part:
    tall = wide * 1.25
    profile = [(wide, 0), (wide * 0.72, tall), (wide * 0.68, tall), (wide * 0.95, 0.005)]
    return lathe(at, profile, look)


def make_table_lamp(rng: np.random.Generator) -> Furniture:
    """A lamp for tables and nightstands: a turned foot, a cube, or a desk lamp with a bent arm."""
    design, look = choose(rng, ("turned foot", "block", "bent arm"), (3, 2, 2)), lamp_shade(rng)
    if design == "bent arm":
        bar = plain(shade(rng), "metal", 0.4)
        parts = [
            cylinder((0, 0, 0), 0.08, 0.02, bar),
            tube([(0, 0, 0.02), (-0.08, 0, 0.2), (0.0, 0, 0.38), (0.1, 0, 0.36)], 0.009, bar),
            lathe((0.11, 0, 0.28), [(0.075, 0), (0.025, 0.09), (0.02, 0.09), (0.07, 0.005)], bar),
        ]
        return furniture(("lamp", "otherfurniture"), design, parts, bar)
    wide, foot, h = float(rng.uniform(0.11, 0.16)), ceramic(rng, 0.3), float(rng.uniform(0.16, 0.24))
    if design == "block":
        parts = [rounded_box((-0.06, -0.06, 0), (0.06, 0.06, h * 0.8), 0.015, wood(rng))]
    else:
        parts = [
            lathe((0, 0, 0), [(0.07, 0), (0.03, 0.03), (0.075, h * 0.4), (0.07, h * 0.6), (0.02, h)], foot)
        ]
    parts += [cylinder((0, 0, h * 0.75), 0.01, h * 0.5, DARK, sides=8), _shade_part((0, 0, h), wide, look)]
    top = h + wide * 1.25
    light = (0.0, 0.0, top + 0.1, 0.4) if look.glow > 0 else None
    return furniture(("lamp", "otherfurniture"), design, parts, look, light=light)


def make_ceiling_lamp(rng: np.random.Generator) -> Furniture:
    """A lamp below the ceiling, or one that hangs from it; its highest point touches the ceiling."""
    design = choose(rng, ("bowl", "pendant"))
    color = shade(rng, ("white", "white", "beige", "yellow"))
    look, wide = plain(color, "glass", 0.1, glow=0.8), float(rng.uniform(0.15, 0.24))
    if design == "bowl":
        parts = [lathe((0, 0, 0), [(wide * 0.4, 0), (wide * 0.9, 0.05), (wide, 0.12), (wide, 0.14)], look)]
        return furniture(("lamp", "otherfurniture"), design, parts, look, light=(0, 0, -0.08, 1.0))
    drop = float(rng.uniform(0.2, 0.4))
    rim = metal(rng)
    profile = [(wide, 0), (wide * 0.3, wide * 0.8), (wide * 0.25, wide * 0.8), (wide * 0.9, 0.01)]
    parts = [
        lathe((0, 0, 0), profile, rim),
        ball((0, 0, 0.03), (0.05, 0.05, 0.05), look),
        cylinder((0, 0, wide * 0.8), 0.006, drop, DARK, sides=6),
    ]
    return furniture(("lamp", "otherfurniture"), design, parts, rim, light=(0, 0, -0.1, 1.0))
