"""Semantic segmentation networks in the LiteRT (TFLite) format, run by Google's ai-edge-litert on the CPU.

Everything around running the network is the business of ``network``.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from models.parts import require
from models.teachers.network import SegmentationNetwork
from models.teachers.outputs import REMEDY, is_label_map
from schema.config_models import LitertTeacherConfig
from schema.errors import WeightsError

THREADS = 2
_DTYPES = (np.uint8, np.int8, np.float32)
_KEEPS_CLASSES = ("RESHAPE", "CAST", "SQUEEZE", "EXPAND_DIMS")


class LitertTeacher(SegmentationNetwork):
    """A mask teacher that runs one LiteRT network.

    The input may be uint8, int8 (both take the bytes of the image: their quantisation carries the range) or
    float32 (``(rgb / 255 - mean) / std``), [1,h,w,3] or [1,3,h,w], of fixed or free size. The first output
    may be a label map or scores per class, quantised or not. A label map has no confidence, so every mask
    gets 1.

    Args:
        config: weights, labels and what makes a mask.
        aliases: other spellings of labels.
        device: ignored, LiteRT runs on the CPU.

    Raises:
        WeightsError: a file is missing or corrupt, the network is no segmentation network, or the label file
            has another length than the network has outputs.
        MissingPartError: ai-edge-litert is not installed.
    """

    def __init__(self, config: LitertTeacherConfig, *, aliases: Mapping[str, str], device: str) -> None:
        del device
        self._interpreter = _open(config.weights)
        self._lock = threading.Lock()
        self._input = _image_input(self._interpreter, config.weights)
        super().__init__(
            config,
            aliases=aliases,
            input_shape=tuple(int(n) for n in self._input["shape_signature"]),
            input_dtype=np.dtype(self._input["dtype"]),
        )
        output = self._interpreter.get_output_details()[0]
        shape = tuple(int(n) for n in output["shape"])
        if not is_label_map(shape):
            self._class_axis(shape)
        elif (num_classes := _argmax_classes(self._interpreter, int(output["index"]))) is not None:
            self._check_count(num_classes)

    def _run(self, tensor: Shaped[np.ndarray, "1 a b c"]) -> Shaped[np.ndarray, "..."]:
        with self._lock:  # an interpreter holds one set of tensors
            index = self._input["index"]
            if self._net_hw is None:
                self._interpreter.resize_tensor_input(index, tensor.shape)
                self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(index, tensor)
            self._interpreter.invoke()
            details = self._interpreter.get_output_details()[0]
            output: np.ndarray = self._interpreter.get_tensor(details["index"])
        if is_label_map(output.shape) or not np.issubdtype(output.dtype, np.integer):
            return output
        scale, zero_point = details["quantization"]
        return (output.astype(np.float32) - np.float32(zero_point)) * np.float32(scale or 1.0)


def _open(weights: Path) -> Any:
    library = require("ai_edge_litert.interpreter", extra="litert", needed_by="teacher kind 'litert'")
    if not weights.is_file():
        raise WeightsError(
            "the weight file does not exist", file=weights, remedy="download it or fix 'weights'"
        )
    try:
        interpreter = library.Interpreter(model_path=str(weights), num_threads=THREADS)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WeightsError(
            f"the weight file is not a LiteRT network that can be run ({error})",
            file=weights,
            remedy="download it again, it is damaged or another format",
        ) from error
    return interpreter


def _image_input(interpreter: Any, weights: Path) -> dict[str, Any]:
    inputs: list[dict[str, Any]] = interpreter.get_input_details()
    shape = [int(n) for n in inputs[0]["shape"]]
    dtype = np.dtype(inputs[0]["dtype"])
    if len(inputs) != 1 or len(shape) != 4 or shape[0] != 1 or 3 not in (shape[1], shape[3]):
        problem = f"the network has {len(inputs)} inputs, the first of shape {shape}; expected one [1,h,w,3]"
    elif dtype not in _DTYPES:
        problem = f"the network's input is {dtype}, expected uint8, int8 or float32"
    else:
        return inputs[0]
    raise WeightsError(problem, file=weights, remedy=REMEDY)


def _argmax_classes(interpreter: Any, output_index: int) -> int | None:
    """How many classes the graph's last ArgMax chooses from; None if the label map is made in another way.

    A label map does not show that number, so the operator before it is asked. The interpreter lists
    operators in a method that is not part of its published interface: where that is gone, the number stays
    unknown, and ids without a label are found when they come up.
    """
    operators: list[dict[str, Any]] = getattr(interpreter, "_get_ops_details", list)()
    own = (operator for operator in operators if operator["op_name"] != "DELEGATE")
    maker = {int(index): operator for operator in own for index in operator["outputs"]}
    operator = maker.get(output_index)
    while operator is not None and operator["op_name"] in _KEEPS_CLASSES:
        operator = maker.get(int(operator["inputs"][0]))
    if operator is None or operator["op_name"] != "ARG_MAX":
        return None
    shapes = {details["index"]: details["shape"] for details in interpreter.get_tensor_details()}
    scores, axis = (int(index) for index in operator["inputs"][:2])
    return int(shapes[scores][int(interpreter.get_tensor(axis).ravel()[0])])
