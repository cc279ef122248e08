"""Manifest entries and markers: what is known about a committed, running or failed stage.

Whether the arrays and files an entry speaks of are there is checked by ``storage.unit``.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from storage.disk import read_json, write_json
from storage.locks import is_alive


@dataclass(frozen=True)
class ManifestEntry:
    """What the store knows about one committed stage of one unit.

    Attributes:
        stage: stage key.
        fingerprint: SHA-256 hex of config and inputs.
        version: the stage's version number.
        config: the configuration that decided the result.
        inputs: fingerprints of what it read, by name.
        created: when it was committed, ISO 8601, UTC.
        seconds: wall time of the stage.
        commit: identifies this commit; the Zarr group carries the same word.
        arrays: name -> {"shape", "dtype", "bytes"}; bytes are those on disk.
        files: name relative to the unit's folder -> SHA-256 hex.
        counts: numbers a reader wants.
        metrics: results, JSON values.
        layout_version: version of the layout it was written with.
    """

    stage: str
    fingerprint: str
    version: int
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    created: str
    seconds: float
    commit: str
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    layout_version: int = 1

    @property
    def bytes(self) -> int:
        """Bytes of all arrays on disk."""
        return sum(int(row["bytes"]) for row in self.arrays.values())


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "stage": str,
    "fingerprint": str,
    "version": int,
    "created": str,
    "seconds": (int, float),
    "commit": str,
    "layout_version": int,
}


def read_entry(path: Path) -> ManifestEntry | None:
    """The entry in a manifest file, or None when the file is missing, torn or no entry."""
    value = read_json(path)
    if not isinstance(value, dict) or set(value) != {item.name for item in fields(ManifestEntry)}:
        return None
    if not all(isinstance(item, _TYPES.get(name, dict)) for name, item in value.items()):
        return None
    if not all(
        isinstance(row, dict) and {"shape", "dtype", "bytes"} <= set(row) for row in value["arrays"].values()
    ):
        return None
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in value["files"]):
        return None
    return ManifestEntry(**value)


def write_entry(path: Path, entry: ManifestEntry) -> None:
    """Write an entry atomically; this is the moment of commit."""
    write_json(path, asdict(entry))


def json_value(value: Any, where: str) -> Any:
    """The value as plain JSON: NumPy numbers become Python's, tuples become lists.

    Raises:
        TypeError: something in it is not JSON.
        ValueError: a number is not finite.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is not a string")
        return {str(key): json_value(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: {value!r} is not finite; JSON has no such number (use null)")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{where}: {type(value).__name__} is not JSON")


@dataclass(frozen=True)
class Marker:
    """What the last writer of a stage left behind besides its result.

    Attributes:
        state: running, or failed with an error.
        when: since when it runs, or when it failed; ISO 8601, UTC.
        message: the error's one line.
        pid: of the running writer.
        host: of the running writer.
        alive: whether the running writer still lives; False after a kill.
        fingerprint: of what was being computed.
    """

    state: Literal["running", "failed"]
    when: str
    message: str = ""
    pid: int = 0
    host: str = ""
    alive: bool = False
    fingerprint: str = ""


def read_marker(path: Path) -> Marker | None:
    """The marker in a file, or None when there is none that can be read."""
    value = read_json(path)
    if not isinstance(value, dict) or value.get("state") not in ("running", "failed"):
        return None
    state, pid, started = value["state"], value.get("pid"), value.get("started")
    pid = pid if isinstance(pid, int) else 0
    host = str(value.get("host", ""))
    return Marker(
        state,
        str(value.get("when", "")),
        message=str(value.get("message", "")),
        pid=pid,
        host=host,
        alive=state == "running" and is_alive(pid, host, started if isinstance(started, int) else None),
        fingerprint=str(value.get("fingerprint", "")),
    )
