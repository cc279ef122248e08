"""Teachers around the project's own small convolutional network: one dense, one of masks. They see RGB only.

Training them is the business of ``training/scale/teachers.py``, their files that of ``conv_file``.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.nn import functional

from models.teachers.conv_file import read_conv
from models.teachers.conv_net import to_input
from models.teachers.labels import usable_labels
from models.teachers.semantic import semantic_masks
from schema.config_models import ConvDenseTeacherConfig, ConvMaskTeacherConfig
from schema.records import MaskSet


class ConvDenseTeacher:
    """A vector per pixel in a text encoder's space, on a grid of half the image's size.

    The network has as many outputs as the space has axes: it has learned to point at the texts of its labels
    and at the captions of objects.

    Args:
        config: the weight file.
        aliases: not needed, labels are in the vectors; part of the convention for teachers.
        device: ``cpu`` or ``cuda``.

    Raises:
        WeightsError: a file is missing, damaged or of a mask network.
    """

    def __init__(
        self, config: ConvDenseTeacherConfig, *, aliases: Mapping[str, str] | None = None, device: str = "cpu"
    ) -> None:
        del aliases
        model = read_conv(config.weights, "dense", device)
        assert model.text is not None and model.text_space is not None  # noqa: PT018
        self._net, self._channels, self._device = model.net, int(model.text.shape[1]), device
        self._space = model.text_space
        self.labels = model.labels

    @property
    def text_space(self) -> str:
        """The space of its vectors."""
        return self._space

    @property
    def channels(self) -> int:
        """Length of a vector."""
        return self._channels

    @torch.inference_mode()
    def encode(self, image: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "h w C"]:
        """Unit vectors, h = ceil(H / 2), w = ceil(W / 2)."""
        batch = torch.from_numpy(np.array(image[None])).to(self._device)
        numbers = self._net(to_input(batch))
        encoded: np.ndarray = functional.normalize(numbers[0].permute(1, 2, 0), dim=2).cpu().numpy()
        return encoded


class ConvMaskTeacher:
    """Labelled regions: connected pixels of one most likely label; confidence is its mean probability.

    Args:
        config: the weight file and what makes a mask.
        aliases: other spellings of labels.
        device: ``cpu`` or ``cuda``.

    Raises:
        WeightsError: a file is missing, damaged or of a dense network.
    """

    def __init__(
        self, config: ConvMaskTeacherConfig, *, aliases: Mapping[str, str], device: str = "cpu"
    ) -> None:
        model = read_conv(config.weights, "mask", device)
        self._net, self._config, self._aliases, self._device = model.net, config, dict(aliases), device
        self._output_labels = model.labels
        self._labels, _ = usable_labels(model.labels, void=config.void, aliases=self._aliases)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels a mask can carry."""
        return self._labels

    @torch.inference_mode()
    def segment(self, image: UInt8[np.ndarray, "H W 3"]) -> MaskSet:
        """Masks on the image's own grid; logits are interpolated bilinearly from half its size."""
        height, width = image.shape[:2]
        batch = torch.from_numpy(np.array(image[None])).to(self._device)
        padded_hw = (height + height % 2, width + width % 2)  # cells reach past an odd image's edge
        logits = functional.interpolate(self._net(to_input(batch)), padded_hw, mode="bilinear")
        top, label = logits[0, :, :height, :width].softmax(dim=0).max(dim=0)
        return semantic_masks(
            label.cpu().numpy(),
            self._output_labels,
            void=self._config.void,
            aliases=self._aliases,
            min_mask_px=self._config.min_mask_px,
            score_map=top.cpu().numpy(),
        )
