"""Beds: frames of several designs under mattress, blanket and pillows.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import LINEN, Finish, fabric, leather, metal, painted, plain, shade, wood, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box
from ops.shapes_round import rounded_box, tube

_WIDTHS_M = (0.92, 1.0, 1.25, 1.45, 1.62, 1.82)


def make_bed(rng: np.random.Generator) -> Furniture:
    """A bed with its head at the wall: panelled, upholstered, of metal bars, a low platform, or a bunk."""
    design = choose(rng, ("panel", "upholstered", "metal", "platform", "bunk"), (4, 3, 2, 2, 1))
    width = 0.98 if design == "bunk" else float(rng.choice(_WIDTHS_M))
    depth = float(rng.uniform(1.98, 2.12))
    builder = {
        "panel": _panel, "upholstered": _upholstered, "metal": _metal, "platform": _platform, "bunk": _bunk,
    }[design]  # fmt: skip
    parts, main = builder(rng, width, depth)
    return furniture("bed", design, parts, main, word=size_word(width, 1.05, 1.6))


def _bedding(rng: np.random.Generator, width: float, depth: float, base: float) -> list[Part]:
    """Mattress on ``base``, pillows at y = 0, a blanket over the rest that hangs over the sides."""
    thick, half = float(rng.uniform(0.18, 0.26)), width / 2
    top = base + thick
    blanket = fabric(rng)
    fold = depth * float(rng.uniform(0.26, 0.42))
    hang = float(rng.uniform(0.10, thick))
    sheet = LINEN if rng.random() < 0.7 else fabric(rng, ("white", "beige", "grey", "blue", "pink"))
    parts = [
        rounded_box((-half + 0.02, 0.06, base), (half - 0.02, depth - 0.03, top), 0.06, LINEN),
        rounded_box((-half, fold, top - hang), (half, depth, top + 0.05), 0.05, blanket, puff=0.15),
        rounded_box(
            (-half + 0.004, fold - 0.14, top - hang + 0.02),
            (half - 0.004, fold + 0.1, top + 0.06),
            0.035,
            sheet,
        ),
    ]
    num_pillows = 1 if width < 1.3 else 2
    room = (width - 0.1) / num_pillows
    pillow = sheet if rng.random() < 0.6 else fabric(rng)
    tall = float(rng.uniform(0.15, 0.2))
    for i in range(num_pillows):
        x = -half + 0.05 + i * room
        soft = rounded_box(
            (x + 0.02, -0.24, -tall / 2), (x + room - 0.02, 0.24, tall / 2), 0.09, pillow, puff=0.45
        )
        parts.append(soft.turned(0, -14).moved((0, 0.36, top + tall * 0.42)))
    return parts


def _panel(rng: np.random.Generator, width: float, depth: float) -> tuple[list[Part], Finish]:
    main, half, base = wood_or_paint(rng), width / 2 + 0.03, float(rng.uniform(0.28, 0.36))
    head, foot = float(rng.uniform(0.85, 1.2)), float(rng.choice([0.42, 0.55, 0.75]))
    parts = [
        box((-half, 0, base - 0.16), (-half + 0.03, depth, base + 0.02), main),
        box((half - 0.03, 0, base - 0.16), (half, depth, base + 0.02), main),
        box((-half + 0.03, 0.03, base - 0.05), (half - 0.03, depth, base - 0.005), main.tinted(0.7)),
    ]
    slats = rng.random() < 0.4
    for y, tall in ((0.0, head), (depth, foot)):
        parts += [box((x, y, 0), (x + 0.07, y + 0.06, tall + 0.04), main) for x in (-half, half - 0.07)]
        parts.append(box((-half + 0.07, y + 0.01, tall - 0.1), (half - 0.07, y + 0.05, tall), main))
        if slats:
            parts += [
                box((x - 0.02, y + 0.02, base - 0.1), (x + 0.02, y + 0.04, tall - 0.1), main.tinted(0.95))
                for x in np.linspace(-half + 0.16, half - 0.16, 7)
            ]
        else:
            parts.append(
                box(
                    (-half + 0.07, y + 0.02, base - 0.14),
                    (half - 0.07, y + 0.04, tall - 0.1),
                    main.tinted(0.93),
                )
            )
    return parts + [part.moved((0, 0.04, 0)) for part in _bedding(rng, width, depth - 0.04, base)], main


def _upholstered(rng: np.random.Generator, width: float, depth: float) -> tuple[list[Part], Finish]:
    main = leather(rng) if rng.random() < 0.3 else fabric(rng)
    half, base, head = width / 2 + 0.05, float(rng.uniform(0.28, 0.38)), float(rng.uniform(0.95, 1.25))
    parts = [rounded_box((-half, 0.02, 0.04), (half, depth + 0.03, base), 0.04, main)]
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    across, up = 2 * half / columns, (head - 0.12) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -half + i * across, 0.12 + j * up
            parts.append(rounded_box((x, -0.02, z), (x + across, 0.1, z + up), 0.045, main))
    return parts + [part.moved((0, 0.04, 0)) for part in _bedding(rng, width, depth - 0.04, base)], main


def _metal(rng: np.random.Generator, width: float, depth: float) -> tuple[list[Part], Finish]:
    main = metal(rng) if rng.random() < 0.6 else plain(shade(rng), "metal", 0.4)
    half, base, parts = width / 2 + 0.02, float(rng.uniform(0.34, 0.42)), []
    head, foot = float(rng.uniform(0.95, 1.2)), float(rng.uniform(0.6, 0.8))
    for y, tall in ((0.02, head), (depth + 0.02, foot)):
        rise = float(rng.choice([0.0, 0.12]))
        arc = [(x, y, tall + rise * (1 - (x / half) ** 2)) for x in np.linspace(-half, half, 9)]
        parts.append(tube(arc, 0.018, main))
        parts.append(tube([(-half, y, base), (half, y, base)], 0.015, main))
        parts += [tube([(x, y, 0), (x, y, tall)], 0.02, main) for x in (-half, half)]
        parts += [
            tube([(x, y, base), (x, y, tall + rise * (1 - (x / half) ** 2))], 0.009, main, sides=6)
            for x in np.linspace(-half, half, 8)[1:-1]
        ]
    parts += [
        box((x - 0.015, 0.02, base - 0.05), (x + 0.015, depth + 0.02, base), main) for x in (-half, half)
    ]
    parts.append(box((-half + 0.015, 0.04, base - 0.02), (half - 0.015, depth, base), main))
    return parts + [part.moved((0, 0.03, 0)) for part in _bedding(rng, width, depth - 0.03, base)], main


def _platform(rng: np.random.Generator, width: float, depth: float) -> tuple[list[Part], Finish]:
    main, half, base = wood_or_paint(rng), width / 2 + 0.14, float(rng.uniform(0.18, 0.26))
    parts = [
        box((-half, 0, base - 0.07), (half, depth + 0.12, base), main),
        box((-half + 0.2, 0.2, 0), (half - 0.2, depth - 0.1, base - 0.07), main.tinted(0.5)),
    ]
    if rng.random() < 0.6:
        parts.append(box((-half, -0.05, base - 0.07), (half, 0, base + float(rng.uniform(0.4, 0.6))), main))
    return parts + _bedding(rng, width, depth, base), main


def _bunk(rng: np.random.Generator, width: float, depth: float) -> tuple[list[Part], Finish]:
    main, half = (wood(rng) if rng.random() < 0.6 else painted(rng)), width / 2 + 0.04
    parts = [
        box((x, y, 0), (x + 0.07, y + 0.07, 1.75), main)
        for x in (-half - 0.03, half - 0.04)
        for y in (-0.03, depth - 0.02)
    ]
    for base in (0.3, 1.2):
        parts.append(box((-half, 0, base - 0.12), (half, depth, base), main))
        parts += [box((-half, y, base + 0.3), (half, y + 0.025, base + 0.42), main) for y in (0.0, depth)]
        parts += _bedding(rng, width, depth, base)
    for x in (-half, half - 0.025):
        parts.append(box((x, 0, 1.58), (x + 0.025, depth, 1.68), main))
    for z in np.arange(0.35, 1.5, 0.3):
        parts.append(box((half + 0.02, depth - 0.45, z), (half + 0.05, depth - 0.02, z + 0.05), main))
    return parts, main
