"""Chairs.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import CHROME, DARK, Finish, fabric, leather, metal, plastic, wood, wood_or_paint
from ops.furniture_base import Furniture, choose, furniture, legs
from ops.shapes import Part, box, loft
from ops.shapes_round import ball, cylinder, rounded_box, tube


def make_chair(rng: np.random.Generator) -> Furniture:
    """A chair: slatted, closed or ladder back, a moulded shell, upholstered, or an armchair."""
    design = choose(rng, ("slat", "panel", "shell", "padded", "armchair"), (3, 2, 2, 2, 2))
    return make_chair_of(rng, design)


def make_office_chair(rng: np.random.Generator) -> Furniture:
    """A chair on a star base with castors."""
    return make_chair_of(rng, "office")


def make_chair_of(rng: np.random.Generator, design: str) -> Furniture:
    """A chair of a given design."""
    builder = {
        "slat": _slat, "panel": _panel, "shell": _shell, "padded": _padded, "armchair": _armchair,
        "office": _office,
    }[design]  # fmt: skip
    parts, main = builder(rng, float(rng.uniform(0.42, 0.48)), float(rng.uniform(0.43, 0.49)))
    return furniture("chair", design, parts, main, word="large" if design == "armchair" else "")


def _slat(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    half, main, top = half / 2, wood_or_paint(rng), seat + float(rng.uniform(0.42, 0.56))
    parts = [rounded_box((-half, 0, seat - 0.04), (half, 0.44, seat), 0.012, main)]
    parts += legs(2 * half, 0.44, seat - 0.04, 0.04, main)
    parts += [box((x, 0, seat), (x + 0.04, 0.035, top), main) for x in (-half, half - 0.04)]
    if rng.random() < 0.5:
        for x in np.linspace(-half + 0.09, half - 0.09, 4):
            parts.append(box((x - 0.012, 0.008, seat), (x + 0.012, 0.028, top - 0.06), main))
        parts.append(box((-half + 0.04, 0.0, top - 0.09), (half - 0.04, 0.035, top - 0.01), main))
    else:
        for z in np.linspace(seat + 0.14, top - 0.08, 3):
            parts.append(box((-half + 0.04, 0.005, z), (half - 0.04, 0.03, z + 0.07), main))
    parts += [box((x + 0.005, 0.04, 0.16), (x + 0.03, 0.4, 0.19), main) for x in (-half, half - 0.035)]
    return parts, main


def _panel(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    half, main, frame = half / 2, wood_or_paint(rng), metal(rng)
    parts = [
        rounded_box((-half, 0.02, seat - 0.025), (half, 0.44, seat), 0.012, main),
        rounded_box(
            (-half, 0.0, seat + 0.18), (half, 0.025, seat + float(rng.uniform(0.36, 0.46))), 0.012, main
        ),
    ]
    for x in (-half + 0.03, half - 0.03):
        path = [(x, 0.4, 0), (x, 0.4, seat - 0.04), (x, 0.06, seat - 0.04), (x, 0.015, seat + 0.34)]
        parts.append(tube(path, 0.013, frame))
        parts.append(tube([(x, 0.02, 0), (x, 0.1, seat - 0.04)], 0.013, frame))
    return parts, main


def _shell(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    main, half = plastic(rng), half / 2 + 0.02
    curve = [
        (0.44, -0.02),
        (0.40, 0.0),
        (0.22, -0.015),
        (0.10, 0.01),
        (0.04, 0.10),
        (0.01, 0.26),
        (0.0, 0.40),
    ]
    rings = []
    for i, (y, z) in enumerate(curve):
        wide = half * (1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 0.7)[i]
        lift = np.array([0.03, 0.035, 0.04, 0.05, 0.03, 0.0, 0.0])[i]
        x = np.array([-1, -0.6, 0.6, 1, 1, 0.6, -0.6, -1]) * wide
        edge = np.array([lift, 0, 0, lift] * 2)
        off = np.array([0.0] * 4 + [0.02] * 4)
        steep = min(1.0, i / 5)
        rings.append(np.stack([x, y - off * steep, seat + z + edge - off * (1 - steep)], axis=1))
    parts = [loft(rings[::-1], main)]
    kind = choose(rng, ("dowel", "wire", "pedestal"))
    if kind == "pedestal":
        parts += [
            cylinder((0, 0.24, 0), 0.2, 0.02, CHROME),
            cylinder((0, 0.24, 0.02), 0.025, seat - 0.03, CHROME),
        ]
        return parts, main
    bar, thick = (wood(rng), 0.016) if kind == "dowel" else (metal(rng), 0.009)
    for side in (-half, half):
        for y, foot in ((0.12, 0.02), (0.34, 0.44)):
            path = [(side, foot, 0), (side * 0.55, y, seat - 0.01)]
            parts.append(tube(path, thick * 0.7, bar, end=thick))
    return parts, main


def _padded(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    half, main, leg = half / 2 + 0.01, (leather(rng) if rng.random() < 0.3 else fabric(rng)), wood(rng)
    top = seat + float(rng.uniform(0.42, 0.6))
    parts = legs(2 * half - 0.03, 0.44, seat - 0.08, 0.035, leg)
    parts += [
        rounded_box((-half, 0.0, seat - 0.09), (half, 0.46, seat), 0.035, main),
        rounded_box((-half, 0.0, seat - 0.03), (half, 0.075, top), 0.035, main),
    ]
    return parts, main


def _armchair(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    main = leather(rng) if rng.random() < 0.35 else fabric(rng)
    half, depth, seat, top = half / 2 + 0.18, 0.78, 0.42, float(rng.uniform(0.78, 1.0))
    leg, arm = wood(rng), 0.14
    parts = [
        cylinder((x, y, 0), 0.02, 0.14, leg, sides=8)
        for x in (-half + 0.06, half - 0.06)
        for y in (0.08, 0.7)
    ]
    parts += [
        rounded_box((-half, 0.02, 0.12), (half, depth, 0.3), 0.03, main),
        rounded_box((-half + arm, 0.15, 0.28), (half - arm, depth + 0.02, seat + 0.02), 0.06, main, puff=0.2),
        rounded_box((-half + 0.02, 0, 0.2), (half - 0.02, 0.2, top), 0.08, main),
    ]
    for x in (-half, half - arm):
        parts.append(rounded_box((x, 0.04, 0.2), (x + arm, depth, 0.6), 0.06, main))
    return parts, main


def _office(rng: np.random.Generator, half: float, seat: float) -> tuple[list[Part], Finish]:
    main = leather(rng) if rng.random() < 0.35 else fabric(rng)
    half, top, base = (
        half / 2 + 0.02,
        seat + float(rng.uniform(0.45, 0.7)),
        (DARK, CHROME)[int(rng.integers(2))],
    )
    parts = [
        rounded_box((-half, 0.06, seat - 0.08), (half, 0.52, seat), 0.04, main),
        rounded_box((-half + 0.03, 0, seat + 0.08), (half - 0.03, 0.08, top), 0.035, main).turned(0, 4),
        tube([(0, 0.25, seat - 0.06), (0, 0.06, seat - 0.04), (0, 0.02, seat + 0.16)], 0.022, DARK),
        cylinder((0, 0.28, 0.08), 0.028, seat - 0.14, base),
    ]
    for angle in np.arange(5) * 2 * np.pi / 5 + 0.3:
        x, y = 0.29 * np.sin(angle), 0.28 + 0.29 * np.cos(angle)
        parts.append(tube([(0, 0.28, 0.11), (x, y, 0.07)], 0.022, base, end=0.014))
        parts.append(ball((x, y, 0.03), (0.028, 0.028, 0.03), DARK, sides=8))
    if rng.random() < 0.7:
        for x in (-half - 0.02, half - 0.02):
            parts.append(rounded_box((x, 0.14, seat + 0.17), (x + 0.05, 0.42, seat + 0.205), 0.012, DARK))
            parts.append(box((x + 0.01, 0.24, seat - 0.05), (x + 0.04, 0.29, seat + 0.17), DARK))
    return parts, main
