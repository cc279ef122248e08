"""Other furniture that stands on furniture: books, televisions, screens, vases, bottles and the like.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s; larger plants are
``furniture_plants.py``'s.
"""

import numpy as np

from ops.finishes import DARK, Finish, ceramic, painted, plain, plastic, shade, wood
from ops.furniture_base import Furniture, choose, furniture
from ops.furniture_plants import plant_of
from ops.shapes import Part, box
from ops.shapes_round import ball, cylinder, lathe, rounded_box

SCREEN_OFF = plain((0.05, 0.05, 0.06), "glass", 0.8)


def make_books(rng: np.random.Generator) -> Furniture:
    """A pile of books, or a few that stand."""
    design, parts, looks = choose(rng, ("pile", "pile", "row", "open")), [], []
    if design == "open":
        page, cover = plain((0.94, 0.92, 0.86), "paper", 0.05), plain(shade(rng), "paper", 0.1)
        for side in (-1, 1):
            leaf = rounded_box((0, 0, 0.004), (0.15, 0.22, 0.022), 0.01, page)
            leaf = leaf if side > 0 else leaf.moved((-0.15, 0, 0))
            parts += [
                leaf,
                box((min(0, side * 0.155), -0.005, 0), (max(0, side * 0.155), 0.225, 0.004), cover),
            ]
        return furniture(("books", "otherfurniture"), design, parts, page)
    place = 0.0
    for _ in range(int(rng.integers(3, 7))):
        look = plain(shade(rng), "paper", 0.1)
        looks.append(look)
        long, wide, thick = (float(a) for a in rng.uniform((0.19, 0.13, 0.02), (0.27, 0.2, 0.045)))
        if design == "pile":
            book = box((-long / 2, -wide / 2, 0), (long / 2, wide / 2, thick), look).turned(
                2, float(rng.uniform(-14, 14))
            )
            parts.append(book.moved((0, 0, place)))
        else:
            parts.append(box((place, 0, 0), (place + thick, wide, long), look))
        place += thick + 0.001
    return furniture(("books", "otherfurniture"), design, parts, looks[0])


def make_television(rng: np.random.Generator) -> Furniture:
    """A television on a foot, on or off, or an old one with a deep back."""
    design = choose(rng, ("flat", "flat", "old"))
    lit = rng.random() < 0.4
    picture = Finish("glass", shade(rng), shade(rng), "clouds", 0.15, 0.2, 0.7)
    screen = picture if lit else SCREEN_OFF
    if design == "old":
        body = painted(rng, ("black", "grey", "brown", "red"))
        parts: list[Part] = [
            rounded_box((-0.3, 0.06, 0), (0.3, 0.42, 0.48), 0.03, body),
            box((-0.18, 0.0, 0.08), (0.18, 0.1, 0.4), body.tinted(0.8)),
            rounded_box((-0.25, 0.4, 0.09), (0.25, 0.43, 0.44), 0.03, screen),
        ]
        return furniture(("television", "otherfurniture"), design, parts, body)
    w = float(rng.uniform(0.4, 0.6))
    h = w * 1.12
    parts = [
        box((-w, 0.08, 0.07), (w, 0.12, 0.07 + h), DARK),
        box((-w + 0.015, 0.12, 0.085), (w - 0.015, 0.122, 0.055 + h), screen),
        box((-0.06, 0.08, 0.012), (0.06, 0.11, 0.07), DARK),
        box((-w * 0.45, 0, 0), (w * 0.45, 0.2, 0.012), DARK),
    ]
    return furniture(("television", "otherfurniture"), design, parts, DARK)


def make_monitor(rng: np.random.Generator) -> Furniture:
    """A computer's screen with a keyboard, or a laptop."""
    design = choose(rng, ("screen", "screen", "laptop"))
    lit = rng.random() < 0.6
    screen = (
        Finish(
            "glass",
            shade(rng, ("blue", "white", "grey", "turquoise")),
            shade(rng, ("blue", "white")),
            "clouds",
            0.2,
            0.2,
            0.6,
        )
        if lit
        else SCREEN_OFF
    )
    body = painted(rng, ("black", "grey", "white"))
    if design == "laptop":
        lid = [
            box((-0.17, -0.006, 0), (0.17, 0, 0.23), body),
            box((-0.16, 0, 0.01), (0.16, 0.001, 0.22), screen),
        ]
        parts = [
            rounded_box((-0.17, 0, 0), (0.17, 0.24, 0.016), 0.005, body),
            box((-0.14, 0.03, 0.016), (0.14, 0.13, 0.018), DARK),
        ]
        parts += [part.turned(0, 15).moved((0, 0, 0.014)) for part in lid]
        return furniture(("laptop", "otherfurniture"), design, parts, body)
    w, h = float(rng.uniform(0.24, 0.33)), 0.34
    parts = [
        box((-w, 0.07, 0.1), (w, 0.1, 0.1 + h), body),
        box((-w + 0.012, 0.1, 0.114), (w - 0.012, 0.102, 0.088 + h), screen),
        box((-0.03, 0.06, 0.0), (0.03, 0.075, 0.3), body),
        cylinder((0, 0.09, 0), 0.09, 0.012, body),
        rounded_box((-0.21, 0.24, 0), (0.21, 0.37, 0.02), 0.006, painted(rng, ("black", "white", "grey"))),
    ]
    return furniture(("monitor", "otherfurniture"), design, parts, body)


def make_vase(rng: np.random.Generator) -> Furniture:
    """A vase, empty or with flowers."""
    main, r, h = ceramic(rng, 0.2), float(rng.uniform(0.05, 0.09)), float(rng.uniform(0.16, 0.3))
    neck = float(rng.uniform(0.3, 0.8))
    parts = [
        lathe(
            (0, 0, 0),
            [(r * 0.6, 0), (r, h * 0.4), (r * neck, h * 0.85), (r * neck * 1.2, h), (r * neck, h - 0.01)],
            main,
        )
    ]
    design = choose(rng, ("empty", "flowers"))
    if design == "flowers":
        stem = plain((0.25, 0.45, 0.2), "plant")
        for _ in range(7):
            x, y, z = (float(a) for a in rng.uniform((-0.09, -0.09, 0.08), (0.09, 0.09, 0.2)))
            parts.append(
                ball(
                    (x, y, h + z),
                    (0.028, 0.028, 0.022),
                    plain(shade(rng, ("red", "pink", "yellow", "white", "purple")), "plant"),
                    sides=8,
                )
            )
            parts.append(
                box(
                    (x * 0.6 - 0.003, y * 0.6 - 0.003, h - 0.02),
                    (x * 0.6 + 0.003, y * 0.6 + 0.003, h + z),
                    stem,
                )
            )
    return furniture(("vase", "otherfurniture"), design, parts, main)


def make_bottles(rng: np.random.Generator) -> Furniture:
    """A few bottles that stand together."""
    parts, looks, x = [], [], 0.0
    for _ in range(int(rng.integers(2, 5))):
        r, h = float(rng.uniform(0.025, 0.038)), float(rng.uniform(0.14, 0.27))
        looks.append(plain(shade(rng), "plastic" if rng.random() < 0.6 else "glass", 0.6))
        shape = [(r, 0), (r, h * 0.65), (r * 0.4, h * 0.8), (r * 0.4, h)]
        parts.append(lathe((x, float(rng.uniform(-0.03, 0.03)), 0), shape, looks[-1], sides=12))
        x += 2 * r + 0.015
    return furniture(("bottles", "otherfurniture"), "group", parts, looks[0])


def make_bowl(rng: np.random.Generator) -> Furniture:
    """A bowl, mostly with fruit."""
    main, r = (ceramic(rng, 0.3) if rng.random() < 0.6 else wood(rng)), float(rng.uniform(0.11, 0.16))
    parts = [
        lathe((0, 0, 0), [(r * 0.4, 0), (r * 0.85, 0.05), (r, 0.09), (r * 0.95, 0.09), (r * 0.7, 0.03)], main)
    ]
    fruit = shade(rng, ("red", "orange", "yellow", "green"))
    if rng.random() < 0.75:
        for angle in np.arange(5) * 2 * np.pi / 5:
            at = (r * 0.45 * np.cos(angle), r * 0.45 * np.sin(angle), 0.085)
            parts.append(ball(at, (0.04, 0.04, 0.038), plain(fruit, "fruit", 0.3), sides=10))
        parts.append(ball((0, 0, 0.13), (0.04, 0.04, 0.038), plain(fruit, "fruit", 0.3), sides=10))
    return furniture(("bowl", "otherfurniture"), "round", parts, main)


def make_small_plant(rng: np.random.Generator) -> Furniture:
    """A small plant for a table or a sill."""
    return plant_of(rng, choose(rng, ("bush", "upright", "cactus")), float(rng.uniform(0.24, 0.42)))


def make_small_box(rng: np.random.Generator) -> Furniture:
    """A small box or tin."""
    main = plastic(rng) if rng.random() < 0.5 else painted(rng)
    w, d, h = (float(a) for a in rng.uniform((0.12, 0.1, 0.08), (0.26, 0.18, 0.18)))
    lid = rounded_box(
        (-w / 2 - 0.006, -0.006, h - 0.03), (w / 2 + 0.006, d + 0.006, h), 0.008, main.tinted(0.85)
    )
    parts = [rounded_box((-w / 2, 0, 0), (w / 2, d, h - 0.01), 0.008, main), lid]
    return furniture(("box", "otherfurniture"), "with lid", parts, main, word="small")


def make_printer(rng: np.random.Generator) -> Furniture:
    """A printer with paper in its tray."""
    main = painted(rng, ("white", "grey", "black"))
    parts = [
        rounded_box((-0.22, 0, 0), (0.22, 0.36, 0.2), 0.02, main),
        box((-0.15, 0.3, 0.06), (0.15, 0.44, 0.07), DARK),
        box((-0.12, 0.3, 0.07), (0.12, 0.43, 0.08), plain((0.96, 0.96, 0.96), "paper")),
        box((-0.18, 0.02, 0.2), (0.18, 0.24, 0.225), main.tinted(0.8)),
    ]
    return furniture(("printer", "otherfurniture"), "desktop", parts, main)
