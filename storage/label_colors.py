"""Colours for classes that have none: far apart in a perceptual space, the same every time.

Which set has colours of its own is left to the files in ``storage/data/labels``.
"""

import numpy as np
from jaxtyping import Float

_STEP = 17
_LIGHTNESS = (30.0, 90.0)


def distinct_colors(count: int) -> tuple[tuple[int, int, int], ...]:
    """The first ``count`` colours of one fixed sequence; each is as far as possible from those before it.

    A longer list begins with the shorter one, so that label sets that are prefixes of each other agree.
    Farthest-point selection over a grid of RGB, neither nearly black nor nearly white, by squared distance
    in CIELAB (D65, CIE 1976).

    Args:
        count: 0 .. 2000.
    """
    levels = np.arange(0, 256, _STEP)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _lab(rgb)
    keep = (lab[:, 0] >= _LIGHTNESS[0]) & (lab[:, 0] <= _LIGHTNESS[1])
    rgb, lab = rgb[keep], lab[keep]
    if not 0 <= count <= 2000:
        raise ValueError(f"cannot make {count} distinct colours")
    chosen = [int(np.argmin(((lab - np.array([55.0, 0.0, -40.0])) ** 2).sum(axis=1)))] if count else []
    nearest = np.full(len(lab), np.inf)
    while len(chosen) < count:
        distance = ((lab - lab[chosen[-1]]) ** 2).sum(axis=1).round(3)
        nearest = np.minimum(nearest, distance)
        chosen.append(int(np.argmax(nearest)))
    return tuple((int(r), int(g), int(b)) for r, g, b in rgb[chosen])


def _lab(rgb: np.ndarray) -> Float[np.ndarray, "n 3"]:
    """SRGB 0..255 to CIELAB (IEC 61966-2-1, CIE 1976, D65)."""
    value = rgb.astype(np.float64) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ matrix.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
