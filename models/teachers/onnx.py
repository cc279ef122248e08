"""Semantic segmentation networks in ONNX, run by ONNX Runtime.

Everything around running the network is the business of ``network``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from models.parts import require
from models.teachers.network import SegmentationNetwork
from models.teachers.outputs import REMEDY, is_label_map
from schema.config_models import OnnxTeacherConfig
from schema.errors import WeightsError

THREADS = 2
_DTYPES: dict[str, np.dtype] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(int8)": np.dtype(np.int8),
}


class OnnxTeacher(SegmentationNetwork):
    """A mask teacher that runs one ONNX network.

    The input may be float32 or float16 (``(rgb / 255 - mean) / std``), uint8 or int8 (the image's bytes),
    [1,3,h,w] or [1,h,w,3], of fixed or free size. The first output may be a label map or scores per class.
    A label map has no confidence (every mask gets 1) and does not show how many classes there are: its ids
    are checked against the label file image by image.

    Args:
        config: weights, labels, scaling and what makes a mask.
        aliases: other spellings of labels.
        device: ``cuda`` is used if this ONNX Runtime was built with it.

    Raises:
        WeightsError: a file is missing or corrupt, the network is no segmentation network, or the label file
            has another length than the network has outputs.
        MissingPartError: ONNX Runtime is not installed.
    """

    def __init__(self, config: OnnxTeacherConfig, *, aliases: Mapping[str, str], device: str) -> None:
        self._session = _open(config.weights, device)
        self._input_name, shape, dtype = _image_input(self._session, config.weights)
        super().__init__(config, aliases=aliases, input_shape=shape, input_dtype=dtype)
        output = self._session.get_outputs()[0]
        self._output_name: str = output.name
        known = output.shape and all(isinstance(n, int) for n in output.shape[1:])
        if known and not is_label_map(tuple(output.shape)):
            self._class_axis(tuple(output.shape))

    def _run(self, tensor: Shaped[np.ndarray, "1 a b c"]) -> Shaped[np.ndarray, "..."]:
        output: np.ndarray = self._session.run([self._output_name], {self._input_name: tensor})[0]
        return output


def _open(weights: Path, device: str) -> Any:
    library = require("onnxruntime", extra="onnx", needed_by="teacher kind 'onnx'")
    if not weights.is_file():
        raise WeightsError(
            "the weight file does not exist", file=weights, remedy="download it or fix 'weights'"
        )
    options = library.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    present = library.get_available_providers()
    providers = [name for name in [*wanted, "CPUExecutionProvider"] if name in present]
    try:
        return library.InferenceSession(str(weights), options, providers=providers)
    except Exception as error:  # the library's own errors share no base class
        raise WeightsError(
            f"the weight file is not an ONNX network that can be run ({error})",
            file=weights,
            remedy="export or download it again, it is damaged or another format",
        ) from error


def _image_input(session: Any, weights: Path) -> tuple[str, tuple[object, ...], np.dtype]:
    inputs = session.get_inputs()
    shape = tuple(inputs[0].shape)
    if len(inputs) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise WeightsError(
            f"the network has {len(inputs)} inputs, the first of shape {shape}; expected one image [1,3,h,w]",
            file=weights,
            remedy=REMEDY,
        )
    dtype = _DTYPES.get(inputs[0].type)
    if dtype is None:
        raise WeightsError(
            f"the network's input is {inputs[0].type}, expected one of {', '.join(_DTYPES)}",
            file=weights,
            remedy=REMEDY,
        )
    return inputs[0].name, shape, dtype
