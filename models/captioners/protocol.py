"""What every captioner offers: a short description of each mask of an image, around the mask's own label.

Masks come from a mask teacher; turning captions into vectors is a text encoder's business.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from schema.records import MaskSet


@runtime_checkable
class Captioner(Protocol):
    """A describer of masks."""

    def caption(self, image: UInt8[np.ndarray, "H W 3"], masks: MaskSet) -> list[str]:
        """One caption per mask, in order, each naming the mask's label ("a brown table"); RGB in."""
        ...
