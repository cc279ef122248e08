"""Sofas.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import Finish, fabric, leather, wood
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, box
from ops.shapes_round import cylinder, rounded_box


def make_sofa(rng: np.random.Generator) -> Furniture:
    """A sofa: square or rolled arms, a corner sofa, a tuxedo of one height, or a wooden futon."""
    design = choose(rng, ("track", "rolled", "corner", "tuxedo", "futon"), (3, 2, 2, 1, 1))
    seats = int(rng.integers(2, 4)) if design != "corner" else 3
    main = leather(rng) if rng.random() < 0.35 else fabric(rng)
    arm = {"track": 0.17, "rolled": 0.24, "corner": 0.17, "tuxedo": 0.15, "futon": 0.08}[design]
    seat_width = float(rng.uniform(0.58, 0.7))
    depth, back = float(rng.uniform(0.84, 0.96)), float(rng.uniform(0.76, 0.9))
    half = arm + seats * seat_width / 2
    if design == "futon":
        parts, main = _futon(rng, half, depth, back)
    else:
        parts = _upholstery(rng, (half, depth, back), (arm, seats), main, design)
    if rng.random() < 0.65:
        parts += _scatter(rng, half - arm, depth)
    return furniture(
        "sofa", design, parts, main, word=size_word(seats, 2.5, 2.5 if design == "corner" else 9)
    )


def _upholstery(
    rng: np.random.Generator,
    size: tuple[float, float, float],
    arms: tuple[float, int],
    main: Finish,
    design: str,
) -> list[Part]:
    (half, depth, back), (arm, seats) = size, arms
    leg, seat = wood(rng), 0.44
    low = back if design == "tuxedo" else 0.6
    parts = [
        box((x, y, 0), (x + 0.05, y + 0.05, 0.1), leg)
        for x in (-half + 0.03, half - 0.08)
        for y in (0.04, depth - 0.12)
    ]
    parts += [
        rounded_box((-half, 0, 0.08), (half, depth - 0.03, 0.3), 0.02, main),
        rounded_box((-half + 0.02, 0, 0.2), (half - 0.02, 0.2, back), 0.07, main),
    ]
    for side in (-1, 1):
        if design == "corner" and side == 1:
            continue
        x = -half if side < 0 else half - arm
        if design == "rolled":
            parts.append(box((x + 0.05, 0.02, 0.1), (x + arm - 0.05, depth - 0.04, 0.52), main))
            roll = cylinder((0, 0, 0), arm / 2, depth - 0.02, main).turned(0, -90)
            parts.append(roll.moved((x + arm / 2, 0.01, 0.54)))
        else:
            parts.append(rounded_box((x, 0.01, 0.1), (x + arm, depth, low), 0.05, main))
    wide = (2 * half - 2 * arm) / seats
    soft = main.tinted(1.06)
    for i in range(seats):
        x = -half + arm + i * wide
        end = depth + (0.62 if design == "corner" and i == seats - 1 else 0.02)
        stretch = arm if design == "corner" and i == seats - 1 else 0.0
        parts.append(rounded_box((x, 0.19, 0.28), (x + wide + stretch, end, seat), 0.06, soft, puff=0.2))
        if stretch:
            parts.append(
                rounded_box((x, depth - 0.1, 0.06), (x + wide + stretch, end - 0.02, 0.29), 0.02, main)
            )
        cushion = rounded_box(
            (x + 0.01, -0.09, 0), (x + wide + stretch - 0.01, 0.09, back - seat + 0.03), 0.08, soft
        )
        parts.append(cushion.turned(0, 9).moved((0, 0.28, seat - 0.01)))
    return parts


def _futon(rng: np.random.Generator, half: float, depth: float, back: float) -> tuple[list[Part], Finish]:
    main, bar = fabric(rng), wood(rng)
    parts = []
    for x in (-half, half - 0.06):
        parts += [
            box((x, 0.02, 0), (x + 0.06, 0.08, 0.62), bar),
            box((x, depth - 0.06, 0), (x + 0.06, depth, 0.62), bar),
            box((x - 0.01, 0, 0.6), (x + 0.07, depth + 0.02, 0.64), bar),
            box((x, 0.06, 0.2), (x + 0.06, depth - 0.04, 0.3), bar),
        ]
    parts.append(box((-half + 0.06, 0.06, 0.2), (half - 0.06, depth - 0.04, 0.26), bar))
    parts.append(
        rounded_box((-half + 0.07, 0.14, 0.26), (half - 0.07, depth + 0.02, 0.43), 0.07, main, puff=0.15)
    )
    rest = rounded_box((-half + 0.07, -0.08, 0), (half - 0.07, 0.09, back - 0.36), 0.07, main)
    parts.append(rest.turned(0, 14).moved((0, 0.2, 0.38)))
    return parts, main


def _scatter(rng: np.random.Generator, half: float, depth: float) -> list[Part]:
    """One to three pillows that lean on the back."""
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        side = float(rng.uniform(0.34, 0.44))
        soft = rounded_box(
            (-side / 2, -side / 2, -0.075), (side / 2, side / 2, 0.075), 0.07, fabric(rng), puff=0.4
        )
        x = float(rng.uniform(-half + side / 2, half - side / 2))
        place = (x, min(0.5, depth - 0.3), 0.44 + side * 0.46)
        parts.append(soft.turned(0, 68).turned(2, float(rng.uniform(-12, 12))).moved(place))
    return parts
