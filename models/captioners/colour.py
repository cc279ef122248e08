"""The captioner that names the colour of a mask's pixels: "a brown table".

Naming colours is the business of ``ops.colour_names``, putting the label in that of ``ops.captions``.
"""

import numpy as np
from jaxtyping import UInt8

from ops.captions import indefinite_article, replace_head_noun
from ops.colour_names import name_colours, region_medians
from schema.records import MaskSet


class ColourCaptioner:
    """See ``Captioner``; one pass over the pixels, whatever the number of masks."""

    def caption(self, image: UInt8[np.ndarray, "H W 3"], masks: MaskSet) -> list[str]:
        """Each mask as an object of its median colour, the word "object" replaced by its label."""
        medians = region_medians(image, masks.mask_map, len(masks.labels))
        captions = (f"{indefinite_article(name)} {name} object" for name in name_colours(medians))
        return [
            replace_head_noun(caption, label) for caption, label in zip(captions, masks.labels, strict=True)
        ]
