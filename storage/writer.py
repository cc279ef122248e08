"""What a stage hands its results to: arrays, attributes and files, prepared below ``tmp/`` and checked.

When a stage may write, and what happens when it fails, is left to ``storage.commit``.
"""

import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from storage import layout
from storage.arrays import checked, write_array
from storage.disk import sync_file, sync_folder, sync_tree, write_json
from storage.fingerprint import file_digest
from storage.manifest import ManifestEntry, json_value, read_entry, write_entry

_OURS = frozenset({"data.zarr", "manifest", "state", "tmp", "aside"})


class StageWriter:
    """Takes a stage's arrays, attributes and files; made by ``Unit.writing`` alone.

    Attributes:
        attrs: JSON attributes of the stage's group; the layout names them.
        counts: numbers for the manifest.
        metrics: results for the manifest, JSON values.
    """

    def __init__(self, unit: Path, stage_key: str, *, fingerprint: str) -> None:
        self.attrs: dict[str, Any] = {}
        self.counts: dict[str, int] = {}
        self.metrics: dict[str, Any] = {}
        self._unit = unit
        self._stage_key = stage_key
        self._fingerprint = fingerprint
        self._commit = secrets.token_hex(8)
        self._temp = layout.temp_path(unit, stage_key, os.getpid(), self._commit)
        self._arrays: dict[str, Mapping[str, Any]] = {}
        self._lengths: dict[str, int] = {}
        self._files: dict[str, Path] = {}
        (self._temp / "group").mkdir(parents=True)

    @property
    def folder(self) -> Path:
        """A temporary folder for files; those given to ``add_file`` move into the unit at the commit."""
        path = self._temp / "files"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, name: str, array: np.ndarray) -> None:
        """Write one array of the stage.

        Args:
            name: its name in the layout's table.
            array: of the table's dtype and shape; object arrays do not exist here.

        Raises:
            ValueError: the array is not in the table, differs from it, or was put before.
            OSError: the disk failed or is full.
        """
        kind = str(self.attrs.get("kind", ""))
        spec = layout.array_spec(self._stage_key, name, kind)
        if spec is None:
            raise ValueError(
                f"{self._stage_key}/{name} is not in the layout{f' of kind {kind}' if kind else ''}"
            )
        if name in self._arrays:
            raise ValueError(f"{self._stage_key}/{name} was written before")
        data = checked(spec, array, self._lengths, self._stage_key)
        self._arrays[name] = write_array(self._temp / "group", spec, data)

    def add_file(self, path: Path) -> None:
        """Record a file that is completely written, either in ``folder`` or in the unit's own folder.

        Raises:
            ValueError: it lies elsewhere, or among the store's own files.
            OSError: it cannot be read.
        """
        staged = path.is_relative_to(self._temp / "files")
        base = self._temp / "files" if staged else self._unit
        if not path.is_relative_to(base) or ".." in path.parts:
            raise ValueError(f"{path} is not in the unit's folder {self._unit}")
        name = path.relative_to(base)
        if name.parts[0] in _OURS or not path.is_file():
            raise ValueError(f"{path} is no file a stage may record")
        self._files[name.as_posix()] = path

    def commit(
        self, *, version: int, config: Mapping[str, Any], inputs: Mapping[str, str], seconds: float
    ) -> None:
        """Complete, flush, move into place and enter into the manifest; for ``storage.commit`` alone."""
        self._move_in(self._finish(version=version, config=config, inputs=inputs, seconds=seconds))

    def _finish(
        self, *, version: int, config: Mapping, inputs: Mapping[str, str], seconds: float
    ) -> ManifestEntry:
        """Complete and flush what will be moved; say what the manifest will."""
        attrs = json_value(self.attrs, f"{self._stage_key} attributes")
        self._check_complete(attrs)
        if layout.has_group(self._stage_key):
            _write_group(self._temp / "group", {**attrs, **self._identity()})
        files = {name: file_digest(path) for name, path in sorted(self._files.items())}
        entry = ManifestEntry(
            stage=self._stage_key,
            fingerprint=self._fingerprint,
            commit=self._commit,
            layout_version=layout.LAYOUT_VERSION,
            version=version,
            config=json_value(config, "config"),
            inputs=json_value(inputs, "inputs"),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(seconds, 3),
            arrays={name: self._arrays[name] for name in sorted(self._arrays)},
            files=files,
            counts=json_value(self.counts, "counts"),
            metrics=json_value(self.metrics, "metrics"),
        )
        sync_tree(self._temp)
        for path in self._files.values():
            sync_file(path)
        return entry

    def _identity(self) -> dict[str, Any]:
        """The store's own attributes of the group, layout.RESERVED_ATTRS."""
        return {
            "stage": self._stage_key,
            "fingerprint": self._fingerprint,
            "commit": self._commit,
            "layout_version": layout.LAYOUT_VERSION,
        }

    def _check_complete(self, attrs: Mapping[str, Any]) -> None:
        word = layout.stage_word(self._stage_key)
        specs = {spec.name: spec for spec in layout.ATTRS.get(word, ())}
        kind = attrs.get("kind", "")
        missing = [spec.name for spec in specs.values() if _needed(spec, kind) and spec.name not in attrs]
        missing += [
            s.name for s in layout.ARRAYS.get(word, ()) if _needed(s, kind) and s.name not in self._arrays
        ]
        if missing:
            raise ValueError(f"{self._stage_key}: {', '.join(missing)} was not written")
        wrong = [name for name in attrs if name not in specs or specs[name].kind not in ("", kind)]
        wrong += [
            name for name in self._arrays if layout.array_spec(self._stage_key, name, str(kind)) is None
        ]
        if wrong:
            raise ValueError(f"{self._stage_key}: {', '.join(wrong)} is not in the layout")

    def _move_in(self, entry: ManifestEntry) -> None:
        """Steps 2 to 4 of a commit."""
        former = read_entry(layout.manifest_path(self._unit, self._stage_key))
        aside = self._temp / "trash"  # what no manifest speaks of need not be kept
        if former is not None and former.stage == self._stage_key:
            aside = layout.aside_path(self._unit, self._stage_key, former.commit)
        if layout.has_group(self._stage_key):
            group = layout.group_path(self._unit, self._stage_key)
            self._ensure_parents(group)
            if group.exists():
                aside.mkdir(parents=True, exist_ok=True)
                group.rename(aside / "group")
            (self._temp / "group").rename(group)
            sync_folder(group.parent)
        for name, path in self._files.items():
            if path.is_relative_to(self._temp):
                _replace_file(path, self._unit / name, aside / "files" / name)
        if aside.is_dir():
            sync_tree(aside)
        write_entry(layout.manifest_path(self._unit, self._stage_key), entry)

    def _ensure_parents(self, group: Path) -> None:
        """``data.zarr`` itself, and ``lift`` in it, are groups too, so that plain Zarr can walk the whole."""
        for parent in reversed(group.parents):
            if parent.is_relative_to(self._unit / "data.zarr") and not (parent / "zarr.json").is_file():
                parent.mkdir(parents=True, exist_ok=True)
                _write_group(self._temp / "parent", {})
                (self._temp / "parent" / "zarr.json").replace(parent / "zarr.json")


def _needed(spec: layout.ArraySpec | layout.AttrSpec, kind: object) -> bool:
    return not spec.optional and spec.kind in ("", kind)


def _replace_file(source: Path, target: Path, aside: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.rename(aside)
    source.rename(target)
    sync_folder(target.parent)


def _write_group(group: Path, attrs: Mapping[str, Any]) -> None:
    write_json(group / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attrs})
