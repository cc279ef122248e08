"""A store: the folder that holds everything computed, as units (scenes, the student, the report).

What is in a unit, and how it is read and written, is left to ``storage.unit``.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schema.errors import InputError, StoreError
from schema.stages import UnitKind
from storage.disk import full_disk_told, read_json, write_json
from storage.fingerprint import DigestCache
from storage.layout import LAYOUT_VERSION
from storage.locks import hold
from storage.manifest import ManifestEntry, Marker
from storage.unit import Unit
from storage.verify import Finding
from storage.writer import StageWriter

__all__ = ["Finding", "ManifestEntry", "Marker", "StageWriter", "Store", "Unit", "check_scene_ids"]

_SCENE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Store:
    """The folder of a recipe's results.

    Args:
        root: the folder.
        create: make it if there is none.

    Attributes:
        root: the folder.
        digests: digests of files read for fingerprints, remembered in the store.

    Raises:
        StoreError: there is no store (and ``create`` is False), or it is damaged or of a newer layout.
        StorageFullError: no space to make it.
    """

    def __init__(self, root: Path, create: bool = False) -> None:
        self.root = Path(root)
        self.digests = DigestCache(self.root)
        marker = self.root / "store.json"
        if not marker.exists():
            if not create:
                raise StoreError(
                    "no store here", file=self.root, remedy="check the path, or run a recipe first"
                )
            if self.root.exists() and not self.root.is_dir():
                raise StoreError(
                    "is not a folder", file=self.root, remedy="choose another path for the store"
                )
            with full_disk_told(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
                write_json(marker, {"layout_version": LAYOUT_VERSION})
        _check_version(marker)

    def scene(self, scene_id: str) -> Unit:
        """The unit of a scene, which need not exist yet.

        Raises:
            InputError: the id cannot be a folder's name.
        """
        check_scene_ids([scene_id])
        return Unit(self.root / "scenes" / scene_id, scene_id, self.digests)

    def student(self) -> Unit:
        """The unit of the student that all training scenes share."""
        return Unit(self.root / "students" / "student", "student", self.digests)

    def report(self) -> Unit:
        """The unit of the report."""
        return Unit(self.root / "report", "report", self.digests)

    def unit(self, kind: UnitKind, name: str) -> Unit:
        """The unit of a kind; ``name`` is the scene's id and counts for scenes alone.

        Raises:
            InputError: the scene id cannot be a folder's name.
        """
        if kind == "scene":
            return self.scene(name)
        return self.student() if kind == "student" else self.report()

    def scene_ids(self) -> list[str]:
        """The scenes that have anything in the store, sorted."""
        folder = self.root / "scenes"
        paths = folder.iterdir() if folder.is_dir() else ()
        return sorted(path.name for path in paths if path.is_dir() and _SCENE_ID.fullmatch(path.name))

    def units(self) -> list[Unit]:
        """Every unit that exists: scenes, then the student, then the report."""
        fixed = [unit for unit in (self.student(), self.report()) if unit.path.is_dir()]
        return [*(self.scene(scene_id) for scene_id in self.scene_ids()), *fixed]

    @staticmethod
    def check_scene_ids(ids: Iterable[str]) -> None:
        """See that scene ids can be folders of a store; see the function of this name."""
        check_scene_ids(ids)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only run on this store for the length of the block.

        Raises:
            StoreError: another process is at it; its pid is named.
        """
        with hold(self.root / ".lock", "the store", "wait until that run ends or stop it"):
            yield


def _check_version(marker: Path) -> None:
    value = read_json(marker)
    version = value.get("layout_version") if isinstance(value, dict) else None
    if type(version) is not int or version < 1:
        raise StoreError(
            "is damaged",
            file=marker,
            remedy=f'restore it: {{"layout_version": {LAYOUT_VERSION}}}, or use a new store',
        )
    if version > LAYOUT_VERSION:
        raise StoreError(
            f"the store has a newer layout than this teach3d, which knows up to {LAYOUT_VERSION}",
            file=marker,
            field="layout_version",
            value=version,
            remedy="upgrade teach3d or use another store",
        )


def check_scene_ids(ids: Iterable[str]) -> None:
    """See that scene ids can be folders of a store.

    Raises:
        InputError: an id would leave the store, has characters that file systems differ on, or two ids are
            equal or differ in case alone.
    """
    seen: dict[str, str] = {}
    for scene_id in ids:
        if ".." in scene_id.split("/") or scene_id.startswith(("/", "\\", "~")):
            raise InputError(
                "scene id would leave the store", field="scene id", value=scene_id, remedy="rename the scene"
            )
        if not _SCENE_ID.fullmatch(scene_id):
            raise InputError(
                "scene id cannot be a folder's name",
                field="scene id",
                value=scene_id,
                remedy="use 1 to 100 letters, digits, '_', '.', '-', starting with a letter or digit",
            )
        other = seen.get(scene_id.lower())
        if other is not None:
            raise InputError(
                f"scene id collides with {other!r}",
                field="scene id",
                value=scene_id,
                remedy="rename one of the scenes (case alone is no difference on many file systems)",
            )
        seen[scene_id.lower()] = scene_id
