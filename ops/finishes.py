"""How surfaces look: colours by name, and finishes (material, colours, pattern, gloss) drawn at random.

Patterns are evaluated by ``ops/textures.py``; which finish a piece of furniture has is its maker's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

Color = tuple[float, float, float]
"""sRGB, 0..1."""

Pattern = Literal[
    "plain", "wood", "weave", "planks", "tiles", "marble", "stripes", "carpet", "checks", "dots", "brushed",
    "leather", "clouds", "bricks",
]  # fmt: skip
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

SHADES: Mapping[str, tuple[Color, ...]] = {
    "white": ((0.95, 0.95, 0.94), (0.92, 0.93, 0.95), (0.97, 0.96, 0.95)),
    "grey": ((0.45, 0.45, 0.46), (0.60, 0.60, 0.61), (0.70, 0.71, 0.72), (0.36, 0.36, 0.37)),
    "black": ((0.10, 0.10, 0.11), (0.14, 0.14, 0.14)),
    "red": ((0.70, 0.10, 0.12), (0.55, 0.10, 0.12), (0.82, 0.14, 0.12)),
    "orange": ((0.90, 0.45, 0.08), (0.95, 0.55, 0.12)),
    "yellow": ((0.92, 0.80, 0.15), (0.90, 0.84, 0.30)),
    "green": ((0.16, 0.42, 0.20), (0.30, 0.55, 0.28), (0.42, 0.50, 0.18), (0.55, 0.72, 0.45)),
    "turquoise": ((0.05, 0.50, 0.50), (0.20, 0.68, 0.66), (0.55, 0.84, 0.80)),
    "blue": ((0.10, 0.18, 0.45), (0.15, 0.32, 0.68), (0.35, 0.55, 0.82)),
    "purple": ((0.36, 0.16, 0.48), (0.55, 0.35, 0.70)),
    "pink": ((0.92, 0.55, 0.65), (0.90, 0.42, 0.58), (0.96, 0.74, 0.78)),
    "brown": ((0.40, 0.26, 0.16), (0.30, 0.19, 0.12), (0.50, 0.34, 0.20)),
    "beige": ((0.84, 0.76, 0.62), (0.78, 0.68, 0.54), (0.90, 0.84, 0.74)),
}
"""Shades of each colour name, as ``ops/colour_names.py`` names them."""

NEUTRAL = ("white", "grey", "black", "beige", "white")
ALL = tuple(SHADES)

_CLOTH: tuple[Pattern, ...] = ("weave", "weave", "weave", "carpet", "stripes", "checks", "dots")

_WOODS: tuple[Color, ...] = (
    (0.52, 0.34, 0.19), (0.36, 0.23, 0.14), (0.66, 0.46, 0.27), (0.82, 0.69, 0.50), (0.45, 0.22, 0.13),
    (0.88, 0.80, 0.66), (0.24, 0.17, 0.13),
)  # fmt: skip
_METALS: tuple[Color, ...] = (
    (0.68, 0.69, 0.71),
    (0.55, 0.56, 0.58),
    (0.14, 0.14, 0.15),
    (0.74, 0.62, 0.36),
)
_STONES: tuple[tuple[Color, Color], ...] = (
    ((0.90, 0.89, 0.87), (0.55, 0.55, 0.57)),
    ((0.22, 0.22, 0.23), (0.52, 0.51, 0.50)),
    ((0.62, 0.58, 0.52), (0.36, 0.33, 0.30)),
    ((0.78, 0.70, 0.60), (0.52, 0.40, 0.32)),
    ((0.36, 0.44, 0.40), (0.70, 0.74, 0.70)),
)


@dataclass(frozen=True)
class Finish:
    """The look of a surface.

    Attributes:
        material: what a person would say it is made of.
        color: main colour.
        second: the pattern's other colour.
        pattern: how the two are mixed over the surface.
        scale_m: size of the pattern.
        gloss: strength of highlights, 0..1.
        glow: light it sends out by itself, in units of a white surface under full light.
    """

    material: str
    color: Color
    second: Color
    pattern: Pattern = "plain"
    scale_m: float = 0.1
    gloss: float = 0.05
    glow: float = 0.0

    def tinted(self, factor: float) -> "Finish":
        """The same finish, lighter or darker."""
        return replace(self, color=brighter(self.color, factor), second=brighter(self.second, factor))


def brighter(color: Color, factor: float) -> Color:
    """The colour times a factor, at most white."""
    red, green, blue = np.clip(np.array(color) * factor, 0, 1)
    return float(red), float(green), float(blue)


def shade(rng: np.random.Generator, names: Sequence[str] = ALL) -> Color:
    """A shade of one of the named colours, each channel up to 6 % off."""
    shades = SHADES[names[int(rng.integers(len(names)))]]
    return _near(rng, shades[int(rng.integers(len(shades)))])


def plain(color: Color, material: str = "plastic", gloss: float = 0.1, glow: float = 0.0) -> Finish:
    """One colour without a pattern."""
    return Finish(material, color, color, gloss=gloss, glow=glow)


def wood(rng: np.random.Generator) -> Finish:
    """Bare or oiled wood with a grain."""
    color = _near(rng, _WOODS[int(rng.integers(len(_WOODS)))])
    dark = brighter(color, float(rng.uniform(0.6, 0.85)))
    return Finish("wood", color, dark, "wood", float(rng.uniform(0.03, 0.08)), float(rng.uniform(0.03, 0.2)))


def painted(rng: np.random.Generator, names: Sequence[str] = ALL) -> Finish:
    """Painted or lacquered board."""
    return plain(shade(rng, names), "painted", float(rng.uniform(0.05, 0.3)))


def wood_or_paint(rng: np.random.Generator, names: Sequence[str] = ALL) -> Finish:
    """Wood as often as paint."""
    return wood(rng) if rng.random() < 0.55 else painted(rng, (*NEUTRAL, *names))


def fabric(rng: np.random.Generator, names: Sequence[str] = ALL) -> Finish:
    """Cloth: woven, mottled, striped, checked or dotted."""
    color = shade(rng, names)
    pattern = _CLOTH[int(rng.integers(len(_CLOTH)))]
    if pattern in {"weave", "carpet"}:
        return Finish("fabric", color, brighter(color, 0.75), pattern, 0.012, 0.0)
    second = shade(rng) if rng.random() < 0.5 else shade(rng, ("white", "beige"))
    return Finish("fabric", color, second, pattern, float(rng.uniform(0.06, 0.2)), 0.0)


def leather(rng: np.random.Generator) -> Finish:
    """Leather, mottled and slightly shiny."""
    color = shade(rng, ("black", "brown", "brown", "beige", "red", "white", "green", "grey", "blue"))
    return Finish("leather", color, brighter(color, 0.8), "leather", 0.05, 0.35)


def metal(rng: np.random.Generator) -> Finish:
    """Steel, dark metal, brass, or painted sheet."""
    if rng.random() < 0.25:
        return plain(shade(rng), "metal", 0.4)
    color = _near(rng, _METALS[int(rng.integers(len(_METALS)))])
    return Finish("metal", color, brighter(color, 0.88), "brushed", 0.01, 0.6)


def ceramic(rng: np.random.Generator, white: float = 0.6) -> Finish:
    """Glazed ceramic, white with the given probability."""
    coloured = ("beige", "pink", "turquoise", "green", "black", "blue", "grey", "yellow", "brown")
    names = ("white",) if rng.random() < white else coloured
    return plain(shade(rng, names), "ceramic", 0.7)


def plastic(rng: np.random.Generator, names: Sequence[str] = ALL) -> Finish:
    """Smooth plastic."""
    return plain(shade(rng, names), "plastic", 0.3)


def stone(rng: np.random.Generator) -> Finish:
    """Polished stone with veins."""
    color, vein = _STONES[int(rng.integers(len(_STONES)))]
    return Finish("stone", _near(rng, color), vein, "marble", float(rng.uniform(0.15, 0.4)), 0.4)


def _near(rng: np.random.Generator, color: Color) -> Color:
    return _clipped(np.array(color) * rng.uniform(0.94, 1.06, 3))


def _clipped(color: np.ndarray) -> Color:
    red, green, blue = np.clip(color, 0, 1)
    return float(red), float(green), float(blue)


CHROME = Finish("metal", (0.75, 0.76, 0.78), (0.68, 0.69, 0.71), "brushed", 0.01, 0.8)
DARK = plain((0.13, 0.13, 0.14), "plastic", 0.15)
LINEN = Finish("fabric", (0.93, 0.92, 0.89), (0.84, 0.83, 0.80), "weave", 0.012, 0.0)
