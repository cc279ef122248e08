"""The two kinds of frozen 2D model: one gives a vector per pixel, the other labelled masks.

Moving what they give onto points is the lift's business; describing masks in words, a captioner's.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from schema.records import MaskSet


@runtime_checkable
class DenseTeacher(Protocol):
    """A network that gives every pixel a vector in a text encoder's space.

    Attributes:
        text_space: the space its vectors live in, as the text encoder names it.
        channels: length C of a vector.
    """

    @property
    def text_space(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def channels(self) -> int: ...  # noqa: D102 - described by the class

    def encode(self, image: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "h w C"]:
        """Vectors on the network's own grid, which covers the whole image; RGB in, float32 out."""
        ...


@runtime_checkable
class MaskTeacher(Protocol):
    """A network that cuts an image into labelled regions.

    Attributes:
        labels: every label a mask can carry: aliases resolved, void ones left out, no repeats, in the order
            of the network's outputs.
    """

    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102 - described by the class

    def segment(self, image: UInt8[np.ndarray, "H W 3"]) -> MaskSet:
        """Masks on the image's own pixel grid; RGB in. The same image always gives the same masks."""
        ...
