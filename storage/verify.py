"""Looking for damage: every chunk's checksum and every recorded file's digest, re-read from disk.

What is done about a finding (discarding the stage) is left to the caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schema.errors import StoreError
from storage import artifact, layout
from storage.fingerprint import file_digest
from storage.manifest import ManifestEntry, read_entry


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        unit: scene id, or ``student`` / ``report``.
        stage: stage key; "" for what belongs to no stage.
        path: the file or folder.
        problem: one clause.
        harmful: False for leftovers that nobody reads.
    """

    unit: str
    stage: str
    path: Path
    problem: str
    harmful: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def verify_unit(unit: Path, name: str) -> list[Finding]:
    """Re-read everything committed in a unit's folder, past every cache.

    Args:
        unit: the unit's folder.
        name: the unit's name, for the findings.
    """
    found: list[Finding] = []
    manifests = sorted((unit / "manifest").glob("[!.]*.json")) if (unit / "manifest").is_dir() else []
    for manifest in manifests:
        key = layout.stage_key_of(manifest.stem)
        try:
            layout.stage_word(key)
        except ValueError:
            found.append(Finding(name, "", manifest, "is no manifest entry of the store", harmful=False))
            continue
        entry = read_entry(manifest)
        if entry is None or entry.stage != key:
            found.append(Finding(name, key, manifest, "manifest entry is torn"))
            continue
        found += [Finding(name, key, path, problem) for path, problem in _problems(unit, entry)]
    found += [
        Finding(name, "", path, "left behind by a killed run", harmful=False)
        for path in artifact.leftovers(unit)
    ]
    return found


def _problems(unit: Path, entry: ManifestEntry) -> Iterator[tuple[Path, str]]:
    if layout.has_group(entry.stage):
        group = artifact.find_group(unit, entry.stage, entry)
        if group is None:
            path = layout.group_path(unit, entry.stage)
            yield path, "group is missing or not the one the manifest speaks of"
        else:
            for name in entry.arrays:
                yield from _array_problems(group / name, entry, name)
    for name, digest in entry.files.items():
        if artifact.find_file(unit, entry, name, None) is None:
            yield unit / name, _file_problem(unit / name, digest)


def _array_problems(folder: Path, entry: ManifestEntry, name: str) -> Iterator[tuple[Path, str]]:
    from storage.arrays import damaged_chunks, open_array

    try:
        array = open_array(folder, entry.arrays[name])
    except StoreError as error:
        yield Path(error.file or folder), error.problem
        return
    for damage in damaged_chunks(folder, array):
        yield Path(damage.file or folder), damage.problem


def _file_problem(path: Path, digest: str) -> str:
    try:
        found = file_digest(path)
    except OSError as error:
        return f"recorded file cannot be read: {error.strerror}"
    return f"content changed: SHA-256 is {found[:12]}..., recorded is {digest[:12]}..."
