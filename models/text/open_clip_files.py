"""Architectures of open_clip that are files of one's own: what they hold, and where their vocabulary is.

The file has open_clip's format: ``embed_dim``, ``vision_cfg``, ``text_cfg``, either alone or as ``model_cfg``
of an ``open_clip_config.json``. Building the model is ``open_clip.py``'s business; plans of work are made
from what is here, so nothing heavy is imported.
"""

import json
from pathlib import Path
from typing import Any

from schema.errors import ConfigError

CONFIG_FILE = "open_clip_config.json"
REMEDY = "give a model configuration of open_clip, or the name of an architecture"


def read_architecture(path: Path) -> dict[str, Any]:
    """The model's configuration; a vocabulary it names relative to itself comes back as a full path.

    Raises:
        ConfigError: the file is missing, is not JSON or describes no model, or its vocabulary is missing.
    """
    values = _read(path)
    bpe = vocabulary_file(path)
    if bpe is not None:
        if bpe.parent != path.parent or bpe.name in ("", ".."):
            raise ConfigError(
                "a vocabulary must lie beside the configuration that names it",
                file=path,
                field="text_cfg.tokenizer_kwargs.bpe_path",
                value=str(bpe),
                remedy="put it there and give its bare file name",
            )
        if not bpe.is_file():
            raise ConfigError(
                "the vocabulary does not exist", file=bpe, remedy=f"put it there or mend {path.name}"
            )
        text = values["text_cfg"]
        values["text_cfg"] = {**text, "tokenizer_kwargs": {**text["tokenizer_kwargs"], "bpe_path": str(bpe)}}
    return values


def vocabulary_file(path: Path) -> Path | None:
    """Where the configuration says the vocabulary is; None: open_clip's own, or no readable configuration."""
    try:
        text = _read(path)["text_cfg"]
    except ConfigError:
        return None
    name = (text.get("tokenizer_kwargs") or {}).get("bpe_path")
    return None if name is None else path.parent / str(name)


def short_name(path: Path) -> str:
    """What the architecture is called in the name of a text space."""
    return path.parent.resolve().name if path.name == CONFIG_FILE else path.stem


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or error})"
        raise ConfigError(problem, file=path, remedy=REMEDY) from error
    except ValueError as error:
        raise ConfigError("it is not JSON", file=path, remedy=REMEDY) from error
    values = values.get("model_cfg", values) if isinstance(values, dict) else {}
    parts = (values.get("vision_cfg"), values.get("text_cfg")) if isinstance(values, dict) else ()
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise ConfigError("it holds no vision_cfg and text_cfg", file=path, remedy=REMEDY)
    return dict(values)
