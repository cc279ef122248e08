"""What all furniture is made with: the record of a piece, the palettes, and how colours are drawn.

The pieces themselves are in ``furniture.py``, ``furniture_seats.py`` and ``furniture_walls.py``.
"""

from dataclasses import dataclass

import numpy as np

from ops.shapes import Color, Part, box

WOODS: tuple[Color, ...] = ((0.52, 0.34, 0.19), (0.40, 0.25, 0.15), (0.70, 0.50, 0.31), (0.82, 0.68, 0.48))
PAINTS: tuple[Color, ...] = ((0.92, 0.92, 0.90), (0.62, 0.14, 0.13), (0.25, 0.42, 0.45), (0.55, 0.57, 0.60))
FABRICS: tuple[Color, ...] = (
    (0.20, 0.33, 0.58), (0.55, 0.16, 0.20), (0.24, 0.45, 0.28), (0.45, 0.45, 0.48), (0.80, 0.55, 0.20),
    (0.38, 0.24, 0.45), (0.65, 0.58, 0.48),
)  # fmt: skip
METAL: Color = (0.62, 0.64, 0.66)
DARK: Color = (0.13, 0.13, 0.14)
LINEN: Color = (0.93, 0.92, 0.88)


@dataclass(frozen=True)
class Furniture:
    """One object: its back at y = 0, its front towards +y, its middle at x = 0, standing on z = 0; metres.

    Attributes:
        label: class name.
        parts: in the object's own frame.
        size_m: width (x), depth (y) and height (z) of the box around it.
    """

    label: str
    parts: tuple[Part, ...]
    size_m: tuple[float, float, float]


def legs(width: float, depth: float, height: float, thick: float, color: Color) -> list[Part]:
    """Four square legs below the corners of a plate, as thick as said."""
    return [
        box((x, y, 0), (x + thick, y + thick, height), color)
        for x in (-width / 2, width / 2 - thick)
        for y in (0, depth - thick)
    ]


def pick(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    """One of the colours, each channel up to 8 % off."""
    red, green, blue = np.clip(np.array(colors[rng.integers(len(colors))]) * rng.uniform(0.92, 1.08, 3), 0, 1)
    return float(red), float(green), float(blue)


def brighter(color: Color, factor: float) -> Color:
    """The colour times a factor, at most white."""
    red, green, blue = np.clip(np.array(color) * factor, 0, 1)
    return float(red), float(green), float(blue)
