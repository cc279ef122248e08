"""Text towers of open_clip with weights from a local file; nothing is looked up on any network.

Reading the weight file is the business of ``weights``.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.parts import require
from models.text.open_clip_files import REMEDY, read_architecture, short_name
from models.text.weights import read_state
from models.torchvision_operators import ensure
from schema.config_models import OpenClipTextConfig
from schema.errors import ConfigError, WeightsError, unknown_name

BATCH_TEXTS = 64


class OpenClipEncoder:
    """The text space of one open_clip model.

    Only the text tower is kept. The tokenizer's vocabulary comes with the library, or is named by the
    architecture's own configuration file.

    Args:
        config: architecture and weight file.
        synonyms: ignored, the model knows language.

    Raises:
        ConfigError: open_clip knows no architecture of that name, or only with files from a network.
        WeightsError: the file is missing, corrupt or of another architecture.
        MissingPartError: open_clip is not installed.
    """

    def __init__(self, config: OpenClipTextConfig, *, synonyms: Sequence[Sequence[str]]) -> None:
        del synonyms
        name, model, self._tokenizer = _build(config)
        _fill(model, read_state(config.weights), config)
        if hasattr(model, "visual"):
            del model.visual
        self._model: Any = model.float().eval().requires_grad_(requires_grad=False)
        self._space = f"open_clip:{name}:{_digest(model)[:8]}"
        self._dim = int(self._encode_batch(["a"]).shape[1])

    @property
    def space(self) -> str:
        """Name of the space: the architecture and a hash of the text tower's weights."""
        return self._space

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def encode(self, texts: Sequence[str]) -> Float[np.ndarray, "K C"]:
        """One unit row per text; see ``TextEncoder``."""
        for text in texts:
            if not text.strip():
                raise ConfigError(
                    "the text holds no word", field="text", value=text, remedy="name something to look for"
                )
        rows = [
            self._encode_batch(texts[start : start + BATCH_TEXTS])
            for start in range(0, len(texts), BATCH_TEXTS)
        ]
        return np.concatenate([np.zeros((0, self._dim), dtype=np.float32), *rows])

    def unknown_words(self, texts: Sequence[str], known: Iterable[str]) -> list[str]:
        """Nothing: the model relates any words to each other."""
        del texts, known
        return []

    def _encode_batch(self, texts: Sequence[str]) -> Float[np.ndarray, "K C"]:
        with torch.inference_mode():
            rows = self._model.encode_text(self._tokenizer(list(texts)), normalize=False).double().numpy()
        unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


def build_model(values: Mapping[str, Any]) -> torch.nn.Module:
    """The model with fresh weights from torch's global generator.

    Raises:
        ConfigError: open_clip does not understand the configuration.
    """
    library = _library()
    arguments = {key: value for key, value in values.items() if key != "custom_text"}
    kind = library.CustomTextCLIP if values.get("custom_text") else library.CLIP
    try:
        model: torch.nn.Module = kind(**arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise ConfigError(f"open_clip cannot build this model ({error})", remedy=REMEDY) from error
    return model


def build_tokenizer(values: Mapping[str, Any]) -> Any:
    """The tokenizer of a configuration as ``read_architecture`` gives it."""
    text = values["text_cfg"]
    return _library().SimpleTokenizer(
        context_length=text.get("context_length", 77), **(text.get("tokenizer_kwargs") or {})
    )


def _library() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read by huggingface_hub when open_clip imports it
    ensure()
    return require("open_clip", needed_by="text encoder 'open_clip'")


def _build(config: OpenClipTextConfig) -> tuple[str, torch.nn.Module, Any]:
    """The architecture's short name, the empty model and the tokenizer."""
    if config.architecture_file is not None:
        values = read_architecture(config.architecture_file)
        _refuse_network(values, config.architecture)
        return short_name(config.architecture_file), build_model(values), build_tokenizer(values)
    library, name = _library(), config.architecture
    _check_architecture(library, name)
    model = library.create_model(name, pretrained=None, load_weights=False, pretrained_text=False)
    return name, model, library.get_tokenizer(name)


def _check_architecture(library: Any, name: str) -> None:
    known = library.list_models()
    if name not in known:
        raise unknown_name("open_clip architecture", name, known, field="architecture")
    _refuse_network(library.get_model_config(name), name)


def _refuse_network(values: Mapping[str, Any], name: str) -> None:
    text, vision = values.get("text_cfg", {}), values.get("vision_cfg", {})
    fetched = {"hf_model_name", "hf_tokenizer_name"} & text.keys()
    if fetched or vision.get("timm_model_pretrained"):
        raise ConfigError(
            "a part of this architecture is fetched from a network",
            field="architecture",
            value=name,
            remedy="use one whose tokenizer comes with open_clip, such as ViT-B-32-quickgelu",
        )


def _fill(model: torch.nn.Module, state: Mapping[str, torch.Tensor], config: OpenClipTextConfig) -> None:
    expected = model.state_dict()
    missing = sorted(expected.keys() - state.keys())
    foreign = sorted(state.keys() - expected.keys())
    reshaped = sorted(
        name for name in expected.keys() & state.keys() if expected[name].shape != state[name].shape
    )
    if missing or foreign or reshaped:
        facts = [f"{len(missing)} tensors missing, {len(foreign)} foreign, {len(reshaped)} of another shape"]
        if reshaped:
            first = reshaped[0]
            facts.append(f"{first} is {list(state[first].shape)}, expected {list(expected[first].shape)}")
        elif missing:
            facts.append(f"no {missing[0]}")
        else:
            facts.append(f"{foreign[0]} is unknown")
        raise WeightsError(
            f"the weights do not fit architecture {config.architecture!r} ({'; '.join(facts)})",
            file=config.weights,
            remedy="set 'architecture' to the one the file was saved from",
        )
    model.load_state_dict(state)


def _digest(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}:{list(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
