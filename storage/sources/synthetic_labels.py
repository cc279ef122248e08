"""Views of procedural rooms with the class and object of every pixel.

For training the scale models and for tests; nothing that computes a scene's features may
read this. Ground truth of points is ``storage/truth.py``'s business.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from ops.rooms import ROOM_CLASSES
from schema.config_source import SyntheticConfig
from schema.records import View
from storage.sources.synthetic import SyntheticCapture

LABEL_NAMES = ROOM_CLASSES
"""Names of the semantic labels, in id order."""

LabelledView = tuple[View, Int[np.ndarray, "H W"], Int[np.ndarray, "H W"]]


def labelled_views(config: SyntheticConfig, seed: int) -> Iterator[LabelledView]:
    """Render the room of a seed, which need not be among the configuration's.

    Yields:
        The view, the class of each pixel (index into ``LABEL_NAMES``, -1 unlabelled) and its object's id.
    """
    capture = SyntheticCapture(f"room_{seed}", config, seed)
    for index in range(len(capture.frames.names)):
        render = capture.render(index)
        yield capture.view_of(index, render), render.semantic, render.instance
