"""``teach3d inspect``: every cached artifact of a scene with numbers and pictures, or the training."""

import os
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.console import console, print_json, print_table
from schema.errors import StoreError

if TYPE_CHECKING:  # help must not wait for what only the command needs
    from storage.manifest import ManifestEntry
    from storage.store import Store
    from storage.unit import Unit

STUDENT = "student"
"""Names the student where a scene id is asked for."""


def inspect(
    scene: str,
    *,
    store: Path | None = None,
    stage: str | None = None,
    open_: bool | None = None,
    json: bool = False,
) -> int:
    """Every cached array of a scene: shape, type, bytes on disk, when, statistics; and its pictures.

    With `student` instead of a scene: what each stage of its training did.

    Args:
        scene: scene id, or `student`.
        store: the store to look at; by default the one run into last.
        stage: only this stage, with the configuration that made it.
        open_: open the pictures with this machine's viewer; by default where there is a display.
        json: print everything as JSON.
    """
    from report.pictures import write_pictures
    from storage.recipes import find_store

    opened = find_store(store)
    if scene == STUDENT and scene not in opened.scene_ids():
        return _inspect_student(opened, json=json)
    unit = scene_unit(opened, scene)
    stages = [_describe(unit, entry) for entry in unit.entries() if stage in (None, entry.stage)]
    pictures = write_pictures(unit, opened.root / "pictures" / scene)
    if json:
        print_json({"scene": scene, "stages": stages, "pictures": [str(path) for path in pictures]})
        return 0
    for described in stages:
        _print_stage(described, with_config=stage is not None)
    for path in pictures:
        console.print(f"picture: {path}", markup=False, soft_wrap=True)
    if open_ or (open_ is None and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))):
        for path in pictures:
            webbrowser.open(path.resolve().as_uri())
    return 0


def scene_unit(store: "Store", scene: str) -> "Unit":
    """The unit of a scene that is in the store.

    Raises:
        StoreError: no such scene; the ones there are, are listed.
    """
    known = store.scene_ids()
    if scene not in known:
        raise StoreError(
            "no such scene",
            file=store.root,
            field="scene",
            value=scene,
            remedy=f"scenes are: {', '.join(known)}",
        )
    return store.scene(scene)


def _inspect_student(store: "Store", *, json: bool) -> int:
    """Print what the training of the store's student did.

    Raises:
        StoreError: no student is in the store.
    """
    from report.training_log import read_training_log

    unit = store.student()
    entry, log = unit.entry_of("distill"), read_training_log(unit)
    if json:
        print_json({"student": _facts(entry, []), "training": None if log is None else log.to_json()})
        return 0
    console.print(
        f"distill: {entry.created}, {entry.seconds:.1f} s, config {entry.fingerprint[:12]}", markup=False
    )
    for name, number in {**entry.counts, **entry.metrics}.items():
        console.print(f"  {name} = {number}", markup=False)
    for line in log.lines() if log else ["no log of the training was kept"]:
        console.print(line, markup=False, soft_wrap=True)
    return 0


def _describe(unit: "Unit", entry: "ManifestEntry") -> dict[str, Any]:
    from ops.query import statistics

    arrays = [
        {"name": name, **row, "statistics": statistics(unit.array(entry.stage, name))}
        for name, row in entry.arrays.items()
    ]
    return _facts(entry, arrays)


def _facts(entry: "ManifestEntry", arrays: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stage": entry.stage,
        "created": entry.created,
        "bytes": entry.bytes,
        "seconds": entry.seconds,
        "fingerprint": entry.fingerprint,
        "config": entry.config,
        "inputs": entry.inputs,
        "counts": entry.counts,
        "metrics": entry.metrics,
        "arrays": arrays,
    }


def _print_stage(described: dict[str, Any], *, with_config: bool) -> None:
    title = f"{described['stage']}: {described['created']}, {described['seconds']:.1f} s"
    title += f", {described['bytes']:,} bytes, config {described['fingerprint'][:12]}"
    rows = [
        [
            array["name"],
            " x ".join(str(length) for length in array["shape"]),
            array["dtype"],
            f"{array['bytes']:,}",
            *(array["statistics"].get(key) for key in ("min", "mean", "max", "zeros")),
        ]
        for array in described["arrays"]
    ]
    print_table(["array", "shape", "dtype", "bytes", "min", "mean", "max", "zeros"], rows, title=title)
    if with_config:
        for line in _flat(described["config"]):
            console.print(f"  {line}", markup=False)


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} = {value}"
