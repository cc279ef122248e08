"""Small label pictures of what a teacher said about a few frames, recorded while it is lifted anyway.

Which frames, and at what size, was decided when the capture was ingested; drawing is the report's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from jaxtyping import Float, Int, UInt8

from ops.previews import shrink_labels
from schema.records import MaskSet, View


class PreviewRecorder:
    """Watches views go by and keeps the teacher's labels of the chosen ones.

    Args:
        frames: name of each chosen frame, in order of the pictures.
        image_hw: size of the pictures, px.
    """

    def __init__(self, frames: tuple[str, ...], image_hw: tuple[int, int]) -> None:
        self._slot: Mapping[str, int] = {name: i for i, name in enumerate(frames)}
        self._labels = np.full((len(frames), *image_hw), -1, np.int16)
        self._names: dict[str, int] = {}
        self._hw = image_hw
        self._current = ""

    def watch(self, views: Iterable[View]) -> Iterator[View]:
        """Pass ``views`` on, knowing at any time which one is being looked at."""
        for view in views:
            self._current = view.name
            yield view

    def masks(self, segment: Callable[[UInt8[np.ndarray, "H W 3"]], MaskSet]) -> Callable[..., MaskSet]:
        """``segment``, recorded."""

        def recorded(image: UInt8[np.ndarray, "H W 3"]) -> MaskSet:
            masks = segment(image)
            slot = self._slot.get(self._current)
            if slot is not None:
                ids = [self._names.setdefault(label, len(self._names)) for label in masks.labels]
                table = np.array([*ids, -1], np.int16)  # mask id -1 reads the last entry
                self._labels[slot] = table[shrink_labels(masks.mask_map, self._hw)]
            return masks

        return recorded

    def dense(
        self, encode: Callable[..., Float[np.ndarray, "h w C"]], text: Float[np.ndarray, "K C"]
    ) -> Callable[..., Float[np.ndarray, "h w C"]]:
        """``encode``, recorded as the class of ``text`` nearest to each pixel."""

        def recorded(image: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "h w C"]:
            feat = encode(image)
            slot = self._slot.get(self._current)
            if slot is not None:
                label = np.argmax(feat @ text.T, axis=-1)
                self._labels[slot] = shrink_labels(label, self._hw)
            return feat

        return recorded

    def labels(self) -> Int[np.ndarray, "P h w"]:
        """Label index per picture pixel, -1 none."""
        return self._labels

    def names(self) -> tuple[str, ...]:
        """Names of the indices that ``masks`` recorded."""
        return tuple(self._names)
