"""Label sets, aliases and synonyms: data files of the project, or a file of the user's.

What a label set is belongs to ``schema.labels``; what is done with names, to the teachers and text encoders.
"""

import functools
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schema.errors import ConfigError, InputError, unknown_name
from schema.labels import LabelSet
from storage.label_colors import distinct_colors

_DATA = Path(__file__).parent / "data"


def label_set_names() -> list[str]:
    """The names of the label sets that come with the project, sorted."""
    return sorted(path.stem for path in (_DATA / "labels").glob("*.json"))


def load_label_set(name_or_path: str | Path) -> LabelSet:
    """A label set by name, or from a file.

    Args:
        name_or_path: one of ``label_set_names()``; or a ``.json`` file with ``names`` and, if wanted,
            ``colors``, ``source_ids``, ``prompts``, ``void``; or a ``.txt`` file, one name a line.

    Raises:
        ConfigError: no such set or file (the sets that exist are listed), or the file is no label set.
        InputError: the text file cannot be read.
    """
    name = str(name_or_path)
    if name in label_set_names():
        return _packaged(name)
    path = Path(name_or_path)
    if path.suffix == ".txt" and path.is_file():
        names = read_label_file(path)
        return _label_set(path, {"names": names})
    if path.suffix == ".json" and path.is_file():
        return _label_set(path, _read_object(path))
    if len(path.parts) > 1 or path.suffix in (".json", ".txt"):
        raise ConfigError(
            "label set file does not exist", file=path, remedy="give a .json or .txt file, or a name"
        )
    raise unknown_name("label set", name, label_set_names())


@functools.cache
def _packaged(name: str) -> LabelSet:
    path = _DATA / "labels" / f"{name}.json"
    return _label_set(path, _read_object(path))


def label_set_facts(name: str) -> dict[str, Any]:
    """Further facts of a benchmark in a packaged set's file (nuScenes' 43 names, raw ids); empty if none."""
    facts = _read_object(_DATA / "labels" / f"{name}.json").get("facts", {})
    assert isinstance(facts, dict)
    return facts


def _label_set(path: Path, value: dict[str, Any]) -> LabelSet:
    fields = {key: item for key, item in value.items() if key != "facts"}
    fields.setdefault("name", path.stem)
    if "colors" not in fields and isinstance(fields.get("names"), list | tuple):
        fields["colors"] = distinct_colors(len(fields["names"]))
    try:
        return LabelSet(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or None
        raise ConfigError(
            first["msg"], file=path, field=where, remedy="see storage/data/labels for files of this kind"
        ) from None


def read_label_file(path: Path) -> tuple[str, ...]:
    """The lines of a label file: one label a line, in the order of a network's outputs.

    Raises:
        InputError: the file is missing, not UTF-8 text, empty, or has an empty line between labels.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"label file cannot be read: {(error.strerror or 'unknown reason').lower()}",
            file=path,
            remedy="give a text file with one label a line",
        ) from error
    except UnicodeDecodeError:
        raise InputError("label file is not UTF-8 text", file=path, remedy="save it as UTF-8") from None
    labels = [line.strip() for line in text.rstrip().splitlines()]
    if not labels or labels == [""]:
        raise InputError("label file is empty", file=path, remedy="write one label a line")
    if "" in labels:
        raise InputError(
            f"line {labels.index('') + 1} is empty",
            file=path,
            remedy="remove it, or name the output: labels are counted by line",
        )
    return tuple(labels)


@functools.cache
def _aliases() -> dict[str, str]:
    return {str(key): str(item) for key, item in _read_object(_DATA / "aliases.json")["aliases"].items()}


def load_aliases() -> dict[str, str]:
    """Other spellings of labels ("diningtable" -> "dining table")."""
    return dict(_aliases())


@functools.cache
def load_synonyms() -> tuple[tuple[str, ...], ...]:
    """Groups of lower-case words that mean the same; a word is in one group only."""
    groups = _read_object(_DATA / "synonyms.json")["groups"]
    return tuple(tuple(str(word) for word in group) for group in groups)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {(error.strerror or 'unknown reason').lower()}",
            file=path,
            remedy="check the path",
        ) from error
    except ValueError as error:
        raise ConfigError(f"is not JSON: {error}", file=path, remedy="mend or re-export it") from None
    if not isinstance(value, dict):
        raise ConfigError("is not a JSON object", file=path, remedy='begin with {"names": [...]}')
    return value
