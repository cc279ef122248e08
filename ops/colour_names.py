"""Names of colours as people use them: the nearest of a few examples per name in a perceptual space, OKLab.

Which pixels belong together, and what a name is used for, is decided elsewhere.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8

# The eleven basic colour terms of Berlin and Kay, and two that furniture needs. Several sRGB examples a name,
# dark to light, because a name covers a range of shades.
COLOUR_EXAMPLES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((0, 0, 0), (25, 25, 25), (40, 40, 42)),
    "grey": (
        (85, 85, 85),
        (110, 110, 110),
        (128, 128, 128),
        (150, 150, 150),
        (175, 175, 175),
        (200, 200, 200),
    ),
    "white": ((228, 228, 228), (240, 240, 240), (255, 255, 255)),
    "red": ((90, 10, 15), (130, 20, 25), (178, 24, 32), (220, 30, 30), (255, 0, 0), (150, 55, 55)),
    "orange": ((200, 90, 10), (230, 110, 20), (255, 140, 0), (255, 165, 60)),
    "yellow": ((190, 170, 20), (230, 205, 30), (255, 230, 0), (255, 240, 110)),
    "green": ((15, 60, 20), (30, 100, 40), (40, 140, 60), (0, 200, 0), (130, 190, 110), (100, 120, 40)),
    "turquoise": ((0, 110, 110), (0, 150, 150), (40, 190, 185), (64, 224, 208), (150, 220, 215)),
    "blue": ((15, 20, 70), (20, 40, 120), (30, 70, 180), (0, 0, 255), (60, 120, 220), (130, 180, 230)),
    "purple": ((60, 20, 80), (95, 40, 130), (128, 0, 128), (150, 80, 190), (190, 150, 220)),
    "pink": ((210, 60, 130), (255, 105, 180), (240, 150, 170), (255, 192, 203)),
    "brown": ((50, 32, 22), (75, 48, 30), (101, 67, 33), (130, 85, 50), (150, 100, 60), (165, 120, 85)),
    "beige": ((190, 165, 130), (205, 180, 145), (220, 200, 170), (235, 220, 195)),
}
COLOUR_NAMES = tuple(COLOUR_EXAMPLES)

_LIGHTNESS_WEIGHT = 0.6  # shading changes lightness far more than hue and chroma
_LOW = np.array([0.0, -0.5, -0.5])
_LEVELS = 256
_BITS = 6  # of each RGB byte that the table keeps

# Bjoern Ottosson, "A perceptual color space for image processing" (2020)
_LMS_FROM_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_FROM_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab_from_rgb(rgb: UInt8[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N 3"]:
    """Bytes of sRGB to OKLab: lightness 0..1, and two opponent axes within about -0.4..0.4."""
    srgb = np.asarray(rgb) / 255.0
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    result: np.ndarray = np.cbrt(linear @ _LMS_FROM_RGB.T) @ _LAB_FROM_LMS.T
    return result


def name_colours(oklab: Float[np.ndarray, "K 3"]) -> list[str]:
    """The name of the nearest example for each colour; lightness counts less than the other two axes."""
    examples, name_id = _examples()
    weight = np.array([_LIGHTNESS_WEIGHT, 1.0, 1.0])
    difference = (oklab[:, None, :] - examples[None]) * weight
    nearest = np.argmin(np.einsum("kec,kec->ke", difference, difference), axis=1)
    return [COLOUR_NAMES[name_id[i]] for i in nearest]


def region_medians(
    image: UInt8[np.ndarray, "H W 3"], region_map: Int[np.ndarray, "H W"], num_regions: int
) -> Float[np.ndarray, "R 3"]:
    """The median OKLab colour of each region, axis by axis, to 1/256 of the axis' range.

    The median leaves highlights, shadows and small patterns out. One pass over the pixels whatever the number
    of regions: OKLab comes from a table over the upper 6 bits of each byte, medians from a histogram per
    region.

    Args:
        image: RGB.
        region_map: region id per pixel, negative in none.
        num_regions: R; ids are below it.

    Returns:
        NaN rows for regions without a pixel.
    """
    inside = np.flatnonzero(region_map.ravel() >= 0)
    region = region_map.ravel()[inside].astype(np.int64) * _LEVELS
    pixels = image.reshape(-1, 3)[inside] >> (8 - _BITS)
    code = (
        (pixels[:, 0].astype(np.int32) << 2 * _BITS) | (pixels[:, 1].astype(np.int32) << _BITS) | pixels[:, 2]
    )
    medians = np.empty((num_regions, 3))
    for axis in range(3):
        level = _level_table()[axis].take(code)
        histogram = np.bincount(region + level, minlength=num_regions * _LEVELS).reshape(num_regions, _LEVELS)
        below = np.cumsum(histogram, axis=1)
        middle = np.argmax(2 * below >= below[:, -1:], axis=1)
        medians[:, axis] = (middle + 0.5) / _LEVELS + _LOW[axis]
    medians[below[:, -1] == 0] = np.nan
    return medians


@lru_cache(maxsize=1)
def _examples() -> tuple[np.ndarray, tuple[int, ...]]:
    rows = [(i, rgb) for i, name in enumerate(COLOUR_NAMES) for rgb in COLOUR_EXAMPLES[name]]
    colours = oklab_from_rgb(np.array([rgb for _, rgb in rows], dtype=np.uint8))
    return colours, tuple(i for i, _ in rows)


@lru_cache(maxsize=1)
def _level_table() -> UInt8[np.ndarray, "3 L"]:
    """Level of each OKLab axis for each colour of the coarse RGB cube, at the middle of its cell."""
    steps = (np.arange(1 << _BITS) << (8 - _BITS)) + (1 << (7 - _BITS))
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    levels = np.floor((oklab_from_rgb(cube.astype(np.uint8)) - _LOW) * _LEVELS)
    return np.ascontiguousarray(np.clip(levels, 0, _LEVELS - 1).astype(np.uint8).T)
