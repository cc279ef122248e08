"""Sinks of bathrooms and kitchens, and the taps of these and of bathtubs.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import CHROME, Finish, ceramic, metal, plain, stone
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box, loft
from ops.shapes_round import cylinder, lathe, oval, tube


def make_tap(rng: np.random.Generator, at: tuple[float, float, float], reach: float) -> list[Part]:
    """A curved spout towards +y and one or two handles."""
    x, y, z = at
    look, up = (CHROME if rng.random() < 0.75 else metal(rng)), float(rng.uniform(0.12, 0.24))
    path = [
        (x, y, z - 0.01),
        (x, y, z + up * 0.8),
        (x, y + reach * 0.3, z + up),
        (x, y + reach * 0.8, z + up * 0.95),
        (x, y + reach, z + up * 0.75),
    ]
    parts = [tube(path, 0.013, look), cylinder((x, y, z - 0.005), 0.026, 0.02, look, sides=12)]
    for side in (-1, 1) if rng.random() < 0.5 else (1,):
        parts.append(cylinder((x + side * 0.08, y, z - 0.005), 0.016, 0.05, look, sides=10))
        parts.append(
            box(
                (x + side * 0.08 - 0.035, y - 0.006, z + 0.045),
                (x + side * 0.08 + 0.035, y + 0.006, z + 0.06),
                look,
            )
        )
    return parts


def make_bathroom_sink(rng: np.random.Generator) -> Furniture:
    """A sink on a pedestal, hung on the wall, or a trough on legs; stands as high as it is used."""
    design = choose(rng, ("pedestal", "wall hung", "console"), (4, 3, 1))
    wide, deep = float(rng.uniform(0.24, 0.33)), float(rng.uniform(0.2, 0.25))
    main, rim, power = ceramic(rng, 0.7), float(rng.uniform(0.8, 0.88)), float(rng.choice([2.3, 4.0, 8.0]))

    def ring(z: float, scale: float, p: float = power) -> np.ndarray:
        return oval((0, deep + (1 - scale) * 0.04, z), wide * scale, deep * scale, power=p, sides=32)

    under = 0.13 if design != "console" else 0.09
    outside = [ring(rim - under - 0.05, 0.5), ring(rim - under, 0.78), ring(rim - 0.03, 1.0), ring(rim, 1.0)]
    inside = [ring(rim, 0.84, 2.6), ring(rim - 0.05, 0.74, 2.5), ring(rim - 0.11, 0.5, 2.2)]
    parts = [loft([*outside, *inside], main)]
    parts.append(box((-wide * 0.9, 0, rim - 0.1), (wide * 0.9, 0.06, rim + 0.012), main))
    if design == "pedestal":
        column = [(0.11, 0), (0.09, 0.04), (0.07, 0.3), (0.08, rim - 0.22), (0.12, rim - 0.12)]
        parts.append(lathe((0, deep * 0.85, 0), column, main))
    elif design == "wall hung":
        drain = tube(
            [(0, deep, rim - 0.16), (0, deep, rim - 0.3), (0, 0.05, rim - 0.34), (0, 0.0, rim - 0.34)],
            0.02,
            CHROME,
        )
        parts.append(drain)
    else:
        bar = metal(rng)
        parts += [
            tube([(x, y, 0), (x, y, rim - 0.05)], 0.014, bar)
            for x in (-wide * 0.85, wide * 0.85)
            for y in (0.05, 2 * deep - 0.06)
        ]
    parts += make_tap(rng, (0, 0.035, rim + 0.012), 0.12)
    return furniture("sink", design, parts, main, word=size_word(wide, 0.26, 0.31))


def make_inset_sink(rng: np.random.Generator, width: float, depth: float) -> Furniture:
    """A sink to be let into a counter's hole of that size; z = 0 is its lowest point."""
    steel = rng.random() < 0.6
    main = (
        Finish("metal", (0.72, 0.73, 0.75), (0.66, 0.67, 0.69), "brushed", 0.01, 0.7)
        if steel
        else ceramic(rng, 0.5)
    )
    deep, round_one = float(rng.uniform(0.15, 0.2)), rng.random() < 0.25
    power = 2.4 if round_one else 12.0
    half_w, half_d = width / 2, depth / 2

    def ring(z: float, inset: float, p: float) -> np.ndarray:
        return oval((0, 0, z), half_w - inset, half_d - inset, power=p, sides=36)

    rim = deep + 0.008
    rings = [
        ring(0, 0.02, power),
        ring(deep - 0.03, 0.006, power),
        ring(deep, -0.02, 60),
        ring(rim, -0.02, 60),
    ]
    rings += [
        ring(rim, 0.012, power),
        ring(rim - 0.03, 0.018, power),
        ring(0.02, 0.04, power),
        ring(0.012, 0.08, 3),
    ]
    parts = [
        loft(rings, main),
        cylinder((0, 0, 0.012), 0.03, 0.004, plain((0.3, 0.3, 0.31), "metal", 0.5), sides=12),
    ]
    tap = make_tap(rng, (0, -half_d + 0.005, rim), 0.17)
    return furniture("sink", "round inset" if round_one else "inset", [*parts, *tap], main)


def make_bowl_sink(rng: np.random.Generator) -> Furniture:
    """A bowl that stands on a counter or a cabinet."""
    main = stone(rng) if rng.random() < 0.2 else ceramic(rng, 0.6)
    r, h = float(rng.uniform(0.18, 0.22)), float(rng.uniform(0.11, 0.15))
    shape = [(r * 0.5, 0), (r * 0.85, h * 0.4), (r, h), (r * 0.93, h), (r * 0.78, h * 0.45), (r * 0.4, 0.02)]
    parts = [lathe((0, 0, 0), shape, main, stretch_y=float(rng.choice([0.8, 1.0])), sides=28)]
    tap = make_tap(rng, (0, -r - 0.035, 0.01), 0.16)
    return furniture("sink", "bowl", [*parts, *tap], main)
