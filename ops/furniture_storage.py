"""Cabinets and bookshelves.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s; kitchen cabinets are
``furniture_kitchen.py``'s.
"""

import itertools

import numpy as np

from ops.finishes import CHROME, Finish, metal, painted, plain, shade, wood, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture, size_word, whole_top
from ops.shapes import Part, box
from ops.shapes_round import ball, rounded_box, tube

Fronts = tuple[int, int]
"""Columns and rows of doors or drawers."""


def make_cabinet(rng: np.random.Generator) -> Furniture:
    """A chest of drawers, a low or tall cabinet, or a display cabinet."""
    return make_cabinet_of(
        rng, choose(rng, ("doors", "dresser", "tall", "display", "chest"), (3, 3, 2, 1, 1))
    )


def make_wardrobe(rng: np.random.Generator) -> Furniture:
    """A wardrobe with hinged or sliding doors."""
    return make_cabinet_of(rng, choose(rng, ("wardrobe", "sliding wardrobe")))


def make_nightstand(rng: np.random.Generator) -> Furniture:
    """A small cabinet beside a bed."""
    return make_cabinet_of(rng, "nightstand")


def make_sideboard(rng: np.random.Generator) -> Furniture:
    """A long low cabinet, as under a television."""
    return make_cabinet_of(rng, "sideboard")


def make_filing_cabinet(rng: np.random.Generator) -> Furniture:
    """A metal cabinet of drawers for papers, or with two tall doors."""
    return make_cabinet_of(rng, choose(rng, ("filing", "filing", "locker")))


def make_cabinet_of(rng: np.random.Generator, design: str) -> Furniture:
    """A cabinet of a given design."""
    low, high, depths, heights, fronts = {
        "doors": (0.8, 1.3, (0.38, 0.5), (0.78, 0.95), (2, 1)),
        "dresser": (0.75, 1.4, (0.42, 0.52), (0.75, 1.05), (int(rng.integers(1, 3)), 4)),
        "tall": (0.7, 1.0, (0.38, 0.48), (1.5, 1.9), (2, 2)),
        "display": (0.75, 1.05, (0.36, 0.42), (1.5, 1.85), (2, 2)),
        "chest": (0.8, 1.2, (0.42, 0.52), (0.42, 0.52), (1, 1)),
        "wardrobe": (1.0, 1.6, (0.55, 0.62), (1.9, 2.15), (int(rng.integers(2, 4)), 1)),
        "sliding wardrobe": (1.2, 1.8, (0.58, 0.65), (2.0, 2.2), (2, 1)),
        "nightstand": (0.4, 0.54, (0.36, 0.44), (0.45, 0.6), (1, int(rng.integers(1, 4)))),
        "sideboard": (1.2, 1.8, (0.38, 0.46), (0.45, 0.72), (int(rng.integers(2, 5)), 1)),
        "filing": (0.4, 0.5, (0.5, 0.6), (0.7, 1.35), (1, int(rng.integers(3, 5)))),
        "locker": (0.8, 0.95, (0.42, 0.48), (1.6, 1.9), (2, 1)),
    }[design]  # fmt: skip
    width, depth, height = (
        float(rng.uniform(low, high)),
        float(rng.uniform(*depths)),
        float(rng.uniform(*heights)),
    )
    main = plain(shade(rng), "metal", 0.3) if design in {"filing", "locker"} else wood_or_paint(rng)
    parts = _body(rng, (width, depth, height), main, design)
    base = 0.14 if design == "sideboard" else 0.06
    parts += _fronts(rng, (width, depth, height), main, (base, fronts, design))
    tops = [whole_top(width, depth, height)] if height < 1.3 else []
    return furniture("cabinet", design, parts, main, tops=tops, word=size_word(width * height, 0.32, 1.7))


def _body(
    rng: np.random.Generator, size: tuple[float, float, float], main: Finish, design: str
) -> list[Part]:
    (_, depth, height), half = size, size[0] / 2
    if design == "sideboard":
        parts = [
            tube([(x * 1.02, y, 0), (x, y, 0.14)], 0.014, wood(rng), end=0.022)
            for x in (-half + 0.08, half - 0.08)
            for y in (0.06, depth - 0.08)
        ]
        base = 0.14
    else:
        parts, base = (
            [box((-half + 0.02, 0.02, 0), (half - 0.02, depth - 0.06, 0.06), main.tinted(0.5))],
            0.06,
        )
    parts.append(box((-half, 0, base), (half, depth - 0.02, height - 0.025), main.tinted(0.96)))
    lid = main if rng.random() < 0.7 else wood_or_paint(rng)
    over = 0.01 if design in {"filing", "locker", "sliding wardrobe"} else 0.015
    parts.append(box((-half - over, 0, height - 0.025), (half + over, depth + over, height), lid))
    return parts


def _fronts(
    rng: np.random.Generator,
    size: tuple[float, float, float],
    main: Finish,
    style: tuple[float, Fronts, str],
) -> list[Part]:
    (width, depth, height), (base, (columns, rows), design) = size, style
    half, parts = width / 2, []
    front = (
        main if rng.random() < 0.65 else painted(rng, ("white", "beige", "grey", "black", "blue", "green"))
    )
    step_x, step_z = width / columns, (height - 0.03 - base) / rows
    handle = choose(rng, ("knob", "bar", "none")) if design != "filing" else "bar"
    raised = rng.random() < 0.35
    drawers = design in {"dresser", "nightstand", "filing"}
    for i in range(columns):
        for j in range(rows):
            low = (-half + i * step_x + 0.006, depth - 0.02, base + j * step_z + 0.006)
            high = (-half + (i + 1) * step_x - 0.006, depth - 0.002, base + (j + 1) * step_z - 0.006)
            glazed = design == "display" and j == rows - 1
            look = plain((0.55, 0.64, 0.66), "glass", 0.9) if glazed else front
            parts.append(box(low, high, look.tinted(1.04)))
            if raised and not glazed and step_x > 0.2 and step_z > 0.2:
                inset = (
                    (low[0] + 0.06, depth - 0.002, low[2] + 0.06),
                    (high[0] - 0.06, depth + 0.004, high[2] - 0.06),
                )
                parts.append(box(*inset, look.tinted(0.92)))
            x = (low[0] + high[0]) / 2 if drawers else (high[0] - 0.04 if i % 2 == 0 else low[0] + 0.04)
            parts += _handle(handle, (x, depth, (low[2] + high[2]) / 2), drawers)
    return parts


def _handle(kind: str, at: tuple[float, float, float], level: bool) -> list[Part]:
    x, y, z = at
    if kind == "knob":
        return [ball((x, y + 0.012, z), (0.016, 0.014, 0.016), CHROME, sides=8)]
    if kind == "bar":
        a, b = (0.06, 0.006) if level else (0.006, 0.07)
        return [box((x - a, y + 0.002, z - b), (x + a, y + 0.022, z + b), CHROME)]
    return []


def make_bookshelf(rng: np.random.Generator) -> Furniture:
    """A shelf filled with books: a case with a back, cubes, or open boards between steel ladders."""
    design = choose(rng, ("case", "cubes", "open", "low"), (3, 2, 2, 1))
    main = wood_or_paint(rng)
    width, depth = float(rng.uniform(0.7, 1.25)), float(rng.uniform(0.27, 0.34))
    height = float(rng.uniform(0.8, 1.1)) if design == "low" else float(rng.uniform(1.5, 2.05))
    rows = 2 if design == "low" else int(rng.integers(4, 6))
    half, step, thick = width / 2, (height - 0.03) / rows, 0.028
    parts = []
    if design == "open":
        bar = metal(rng)
        for x in (-half, half - 0.03):
            parts += [box((x, y, 0), (x + 0.03, y + 0.03, height + 0.05), bar) for y in (0.0, depth - 0.03)]
    else:
        parts.append(box((-half, 0, 0), (half, 0.012, height), main.tinted(0.8)))
        parts += [box((x, 0.012, 0), (x + thick, depth, height), main) for x in (-half, half - thick)]
    posts = [0.0] if design == "cubes" else []
    parts += [box((x - 0.012, 0.012, 0.02), (x + 0.012, depth, height - 0.01), main) for x in posts]
    edges = [-half + 0.035, *posts, half - 0.035]
    for row in range(rows + 1):
        z = row * step
        parts.append(box((-half + thick, 0.012, z), (half - thick, depth, z + thick), main))
        if row == rows:
            continue
        for a, b in itertools.pairwise(edges):
            parts += _books(rng, (a + 0.015, b - 0.015), (z + thick, step - thick - 0.02), depth)
    return furniture("bookshelf", design, parts, main, word=size_word(width * height, 1.1, 2.1))


def _books(
    rng: np.random.Generator, across: tuple[float, float], up: tuple[float, float], depth: float
) -> list[Part]:
    books: list[Part] = []
    if rng.random() < 0.08:
        return books
    x, stop = across[0], across[1] - (across[1] - across[0]) * float(rng.choice([0, 0, 0.3]))
    while x < stop - 0.06:
        thick = float(rng.uniform(0.02, 0.055))
        tall, deep = up[1] * float(rng.uniform(0.62, 0.97)), depth - float(rng.uniform(0.03, 0.08))
        if rng.random() > 0.08:
            look = plain(shade(rng), "paper", 0.1)
            books.append(box((x, 0.015, up[0]), (x + thick, deep, up[0] + tall), look))
        x += thick + 0.002
    if stop < across[1] - 0.15 and rng.random() < 0.5:
        middle = (stop + across[1]) / 2
        low, high = (middle - 0.06, 0.06, up[0]), (middle + 0.06, 0.2, up[0] + min(0.16, up[1]))
        books.append(rounded_box(low, high, 0.02, painted(rng)))
    return books
