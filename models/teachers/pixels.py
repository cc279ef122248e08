"""Pixel bytes to a network's input tensor: type, range, order of axes.

Size and place of the image inside the input are the business of ``framing``.
"""

import numpy as np
from jaxtyping import Shaped, UInt8

Triple = tuple[float, float, float]


def fill_colour(mean: Triple) -> tuple[int, int, int]:
    """The colour a network sees as zero, for padding; RGB bytes."""
    red, green, blue = (int(np.clip(round(255 * value), 0, 255)) for value in mean)
    return red, green, blue


def to_tensor(
    image: UInt8[np.ndarray, "h w 3"], dtype: np.dtype, *, mean: Triple, std: Triple, channels_first: bool
) -> Shaped[np.ndarray, "1 a b c"]:
    """The image as a batch of one.

    Args:
        image: RGB, at the size of the input.
        dtype: of the input. Quantised inputs (uint8, int8) span the range of a byte whatever real numbers it
            stands for, so they get the bytes, int8 shifted by 128; floats get ``(rgb / 255 - mean) / std``.
        mean: of RGB in 0..1.
        std: of RGB in 0..1.
        channels_first: [1,3,h,w] instead of [1,h,w,3].
    """
    if dtype == np.uint8:
        values = image
    elif dtype == np.int8:
        values = (image.astype(np.int16) - 128).astype(np.int8)
    else:
        scale = 1.0 / (255.0 * np.asarray(std, dtype=np.float64))
        shift = np.asarray(mean, dtype=np.float64) / np.asarray(std, dtype=np.float64)
        values = (image * scale.astype(np.float32) - shift.astype(np.float32)).astype(dtype, copy=False)
    if channels_first:
        values = np.moveaxis(values, 2, 0)
    return np.ascontiguousarray(values[None])
