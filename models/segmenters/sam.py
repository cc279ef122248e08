"""Segment Anything as a segmenter: published checkpoints and this project's small one, prompted with points.

Architectures are ``sam_sizes``' business; where points are put, the ``synthesize`` stage's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from models.parts import require
from models.segmenters.sam_sizes import build_sam
from models.text.weights import read_state
from schema.config_synthesis import SamConfig
from schema.errors import InputError, WeightsError


class SamSegmenter:
    """A Sam that stays in memory, and the features of the image it was last asked about; see ``Segmenter``.

    Args:
        config: architecture and weight file.
        device: ``cpu`` or ``cuda``.

    Raises:
        WeightsError: the file is missing, damaged, or of another architecture.
        MissingPartError: segment-anything is not installed.
    """

    def __init__(self, config: SamConfig, *, device: str = "cpu") -> None:
        sam = build_sam(config.architecture)
        fill_sam(sam, read_sam_state(config.weights), config)
        sam.to(device).eval().requires_grad_(requires_grad=False)
        library = require("segment_anything", needed_by="segmenter kind 'sam'")
        self._predictor: Any = library.SamPredictor(sam)
        self._image: UInt8[np.ndarray, "H W 3"] | None = None

    def segment(
        self, image: UInt8[np.ndarray, "H W 3"], points_px: Float[np.ndarray, "P 2"]
    ) -> tuple[Bool[np.ndarray, "H W"], float]:
        """The best of the network's three masks by its own estimate; see ``Segmenter``."""
        _check_points(points_px, (image.shape[0], image.shape[1]))
        if self._image is None or not np.array_equal(image, self._image):
            self._predictor.set_image(image)
            self._image = image.copy()
        masks, quality, _ = self._predictor.predict(
            point_coords=np.asarray(points_px, dtype=np.float64),  # its prompt encoder adds the half pixel
            point_labels=np.ones(len(points_px), dtype=np.int64),
            multimask_output=True,
        )
        best = int(np.argmax(quality))
        return np.asarray(masks[best], dtype=bool), float(quality[best])


def read_sam_state(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file, or of a ``.pth`` file that holds nothing but tensors.

    Raises:
        WeightsError: the file is missing, damaged, or holds anything else.
    """
    if path.suffix not in (".pth", ".pt"):
        return read_state(path)
    if not path.is_file():
        raise WeightsError("the weight file does not exist", file=path, remedy="download it or fix 'weights'")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader raises many kinds, some without a common base
        raise WeightsError(
            "the file is damaged or holds more than tensors", file=path, remedy="download it again"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError("the file is no state dict", file=path, remedy="save the model's state dict in it")
    return {str(name): value for name, value in state.items()}


def fill_sam(sam: Any, state: Mapping[str, torch.Tensor], config: SamConfig) -> None:
    """Put weights into a network, in its own precision.

    Raises:
        WeightsError: tensors are missing, unknown or of another shape; all facts in one line.
    """
    expected = sam.state_dict()
    shared = expected.keys() & state.keys()
    facts = [
        _listed("missing", expected.keys() - state.keys()),
        _listed("unknown", state.keys() - expected.keys()),
        _listed("of another shape", {name for name in shared if expected[name].shape != state[name].shape}),
    ]
    if any(facts):
        raise WeightsError(
            f"the weights do not fit Sam {config.architecture!r} ({'; '.join(filter(None, facts))})",
            file=config.weights,
            remedy="set 'architecture' to the one the file was saved from",
        )
    sam.load_state_dict({name: state[name].to(expected[name].dtype) for name in expected})


def _listed(what: str, names: Any, most: int = 3) -> str:
    if not names:
        return ""
    shown = ", ".join(sorted(names)[:most]) + (" ..." if len(names) > most else "")
    return f"{len(names)} tensors {what}: {shown}"


def _check_points(points_px: Float[np.ndarray, "P 2"], image_hw: tuple[int, int]) -> None:
    if len(points_px) == 0:
        raise InputError("there is no point", field="points_px", remedy="give at least one")
    size = np.array([image_hw[1], image_hw[0]])
    outside = ~((points_px >= -0.5) & (points_px <= size - 0.5)).all(axis=1)
    if outside.any():
        raise InputError(
            f"the point is outside the image of {image_hw[1]} x {image_hw[0]} px",
            field="points_px",
            value=np.asarray(points_px)[outside][0].tolist(),
            remedy="give (column, row) within it",
        )
