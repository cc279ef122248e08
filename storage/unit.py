"""One unit of a store (a scene, the student, the report): what is committed in it, reading and writing it.

How a commit is carried out is left to ``storage.commit``, how arrays lie on disk to ``storage.arrays``.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from schema.errors import StoreError
from storage import artifact, layout
from storage.commit import discard_stage, write_stage
from storage.fingerprint import DigestCache
from storage.manifest import ManifestEntry, Marker, read_marker
from storage.verify import Finding, verify_unit
from storage.writer import StageWriter


class Unit:
    """One folder of a store with its own manifest. Made by ``Store``; making one touches no disk.

    Attributes:
        path: the unit's folder; it need not exist yet.
        name: scene id, or ``student`` / ``report``.
    """

    def __init__(self, path: Path, name: str, digests: DigestCache | None = None) -> None:
        self.path = path
        self.name = name
        self._digests = digests

    def entry(self, stage_key: str) -> ManifestEntry | None:
        """What is committed of a stage, or None when it is missing, torn or cannot be read.

        Cheap: reads two small JSON files, and recorded files only when they changed since the last look.
        """
        return artifact.complete_entry(self.path, stage_key, self._digests)

    def entry_of(self, stage_key: str) -> ManifestEntry:
        """As ``entry``, for a stage that must be there.

        Raises:
            StoreError: it is not.
        """
        return self._need(stage_key, files=True)

    def entries(self) -> list[ManifestEntry]:
        """Everything committed in the unit, in the order of the stages."""
        return [entry for key in self.stage_keys() if (entry := self.entry(key)) is not None]

    def stage_keys(self) -> list[str]:
        """The stages that have a manifest file, readable or not, in the order of the stages."""
        keys = []
        folder = self.path / "manifest"
        for path in sorted(folder.glob("[!.]*.json")) if folder.is_dir() else ():
            key = layout.stage_key_of(path.stem)
            try:
                keys.append((layout.STAGES.index(layout.stage_word(key)), key))
            except ValueError:
                continue  # no file of the store
        return [key for _, key in sorted(keys)]

    def is_done(self, stage_key: str, fp: str) -> bool:
        """Whether exactly this result is committed."""
        entry = self.entry(stage_key)
        return entry is not None and entry.fingerprint == fp

    def marker(self, stage_key: str) -> Marker | None:
        """Whether a writer of the stage runs, was killed or has failed; None after a commit."""
        return read_marker(layout.marker_path(self.path, stage_key))

    def writing(
        self,
        stage_key: str,
        fp: str,
        *,
        version: int,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
    ) -> AbstractContextManager[StageWriter]:
        """Write a stage: on leaving the block without an error it is committed, else nothing has changed.

        What was committed before stays valid until then, also when the process is killed.

        Args:
            stage_key: the stage.
            fp: fingerprint of the result.
            version: the stage's version number.
            config: the configuration that decides the result, for the manifest.
            inputs: fingerprints of what is read, for the manifest.

        Raises:
            StoreError: another process is writing this stage.
            StorageFullError: the disk is full.
            ValueError: what was put is not what the layout says.
        """
        return write_stage(self.path, stage_key, fp, version=version, config=config, inputs=inputs)

    def discard(self, stage_key: str) -> None:
        """Forget a stage: its entry first, then its arrays, recorded files and marker.

        Raises:
            StoreError: somebody is writing it.
        """
        discard_stage(self.path, stage_key)

    def has(self, stage_key: str, name: str) -> bool:
        """Whether a committed stage has that array."""
        entry = artifact.complete_entry(self.path, stage_key, self._digests, files=False)
        return entry is not None and name in entry.arrays

    def array(self, stage_key: str, name: str) -> np.ndarray:
        """A whole array.

        Raises:
            StoreError: it is not there, or a chunk is missing or damaged (the chunk's file is named).
        """
        return self.rows(stage_key, name, slice(None))

    def rows(self, stage_key: str, name: str, rows: slice) -> np.ndarray:
        """A slice of an array's first axis; errors as ``array``."""
        from storage.arrays import read_rows

        entry = self._need(stage_key, name)
        while True:
            try:
                group = self._group(stage_key, entry)
                return read_rows(group / name, entry.arrays[name], rows)
            except StoreError:
                now = self._need(stage_key, name)
                if now.commit == entry.commit:
                    raise
                entry = now  # replaced while being read: read the new one

    def attrs(self, stage_key: str) -> dict[str, Any]:
        """The JSON attributes of a stage.

        Raises:
            StoreError: the stage is not there.
        """
        attrs = artifact.group_attrs(self._group(stage_key, self._need(stage_key)))
        return {key: item for key, item in (attrs or {}).items() if key not in layout.RESERVED_ATTRS}

    def file(self, stage_key: str, name: str) -> Path:
        """A recorded file whose content is the recorded one.

        Raises:
            StoreError: it is not recorded, missing or changed.
        """
        entry = self._need(stage_key, files=True)
        path = artifact.find_file(self.path, entry, name, self._digests) if name in entry.files else None
        if path is None:
            raise StoreError(
                f"{stage_key} has no such file", file=self.path / name, remedy="run the stage again"
            )
        return path

    def verify(self) -> list[Finding]:
        """Re-read every chunk and every recorded file; an empty list means that all is as it was written."""
        return verify_unit(self.path, self.name)

    def _need(self, stage_key: str, name: str = "", *, files: bool = False) -> ManifestEntry:
        entry = artifact.complete_entry(self.path, stage_key, self._digests, files=files)
        if entry is None:
            raise StoreError(f"stage {stage_key} is not in the store", file=self.path, remedy="run it first")
        if name and name not in entry.arrays:
            raise StoreError(
                f"stage {stage_key} has no array {name!r}",
                file=self.path,
                remedy=f"it has: {', '.join(entry.arrays) or 'none'}",
            )
        return entry

    def _group(self, stage_key: str, entry: ManifestEntry) -> Path:
        group = artifact.find_group(self.path, stage_key, entry)
        if group is None:
            raise StoreError(f"stage {stage_key} has no arrays", file=self.path, remedy="run it first")
        return group
