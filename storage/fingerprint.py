"""Fingerprints: what a stage's result depends on, as one SHA-256, and digests of file contents.

Which configuration and which inputs belong to a stage is left to the tasks.
"""

import contextlib
import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.disk import read_json

FINGERPRINT_FORMAT = 1
"""Raised when the canonical form changes: then everything is recomputed."""

_RACY_NS = 2_000_000_000


def fingerprint(stage: str, version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """SHA-256 (hex) of the canonical JSON of everything a result depends on.

    Equal in every process and on every machine: keys sorted, floats by ``repr``, no sets.

    Args:
        stage: stage key.
        version: the stage's own version number, raised when its arithmetic changes.
        config: the part of the configuration that decides the result, as JSON values.
        inputs: fingerprints (or digests) of what the stage reads, by name.

    Raises:
        TypeError: a value is not JSON (a set, a path, an array, a key that is not a string).
        ValueError: a number is not finite.
    """
    whole = {
        "format": FINGERPRINT_FORMAT,
        "stage": stage,
        "version": version,
        "config": config,
        "inputs": inputs,
    }
    return hashlib.sha256(canonical_json(whole).encode("ascii")).hexdigest()


def canonical_json(value: Any) -> str:
    """The one JSON text of a value; see ``fingerprint`` for the rules and the errors."""
    return json.dumps(_plain(value, "value"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                raise TypeError(f"{where}: key {key!r} is not a string")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value!r} is not finite")
        return value
    raise TypeError(f"{where}: {type(value).__name__} cannot be part of a fingerprint")


class DigestCache:
    """Digests of files, remembered by path, size and times, so that big weights are read once.

    A file changed less than two seconds ago is not remembered: it could change again unseen within the
    resolution of its time stamp.

    Args:
        root: the store's folder; the cache is ``cache/digests.json`` in it.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "cache" / "digests.json"
        self._lock = threading.Lock()
        self._known: dict[str, list[Any]] | None = None
        self._new: dict[str, list[Any]] = {}

    def get(self, path: Path, stat: os.stat_result) -> str | None:
        """The remembered digest, if the file has not changed since."""
        with self._lock:
            if self._known is None:
                self._known = self._read()
            row = self._known.get(str(path))
        return str(row[3]) if row is not None and row[:3] == _stamp(stat) else None

    def put(self, path: Path, stat: os.stat_result, digest: str) -> None:
        """Remember a digest, also on disk."""
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < _RACY_NS:
            return
        with self._lock:
            self._new[str(path)] = [*_stamp(stat), digest]
        self.save()

    def save(self) -> None:
        """Write what is new, keeping what others wrote; a cache that cannot be written is no error."""
        with self._lock:
            if not self._new:
                return
            known = self._read() | self._new
            self._known, self._new = known, {}
            temp = self._path.with_name(f".{self._path.name}.{os.getpid()}-{threading.get_ident()}")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                temp.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="ascii")
                temp.replace(self._path)
            except OSError:
                with contextlib.suppress(OSError):
                    temp.unlink()

    def _read(self) -> dict[str, list[Any]]:
        value = read_json(self._path)
        rows = value.items() if isinstance(value, dict) else ()
        return {key: row for key, row in rows if isinstance(row, list) and len(row) == 4}


def _stamp(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def file_digest(path: Path, cache: DigestCache | None = None) -> str:
    """SHA-256 (hex) of a file's content.

    Args:
        path: the file.
        cache: where digests are remembered; None reads the file every time.

    Raises:
        OSError: the file cannot be read.
    """
    path = path.resolve()
    before = path.stat()
    if cache is not None and (known := cache.get(path, before)) is not None:
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if cache is not None and _stamp(path.stat()) == _stamp(before):
        cache.put(path, before, digest)
    return digest
