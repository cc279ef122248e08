"""Colours of classes: those of the recipe's label sets, for other names a colour that follows from the name.

The same name has the same colour in every layer, frame and scene. Reading label sets is left to
``storage.label_sets``.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import UInt8

from report.query import oklch_to_rgb
from schema.errors import Teach3dError
from storage.label_sets import load_label_set

Rgb = tuple[int, int, int]
UNLABELLED: Rgb = (132, 136, 142)


_USUAL = ("scannet20", "indoor21")


def known_colors(label_sets: Iterable[str] = _USUAL) -> dict[str, Rgb]:
    """Colours by class name of the label sets; the first set that has a name decides.

    A set that can no longer be read (a moved file) only loses its colours: names stay, with other colours.
    """
    colors: dict[str, Rgb] = {}
    for name in label_sets:
        try:
            label_set = load_label_set(name)
        except Teach3dError:
            continue
        for label, color in zip(label_set.names, label_set.colors, strict=True):
            colors.setdefault(label, color)
    return colors


def class_colors(names: Sequence[str], known: Mapping[str, Rgb]) -> UInt8[np.ndarray, "K 3"]:
    """A colour per class: the known one, else one whose hue and lightness follow from the name alone."""
    digests = np.array([zlib.crc32(name.encode()) for name in names], dtype=np.uint64)
    hue = (digests % 3600).astype(np.float64) / 10.0
    lightness = 0.6 + 0.22 * ((digests // 3600) % 5).astype(np.float64) / 4
    colors = oklch_to_rgb(lightness, np.full(len(names), 0.15), hue).reshape(-1, 3)
    for row, name in enumerate(names):
        if name in known:
            colors[row] = known[name]
    return colors


def class_color(name: str) -> Rgb:
    """The colour of one class, by the usual label sets, else by its name."""
    red, green, blue = (int(v) for v in class_colors([name], _usual())[0])
    return red, green, blue


@lru_cache(maxsize=1)
def _usual() -> Mapping[str, Rgb]:
    return known_colors()


def id_colors(num: int) -> UInt8[np.ndarray, "num 3"]:
    """Colours that tell neighbouring ids apart: golden-angle hues, three lightnesses."""
    ids = np.arange(num, dtype=np.float64)
    lightness = 0.58 + 0.13 * (ids % 3)
    return oklch_to_rgb(lightness, np.full(num, 0.14), ids * 137.50776 % 360).reshape(-1, 3)
