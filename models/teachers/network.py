"""What segmentation networks of any run-time library share: image in, label per pixel out, masks from it.

Opening a weight file and running the network is the business of each library's adapter.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped, UInt8

from models.teachers.framing import back_to_image, frame_image, place
from models.teachers.labels import check_label_count, read_labels, usable_labels
from models.teachers.outputs import class_axis, is_label_map, read_label_map, read_scores
from models.teachers.pixels import fill_colour, to_tensor
from models.teachers.semantic import semantic_masks
from schema.config_models import LitertTeacherConfig, OnnxTeacherConfig
from schema.records import MaskSet


class SegmentationNetwork(ABC):
    """A mask teacher around one semantic segmentation network.

    Args:
        config: weights, labels, scaling and what makes a mask.
        aliases: other spellings of labels.
        input_shape: of the network's one input; anything but a positive int is a free size.
        input_dtype: of the network's input.

    Attributes:
        labels: see ``MaskTeacher``.
        output_labels: the label file: one label for each of the network's outputs.
    """

    def __init__(
        self,
        config: LitertTeacherConfig | OnnxTeacherConfig,
        *,
        aliases: Mapping[str, str],
        input_shape: tuple[object, ...],
        input_dtype: np.dtype,
    ) -> None:
        self._config = config
        self._aliases = dict(aliases)
        self._dtype = input_dtype
        self._channels_first = input_shape[3] != 3
        height, width = input_shape[2:] if self._channels_first else input_shape[1:3]
        self._net_hw: tuple[int, int] | None = None
        if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
            self._net_hw = (height, width)
        self.output_labels = read_labels(config.labels)
        self.labels, _ = usable_labels(self.output_labels, void=config.void, aliases=self._aliases)

    @abstractmethod
    def _run(self, tensor: Shaped[np.ndarray, "1 a b c"]) -> Shaped[np.ndarray, "..."]:
        """The network's first output as label map, or as scores in real numbers."""

    def segment(self, image: UInt8[np.ndarray, "H W 3"]) -> MaskSet:
        """Masks on the image's own grid; see ``MaskTeacher``.

        Raises:
            WeightsError: the network gives ids, or a number of scores, that do not fit the label file.
        """
        config = self._config
        framing = frame_image((image.shape[0], image.shape[1]), self._net_hw)
        canvas = place(image, framing, fill_colour(config.mean))
        output = self._run(
            to_tensor(
                canvas, self._dtype, mean=config.mean, std=config.std, channels_first=self._channels_first
            )
        )
        score_map = None
        if is_label_map(output.shape):
            num_labels = len(self.output_labels)
            label_map = read_label_map(output, num_labels, weights=config.weights, labels=config.labels)
        else:
            label_map, scores = read_scores(output, self._class_axis(output.shape))
            score_map = back_to_image(scores, framing)
        return semantic_masks(
            back_to_image(label_map, framing),
            self.output_labels,
            void=config.void,
            aliases=self._aliases,
            min_mask_px=config.min_mask_px,
            score_map=score_map,
        )

    def _class_axis(self, shape: tuple[int, ...]) -> int:
        """The axis of the output over classes, once it is as long as the label file."""
        found, weights = len(self.output_labels), self._config.weights
        axis = class_axis(shape, found, channels_first=self._channels_first, weights=weights)
        self._check_count(shape[axis])
        return axis

    def _check_count(self, expected: int) -> None:
        check_label_count(
            self._config.labels, len(self.output_labels), expected=expected, weights=self._config.weights
        )
