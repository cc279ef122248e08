"""Colour and depth images from PNG and JPEG files, with one clear line for whatever is wrong with a file.

Which files make a frame is the sources' business (``storage/sources``).
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8, UInt16
from PIL import Image, ImageFile, UnidentifiedImageError

from schema.errors import InputError

_FORMATS = ("PNG", "JPEG")
_COLOR_MODES = ("RGB", "RGBA", "L", "P")
_DEPTH_MODES = ("I;16", "I;16B", "I;16L", "I")
_REPLACE = "replace the file, or remove the whole frame"


def read_color(path: Path, image_hw: tuple[int, int] | None = None) -> UInt8[np.ndarray, "H W 3"]:
    """Read an 8-bit colour image as RGB. Grey is repeated, transparency ignored, EXIF rotation not applied.

    Args:
        path: PNG or JPEG.
        image_hw: the height and width it must have, px; None: any.

    Raises:
        InputError: missing, empty, truncated, of another format or size, or not 8-bit colour.
    """
    with _opened(path, "colour") as image:
        _check_size(path, image, image_hw, "colour")
        if image.mode not in _COLOR_MODES:
            raise InputError(
                f"the colour image has mode {image.mode}",
                file=path,
                remedy="save it as 8-bit RGB (PNG or JPEG)",
            )
        return np.asarray(_decoded(path, image, "colour").convert("RGB"), dtype=np.uint8)


def read_depth(path: Path, image_hw: tuple[int, int] | None = None) -> UInt16[np.ndarray, "H W"]:
    """Read a 16-bit depth image as its raw values; what they mean is the caller's knowledge.

    Raises:
        InputError: missing, empty, truncated, of another format or size, or not 16-bit grey.
    """
    with _opened(path, "depth") as image:
        _check_size(path, image, image_hw, "depth")
        if image.mode not in _DEPTH_MODES or image.format != "PNG":
            raise InputError(
                f"the depth image is {image.format} with mode {image.mode}, not a 16-bit grey PNG",
                file=path,
                remedy="export depth as 16-bit PNG",
            )
        return np.asarray(_decoded(path, image, "depth")).astype(np.uint16)


def depth_in_metres(
    raw: UInt16[np.ndarray, "H W"], units_per_m: float, invalid: tuple[int, ...]
) -> Float[np.ndarray, "H W"]:
    """Raw depth values as float32 metres, 0 where the value means that there is none."""
    depth_m = raw.astype(np.float32) / np.float32(units_per_m)
    for value in invalid:
        depth_m[raw == value] = 0
    return depth_m


def image_size(path: Path, what: str) -> tuple[int, int]:
    """Height and width of an image in px, from its header alone."""
    with _opened(path, what) as image:
        return image.height, image.width


def check_file(path: Path, what: str) -> None:
    """Refuse a file that is missing or empty.

    Raises:
        InputError: naming the file.
    """
    if not path.is_file():
        raise InputError(f"the {what} is missing", file=path, remedy=_REPLACE)
    if path.stat().st_size == 0:
        raise InputError(f"the {what} is empty (0 bytes)", file=path, remedy=_REPLACE)


def _opened(path: Path, what: str) -> Image.Image:
    check_file(path, f"{what} image")
    try:
        return Image.open(path, formats=_FORMATS)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"the {what} image cannot be read as PNG or JPEG: {_reason(error, path)}",
            file=path,
            remedy=_REPLACE,
        ) from error


def _decoded(path: Path, image: Image.Image, what: str) -> Image.Image:
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library in the process may have switched it on
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(
            f"the {what} image is damaged: {_reason(error, path)}", file=path, remedy=_REPLACE
        ) from error
    return image


def _check_size(path: Path, image: Image.Image, image_hw: tuple[int, int] | None, what: str) -> None:
    if image_hw is not None and (image.height, image.width) != image_hw:
        raise InputError(
            f"the {what} image is {image.width} x {image.height} px, "
            f"but the capture's colour images are {image_hw[1]} x {image_hw[0]}",
            file=path,
            remedy="register depth and colour to one size (see docs/own-data.md)",
        )


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "unknown format"
    text = str(error).replace(str(path), path.name)
    return text.splitlines()[0] if text else type(error).__name__


def write_png(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> Path:
    """Write an RGB picture as PNG; makes the folder; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, "PNG")
    return path
