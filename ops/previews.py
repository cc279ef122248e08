"""Small pictures of a few frames, kept for people to look at.

Where they are stored is ingest's business; drawing masks over them is the report's.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int, UInt8

from schema.records import View

LONGEST_SIDE_PX = 320
"""Pictures are shrunk to at most this; never enlarged."""


def preview_frames(num_frames: int, num_previews: int) -> Int[np.ndarray, "P"]:
    """Indices of evenly spread frames, the first and the last among them; at most all of them.

    >>> preview_frames(100, 4)
    array([ 0, 33, 66, 99])
    >>> preview_frames(2, 8)
    array([0, 1])
    """
    count = min(num_frames, num_previews)
    frames: np.ndarray = np.rint(np.linspace(0, max(num_frames - 1, 0), count)).astype(np.int64)
    return frames


def preview_hw(image_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the small picture of an image, px; its shape is kept to the nearest pixel.

    >>> preview_hw((480, 640)), preview_hw((100, 80))
    ((240, 320), (100, 80))
    """
    height, width = image_hw
    scale = min(1.0, LONGEST_SIDE_PX / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink_color(color: UInt8[np.ndarray, "H W 3"], hw: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """A smaller picture: each pixel is the mean of the box of pixels it covers (boxes on whole pixels)."""
    rows, columns = (_box_starts(size, small) for size, small in zip(color.shape[:2], hw, strict=True))
    sums = np.add.reduceat(np.add.reduceat(color.astype(np.uint32), rows, axis=0), columns, axis=1)
    area = np.outer(np.diff(rows, append=color.shape[0]), np.diff(columns, append=color.shape[1]))
    mean: np.ndarray = (sums + area[..., None] // 2) // area[..., None]
    return mean.astype(np.uint8)


def shrink_labels(labels: Int[np.ndarray, "H W"], hw: tuple[int, int]) -> Int[np.ndarray, "h w"]:
    """A smaller label map: each pixel takes the label at the middle of the box it covers."""
    height, width = labels.shape
    rows = (2 * np.arange(hw[0]) + 1) * height // (2 * hw[0])
    columns = (2 * np.arange(hw[1]) + 1) * width // (2 * hw[1])
    small: np.ndarray = labels[np.ix_(rows, columns)]
    return small


def _box_starts(size: int, small: int) -> Int[np.ndarray, "s"]:
    return np.arange(small) * size // small


class PreviewPicker:
    """Collects the small pictures while views stream by on their way to something else.

    Args:
        num_frames: length of the stream.
        num_previews: how many pictures to keep at most.

    Attributes:
        frames: indices of the frames whose pictures are kept, ascending (P of them).
    """

    def __init__(self, num_frames: int, num_previews: int) -> None:
        self.frames = preview_frames(num_frames, num_previews)
        self._wanted = frozenset(self.frames.tolist())
        self._pictures: list[np.ndarray] = []

    def watch(self, views: Iterable[View]) -> Iterator[View]:
        """Pass all views on, unchanged, and keep the small pictures of the wanted ones."""
        for index, view in enumerate(views):
            if index in self._wanted:
                self._pictures.append(shrink_color(view.color, preview_hw(view.color.shape[:2])))
            yield view

    def color(self) -> UInt8[np.ndarray, "P h w 3"]:
        """The pictures, in the order of ``frames``; only after the whole stream has been watched."""
        if len(self._pictures) != len(self.frames):
            raise RuntimeError(
                f"{len(self._pictures)} of {len(self.frames)} previews seen: the stream ended early"
            )
        return np.stack(self._pictures)
