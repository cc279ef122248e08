"""What readers of point files share: their result, their errors, polygons cut into triangles.

Each format has its reader beside this; which one a file needs is ``clouds``'s business.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float, Int, Num, UInt8

from schema.errors import InputError


@dataclass(frozen=True)
class Geometry:
    """Points as they stand in a file.

    Attributes:
        points: float32 or float64, as the file has them; any unit, any axes, maybe not finite.
        faces: rows of ``points``, three a triangle; None for a bare cloud.
        colors: RGB; None where the file has none (or keeps them in textures).
    """

    points: Float[np.ndarray, "N 3"]
    faces: Int[np.ndarray, "M 3"] | None = None
    colors: UInt8[np.ndarray, "N 3"] | None = None


def read_bytes(path: Path) -> bytes:
    """The file's content.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    with opened(path) as file:
        return file.read()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for reading; errors as of ``read_bytes``."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot be read ({(error.strerror or 'unknown reason').lower()})",
            file=path,
            remedy="check the path",
        ) from error
    with file:
        if not file.read(1):
            raise InputError("the file is empty", file=path, remedy="export it again")
        file.seek(0)
        yield file


def unreadable(path: Path, problem: str, remedy: str) -> InputError:
    """The error for a file that is not what its name says."""
    return InputError(problem, file=path, remedy=remedy)


def cut_short(path: Path, what: str) -> InputError:
    """The error for a file that ends before it should."""
    return InputError(f"the file ends early: {what}", file=path, remedy="copy or export it again")


def to_bytes(colors: Num[np.ndarray, "N 3"]) -> UInt8[np.ndarray, "N 3"]:
    """Colours of any type as bytes: floats up to 1 are shares, integers beyond 255 are 16-bit.

    >>> to_bytes(np.array([[0.0, 0.5, 1.0]])).tolist(), to_bytes(np.array([[0, 32768, 65535]])).tolist()
    ([[0, 128, 255]], [[0, 127, 255]])
    """
    if colors.dtype == np.uint8:
        return colors
    values = np.nan_to_num(colors.astype(np.float64))
    largest = float(values.max(initial=0.0))
    if colors.dtype.kind == "f" and largest <= 1.0:
        values = values * 255
    elif largest > 255:
        values = values * (255 / 65535)
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def fans(polygons: np.ndarray | Sequence[np.ndarray]) -> Int[np.ndarray, "M 3"]:
    """Triangles of polygons, around each one's first corner, in order; points and lines are left out.

    Args:
        polygons: corners of each, a matrix where all have as many.
    """
    if isinstance(polygons, np.ndarray):
        return _fan(polygons.astype(np.int64)).reshape(-1, 3)
    parts = [_fan(polygon.astype(np.int64)[None]).reshape(-1, 3) for polygon in polygons]
    return np.concatenate([np.zeros((0, 3), dtype=np.int64), *parts])


def _fan(polygons: Int[np.ndarray, "P k"]) -> Int[np.ndarray, "P t 3"]:
    size = polygons.shape[1]
    if size < 3:
        return np.zeros((len(polygons), 0, 3), dtype=np.int64)
    first = np.repeat(polygons[:, :1], size - 2, axis=1)
    return np.stack([first, polygons[:, 1:-1], polygons[:, 2:]], axis=2)
