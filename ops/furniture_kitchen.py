"""What kitchens have: base and wall cabinets, counters, refrigerators, stoves and small machines.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s. Sinks are
``furniture_sinks.py``'s.
"""

import itertools

import numpy as np

from ops.finishes import CHROME, DARK, Finish, metal, painted, plain, shade, stone, wood, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box, slab_with_hole
from ops.shapes_round import cylinder, rounded_box, tube

BASE_HEIGHT_M = 0.86
COUNTER_DEPTH_M = 0.6


def make_base_cabinet(rng: np.random.Generator, width: float, front: Finish) -> Furniture:
    """A cabinet open at its top, to stand below a counter; the counter hides what is missing."""
    half, depth, height = width / 2, COUNTER_DEPTH_M - 0.02, BASE_HEIGHT_M
    parts = [
        box((-half, 0, 0.1), (half, 0.015, height), front),
        box((-half, 0.015, 0.1), (-half + 0.018, depth - 0.02, height), front),
        box((half - 0.018, 0.015, 0.1), (half, depth - 0.02, height), front),
        box((-half, 0.015, 0.1), (half, depth - 0.02, 0.118), front),
        box((-half + 0.01, 0.02, 0), (half - 0.01, depth - 0.07, 0.1), DARK),
        box((-half, depth - 0.035, height - 0.03), (half, depth - 0.02, height), front),
    ]
    columns = max(1, round(width / 0.5))
    step, drawers = width / columns, rng.random(columns) < 0.3
    for i in range(columns):
        x0, x1 = -half + i * step + 0.004, -half + (i + 1) * step - 0.004
        levels = (0.1, 0.36, 0.62, height) if drawers[i] else (0.1, 0.7, height)
        for z0, z1 in itertools.pairwise(levels):
            parts.append(box((x0, depth - 0.02, z0 + 0.004), (x1, depth, z1 - 0.004), front.tinted(1.04)))
            x, z = (x0 + x1) / 2, z1 - 0.05
            parts.append(box((x - 0.07, depth, z), (x + 0.07, depth + 0.018, z + 0.014), CHROME))
    return furniture("cabinet", "base", parts, front, word=size_word(width, 0.7, 2.2))


def make_wall_cabinet(rng: np.random.Generator, width: float, front: Finish) -> Furniture:
    """A cabinet to hang above a counter."""
    half, depth, height = width / 2, float(rng.uniform(0.3, 0.36)), float(rng.uniform(0.55, 0.75))
    parts = [box((-half, 0, 0), (half, depth - 0.02, height), front.tinted(0.96))]
    columns = max(1, round(width / 0.48))
    step = width / columns
    glazed = rng.random(columns) < 0.15
    for i in range(columns):
        x0, x1 = -half + i * step + 0.004, -half + (i + 1) * step - 0.004
        look = plain((0.55, 0.64, 0.66), "glass", 0.9) if glazed[i] else front.tinted(1.04)
        parts.append(box((x0, depth - 0.02, 0.003), (x1, depth, height - 0.003), look))
        x = x1 - 0.04 if i % 2 == 0 else x0 + 0.04
        parts.append(box((x - 0.007, depth, 0.05), (x + 0.007, depth + 0.018, 0.16), CHROME))
    return furniture("cabinet", "wall", parts, front)


def counter_finish(rng: np.random.Generator) -> Finish:
    """Stone, wood or laminate for a counter's top."""
    return stone(rng) if rng.random() < 0.5 else wood(rng) if rng.random() < 0.6 else painted(rng)


def make_counter_top(
    rng: np.random.Generator, width: float, main: Finish, sink_x: float | None, *, splash: bool = True
) -> Furniture:
    """A counter's top with a hole for a sink at ``sink_x``; ``splash`` allows a splash back."""
    half, depth, thick = width / 2, COUNTER_DEPTH_M + 0.02, float(rng.uniform(0.035, 0.05))
    hole_w, hole_d = float(rng.uniform(0.42, 0.62)), 0.38
    holes, tops = [], [((-half + 0.05, 0.05, half - 0.05, depth - 0.08), thick)]
    if sink_x is None:
        parts = [box((-half, 0, 0), (half, depth, thick), main)]
    else:
        low, high = (sink_x - hole_w / 2, 0.13, 0.0), (sink_x + hole_w / 2, 0.13 + hole_d, thick)
        parts = slab_with_hole((-half, 0, 0), (half, depth, thick), (low, high), main)
        holes = [((low[0], low[1], high[0], high[1]), thick)]
        left = ((-half + 0.05, 0.05, low[0] - 0.06, depth - 0.08), thick)
        right = ((high[0] + 0.06, 0.05, half - 0.05, depth - 0.08), thick)
        tops = [top for top in (left, right) if top[0][2] - top[0][0] > 0.25]
    tall = float(rng.choice([0.0, 0.0, 0.1, 0.1, 0.45]))
    if splash and tall:
        parts.append(box((-half, 0, thick), (half, 0.02, thick + tall), main))
    design = "with sink" if sink_x is not None else "straight"
    return furniture("counter", design, parts, main, tops=tops, holes=holes, word=size_word(width, 1.0, 2.4))


def make_bar_counter(rng: np.random.Generator) -> Furniture:
    """A counter that stands by itself: an island with panels, or a bar with a raised ledge."""
    width, depth, height = (
        float(rng.uniform(1.1, 1.8)),
        float(rng.uniform(0.55, 0.75)),
        float(rng.uniform(0.9, 1.05)),
    )
    design, half = choose(rng, ("island", "bar", "waterfall")), width / 2
    main, body = counter_finish(rng), wood_or_paint(rng)
    parts = [box((-half, 0, height - 0.05), (half, depth, height), main)]
    if design == "waterfall":
        parts += [box((x, 0, 0), (x + 0.05, depth, height - 0.05), main) for x in (-half, half - 0.05)]
        parts.append(box((-half + 0.05, 0.05, 0), (half - 0.05, depth - 0.22, height - 0.05), body))
    else:
        parts.append(box((-half + 0.06, 0.08, 0), (half - 0.06, depth - 0.2, height - 0.05), body))
        for x in np.linspace(-half + 0.06, half - 0.06, 4)[:-1]:
            wide = (width - 0.12) / 3
            low, high = (x + 0.03, depth - 0.2, 0.1), (x + wide - 0.03, depth - 0.185, height - 0.15)
            parts.append(box(low, high, body.tinted(0.9)))
    if design == "bar":
        parts += [
            box((-half, -0.02, height), (half, 0.02, height + 0.16), body),
            box((-half, -0.14, height + 0.16), (half, 0.14, height + 0.2), main),
        ]
    back = 0.2 if design == "bar" else 0.06
    tops = [((-half + 0.05, back, half - 0.05, depth - 0.06), height)]
    return furniture("counter", design, parts, main, tops=tops)


def make_refrigerator(rng: np.random.Generator) -> Furniture:
    """A refrigerator: freezer above or below, side by side, rounded, or a small one."""
    design = choose(
        rng, ("freezer above", "freezer below", "side by side", "rounded", "mini"), (3, 3, 2, 2, 1)
    )
    width = float(rng.uniform(0.86, 0.95)) if design == "side by side" else float(rng.uniform(0.56, 0.72))
    depth, height = float(rng.uniform(0.6, 0.7)), float(rng.uniform(1.55, 1.9))
    if design == "mini":
        width, depth, height = 0.52, 0.52, float(rng.uniform(0.8, 0.95))
    steel = Finish("metal", (0.70, 0.71, 0.73), (0.63, 0.64, 0.66), "brushed", 0.01, 0.6)
    names = (
        "white",
        "white",
        "white",
        "black",
        "red",
        "turquoise",
        "beige",
        "blue",
        "yellow",
        "green",
        "pink",
    )
    main = steel if rng.random() < 0.3 else plain(shade(rng, names), "metal", 0.45)
    half, soft = width / 2, 0.07 if design == "rounded" else 0.015
    front = depth - 0.06
    parts = [
        rounded_box((-half, 0, 0.04), (half, front - 0.01, height), soft, main.tinted(0.94)),
        box((-half + 0.02, 0.03, 0), (half - 0.02, front - 0.05, 0.06), DARK),
    ]
    cut = {"freezer above": 0.68, "freezer below": 0.36, "rounded": 0.74}.get(design, 1.0) * height
    doors = [(-half, half, 0.06, cut - 0.005)] if cut < height else []
    if design == "side by side":
        doors = [(-half, -0.06, 0.06, height), (-0.05, half, 0.06, height)]
    else:
        doors.append((-half, half, 0.06 if cut == height else cut + 0.005, height))
    for x0, x1, z0, z1 in doors:
        parts.append(rounded_box((x0, front, z0), (x1, depth, z1), soft, main))
        x = x1 - 0.07 if x0 == -half else x0 + 0.07
        near = (z0 + 0.1, z0 + 0.4) if z0 > 0.1 else (max(z1 - 0.6, z0 + 0.1), z1 - 0.12)
        bar = [
            (x, depth, near[0]),
            (x, depth + 0.045, near[0] + 0.02),
            (x, depth + 0.045, near[1] - 0.02),
            (x, depth, near[1]),
        ]
        parts.append(tube(bar, 0.012, CHROME))
    return furniture("refrigerator", design, parts, main, word=size_word(height, 1.2, 1.82))


def make_stove(rng: np.random.Generator) -> Furniture:
    """A stove with an oven's window, knobs and four plates."""
    main, half, depth, height = (painted(rng, ("white", "black", "red", "grey", "beige")), 0.29, 0.6, 0.9)
    if rng.random() < 0.4:
        main = metal(rng)
    parts: list[Part] = [
        box((-half, 0, 0.05), (half, depth - 0.02, height - 0.02), main),
        box((-half, 0, height - 0.02), (half, depth, height), DARK),
        box((-half + 0.03, depth - 0.02, 0.14), (half - 0.03, depth, 0.68), main.tinted(0.95)),
        box(
            (-half + 0.09, depth, 0.26),
            (half - 0.09, depth + 0.004, 0.56),
            plain((0.08, 0.08, 0.09), "glass", 0.9),
        ),
        tube([(-half + 0.07, depth + 0.03, 0.63), (half - 0.07, depth + 0.03, 0.63)], 0.012, CHROME),
    ]
    for x in np.linspace(-half + 0.08, half - 0.08, 5):
        knob = cylinder((0, 0, 0), 0.02, 0.025, CHROME, sides=12).turned(0, -90)
        parts.append(knob.moved((x, depth - 0.02, 0.79)))
    for x in (-0.14, 0.14):
        parts += [
            cylinder((x, y, height), 0.085, 0.012, plain((0.25, 0.25, 0.26), "metal", 0.3))
            for y in (0.18, 0.44)
        ]
    return furniture(("stove", "otherfurniture"), "four plates", parts, main)


def make_microwave(rng: np.random.Generator) -> Furniture:
    """A microwave oven."""
    main = painted(rng, ("white", "black", "grey", "red"))
    parts = [
        rounded_box((-0.24, 0, 0.01), (0.24, 0.34, 0.29), 0.01, main),
        box((-0.22, 0.34, 0.04), (0.1, 0.35, 0.26), plain((0.08, 0.08, 0.09), "glass", 0.9)),
        box((0.13, 0.34, 0.16), (0.21, 0.345, 0.26), DARK),
    ]
    parts += [box((x, 0.03, 0), (x + 0.03, 0.3, 0.01), DARK) for x in (-0.2, 0.17)]
    return furniture(("microwave", "otherfurniture"), "plain", parts, main)


def make_pot(rng: np.random.Generator) -> Furniture:
    """A cooking pot with a lid, or a kettle."""
    main = metal(rng)
    r, h = float(rng.uniform(0.09, 0.13)), float(rng.uniform(0.1, 0.2))
    parts = [cylinder((0, 0, 0), r, h, main), cylinder((0, 0, h), r + 0.005, 0.02, main, top=r * 0.7)]
    parts.append(cylinder((0, 0, h + 0.02), 0.015, 0.025, DARK, sides=10))
    design = choose(rng, ("pot", "kettle"))
    if design == "kettle":
        parts.append(
            tube([(r * 0.9, 0, h * 0.3), (r * 1.4, 0, h * 0.8), (r * 1.5, 0, h)], 0.02, main, end=0.012)
        )
        arc = [(x * r, 0, h + 0.1 * (1 - x * x) + 0.01) for x in np.linspace(-0.9, 0.9, 7)]
        parts.append(tube(arc, 0.01, DARK))
    else:
        parts += [box((a, -0.03, h * 0.75), (a + 0.03, 0.03, h * 0.85), DARK) for a in (-r - 0.03, r)]
    return furniture((design, "otherfurniture"), design, parts, main)
