"""Tables.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import Finish, metal, painted, plain, plastic, stone, wood, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture, legs, size_word, whole_top
from ops.shapes import Part, box, loft
from ops.shapes_round import cylinder, lathe, oval, rounded_box, tube


def make_table(rng: np.random.Generator) -> Furniture:
    """A table to eat at: on legs, round on a column, on trestles, a tulip, or of glass."""
    design = choose(rng, ("legs", "pedestal", "trestle", "tulip", "glass"), (3, 2, 2, 1, 1))
    width, depth = float(rng.uniform(1.0, 1.7)), float(rng.uniform(0.72, 0.95))
    return _table(rng, design, (width, depth, float(rng.uniform(0.71, 0.77))))


def make_small_table(rng: np.random.Generator) -> Furniture:
    """A small dining table for two."""
    design = choose(rng, ("legs", "pedestal", "tulip"))
    return _table(rng, design, (float(rng.uniform(0.7, 0.95)), float(rng.uniform(0.65, 0.78)), 0.74))


def make_coffee_table(rng: np.random.Generator) -> Furniture:
    """A low table to stand before a sofa."""
    design = choose(rng, ("coffee", "coffee round", "glass", "block"), (3, 2, 1, 1))
    size = (float(rng.uniform(0.85, 1.2)), float(rng.uniform(0.48, 0.62)), float(rng.uniform(0.36, 0.46)))
    if design == "block":
        main = stone(rng) if rng.random() < 0.3 else wood_or_paint(rng)
        width, depth, height = size
        parts = [rounded_box((-width / 2, 0, 0.04), (width / 2, depth, height), 0.01, main)]
        parts.append(
            box((-width / 2 + 0.04, 0.04, 0), (width / 2 - 0.04, depth - 0.04, 0.04), main.tinted(0.4))
        )
        return furniture("table", design, parts, main, tops=[whole_top(width, depth, height)])
    return _table(rng, design, size)


def make_side_table(rng: np.random.Generator) -> Furniture:
    """A small table beside a sofa or an armchair."""
    side = float(rng.uniform(0.4, 0.52))
    design = choose(rng, ("legs", "pedestal", "tulip"))
    return _table(rng, design, (side, side, float(rng.uniform(0.48, 0.6))))


def _table(rng: np.random.Generator, design: str, size: tuple[float, float, float]) -> Furniture:
    width, depth, height = size
    builder = {
        "legs": _on_legs, "trestle": _trestle, "glass": _glass, "coffee": _on_legs, "coffee round": _round,
        "pedestal": _round, "tulip": _tulip,
    }[design]  # fmt: skip
    parts, main = builder(rng, width, depth, height)
    if design in {"pedestal", "tulip", "coffee round"}:
        inside = 0.32 * depth
        tops = [((-inside, -inside, inside, inside), height)]
    else:
        tops = [whole_top(width, depth, height, 0.06)]
    return furniture("table", design, parts, main, tops=tops, word=size_word(width * height, 0.48, 1.1))


def _on_legs(
    rng: np.random.Generator, width: float, depth: float, height: float
) -> tuple[list[Part], Finish]:
    main, half = wood_or_paint(rng), width / 2
    leg = main if rng.random() < 0.7 else painted(rng, ("white", "black"))
    edge = min(0.06, width / 9)
    parts = [rounded_box((-half, 0, height - 0.035), (half, depth, height), 0.01, main)]
    if rng.random() < 0.5:
        parts += [
            part.moved((0, 0.02, 0)) for part in legs(width - 0.04, depth - 0.04, height - 0.03, edge, leg)
        ]
    else:
        for x in (-half + 0.07, half - 0.07):
            for y in (0.07, depth - 0.07):
                out = (x * 1.08, y + (0.04 if y > depth / 2 else -0.04), 0)
                parts.append(tube([out, (x, y, height - 0.03)], edge * 0.3, leg, end=edge * 0.5))
    parts.append(box((-half + 0.08, 0.06, height - 0.1), (half - 0.08, depth - 0.06, height - 0.03), leg))
    if height < 0.5 and rng.random() < 0.5:
        parts.append(box((-half + 0.06, 0.05, 0.12), (half - 0.06, depth - 0.05, 0.14), leg))
    return parts, main


def _round(rng: np.random.Generator, width: float, depth: float, height: float) -> tuple[list[Part], Finish]:
    main, radius = wood_or_paint(rng), min(width, depth * 1.25) / 2
    parts = [cylinder((0, 0, height - 0.035), radius, 0.035, main, sides=28)]
    if height < 0.5:
        for angle in np.arange(3) * 2 * np.pi / 3:
            c, s = np.cos(angle) * radius, np.sin(angle) * radius
            parts.append(
                tube([(0.85 * c, 0.85 * s, 0), (0.6 * c, 0.6 * s, height - 0.03)], 0.016, main, end=0.024)
            )
        return parts, main
    profile = [
        (0.07, 0.05),
        (0.05, height * 0.3),
        (0.075, height * 0.5),
        (0.04, height * 0.8),
        (0.08, height - 0.03),
    ]
    parts.append(lathe((0, 0, 0), profile, main))
    for angle in np.arange(4) * np.pi / 2 + np.pi / 4:
        c, s = np.cos(angle) * radius, np.sin(angle) * radius
        parts.append(
            tube([(0, 0, 0.14), (0.4 * c, 0.4 * s, 0.09), (0.6 * c, 0.6 * s, 0)], 0.035, main, end=0.025)
        )
    return parts, main


def _trestle(
    rng: np.random.Generator, width: float, depth: float, height: float
) -> tuple[list[Part], Finish]:
    main, half = wood(rng), width / 2
    leg = main if rng.random() < 0.5 else metal(rng)
    parts = [box((-half, 0, height - 0.045), (half, depth, height), main)]
    for x in (-half + 0.2, half - 0.2):
        for a, b in ((0.08, depth - 0.08), (depth - 0.08, 0.08)):
            parts.append(tube([(x, a, 0), (x, b, height - 0.045)], 0.03, leg, sides=4))
    parts.append(box((-half + 0.2, depth / 2 - 0.03, 0.32), (half - 0.2, depth / 2 + 0.03, 0.38), leg))
    return parts, main


def _tulip(rng: np.random.Generator, width: float, depth: float, height: float) -> tuple[list[Part], Finish]:
    main = (
        stone(rng)
        if rng.random() < 0.3
        else plastic(rng, ("white", "white", "black", "red", "grey", "yellow"))
    )
    radius = min(width, depth * 1.25) / 2
    foot = plastic(rng, ("white", "black"))
    parts = [
        lathe(
            (0, 0, height - 0.03), [(radius * 0.96, 0), (radius, 0.02), (radius * 0.99, 0.03)], main, sides=28
        )
    ]
    wide = radius * 0.55
    profile = [
        (wide, 0),
        (wide, 0.01),
        (wide * 0.4, 0.05),
        (0.035, height * 0.4),
        (0.04, height * 0.6),
        (wide * 0.6, height - 0.03),
    ]
    parts.append(lathe((0, 0, 0), profile, foot))
    return parts, main


def _glass(rng: np.random.Generator, width: float, depth: float, height: float) -> tuple[list[Part], Finish]:
    main = plain((0.62, 0.74, 0.72), "glass", 1.0)
    half, bar = width / 2, metal(rng)
    parts = [
        loft(
            [oval((0, depth / 2, z), half, depth / 2, power=8, sides=32) for z in (height - 0.014, height)],
            main,
        )
    ]
    for x in (-half + 0.12, half - 0.12):
        path = [
            (x, 0.08, height - 0.02),
            (x, 0.08, 0.02),
            (x, depth - 0.08, 0.02),
            (x, depth - 0.08, height - 0.02),
        ]
        parts.append(tube(path, 0.018, bar))
    return parts, main
