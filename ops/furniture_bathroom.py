"""What bathrooms have: toilets, bathtubs, shower curtains and trays.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s, sinks ``furniture_sinks.py``'s.
"""

from dataclasses import replace

import numpy as np

from ops.finishes import CHROME, Finish, ceramic, fabric, metal, plain, plastic, shade, stone, wood
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.furniture_sinks import make_tap
from ops.shapes import Part, box, folded_sheet, loft
from ops.shapes_round import ball, cylinder, oval, rounded_box, tube

WATER = plain((0.42, 0.56, 0.62), "water", 0.9)


def make_toilet(rng: np.random.Generator) -> Furniture:
    """A toilet: with a cistern on it, with one high above, hung on the wall, or in one piece."""
    design = choose(rng, ("close coupled", "wall hung", "one piece", "high cistern"), (4, 2, 2, 1))
    main = ceramic(rng, 0.7)
    seat = wood(rng) if rng.random() < 0.15 else replace(main, gloss=0.4)
    back = {"close coupled": 0.19, "wall hung": 0.13, "one piece": 0.17, "high cistern": 0.12}[design]
    parts = _bowl(rng, main, back, hung=design == "wall hung")
    parts += _seat(rng, seat, back)
    if design == "close coupled":
        wide, tall = float(rng.uniform(0.17, 0.22)), float(rng.uniform(0.74, 0.84))
        parts += [
            rounded_box((-wide, 0, 0.41), (wide, 0.19, tall), 0.03, main),
            rounded_box((-wide - 0.012, -0.005, tall), (wide + 0.012, 0.2, tall + 0.035), 0.015, main),
            rounded_box((-0.13, 0.05, 0.3), (0.13, 0.3, 0.42), 0.04, main),
            cylinder((0, 0.09, tall + 0.035), 0.022, 0.008, CHROME, sides=12),
        ]
    elif design == "one piece":
        rings = [
            oval((0, 0.09 + dy, z), w, 0.09, power=4)
            for z, w, dy in ((0.2, 0.15, 0.02), (0.42, 0.19, 0.02), (0.6, 0.19, 0.0), (0.64, 0.17, -0.01))
        ]
        parts.append(loft(rings, main))
    elif design == "wall hung":
        height = float(rng.uniform(1.0, 1.2))
        wall = (
            stone(rng)
            if rng.random() < 0.4
            else plain(shade(rng, ("white", "grey", "beige")), "painted", 0.2)
        )
        parts += [
            box((-0.3, 0, 0), (0.3, 0.13, height), wall),
            box((-0.12, 0.13, 0.84), (0.12, 0.14, 0.98), CHROME),
        ]
    else:
        parts += [
            rounded_box((-0.22, 0, 1.65), (0.22, 0.18, 1.98), 0.02, main),
            tube([(0, 0.06, 0.36), (0, 0.06, 1.66)], 0.02, CHROME),
            tube([(0.2, 0.1, 1.3), (0.2, 0.1, 1.66)], 0.004, CHROME, sides=5),
            rounded_box((-0.1, 0.02, 0.25), (0.1, 0.22, 0.4), 0.03, main),
        ]
    return furniture("toilet", design, parts, main)


def _egg(y: float, z: float, wide: float, length: float) -> np.ndarray:
    """A ring that is round in front and blunt behind, its back at ``y``."""
    ring = oval((0, 0, 0), wide, 1.0, power=2.3, sides=24)
    front = ring[:, 1] > 0
    ring[:, 1] = np.where(front, ring[:, 1] * length * 0.6, ring[:, 1] * length * 0.4) + y + 0.4 * length
    ring[:, 2] = z
    return ring


def _bowl(rng: np.random.Generator, main: Finish, back: float, *, hung: bool) -> list[Part]:
    long, wide = float(rng.uniform(0.46, 0.54)), float(rng.uniform(0.175, 0.2))
    y = back - 0.02
    if hung:
        outside = [
            (0.16, 0.11, 0.26),
            (0.2, 0.15, 0.38),
            (0.3, 0.9 * wide, 0.9 * long),
            (0.39, wide, long),
            (0.405, wide, long),
        ]
    else:
        outside = [
            (0.0, 0.13, 0.36),
            (0.04, 0.125, 0.35),
            (0.14, 0.105, 0.33),
            (0.26, 0.8 * wide, 0.82 * long),
            (0.37, wide, long),
            (0.405, wide, long),
        ]
    rings = [_egg(y, z, w, length) for z, w, length in outside]
    inside = [(0.405, 0.8, 0.84), (0.36, 0.74, 0.78), (0.27, 0.55, 0.55), (0.2, 0.3, 0.3)]
    rings += [_egg(y + long * (1 - s) * 0.45, z, wide * w, long * s) for z, w, s in inside]
    water = loft([_egg(y + long * 0.2, z, wide * 0.5, long * 0.5) for z in (0.25, 0.262)], WATER)
    return [loft(rings, main), water]


def _seat(rng: np.random.Generator, look: Finish, back: float) -> list[Part]:
    """A seat ring, and the lid that lies on it or stands up against the cistern."""
    y, long, wide = back, 0.46, 0.19
    outer, inner = _egg(y, 0.405, wide, long), _egg(y + 0.09, 0.405, wide * 0.66, long * 0.66)
    up = np.array([0.0, 0.0, 0.022])
    first = np.stack([outer, outer + up, inner + up, inner])
    ring = loft(first, look)
    k, n = 4, 24
    i = np.arange(n)
    j = (i + 1) % n
    low = (k - 1) * n
    sides = ring.faces[n:-n]  # without the two fans: the last ring joins the first
    closing = np.vstack([np.stack([low + i, low + j, j], axis=1), np.stack([low + i, j, i], axis=1)])
    parts = [Part(ring.vertices[: k * n], np.vstack([sides, closing]), look)]
    lid = loft([_egg(0, z, wide * s, long * s) for z, s in ((0, 1.0), (0.012, 1.0), (0.02, 0.94))], look)
    if rng.random() < 0.55:
        parts.append(lid.turned(0, 97).moved((0, y + 0.015, 0.43)))
    else:
        parts.append(lid.moved((0, y, 0.43)))
    return parts


def make_bathtub(rng: np.random.Generator) -> Furniture:
    """A hollow tub: built in behind a straight apron, on claw feet, free standing, or with one slope."""
    design = choose(rng, ("built in", "claw foot", "free standing", "oval rim"), (4, 2, 2, 2))
    long, wide, tall = (
        float(rng.uniform(1.5, 1.75)),
        float(rng.uniform(0.72, 0.8)),
        float(rng.uniform(0.5, 0.6)),
    )
    main = ceramic(rng, 0.65)
    a, b, c = long / 2, wide / 2, (0.0, wide / 2, 0.0)

    def ring(z: float, inset: float, power: float, shift: float = 0.0) -> np.ndarray:
        return oval((c[0] + shift, c[1], z), a - inset, b - inset * 0.85, power=power, sides=40)

    if design in {"built in", "oval rim"}:
        inside = 7.0 if design == "built in" else 2.6
        rings = [
            ring(0, 0, 60),
            ring(tall, 0, 60),
            ring(tall, 0.075, inside),
            ring(tall - 0.04, 0.09, inside),
        ]
        rings += [ring(0.2, 0.14, 4, 0.02), ring(0.12, 0.22, 3.5, 0.04)]
        outer = stone(rng) if rng.random() < 0.25 else None
        parts = [loft(rings, main)]
        if outer is not None:
            parts.append(box((-a, wide, 0), (a, wide + 0.02, tall - 0.01), outer))
    else:
        base = 0.13 if design == "claw foot" else 0.0
        tall += 0.05
        power = 2.6
        rings = [ring(base, 0.2, power), ring(base + 0.06, 0.13, power), ring(tall - 0.12, 0.035, power)]
        rings += [ring(tall - 0.02, 0.0, power), ring(tall, 0.005, power), ring(tall, 0.035, power)]
        rings += [
            ring(tall - 0.05, 0.06, power),
            ring(base + 0.14, 0.17, power),
            ring(base + 0.07, 0.26, power),
        ]
        parts = [loft(rings, main)]
        if design == "claw foot":
            foot = metal(rng)
            for x in (-a + 0.3, a - 0.3):
                for y in (0.2, wide - 0.2):
                    parts.append(ball((x, y, 0.08), (0.045, 0.045, 0.08), foot, sides=10))
    parts += make_tap(rng, (-a + 0.2, wide * 0.16 if design == "claw foot" else 0.05, tall), 0.16)
    if rng.random() < 0.25:
        parts.append(loft([ring(tall - 0.2, 0.16, 3.0), ring(tall - 0.19, 0.16, 3.0)], WATER))
    return furniture("bathtub", design, parts, main, word=size_word(long, 1.54, 1.7))


def make_shower_curtain(rng: np.random.Generator, reach: float) -> Furniture:
    """A curtain on a rod as long as ``reach``: closed, half open, or drawn to one side."""
    design = choose(rng, ("closed", "half", "gathered"), (3, 3, 2))
    share = {"closed": 0.96, "half": 0.6, "gathered": 0.34}[design]
    main = fabric(rng) if rng.random() < 0.7 else plastic(rng)
    if rng.random() < 0.35:
        main = replace(main, color=shade(rng, ("white", "beige", "turquoise", "blue")))
    top, low = float(rng.uniform(1.9, 2.0)), float(rng.uniform(0.06, 0.3))
    half, width = reach / 2, reach * share
    start = -half if rng.random() < 0.5 else half - width
    folds = max(4, round(width / (0.05 if design == "gathered" else 0.11)))
    parts: list[Part] = [folded_sheet((start, 0.0, low), (start + width, 0.07, top), main, num_folds=folds)]
    parts.append(tube([(-half, 0.035, top + 0.03), (half, 0.035, top + 0.03)], 0.013, CHROME))
    parts += [
        box((x - 0.004, 0.02, top - 0.02), (x + 0.004, 0.05, top + 0.045), CHROME)
        for x in np.linspace(start + 0.03, start + width - 0.03, min(folds, 12))
    ]
    return furniture("shower curtain", design, parts, main)


def make_shower_tray(rng: np.random.Generator) -> Furniture:
    """A shallow shower tray with a raised edge, a pipe and a shower head above it."""
    side, main = float(rng.uniform(0.8, 0.95)), ceramic(rng, 0.8)
    half = side / 2

    def ring(z: float, inset: float) -> np.ndarray:
        return oval((0, half, z), half - inset, half - inset, power=30, sides=28)

    parts = [loft([ring(0, 0), ring(0.12, 0), ring(0.12, 0.05), ring(0.05, 0.07)], main)]
    parts.append(tube([(0, 0.03, 0.95), (0, 0.03, 2.0), (0, 0.12, 2.08), (0, 0.26, 2.06)], 0.012, CHROME))
    parts.append(cylinder((0, 0.27, 2.02), 0.08, 0.025, CHROME, top=0.03))
    parts.append(rounded_box((-0.1, 0.0, 0.98), (0.1, 0.06, 1.05), 0.02, CHROME))
    return furniture(("shower", "otherfurniture"), "tray", parts, main)
