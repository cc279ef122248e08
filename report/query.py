"""Drawing of continuous values: a perceptual colour map, scores as colours, a histogram for terminals.

Where scores come from is the caller's business; what a class is coloured is said in ``report.palette``.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

_BARS = " ▏▎▍▌▋▊▉█"


def oklch_to_rgb(
    lightness: Float[np.ndarray, "K"], chroma: Float[np.ndarray, "K"], hue_deg: Float[np.ndarray, "K"]
) -> UInt8[np.ndarray, "K 3"]:
    """OKLCH colours as sRGB; colours outside the gamut are clipped per channel.

    Matrices: B. Ottosson, "A perceptual color space for image processing" (2020).

    Args:
        lightness: 0 black to 1 white.
        chroma: 0 grey to about 0.3.
        hue_deg: hue angle, degrees.
    """
    angle = np.deg2rad(hue_deg)
    lab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    lms = (lab @ _LMS_FROM_LAB.T) ** 3
    linear = np.clip(lms @ _RGB_FROM_LMS.T, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(srgb * 255), dtype=np.uint8)


_LMS_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@lru_cache(maxsize=4)
def color_map(num: int = 256) -> UInt8[np.ndarray, "num 3"]:
    """A dark-violet to yellow map whose lightness rises evenly (OKLCH L 0.27 to 0.92), read-only."""
    t = np.linspace(0.0, 1.0, num)
    table = oklch_to_rgb(0.27 + 0.65 * t, 0.12 + 0.055 * t, 300.0 - 195.0 * t**0.9)
    table.setflags(write=False)
    return table


def score_range(scores: Float[np.ndarray, "N"]) -> tuple[float, float]:
    """The values drawn darkest and brightest: 2nd and 99.5th percentile of the finite scores, never equal."""
    finite = scores[np.isfinite(scores)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(x) for x in np.percentile(finite, [2.0, 99.5]))
    if high - low < 1e-6:
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if high - low >= 1e-6 else (low, low + 1.0)


def score_colors(
    scores: Float[np.ndarray, "N"],
    *,
    low: float | None = None,
    high: float | None = None,
    unknown: tuple[int, int, int] = (150, 150, 150),
) -> UInt8[np.ndarray, "N 3"]:
    """Colours of scores: ``low`` and below is darkest, ``high`` and above brightest, NaN is ``unknown``.

    Limits that are not given are those of ``score_range``.
    """
    found = score_range(scores)
    low, high = found[0] if low is None else low, found[1] if high is None else high
    table = color_map()
    known = np.isfinite(scores)
    share = np.clip((np.where(known, scores, low) - low) / max(high - low, 1e-12), 0.0, 1.0)
    colors = table[np.rint(share * (len(table) - 1)).astype(np.int64)]
    colors[~known] = unknown
    return colors


def text_histogram(counts: Sequence[int], edges: Sequence[float], *, width: int = 40) -> list[str]:
    """Lines of a horizontal histogram, one a bin, the highest bin last.

    Args:
        counts: points per bin.
        edges: limits of the bins, one more than counts.
        width: characters of the longest bar.
    """
    top = max([*counts, 1])
    digits = len(str(top))
    return [
        f"{left:7.3f} to {right:6.3f}  {count:>{digits}}  {_bar(count / top, width)}".rstrip()
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _bar(share: float, width: int) -> str:
    eighths = int(np.ceil(share * width * 8)) if share > 0 else 0
    return "█" * (eighths // 8) + (_BARS[eighths % 8] if eighths % 8 else "")
