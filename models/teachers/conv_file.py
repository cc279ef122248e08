"""The files of a small convolutional teacher: safetensors, and JSON beside it that says what it means.

Running the network is left to ``models/teachers/conv.py``, training it to ``training/scale/teachers.py``.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, save

from models.teachers.conv_net import ConvNet
from schema.errors import WeightsError

FORMAT = "teach3d.conv"
FORMAT_VERSION = 1
_REMEDY = "train it again: teach3d train-scale-models"
Kind = Literal["dense", "mask"]


@dataclass(frozen=True)
class ConvModel:
    """A network and what its outputs mean.

    Attributes:
        net: in evaluation mode.
        labels: in order; of a mask network one per output.
        text: unit vector of each label in ``text_space``; None for a mask network.
        text_space: name of the space, or None.
    """

    net: ConvNet
    labels: tuple[str, ...]
    text: Float[torch.Tensor, "K C"] | None
    text_space: str | None


def conv_bytes(
    net: ConvNet,
    text: Float[torch.Tensor, "K C"] | None,
    *,
    keep: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.contiguous,
) -> bytes:
    """The content of the weight file; the same network always gives the same bytes.

    Args:
        net: the network.
        text: vectors of the labels' texts, if it is a dense one.
        keep: how a tensor is kept, e.g. in 16 bits.
    """
    tensors = {f"net.{name}": keep(value) for name, value in net.state_dict().items()}
    if text is not None:
        tensors["text"] = keep(text)
    content: bytes = save(tensors)
    return content


def description(
    model: ConvModel, kind: Kind, *, width: int, weights: bytes, provenance: dict[str, Any]
) -> dict[str, Any]:
    """The content of the JSON file beside the weights.

    Args:
        model: the trained network.
        kind: what its outputs are.
        width: of the network.
        weights: content of the weight file; its digest ties the two files together.
        provenance: what it was trained on and how good it is.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "labels": list(model.labels),
        "text_space": model.text_space,
        "width": width,
        "outputs": model.net.num_outputs,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        **provenance,
    }


def read_conv(path: Path, kind: Kind, device: str) -> ConvModel:
    """The network of a weight file and the JSON of the same name beside it.

    Raises:
        WeightsError: a file is missing or damaged, the two do not belong together, or the network is of the
            other kind.
    """
    content = _read_bytes(path)  # first, so that a wrong path is named and not the file beside it
    sidecar = path.with_suffix(".json")
    facts = _read_facts(sidecar)
    if facts.get("format") != FORMAT or facts.get("format_version") != FORMAT_VERSION:
        raise WeightsError(
            f"it does not describe a network of format {FORMAT} {FORMAT_VERSION}",
            file=sidecar,
            remedy=_REMEDY,
        )
    if facts["kind"] != kind:
        raise WeightsError(
            f"the network is of kind {facts['kind']!r}, not {kind!r}",
            file=path,
            remedy=f"set the teacher's kind to conv_{facts['kind']}, or point 'weights' elsewhere",
        )
    if hashlib.sha256(content).hexdigest() != facts["weights_sha256"]:
        raise WeightsError(f"it is not the file that {sidecar.name} describes", file=path, remedy=_REMEDY)
    return _build(content, facts, path, device)


def _build(content: bytes, facts: dict[str, Any], path: Path, device: str) -> ConvModel:
    labels = tuple(str(label) for label in facts["labels"])
    net = ConvNet(int(facts["outputs"]), int(facts["width"]))
    try:
        tensors = load(content)
        text = tensors.pop("text", None)
        net.load_state_dict({name.removeprefix("net."): value for name, value in tensors.items()})
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"the weights do not fit ({error})", file=path, remedy=_REMEDY) from error
    texts, outputs = (len(labels), len(labels)) if text is None else text.shape
    if (texts, outputs) != (len(labels), net.num_outputs):
        problem = f"the weights do not fit ({net.num_outputs} outputs, {len(labels)} labels, {texts} texts)"
        raise WeightsError(problem, file=path, remedy=_REMEDY)
    net.to(device).eval()
    return ConvModel(net, labels, None if text is None else text.float().to(device), facts["text_space"])


def _read_facts(path: Path) -> dict[str, Any]:
    content = _read_bytes(path)
    try:
        facts = json.loads(content)
    except ValueError as error:
        raise WeightsError("the description is not JSON", file=path, remedy=_REMEDY) from error
    if not isinstance(facts, dict):
        raise WeightsError("the description is not a JSON object", file=path, remedy=_REMEDY)
    return facts


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the file cannot be read ({error.strerror or error})", file=path, remedy=_REMEDY
        ) from error
