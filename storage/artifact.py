"""Where the parts of a committed artifact lie, and how a unit is put right after a writer was killed.

The order of a commit, which makes this possible, is in ``storage.commit``.

While an artifact is being replaced, its parts wait in ``aside/<stage>~<commit>`` until the manifest speaks of
the new one. Readers look there when a part in place is not the manifest's; the next writer moves it back.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage import layout
from storage.disk import read_json, remove
from storage.fingerprint import DigestCache, file_digest
from storage.locks import is_alive
from storage.manifest import ManifestEntry, read_entry


def group_attrs(group: Path) -> dict[str, Any] | None:
    """The attributes of a Zarr group, or None when there is none that can be read; needs no Zarr."""
    value = read_json(group / "zarr.json")
    attrs = value.get("attributes") if isinstance(value, dict) else None
    return attrs if isinstance(attrs, dict) else None


def find_group(unit: Path, stage_key: str, entry: ManifestEntry) -> Path | None:
    """The group the entry speaks of: in place, else aside, else None."""
    aside = layout.aside_path(unit, stage_key, entry.commit) / "group"
    for group in (layout.group_path(unit, stage_key), aside):
        attrs = group_attrs(group)
        if attrs and (attrs.get("fingerprint"), attrs.get("commit")) == (entry.fingerprint, entry.commit):
            return group
    return None


def find_file(unit: Path, entry: ManifestEntry, name: str, digests: DigestCache | None) -> Path | None:
    """The recorded file with the recorded content: in place, else aside, else None."""
    aside = layout.aside_path(unit, entry.stage, entry.commit) / "files"
    for path in (unit / name, aside / name):
        with contextlib.suppress(OSError):
            if file_digest(path, digests) == entry.files[name]:
                return path
    return None


def complete_entry(
    unit: Path, stage_key: str, digests: DigestCache | None, *, files: bool = True
) -> ManifestEntry | None:
    """The stage's entry if everything it speaks of is there, else None.

    Args:
        unit: the unit's folder.
        stage_key: the stage.
        digests: cache of file digests.
        files: whether recorded files are looked at too.
    """
    commit = None
    for _ in range(3):  # a writer may commit while we look
        entry = read_entry(layout.manifest_path(unit, stage_key))
        if entry is None or entry.stage != stage_key or entry.commit == commit:
            return None
        commit = entry.commit
        if layout.has_group(stage_key) and find_group(unit, stage_key, entry) is None:
            continue
        if files and any(find_file(unit, entry, name, digests) is None for name in entry.files):
            continue
        return entry
    return None


def settle(unit: Path, stage_key: str) -> None:
    """Undo what a killed writer of the stage began; its lock must be held. May itself be killed."""
    entry = read_entry(layout.manifest_path(unit, stage_key))
    for aside in _children(unit / "aside", stage_key):
        if entry is not None and aside == layout.aside_path(unit, stage_key, entry.commit):
            _move_back(unit, stage_key, aside)
        remove(aside)
    for temp in _children(unit / "tmp", stage_key):
        remove(temp)
    for path in (layout.manifest_path(unit, stage_key), layout.marker_path(unit, stage_key)):
        for torn in path.parent.glob(f".{path.name}.*"):
            remove(torn)


def _move_back(unit: Path, stage_key: str, aside: Path) -> None:
    group = layout.group_path(unit, stage_key)
    if (aside / "group").is_dir():
        if group.exists():
            trash = layout.temp_path(unit, stage_key, os.getpid(), "trash")
            remove(trash)
            trash.parent.mkdir(parents=True, exist_ok=True)
            group.rename(trash)
        (aside / "group").rename(group)
    for path in sorted((aside / "files").rglob("*")):
        if path.is_file():
            target = unit / path.relative_to(aside / "files")
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def _children(folder: Path, stage_key: str) -> list[Path]:
    return sorted(folder.glob(f"{layout.dotted(stage_key)}~*")) if folder.is_dir() else []


def leftovers(unit: Path) -> Iterator[Path]:
    """What killed writers left behind: never read, removed when the unit is next written to."""
    if (unit / "tmp").is_dir():
        for path in sorted((unit / "tmp").iterdir()):
            host, pid = (["", *path.name.split("~")])[-3:-1] if path.name.count("~") == 3 else ("", "")
            if pid.isdigit() and host == layout.host_name() and not is_alive(int(pid), host):
                yield path


def sweep(unit: Path) -> None:
    """Remove what dead processes of this machine left behind."""
    for path in leftovers(unit):
        remove(path)
