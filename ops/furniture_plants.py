"""Plants in pots.

The record of a piece is ``furniture_base.py``'s, looks are ``finishes.py``'s.
"""

import numpy as np

from ops.finishes import Finish, ceramic, plain, shade, wood
from ops.furniture_base import Furniture, choose, furniture, size_word
from ops.shapes import Part, loft
from ops.shapes_round import ball, cylinder, lathe, tube


def make_plant(rng: np.random.Generator) -> Furniture:
    """A potted plant: a bush, long upright leaves, a palm, or a cactus."""
    return plant_of(
        rng, choose(rng, ("bush", "upright", "palm", "cactus"), (3, 3, 3, 1)), float(rng.uniform(0.7, 1.4))
    )


def plant_of(rng: np.random.Generator, design: str, height: float) -> Furniture:
    """A plant of that height, pot included."""
    pot = ceramic(rng, 0.25) if rng.random() < 0.7 else plain((0.68, 0.36, 0.24), "ceramic", 0.05)
    r, tall = 0.05 + 0.1 * height, 0.06 + 0.2 * height
    parts = [lathe((0, 0, 0), [(r * 0.72, 0), (r, tall), (r * 0.9, tall), (r * 0.85, tall - 0.02)], pot)]
    leaf = plain(shade(rng, ("green",)), "plant", 0.15)
    up = height - tall
    if design == "bush":
        for _ in range(14):
            a, q = float(rng.uniform(0, 6.28)), float(rng.uniform(0, 0.85))
            size = up * float(rng.uniform(0.14, 0.24))
            at = (
                q * r * 1.6 * np.cos(a),
                q * r * 1.6 * np.sin(a),
                tall + up * float(rng.uniform(0.15, 0.85)),
            )
            parts.append(
                ball(at, (size, size, size * 0.8), leaf.tinted(float(rng.uniform(0.75, 1.2))), sides=8)
            )
        parts.append(cylinder((0, 0, tall - 0.02), 0.02, up * 0.6, wood(rng), sides=6))
    elif design == "cactus":
        body = lathe(
            (0, 0, tall - 0.03),
            [(r * 0.4, 0), (r * 0.55, up * 0.4), (r * 0.5, up * 0.8), (r * 0.15, up)],
            leaf,
        )
        arms = [
            tube(
                [
                    (0, 0, tall + up * 0.4),
                    (s * r * 0.9, 0, tall + up * 0.45),
                    (s * r * 0.95, 0, tall + up * 0.75),
                ],
                r * 0.22,
                leaf,
            )
            for s in (-1, 1)
        ]
        parts += [body, *arms]
    else:
        for i in range(13 if design == "palm" else 11):
            a = i * 2.4 + float(rng.uniform(-0.2, 0.2))
            out = up * float(rng.uniform(0.3, 0.6)) if design == "palm" else r * float(rng.uniform(0.3, 1.0))
            stem = up * float(rng.uniform(0.7, 1.0))
            droop = 0.3 if design == "palm" else 0.0
            parts.append(
                _leaf_blade(
                    (a, out, tall - 0.02, stem, droop),
                    0.05 * height,
                    leaf.tinted(float(rng.uniform(0.75, 1.2))),
                )
            )
    return furniture(("plant", "otherfurniture"), design, parts, leaf, word=size_word(height, 0.5, 1.1))


def _leaf_blade(shape: tuple[float, float, float, float, float], wide: float, look: Finish) -> Part:
    """A thin leaf that rises and bends outwards."""
    angle, out, base, up, droop = shape
    c, s = np.cos(angle), np.sin(angle)
    rings = []
    for t, broad in ((0.0, 0.2), (0.35, 0.8), (0.65, 1.0), (0.88, 0.6), (1.0, 0.08)):
        reach, z = out * t**1.3, base + up * (t - droop * t**3)
        middle, side = np.array([c * reach, s * reach, z]), np.array([-s, c, 0]) * wide * broad / 2
        rise, spread = up * (1 - 3 * droop * t * t), 1.3 * out * t**0.3
        thick = np.array([-c * rise, -s * rise, spread]) / np.hypot(rise, spread) * 0.003
        low, high = middle - thick, middle + thick
        rings.append(np.stack([low - side, low + side, high + side, high - side]))
    return loft(rings, look)
