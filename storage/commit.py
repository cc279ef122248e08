"""The one way into a unit: a stage is prepared under a temporary name, checked, moved, and only then counts.

Order of a commit: (1) arrays, attributes and files are complete and flushed below ``tmp/``; (2) what they
replace moves to ``aside/``; (3) they move in; (4) the manifest entry is replaced, which is the commit;
(5) ``aside/`` and ``tmp/`` are emptied. A process killed before 4 leaves the former artifact readable,
afterwards the new one. Finding and restoring parts after a kill is left to ``storage.artifact``.
"""

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema.errors import StoreError, Teach3dError
from storage import artifact, layout
from storage.disk import full_disk_told, remove, write_json
from storage.locks import hold, this_process
from storage.manifest import read_entry
from storage.writer import StageWriter

_LOG = logging.getLogger(__name__)


def _mark(unit: Path, stage_key: str, marker: Mapping[str, Any]) -> None:
    """Leave a marker; one that cannot be written must not hide what it speaks of."""
    try:
        write_json(layout.marker_path(unit, stage_key), marker)
    except OSError as error:
        _LOG.warning(
            "%s: no %s marker could be written: %s", stage_key, marker["state"], error.strerror or error
        )


@contextlib.contextmanager
def write_stage(
    unit: Path,
    stage_key: str,
    fingerprint: str,
    *,
    version: int,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
) -> Iterator[StageWriter]:
    """What ``Unit.writing`` does; see there."""
    began = time.monotonic()
    layout.stage_word(stage_key)
    with (
        full_disk_told(unit),
        hold(layout.lock_path(unit, stage_key), f"stage {stage_key}", "wait until that run ends or stop it"),
    ):
        artifact.settle(unit, stage_key)
        artifact.sweep(unit)
        _mark(unit, stage_key, {"state": "running", "fingerprint": fingerprint, **this_process()})
        try:
            writer = StageWriter(unit, stage_key, fingerprint=fingerprint)
            yield writer
            seconds = time.monotonic() - began
            writer.commit(version=version, config=config, inputs=inputs, seconds=seconds)
        except BaseException as error:
            artifact.settle(unit, stage_key)
            _mark_end(unit, stage_key, fingerprint, error)
            raise
        remove(layout.marker_path(unit, stage_key))
        artifact.settle(unit, stage_key)


def _mark_end(unit: Path, stage_key: str, fingerprint: str, error: BaseException) -> None:
    if not isinstance(error, Exception):  # interrupted by the user: neither running nor failed
        remove(layout.marker_path(unit, stage_key))
        return
    line = str(error) if isinstance(error, Teach3dError) else f"{type(error).__name__}: {error}"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    value = {
        "state": "failed",
        "message": " ".join(line.split())[:500],
        "when": now,
        "fingerprint": fingerprint,
    }
    _mark(unit, stage_key, value)


def discard_stage(unit: Path, stage_key: str) -> None:
    """What ``Unit.discard`` does: first the manifest entry, then what it spoke of."""
    if not unit.is_dir():
        return
    with hold(layout.lock_path(unit, stage_key), f"stage {stage_key}", "wait until that run ends or stop it"):
        manifest = layout.manifest_path(unit, stage_key)
        entry = read_entry(manifest)
        remove(manifest)
        if manifest.exists():
            raise StoreError(
                "entry cannot be removed", file=manifest, remedy="check the folder's permissions"
            )
        remove(layout.group_path(unit, stage_key))
        for name in entry.files if entry is not None else ():
            remove(unit / name)
        remove(layout.marker_path(unit, stage_key))
        artifact.settle(unit, stage_key)
