"""What all furniture is made with: the record of a piece and small helpers for its makers.

The pieces themselves are in the ``furniture_*.py`` modules, looks in ``finishes.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ops.finishes import Finish
from ops.shapes import Number, Part, box

Rect = tuple[float, float, float, float]
"""x and y of the low corner, x and y of the high one, metres."""


@dataclass(frozen=True)
class Furniture:
    """One object: its back at y = 0, its front towards +y, its middle at x = 0, standing on z = 0; metres.

    Attributes:
        kind: what a person would call it.
        label: its class; the kind unless that is none of the classes.
        design: name of the shape.
        parts: in the object's own frame.
        main: what its colour is named by: the look of its body, frame or case.
        size_m: width (x), depth (y) and height (z) of the box around it.
        size_word: "small", "large" or "".
        tops: level places to put things on: rectangle and height.
        holes: places for a sink: rectangle and height of its rim.
        light: position and strength of a lamp's light, if it is one.
    """

    kind: str
    label: str
    design: str
    parts: tuple[Part, ...]
    main: Finish
    size_m: tuple[float, float, float]
    size_word: str = ""
    tops: tuple[tuple[Rect, float], ...] = ()
    holes: tuple[tuple[Rect, float], ...] = ()
    light: tuple[float, float, float, float] | None = None


Maker = Callable[[np.random.Generator], Furniture]


def furniture(
    name: str | tuple[str, str],
    design: str,
    parts: Sequence[Part],
    main: Finish,
    *,
    word: str = "",
    tops: Sequence[tuple[Rect, float]] = (),
    holes: Sequence[tuple[Rect, float]] = (),
    light: tuple[float, float, float, float] | None = None,
) -> Furniture:
    """A piece whose parts are moved so that the box around them stands where ``Furniture`` says.

    Args:
        name: its class, or (kind, class).
        design: of the shape.
        parts: anywhere.
        main: what its colour is named by: the look of its body, frame or case.
        word: "small", "large" or "".
        tops: places to put things on, in the frame of the parts.
        holes: places for a sink, in the frame of the parts.
        light: position in the frame of the parts, and strength.
    """
    kind, label = (name, name) if isinstance(name, str) else name
    low = np.min([part.vertices.min(axis=0) for part in parts], axis=0)
    high = np.max([part.vertices.max(axis=0) for part in parts], axis=0)
    x, y, z = (float(a) for a in (-(low[0] + high[0]) / 2, -low[1], -low[2]))
    width, depth, height = (float(a) for a in high - low)

    def shifted(places: Sequence[tuple[Rect, float]]) -> tuple[tuple[Rect, float], ...]:
        return tuple(((a + x, b + y, c + x, d + y), up + z) for (a, b, c, d), up in places)

    return Furniture(
        kind=kind,
        label=label,
        design=design,
        parts=tuple(part.moved((x, y, z)) for part in parts),
        main=main,
        size_m=(width, depth, height),
        size_word=word,
        tops=shifted(tops),
        holes=shifted(holes),
        light=None if light is None else (light[0] + x, light[1] + y, light[2] + z, light[3]),
    )


def size_word(value: Number, small_below: Number, large_above: Number) -> str:
    """What a person would say about a size that most of its kind have between the two limits."""
    return "small" if value < small_below else "large" if value > large_above else ""


def choose(rng: np.random.Generator, names: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """One of the names."""
    if weights is None:
        return names[int(rng.integers(len(names)))]
    share = np.asarray(weights, dtype=np.float64)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def legs(width: float, depth: float, height: float, thick: float, finish: Finish) -> list[Part]:
    """Four square legs below the corners of a plate, as thick as said."""
    return [
        box((x, y, 0), (x + thick, y + thick, height), finish)
        for x in (-width / 2, width / 2 - thick)
        for y in (0, depth - thick)
    ]


def whole_top(width: float, depth: float, height: float, margin: float = 0.04) -> tuple[Rect, float]:
    """The top of a plate whose back is at y = 0, less a margin."""
    return (-width / 2 + margin, margin, width / 2 - margin, depth - margin), height
