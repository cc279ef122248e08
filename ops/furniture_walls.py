"""What hangs on or stands in a wall: pictures, doors, windows and curtains.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import (
    CHROME,
    DARK,
    Finish,
    brighter,
    fabric,
    metal,
    painted,
    plain,
    shade,
    wood,
    wood_or_paint,
)
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box, folded_sheet, frame
from ops.shapes_round import ball, cylinder, tube


def make_picture(rng: np.random.Generator) -> Furniture:
    """A framed painting, landscape or photograph, or a poster without a frame."""
    design = choose(rng, ("abstract", "landscape", "photograph", "poster", "stripes"), (3, 2, 2, 2, 1))
    width, height = float(rng.uniform(0.35, 1.1)), float(rng.uniform(0.35, 0.8))
    half, edge, y = width / 2, float(rng.uniform(0.02, 0.06)), 0.022
    rim = wood_or_paint(rng, ("black", "white", "yellow"))
    mat = painted(rng, ("white", "beige", "grey"))
    parts = [box((-half, 0, 0), (half, 0.018, height), mat)]
    if design != "poster":
        parts += frame((-half, 0, 0), (half, 0.03, height), edge, rim)
    gap = edge + (0.07 if design == "photograph" and width > 0.45 else 0.0)
    low, high = np.array([-half + gap, gap]), np.array([half - gap, height - gap])
    inside = (low[0], 0.01, low[1]), (high[0], y, high[1])
    if design == "stripes":
        canvas = Finish("paper", shade(rng), shade(rng), "stripes", float(rng.uniform(0.1, 0.25)), 0.1)
    else:
        canvas = Finish("paper", shade(rng), shade(rng), "clouds", float(rng.uniform(0.1, 0.3)), 0.1)
    parts.append(box(*inside, canvas))
    if design == "landscape":
        sky = (low[1] + high[1]) / 2 + 0.1 * float(rng.uniform(-1, 1)) * height
        field = Finish(
            "paper", shade(rng, ("green", "brown", "yellow")), shade(rng, ("green", "beige")), "clouds", 0.12
        )
        parts.append(box((low[0], y, low[1]), (high[0], y + 0.002, sky), field))
        for x in rng.uniform(low[0] + 0.06, high[0] - 0.06, 3):
            parts.append(
                cylinder((0, 0, 0), 0.05, 0.003, plain(shade(rng, ("green",))), sides=12)
                .turned(0, -90)
                .moved((x, y, sky))
            )
    elif design in {"abstract", "poster"}:
        for i in range(int(rng.integers(3, 8))):
            a, b = np.sort(rng.uniform(low, high, size=(2, 2)), axis=0)
            parts.append(
                box((a[0], y, a[1]), (b[0], y + 0.001 * (i + 1), b[1]), plain(shade(rng), "paper", 0.1))
            )
    return furniture("picture", design, parts, canvas, word=size_word(width * height, 0.2, 0.6))


def make_door(rng: np.random.Generator) -> Furniture:
    """A door in its frame: panelled, flush, glazed, of boards, or double."""
    design = choose(rng, ("panelled", "flush", "glazed", "boards", "double"), (4, 3, 2, 1, 1))
    width, height = float(rng.uniform(0.86, 1.0)), float(rng.uniform(2.0, 2.12))
    if design == "double":
        width = float(rng.uniform(1.35, 1.6))
    main = (
        wood(rng)
        if rng.random() < 0.5
        else painted(rng, ("white", "white", "beige", "grey", "blue", "green", "red", "brown", "turquoise"))
    )
    rim = main.tinted(0.8) if rng.random() < 0.5 else painted(rng, ("white", "beige", "grey"))
    half, edge, y = width / 2, 0.07, 0.045
    parts = [
        box((-half, 0, 0), (-half + edge, 0.07, height), rim),
        box((half - edge, 0, 0), (half, 0.07, height), rim),
        box((-half + edge, 0, height - edge), (half - edge, 0.07, height), rim),
        box((-half + edge, 0, 0), (half - edge, y, height - edge), main),
    ]
    leaves = (
        [(-half + edge, 0.0), (0.0, half - edge)] if design == "double" else [(-half + edge, half - edge)]
    )
    for x0, x1 in leaves:
        parts += _leaf(rng, (x0, x1, y, height - edge), main, design)
    x = 0.08 if design == "double" else half - edge - 0.09
    parts += [
        box((x - 0.02, y, 0.95), (x + 0.02, y + 0.008, 1.12), CHROME),
        tube([(x, y, 1.05), (x, y + 0.05, 1.05), (x - 0.12, y + 0.05, 1.05)], 0.01, CHROME),
    ]
    return furniture("door", design, parts, main)


def _leaf(
    rng: np.random.Generator, at: tuple[float, float, float, float], main: Finish, design: str
) -> list[Part]:
    x0, x1, y, top = at
    dark, gap = main.tinted(0.87), 0.11
    if design == "boards":
        return [
            box((x, y, 0.02), (x + 0.006, y + 0.004, top - 0.02), main.tinted(0.6))
            for x in np.linspace(x0, x1, 7)[1:-1]
        ]
    if design == "flush":
        return [box(((x0 + x1) / 2 - 0.002, y, 0.02), ((x0 + x1) / 2 + 0.002, y + 0.002, 0.04), dark)]
    rows = (
        [(0.16, 0.85), (1.0, top - 0.14)]
        if rng.random() < 0.6
        else [(0.14, 0.6), (0.74, 1.2), (1.34, top - 0.12)]
    )
    parts = []
    for i, (z0, z1) in enumerate(rows):
        look = plain((0.72, 0.80, 0.82), "glass", 0.8) if design == "glazed" and i else dark
        parts.append(box((x0 + gap, y, z0), (x1 - gap, y + 0.003, z1), look))
        parts += frame(
            (x0 + gap - 0.02, y, z0 - 0.02), (x1 - gap + 0.02, y + 0.012, z1 + 0.02), 0.02, main.tinted(0.95)
        )
    return parts


def make_window(rng: np.random.Generator) -> Furniture:
    """A window with a bright outside: one pane, two wings, crossed bars, or a wide one; its sill is z = 0."""
    design = choose(rng, ("one pane", "two wings", "bars", "wide"), (2, 3, 3, 1))
    width, height = float(rng.uniform(0.75, 1.4)), float(rng.uniform(0.95, 1.25))
    if design == "wide":
        width = float(rng.uniform(1.6, 2.0))
    main = (
        wood(rng)
        if rng.random() < 0.3
        else painted(rng, ("white", "white", "white", "grey", "black", "green", "blue"))
    )
    half, edge, glow = width / 2, float(rng.uniform(0.05, 0.08)), float(rng.uniform(0.7, 1.0))
    sky = Finish("glass", (0.62, 0.79, 0.97), (0.95, 0.97, 1.0), "clouds", 0.5, 0.0, glow)
    ground = plain(
        brighter(shade(rng, ("green", "green", "grey", "beige", "brown")), 1.25), "glass", 0.0, glow * 0.8
    )
    horizon = 0.05 + float(rng.uniform(0.1, 0.45)) * height
    parts = [
        box((-half - 0.04, 0, -0.04), (half + 0.04, 0.13, 0), main),
        *frame((-half, 0, 0), (half, 0.06, height), edge, main),
        box((-half + edge, 0, horizon), (half - edge, 0.02, height - edge), sky),
        box((-half + edge, 0, edge), (half - edge, 0.021, horizon), ground),
    ]
    inside = (
        [] if design == "one pane" else [0.0] if design in {"two wings", "bars"} else [-half / 3, half / 3]
    )
    parts += [box((x - 0.025, 0.02, edge), (x + 0.025, 0.055, height - edge), main) for x in inside]
    if design == "bars":
        for z in np.linspace(0, height, 4)[1:-1] if rng.random() < 0.5 else (height / 2,):
            parts.append(box((-half + edge, 0.02, z - 0.015), (half - edge, 0.045, z + 0.015), main))
    return furniture("window", design, parts, main, word=size_word(width * height, 0.85, 1.55))


def make_curtain(rng: np.random.Generator, reach: float) -> Furniture:
    """Curtains for a window of that width: two wings, one drawn across, tied ones, or short ones on a rod."""
    design = choose(rng, ("wings", "drawn", "tied", "short"), (4, 2, 2, 1))
    main = fabric(rng)
    top, low, half = float(rng.uniform(2.2, 2.32)), 0.03, reach / 2 + 0.12
    if design == "short":
        low = float(rng.uniform(0.8, 1.0))
    rod = tube([(-half - 0.04, 0.06, top), (half + 0.04, 0.06, top)], 0.014, metal(rng))
    parts: list[Part] = [
        rod,
        *(ball((x, 0.06, top), (0.03, 0.03, 0.03), DARK, sides=8) for x in (-half - 0.05, half + 0.05)),
    ]
    wing = float(rng.uniform(0.26, 0.4))
    spans = [(-half, -half + wing), (half - wing, half)]
    if design == "drawn":
        spans = [(-half, half * float(rng.choice([1.0, 0.3])))]
    for x0, x1 in spans:
        sheet = folded_sheet((x0, 0.0, low), (x1, 0.1, top), main, num_folds=max(3, round((x1 - x0) / 0.085)))
        parts.append(_tied(sheet, x0 if x0 < 0 else x1) if design == "tied" else sheet)
    return furniture("curtain", design, parts, main)


def _tied(sheet: Part, outer: float) -> Part:
    """The sheet, gathered towards its outer edge at a man's waist."""
    levels = np.array([1.0, 0.62, 0.42, 0.3, 0.0])
    keep = np.array([1.0, 0.72, 0.38, 0.55, 0.7])
    n = len(sheet.vertices) // 2
    bottom, top = sheet.vertices[:n], sheet.vertices[n:]
    rows = []
    for level, share in zip(levels[::-1], keep[::-1], strict=True):
        row = bottom + (top - bottom) * level
        row[:, 0] = outer + (row[:, 0] - outer) * share
        rows.append(row)
    i = np.arange(n - 1)
    faces = []
    for k in range(len(levels) - 1):
        a, up = k * n + i, (k + 1) * n + i
        faces += [np.stack([a + 1, a, up], axis=1), np.stack([a + 1, up, up + 1], axis=1)]
    return Part(np.vstack(rows), np.vstack(faces), sheet.finish)
