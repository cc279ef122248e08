"""How an image is put before a network of fixed input size, and how its answer gets back onto the image.

Scaling of values is each network's business.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image


@dataclass(frozen=True)
class Framing:
    """An image inside a network's input.

    The image keeps its aspect: it is scaled until it touches the input's border, put at the top left, and
    the rest is filled. DeepLab was trained, and is run, like this (a crop padded with the mean
    pixel); stretching would show it objects a third too high on a 4:3 image.

    Attributes:
        image_hw: the image, px.
        net_hw: the network's input, px.
        inner_hw: the part of the input the image covers, px.
    """

    image_hw: tuple[int, int]
    net_hw: tuple[int, int]
    inner_hw: tuple[int, int]


def frame_image(image_hw: tuple[int, int], net_hw: tuple[int, int] | None) -> Framing:
    """Where an image lies in a network's input; ``net_hw`` None: the network takes the image's own size."""
    if net_hw is None:
        return Framing(image_hw, image_hw, image_hw)
    scale = min(net_hw[0] / image_hw[0], net_hw[1] / image_hw[1])
    inner_hw = (
        min(net_hw[0], max(1, round(image_hw[0] * scale))),
        min(net_hw[1], max(1, round(image_hw[1] * scale))),
    )
    return Framing(image_hw, net_hw, inner_hw)


def place(
    image: UInt8[np.ndarray, "H W 3"], framing: Framing, fill: tuple[int, int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """The image resized (bilinear, with a wider filter when shrinking) and padded with ``fill``, RGB."""
    inner_h, inner_w = framing.inner_hw
    if framing.inner_hw != framing.image_hw:
        resized = Image.fromarray(image).resize((inner_w, inner_h), Image.Resampling.BILINEAR)
        image = np.asarray(resized)
    canvas = np.empty((*framing.net_hw, 3), dtype=np.uint8)
    canvas[:] = fill
    canvas[:inner_h, :inner_w] = image
    return canvas


def back_to_image(grid: Shaped[np.ndarray, "h w"], framing: Framing) -> Shaped[np.ndarray, "H W"]:
    """The network's answer at each of the image's pixels: nearest cell, padding left out.

    Args:
        grid: answer over the whole input, at the input's or any other resolution.
        framing: how the image was put into the input.
    """
    rows = _cells(framing.image_hw[0], framing.inner_hw[0], framing.net_hw[0], grid.shape[0])
    columns = _cells(framing.image_hw[1], framing.inner_hw[1], framing.net_hw[1], grid.shape[1])
    return np.take(np.take(grid, rows, axis=0), columns, axis=1)


def _cells(image_px: int, inner_px: int, net_px: int, num_cells: int) -> np.ndarray:
    # floor((u + 0.5) / image_px * inner_px / net_px * num_cells) in whole numbers, so that it is exact
    twice_centre = 2 * np.arange(image_px, dtype=np.int64) + 1
    return np.minimum(twice_centre * (inner_px * num_cells) // (2 * image_px * net_px), num_cells - 1)
