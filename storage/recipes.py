"""Reading recipes: YAML plus overrides into a checked configuration, every mistake as one clear line.

Which recipe, and what to do with it, is the command line's business.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from schema.config import PipelineConfig
from schema.config_base import Config
from schema.config_models import TextConfig
from schema.errors import ConfigError, StoreError, unknown_name
from storage.disk import read_json, write_json
from storage.store import Store


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice (the second would silently win)."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} is given twice", key_node.start_mark
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Read a recipe and apply ``key.sub=value`` overrides (values are YAML).

    Raises:
        ConfigError: the file is missing or not YAML, a key is misspelt, a value is out of range.
    """
    values = _read_yaml(path)
    for override in overrides:
        _apply(values, override)
    return check_recipe(values, file=path)


def load_text_section(path: Path) -> TextConfig:
    """The ``text`` section of a recipe whose other sections need not be there.

    Raises:
        ConfigError: the file is missing or not YAML, or has no right section of that name.
    """
    values = _read_yaml(path)
    if "text" not in values:
        raise ConfigError(
            "is missing",
            file=path,
            field="text",
            remedy="say which text encoder, e.g. text: {kind: open_clip, weights: ...}",
        )
    try:
        return _TextOnly.model_validate({"text": values["text"]}).text
    except ValidationError as error:
        raise _explain(error, path) from None


class _TextOnly(Config):
    """As much of a recipe as names a text encoder."""

    text: TextConfig


def check_recipe(values: Mapping[str, Any], *, file: Path | None = None) -> PipelineConfig:
    """Validate recipe values; the first mistake becomes the error, others are counted."""
    try:
        return PipelineConfig.model_validate(values)
    except ValidationError as error:
        raise _explain(error, file) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(str(p) for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        remedy = (
            f"recipes here: {', '.join(near)}"
            if near
            else "give the path of a recipe, e.g. configs/default.yaml"
        )
        raise ConfigError("no such recipe", file=path, remedy=remedy) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", file=path, remedy="give a UTF-8 YAML file") from None
    try:
        values = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML ({error})", file=path, remedy="mend the line it names") from None
    if not isinstance(values, dict):
        raise ConfigError(
            "is not a mapping of keys to values", file=path, remedy="start from configs/default.yaml"
        )
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            "is not key=value", field="--set", value=override, remedy="e.g. --set ingest.voxel_m=0.03"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError("value is not YAML", field="--set", value=override, remedy="quote it") from None
    *parents, last = key.split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError("is a value, not a section", field=key, remedy=f"set {parent} itself")
        node = child
    node[last] = value


def _explain(error: ValidationError, file: Path | None) -> ConfigError:
    first, *others = error.errors(include_url=False)
    location = [str(part) for part in first["loc"]]
    more = f" (and {len(others)} more)" if others else ""
    kind = first["type"]
    if kind == "extra_forbidden":
        return _misspelt(location, file, more)
    if kind == "union_tag_invalid":
        names = [name.strip(" '") for name in first["ctx"]["expected_tags"].split(",")]
        wrong = unknown_name("kind", str(first["ctx"]["tag"]), names, field=".".join([*location, "kind"]))
        return ConfigError(
            "unknown kind",
            file=file,
            field=wrong.field,
            value=first["ctx"]["tag"],
            remedy=wrong.remedy + more,
        )
    if kind == "literal_error":
        names = [name.strip(" '") for name in first["ctx"]["expected"].replace(" or ", ",").split(",")]
        wrong = unknown_name("name", str(first["input"]), names)
        return ConfigError(
            "unknown name",
            file=file,
            field=_dotted(location),
            value=first["input"],
            remedy=wrong.remedy + more,
        )
    shown = {} if kind in ("missing", "value_error") else {"value": first["input"]}
    problem = first["msg"].removeprefix("Value error, ")
    return ConfigError(
        problem[0].lower() + problem[1:],
        file=file,
        field=_dotted(location),
        remedy=f"correct the key{more}",
        **shown,
    )


_TAGS = ("rgbd_folder", "synthetic", "litert", "onnx", "conv_mask", "conv_dense", "words", "open_clip")


def _dotted(location: Sequence[str]) -> str:
    """Pydantic puts a union's tag into the location; a person's recipe has no such level."""
    parts = [part for i, part in enumerate(location) if not (part in _TAGS and i in (1, 2))]
    return ".".join(parts)


def _misspelt(location: Sequence[str], file: Path | None, more: str) -> ConfigError:
    known = _known_keys(location)
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    listing = f"keys here: {', '.join(sorted(known))}" if known else "remove it"
    return ConfigError("unknown key", file=file, field=_dotted(location), remedy=f"{hint}{listing}{more}")


def _known_keys(location: Sequence[str]) -> list[str]:
    """The keys that are allowed where ``location`` ends, found by walking the models."""
    models: list[type[BaseModel]] = [PipelineConfig]
    for part in location[:-1]:
        following: list[type[BaseModel]] = []
        for model in models:
            if part in _TAGS and model.model_fields.get("kind") is not None:
                following += [model] if model.model_fields["kind"].default == part else []
            elif part in model.model_fields:
                following += _models_in(model.model_fields[part].annotation)
            else:
                following.append(model)  # the key of a mapping, e.g. a teacher's name
        models = following or models
    return sorted({name for model in models for name in model.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for argument in getattr(annotation, "__args__", ()):
        found += _models_in(argument)
    return found


def save_recipe(store: Store, config: PipelineConfig) -> None:
    """Keep the recipe of a run beside its results, for the commands that look at them later."""
    write_json(store.root / "recipe.json", config.model_dump(mode="json"))


def stored_recipe(store: Store) -> PipelineConfig:
    """The recipe of the store's last run.

    Raises:
        StoreError: nothing was run into this store.
    """
    path = store.root / "recipe.json"
    values = read_json(path)
    if not isinstance(values, dict):
        raise StoreError("no recipe in the store", file=path, remedy="run a recipe into it first")
    return check_recipe({**values, "store": str(store.root)}, file=path)


def find_store(path: Path | None) -> Store:
    """The store a person means: the one named, else the one that was run into last below ``store/``.

    Raises:
        StoreError: none is there.
    """
    if path is not None:
        return Store(path)
    root = Path(os.environ.get("TEACH3D_STORES", "store"))
    recipes = sorted(root.glob("*/recipe.json"), key=lambda file: file.stat().st_mtime_ns)
    if not recipes:
        raise StoreError("no store here", file=root, remedy="run a recipe first, or name one with --store")
    return Store(recipes[-1].parent)
