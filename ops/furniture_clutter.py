"""Other furniture that stands on the floor: boxes, bags, rugs, bins, baskets, seats without a back.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s; small things for tables are
``furniture_small.py``'s.
"""

import numpy as np

from ops.finishes import DARK, Finish, fabric, leather, metal, painted, plain, plastic, shade, wood
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import box, loft
from ops.shapes_round import ball, cylinder, lathe, oval, rounded_box, tube


def make_box(rng: np.random.Generator) -> Furniture:
    """A cardboard box, closed or open, a plastic tub with a lid, or a wooden crate."""
    design = choose(rng, ("cardboard", "open cardboard", "tub", "crate"), (3, 2, 2, 1))
    w, d, h = (float(a) for a in rng.uniform((0.28, 0.24, 0.2), (0.55, 0.42, 0.42)))
    x = w / 2
    if design == "tub":
        main = plastic(rng)
        parts = [
            rounded_box((-x, 0, 0), (x, d, h), 0.03, main),
            rounded_box(
                (-x - 0.015, -0.015, h - 0.01), (x + 0.015, d + 0.015, h + 0.025), 0.01, plastic(rng)
            ),
        ]
    elif design == "crate":
        main, step = wood(rng), h / 3
        parts = [box((-x, 0, 0), (x, d, 0.015), main)]
        for z in (0.0, step, 2 * step):
            z0, z1 = z + 0.012, z + step - 0.012
            parts += [box((-x, y, z0), (x, y + 0.012, z1), main) for y in (0.0, d - 0.012)]
            parts += [box((a, 0.012, z0), (a + 0.012, d - 0.012, z1), main) for a in (-x, x - 0.012)]
    else:
        main = Finish("cardboard", (0.72, 0.55, 0.37), (0.64, 0.48, 0.32), "carpet", 0.02, 0.0).tinted(
            float(rng.uniform(0.85, 1.15))
        )
        if design == "cardboard":
            tape = plain((0.82, 0.74, 0.56), "paper", 0.3)
            parts = [
                box((-x, 0, 0), (x, d, h), main),
                box((-x - 0.001, d / 2 - 0.025, h - 0.1), (x + 0.001, d / 2 + 0.025, h + 0.001), tape),
            ]
        else:
            parts = [box((-x, 0, 0), (x, d, 0.01), main)]
            parts += [box((-x, y, 0.01), (x, y + 0.006, h), main) for y in (0.0, d - 0.006)]
            parts += [box((a, 0.006, 0.01), (a + 0.006, d - 0.006, h), main) for a in (-x, x - 0.006)]
            flap = box((0, 0, 0), (0.14, d, 0.006), main)
            parts += [flap.turned(1, 35).moved((x, 0, h)), flap.turned(1, 150).moved((-x, 0, h))]
    return furniture(("box", "otherfurniture"), design, parts, main, word=size_word(w * d * h, 0.03, 0.07))


def make_bag(rng: np.random.Generator) -> Furniture:
    """A backpack, a shopping bag, or a handbag."""
    design = choose(rng, ("backpack", "shopping bag", "handbag"))
    if design == "backpack":
        main, h = fabric(rng), float(rng.uniform(0.42, 0.52))
        parts = [
            rounded_box((-0.16, 0, 0), (0.16, 0.17, h), 0.07, main),
            rounded_box((-0.12, 0.13, 0.03), (0.12, 0.24, h * 0.5), 0.04, main.tinted(0.85)),
            tube(
                [
                    (-0.04, 0.06, h - 0.01),
                    (-0.03, 0.06, h + 0.05),
                    (0.03, 0.06, h + 0.05),
                    (0.04, 0.06, h - 0.01),
                ],
                0.01,
                DARK,
            ),
        ]
    else:
        main = leather(rng) if design == "handbag" else plain(shade(rng), "paper", 0.1)
        w, h = (0.17, 0.24) if design == "handbag" else (0.16, float(rng.uniform(0.32, 0.42)))
        rings = [
            oval((0, 0.07, z), a, b, power=8, sides=20)
            for z, a, b in ((0, w, 0.07), (h, w * 0.92, 0.06), (h, w * 0.88, 0.05), (0.02, w * 0.94, 0.06))
        ]
        parts = [loft(rings, main)]
        for y in (0.02, 0.12):
            arc = [(t * w * 0.45, y, h - 0.02 + 0.13 * (1 - t * t)) for t in np.linspace(-1, 1, 7)]
            parts.append(tube(arc, 0.007, main.tinted(0.7), sides=6))
    return furniture(("bag", "otherfurniture"), design, parts, main)


def make_trash_can(rng: np.random.Generator) -> Furniture:
    """A bin: round and open, with a pedal, or a square one with a swing lid."""
    design = choose(rng, ("open", "pedal", "square"))
    r, h = float(rng.uniform(0.12, 0.17)), float(rng.uniform(0.27, 0.42))
    main = metal(rng) if rng.random() < 0.4 else plastic(rng)
    if design == "open":
        parts = [lathe((0, 0, 0), [(r * 0.8, 0), (r, h), (r * 0.95, h), (r * 0.76, 0.015)], main)]
    elif design == "pedal":
        parts = [
            cylinder((0, 0, 0.02), r, h, main),
            lathe((0, 0, h + 0.02), [(r * 1.03, 0), (r * 1.03, 0.02), (r * 0.5, 0.06)], DARK),
        ]
        parts += [
            cylinder((0, 0, 0), r * 1.03, 0.025, DARK),
            box((-0.03, r - 0.01, 0.01), (0.03, r + 0.05, 0.025), DARK),
        ]
    else:
        rings = [oval((0, 0, z), a, a * 0.8, power=10) for z, a in ((0, r * 0.8), (h * 1.3, r))]
        parts = [
            loft(rings, main),
            loft(
                [
                    oval((0, 0, h * 1.3), r * 1.04, r * 0.84, power=10),
                    oval((0, 0, h * 1.3 + 0.08), r * 0.9, r * 0.4, power=10),
                ],
                plastic(rng),
            ),
        ]
    return furniture(("trash can", "otherfurniture"), design, parts, main)


def make_rug(rng: np.random.Generator, large: bool = True) -> Furniture:
    """A rug, rectangular with a border or round; a small one is a mat."""
    design = choose(rng, ("rectangular", "bordered", "round"), (2, 3, 2))
    main = fabric(rng)
    if main.pattern == "weave":
        main = Finish("fabric", main.color, main.second, "carpet", 0.03)
    w, d = (
        float(a)
        for a in (rng.uniform((1.3, 0.9), (2.0, 1.4)) if large else rng.uniform((0.55, 0.38), (0.85, 0.55)))
    )
    if design == "round":
        r = d * 0.62
        parts = [cylinder((0, 0, 0), r, 0.012, main, sides=36)]
    else:
        parts = [box((-w / 2, 0, 0), (w / 2, d, 0.012), main)]
        if design == "bordered":
            edge = plain(shade(rng), "fabric", 0.0)
            parts = [
                box((-w / 2, 0, 0), (w / 2, d, 0.011), edge),
                box((-w / 2 + 0.08 * d, 0.08 * d, 0), (w / 2 - 0.08 * d, 0.92 * d, 0.013), main),
            ]
    return furniture(
        ("rug", "otherfurniture"),
        design,
        parts,
        main,
        word="large" if large and w > 1.7 else "" if large else "small",
    )


def make_stool(rng: np.random.Generator) -> Furniture:
    """A stool of wood or metal, or an upholstered ottoman."""
    design = choose(rng, ("round stool", "ottoman"))
    if design == "ottoman":
        main, r = (leather(rng) if rng.random() < 0.4 else fabric(rng)), float(rng.uniform(0.2, 0.27))
        parts = [rounded_box((-r, -r, 0.02), (r, r, 0.4), 0.06, main, puff=0.15)]
        return furniture(("ottoman", "otherfurniture"), design, parts, main)
    main, leg, h = (
        (wood(rng) if rng.random() < 0.5 else painted(rng)),
        metal(rng),
        float(rng.uniform(0.44, 0.68)),
    )
    parts = [lathe((0, 0, h - 0.04), [(0.15, 0), (0.165, 0.02), (0.15, 0.04)], main)]
    for angle in np.arange(4) * np.pi / 2 + np.pi / 4:
        c, s = np.cos(angle), np.sin(angle)
        parts.append(tube([(0.17 * c, 0.17 * s, 0), (0.11 * c, 0.11 * s, h - 0.03)], 0.012, leg))
    parts.append(lathe((0, 0, 0.16), [(0.15, 0), (0.16, 0.0), (0.16, 0.015), (0.15, 0.015)], leg))
    return furniture(("stool", "otherfurniture"), design, parts, main)


def make_laundry_basket(rng: np.random.Generator) -> Furniture:
    """A basket of wicker, with or without linen in it."""
    main = Finish(
        "wicker", shade(rng, ("beige", "brown", "white")), shade(rng, ("brown",)), "weave", 0.03, 0.05
    )
    r, h = float(rng.uniform(0.18, 0.24)), float(rng.uniform(0.4, 0.58))
    parts = [lathe((0, 0, 0), [(r * 0.85, 0), (r, h), (r * 0.95, h), (r * 0.9, h * 0.7)], main)]
    if rng.random() < 0.6:
        parts.append(ball((0, 0, h * 0.95), (r * 0.8, r * 0.75, 0.07), fabric(rng), sides=12))
    return furniture(("basket", "otherfurniture"), "wicker", parts, main)


def make_radiator(rng: np.random.Generator) -> Furniture:
    """A radiator of vertical ribs under a window."""
    main, half, h = (
        plain(shade(rng, ("white", "white", "grey", "black")), "metal", 0.3),
        float(rng.uniform(0.3, 0.55)),
        0.6,
    )
    parts = [
        box((-half, 0.03, 0.12), (half, 0.05, 0.12 + h), main),
        tube([(half - 0.03, 0.05, 0), (half - 0.03, 0.05, 0.14)], 0.012, main),
    ]
    parts += [
        box((x, 0.02, 0.1), (x + 0.05, 0.1, 0.1 + h), main) for x in np.arange(-half, half - 0.03, 0.062)
    ]
    return furniture(("radiator", "otherfurniture"), "ribs", parts, main)
