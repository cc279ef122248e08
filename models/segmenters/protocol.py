"""What a segmenter gives: the mask of what lies at points of an image, and how good it thinks the mask is.

Adapters stand beside this file, one per kind.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8


@runtime_checkable
class Segmenter(Protocol):
    """Answers points with a mask."""

    def segment(
        self, image: UInt8[np.ndarray, "H W 3"], points_px: Float[np.ndarray, "P 2"]
    ) -> tuple[Bool[np.ndarray, "H W"], float]:
        """The mask of the thing that all points lie on, and its predicted IoU with the truth.

        Args:
            image: RGB.
            points_px: (u, v) = (column, row) of the image; integers are pixel centres.

        Raises:
            InputError: there is no point, or one lies outside the image.
        """
        ...
