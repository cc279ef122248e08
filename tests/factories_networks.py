"""Tiny real networks as files: a 1x1 convolution that gives each pixel the nearest of a few colours.

As ONNX (bytes of the protobuf written by hand, so that no exporter is needed) and as LiteRT (through the
schema that comes with ai-edge-litert). Also the project's own small network with random weights.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LABELS = ("background", "red thing", "diningtable", "bluething")
PALETTE = np.array([[20, 20, 20], [220, 30, 30], [30, 200, 40], [40, 60, 230]], dtype=np.uint8)
SHARPNESS = 8.0


def write_labels(path: Path, labels: tuple[str, ...] = LABELS) -> Path:
    path.write_text("\n".join(labels) + "\n")
    return path


def picture(hw: tuple[int, int] = (48, 64)) -> tuple[np.ndarray, np.ndarray]:
    """An image of large patches of the palette's colours with a little noise, and the class per pixel."""
    height, width = hw
    truth = np.zeros(hw, dtype=np.int64)
    truth[height // 6 : height // 2, width // 8 : width // 2] = 1
    truth[height // 6 : -height // 6, 5 * width // 8 : -width // 8] = 2
    truth[2 * height // 3 : -height // 12, width // 8 : width // 2] = 3
    noise = np.random.default_rng(0).integers(-15, 16, (*hw, 3))
    return np.clip(PALETTE[truth] + noise, 0, 255).astype(np.uint8), truth


def nearest_colour(mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K,3] and biases [K] whose largest score is the class of the nearest colour of the palette."""
    colours = PALETTE / 255.0
    weights = 2 * SHARPNESS * colours * std
    biases = SHARPNESS * (2 * colours @ mean - np.sum(colours**2, axis=1))
    return weights.astype(np.float32), biases.astype(np.float32)


def write_onnx(
    path: Path,
    *,
    hw: tuple[int, int] | None = (24, 32),
    label_map: bool = False,
    channels_last: bool = False,
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
    std: tuple[float, float, float] = (0.229, 0.224, 0.225),
) -> Path:
    weights, biases = nearest_colour(np.array(mean), np.array(std))
    nodes, now = [], "image"
    if channels_last:
        nodes.append(_node("Transpose", [now], "first", [_ints("perm", (0, 3, 1, 2))]))
        now = "first"
    nodes.append(_node("Conv", [now, "w", "b"], "scores" if channels_last or label_map else "out", []))
    if label_map:
        nodes.append(_node("ArgMax", ["scores"], "out", [_int("axis", 1), _int("keepdims", 0)]))
    elif channels_last:
        nodes.append(_node("Transpose", ["scores"], "out", [_ints("perm", (0, 2, 3, 1))]))
    size: tuple[Any, ...] = hw or ("h", "w")
    in_shape = (1, *size, 3) if channels_last else (1, 3, *size)
    out_shape = (
        (1, *size) if label_map else (1, *size, len(biases)) if channels_last else (1, len(biases), *size)
    )
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"tiny")
    graph += _field(5, _tensor("w", weights[:, :, None, None])) + _field(5, _tensor("b", biases))
    graph += _field(11, _value("image", 1, in_shape)) + _field(
        12, _value("out", 7 if label_map else 1, out_shape)
    )
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, 13)))
    return path


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _int(name: str, value: int) -> bytes:
    return _field(1, name.encode()) + _number(3, value) + _number(20, 2)


def _ints(name: str, values: tuple[int, ...]) -> bytes:
    return _field(1, name.encode()) + b"".join(_number(8, value) for value in values) + _number(20, 7)


def _node(kind: str, inputs: list[str], output: str, attributes: list[bytes]) -> bytes:
    content = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    return content + _field(4, kind.encode()) + b"".join(_field(5, item) for item in attributes)


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, 1) + _field(8, name.encode()) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, kind: int, shape: tuple[Any, ...]) -> bytes:
    dims = [_field(2, n.encode()) if isinstance(n, str) else _number(1, n) for n in shape]
    tensor = _number(1, kind) + _field(2, b"".join(_field(1, dim) for dim in dims))
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def write_litert(  # noqa: PLR0915 - one flat listing of a file's parts
    path: Path, *, hw: tuple[int, int] = (24, 32), label_map: bool = False, quantised: bool = False
) -> Path:
    """``quantised``: int8 input, weights and scores; else float32. Values are scaled to -1..1."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    weights, biases = nearest_colour(np.full(3, 0.5), np.full(3, 0.5))
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [], [schema.BufferT()]
    graph.tensors, graph.operators, graph.inputs = [], [], [0]
    kinds = schema.TensorType

    def tensor(
        name: str, shape: tuple[int, ...], kind: int, values: Any = None, scale: float | None = None
    ) -> int:
        item = schema.TensorT()
        item.name, item.shape, item.type, item.buffer = name.encode(), list(shape), kind, 0
        if values is not None:
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(values.tobytes(), dtype=np.uint8)
            item.buffer = len(model.buffers) - 1
        if scale is not None:
            item.quantization = schema.QuantizationParametersT()
            item.quantization.scale, item.quantization.zeroPoint = [scale], [0]
        graph.tensors.append(item)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, kind: int, options: Any) -> None:
        model.operatorCodes.append(schema.OperatorCodeT())
        entry = model.operatorCodes[-1]
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, code, 3 if quantised else 1
        item = schema.OperatorT()
        item.opcodeIndex, item.inputs, item.outputs = len(model.operatorCodes) - 1, inputs, [output]
        item.builtinOptionsType, item.builtinOptions = kind, options
        graph.operators.append(item)

    num_classes = len(biases)
    filters = weights.reshape(num_classes, 1, 1, 3)
    if quantised:
        in_scale, weight_scale, out_scale = 1 / 127.5, float(np.abs(weights).max()) / 127, 40.0 / 127
        filters = np.round(filters / weight_scale).astype(np.int8)
        integer_biases = np.round(biases / (in_scale * weight_scale)).astype(np.int32)
        image = tensor("image", (1, *hw, 3), kinds.INT8, scale=in_scale)
        w = tensor("w", filters.shape, kinds.INT8, filters, weight_scale)
        b = tensor("b", (num_classes,), kinds.INT32, integer_biases, in_scale * weight_scale)
        out = tensor("scores", (1, *hw, num_classes), kinds.INT8, scale=out_scale)
    else:
        image = tensor("image", (1, *hw, 3), kinds.FLOAT32)
        w = tensor("w", filters.shape, kinds.FLOAT32, filters)
        b = tensor("b", (num_classes,), kinds.FLOAT32, biases)
        out = tensor("scores", (1, *hw, num_classes), kinds.FLOAT32)
    conv = schema.Conv2DOptionsT()
    conv.strideH = conv.strideW = conv.dilationHFactor = conv.dilationWFactor = 1
    builtin = schema.BuiltinOperator
    operator(builtin.CONV_2D, [image, w, b], out, schema.BuiltinOptions.Conv2DOptions, conv)
    if label_map:
        axis = tensor("axis", (), kinds.INT32, np.array(3, dtype=np.int32))
        scores, out = out, tensor("labels", (1, *hw), kinds.INT64)
        choose = schema.ArgMaxOptionsT()
        choose.outputType = kinds.INT64
        operator(builtin.ARG_MAX, [scores, axis], out, schema.BuiltinOptions.ArgMaxOptions, choose)
    graph.outputs = [out]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def write_conv(
    path: Path, *, labels: Sequence[str] = LABELS, text: np.ndarray | None = None, space: str | None = None
) -> Path:
    """The project's own network, untrained: a dense one if the labels' texts are given, else one of masks."""
    import torch

    from models.teachers.conv_file import ConvModel, conv_bytes, description
    from models.teachers.conv_net import build_conv_net

    torch_text = None if text is None else torch.from_numpy(np.array(text, dtype=np.float32))
    net = build_conv_net(len(labels) if torch_text is None else torch_text.shape[1], 8, seed=0)
    model = ConvModel(net, tuple(labels), torch_text, space)
    weights = conv_bytes(net, torch_text)
    path.write_bytes(weights)
    facts = description(model, "mask" if text is None else "dense", width=8, weights=weights, provenance={})
    path.with_suffix(".json").write_text(json.dumps(facts))
    return path
