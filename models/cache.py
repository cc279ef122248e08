"""Models that are loaded once per process and kept, keyed by their configuration and their files on disk.

What a model is and how it is read belongs to its adapter; which one is wanted, to the caller.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from models.captioners.protocol import Captioner
from models.catalog import load
from models.teachers.protocol import DenseTeacher, MaskTeacher
from models.text.open_clip_files import vocabulary_file
from models.text.protocol import TextEncoder
from schema.config_models import (
    OnnxTeacherConfig,
    OpenClipTextConfig,
    TeacherConfig,
    TextConfig,
    WordsTextConfig,
)

_Stamp = tuple[tuple[str, int, int], ...]
_lock = threading.RLock()
_loaded: dict[str, tuple[_Stamp, Any]] = {}


def weights_files(config: TeacherConfig | TextConfig) -> dict[str, Path]:
    """The files whose *content* decides what the model computes, by role; they need not exist.

    Roles are ``weights``, ``labels`` (one name a line), ``sidecar`` (the JSON beside a network of this
    project), ``weights_data`` (the tensors an ONNX file keeps outside itself, if it does), ``architecture``
    (an open_clip model configuration) and ``vocabulary`` (the tokenizer's, if that names one).
    """
    if isinstance(config, WordsTextConfig):
        return {}
    files = {"weights": config.weights}
    if config.kind in ("litert", "onnx"):
        files["labels"] = config.labels
    if isinstance(config, OpenClipTextConfig) and config.architecture_file is not None:
        files["architecture"] = config.architecture_file
        vocabulary = vocabulary_file(config.architecture_file)
        if vocabulary is not None:
            files["vocabulary"] = vocabulary
    if config.kind in ("conv_mask", "conv_dense"):
        files["sidecar"] = config.weights.with_suffix(".json")
    if isinstance(config, OnnxTeacherConfig):
        outside = config.weights.with_name(config.weights.name + ".data")
        if outside.is_file():
            files["weights_data"] = outside
    return files


def load_teacher(
    config: TeacherConfig, *, aliases: Mapping[str, str], device: str = "cpu"
) -> DenseTeacher | MaskTeacher:
    """The teacher of ``config``, loaded at most once per process while its files stay the same.

    Args:
        config: which network, and from which files.
        aliases: other spellings of labels ("diningtable" -> "dining table").
        device: ``cpu`` or ``cuda``; adapters that know only the CPU ignore it.

    Raises:
        WeightsError: a file is missing, corrupt or does not fit.
        MissingPartError: the library it needs is not installed.
    """
    key = _key("teacher", config.model_dump_json(), sorted(aliases.items()), device)
    built = _once(
        key,
        weights_files(config),
        lambda: load("teacher", config.kind)(config, aliases=aliases, device=device),
    )
    return cast("DenseTeacher | MaskTeacher", built)


def load_text(config: TextConfig, *, synonyms: Sequence[Sequence[str]]) -> TextEncoder:
    """The text encoder of ``config``, loaded at most once per process while its files stay the same.

    Args:
        config: which encoder.
        synonyms: groups of words that mean the same; encoders that know language ignore them.

    Raises:
        WeightsError: a file is missing, corrupt or does not fit.
        MissingPartError: the library it needs is not installed.
    """
    key = _key("text encoder", config.model_dump_json(), [list(group) for group in synonyms])
    built = _once(
        key, weights_files(config), lambda: load("text encoder", config.kind)(config, synonyms=synonyms)
    )
    return cast("TextEncoder", built)


def load_captioner(name: str) -> Captioner:
    """The captioner called ``name``.

    Raises:
        ConfigError: there is none of that name.
    """
    kind = load("captioner", name)
    return cast("Captioner", _once(_key("captioner", name), {}, kind))


def forget() -> None:
    """Drop every kept model, so that its memory can be freed."""
    with _lock:
        _loaded.clear()


def _once(key: str, files: Mapping[str, Path], build: Callable[[], Any]) -> Any:
    with _lock:
        stamp = _stamp(files)
        kept = _loaded.get(key)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        model = build()
        _loaded[key] = (stamp, model)
        return model


def _key(*parts: object) -> str:
    return json.dumps(parts, ensure_ascii=True)


def _stamp(files: Mapping[str, Path]) -> _Stamp:
    stamps = []
    for role, path in sorted(files.items()):
        try:
            stat = path.stat()
        except OSError:
            stamps.append((role, -1, -1))
        else:
            stamps.append((role, stat.st_size, stat.st_mtime_ns))
    return tuple(stamps)
