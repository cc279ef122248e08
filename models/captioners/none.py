"""The captioner that says nothing but the label: "a table".

The ``colour`` captioner adds what can be told from the pixels.
"""

import numpy as np
from jaxtyping import UInt8

from ops.captions import caption_of_label
from schema.records import MaskSet


class LabelCaptioner:
    """See ``Captioner``; the image is not looked at."""

    def caption(self, image: UInt8[np.ndarray, "H W 3"], masks: MaskSet) -> list[str]:
        """The label of each mask with its article."""
        del image
        return [caption_of_label(label) for label in masks.labels]
