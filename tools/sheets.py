"""Parts of contact sheets: images side by side, titles, a legend of class colours, files of few colours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from storage.label_sets import load_label_set

GAP = 4
INK = (30, 32, 36)
PAPER = (255, 255, 255)


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG of 256 colours: a third of the bytes, and nobody sees the difference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    few = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def beside(images: Sequence[np.ndarray]) -> np.ndarray:
    """Images of one height in a row."""
    gap = np.full((images[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for image in images for part in (image, gap)])


def stacked(rows: Sequence[np.ndarray]) -> Image.Image:
    """Rows of one width below each other."""
    return Image.fromarray(np.vstack(list(rows)))


def titled(image: np.ndarray, text: str) -> np.ndarray:
    """A line of text above an image."""
    title = Image.new("RGB", (image.shape[1], 18), PAPER)
    ImageDraw.Draw(title).text((3, 2), text, fill=INK, font=ImageFont.load_default(size=12))
    return np.vstack([np.asarray(title), image])


def legend(width: int) -> np.ndarray:
    """Names and colours of the twenty classes, ``width`` pixels wide."""
    label_set = load_label_set("scannet20")
    image = Image.new("RGB", (width, 48), PAPER)
    draw, font, step = ImageDraw.Draw(image), ImageFont.load_default(size=13), width / 10
    for i, (name, color) in enumerate(zip(label_set.names, label_set.colors, strict=True)):
        x, y = (i % 10) * step + 4, 4 + 22 * (i // 10)
        draw.rectangle((x, y, x + 16, y + 16), fill=tuple(color))
        draw.text((x + 22, y), name, fill=INK, font=font)
    return np.asarray(image)
