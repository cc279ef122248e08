"""The static report: one page and one file per scene, which open from disk without any network.

What is shown is read from the store by ``report.layers``, ``report.overlays``, ``report.results``,
``report.training`` and ``report.sections``; how the 3D view works is in ``report/page``.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from report import sections
from report.layers import Encode, collect_layers, query_layers
from report.overlays import frame_pictures
from report.palette import Rgb, known_colors
from report.query import color_map
from report.results import results
from report.scene_payload import choose_points, payload_script, scene_payload, script_json
from report.tables import esc
from report.training import training
from schema.config import PipelineConfig
from schema.errors import StoreError
from schema.progress import track
from storage.store import Store

_SCRIPTS = ("decode.js", "camera.js", "renderer.js", "frames.js", "charts.js", "viewer.js")


def build_report(
    store: Store,
    scene_ids: Sequence[str],
    *,
    config: PipelineConfig,
    summary: Mapping[str, Any],
    encode: Encode | None = None,
) -> Path:
    """Write ``report/index.html`` of a store and return its path.

    Scene files carry their content's digest in their names and ``index.html`` is replaced last, in one step:
    a kill at any moment leaves the old report or the new one. Files no page refers to are removed after that.

    Args:
        store: holds at least ``ingest`` of every scene.
        scene_ids: scenes shown, in this order, at least one.
        config: the recipe; ``config.report`` limits points and names queries.
        summary: content of the run's ``summary.json``; keys that are missing leave their part out.
        encode: texts to vectors of the store's text space; without it the recipe's queries are not shown,
            and the page says so.

    Raises:
        StoreError: no scene is given, or one has not been ingested.
    """
    folder = store.report().path
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    known = known_colors(dict.fromkeys([config.fuse.vocabulary, config.evaluate.label_set]))
    _check(store, scene_ids)
    entries = [
        _write_scene(store, scene_id, folder, known=known, config=config, encode=encode)
        for scene_id in track(scene_ids, "report", len(scene_ids))
    ]
    notes = list(summary.get("notes") or [])
    if config.report.queries and encode is None:
        notes.append(
            f"text queries are not shown, no text encoder was given: {', '.join(config.report.queries)}"
        )
    page = _page(store, scene_ids, entries, config=config, summary={**summary, "notes": notes})
    index = folder / "index.html"
    _replace(index, page)
    _sweep(folder, {folder / str(entry["file"]) for entry in entries})
    return index


def _sweep(folder: Path, used: set[Path]) -> None:
    """Remove what no page refers to, and what a killed process left."""
    for old in [*(folder / "scenes").iterdir(), *folder.glob(".*.partial")]:
        if old not in used:
            old.unlink()


def report_files(index: Path) -> list[Path]:
    """Every file of a report that ``build_report`` has just written: the page and its scenes."""
    return [index, *sorted((index.parent / "scenes").glob("[!.]*.js"))]


def _check(store: Store, scene_ids: Sequence[str]) -> None:
    if not scene_ids:
        raise StoreError("no scene to report on", file=store.root, remedy="run the recipe first")
    for scene_id in scene_ids:
        if store.scene(scene_id).entry("ingest") is None:
            raise StoreError(
                "the scene has no cloud",
                file=store.root,
                field="scene",
                value=scene_id,
                remedy="run ingest first",
            )


def _write_scene(
    store: Store,
    scene_id: str,
    folder: Path,
    *,
    known: Mapping[str, Rgb],
    config: PipelineConfig,
    encode: Encode | None,
) -> dict[str, Any]:
    scene = store.scene(scene_id)
    num_points = scene.array("ingest", "points_world").shape[0]
    if num_points == 0:
        raise StoreError(
            "the cloud has no points", file=scene.path, remedy="check ingest's depth limit and min_weight"
        )
    keep = choose_points(num_points, config.report.max_points)
    layers = collect_layers(scene, keep, teachers=config.teachers, known=known)
    if encode is not None:
        layers += query_layers(scene, keep, config.report.queries, encode)
    frames = frame_pictures(scene, teachers=config.teachers, known=known)
    script = payload_script(scene_payload(scene_id, scene, keep, layers=layers, frames=frames))
    digest = hashlib.sha256(script.encode("ascii")).hexdigest()[:12]
    path = folder / "scenes" / f"{scene_id}.{digest}.js"
    if not path.is_file():
        _replace(path, script)
    return {
        "id": scene_id,
        "file": f"scenes/{path.name}",
        "points": num_points,
        "frames": len(scene.attrs("ingest").get("frame_names", [])),
        "bytes": len(script),
    }


def _page(
    store: Store,
    scene_ids: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
    *,
    config: PipelineConfig,
    summary: Mapping[str, Any],
) -> str:
    data = {"scenes": list(entries), "colorMap": [[int(v) for v in row] for row in color_map()]}
    style = _asset("style.css")
    script = "(() => {\n" + '"use strict";\n' + "".join(_asset(name) for name in _SCRIPTS) + "})();\n"
    body = "".join(
        [
            sections.section("Results", results(store, scene_ids, config.source.kind), anchor="results"),
            sections.section("Training", training(store), anchor="training"),
            sections.section("Time", sections.times(summary), anchor="time"),
            sections.section("Frames left out", sections.dropped_frames(store, scene_ids), anchor="dropped"),
            sections.section("Run", sections.configuration(config) + sections.versions(), anchor="run"),
        ]
    )
    values = {
        "policy": f"default-src 'none'; img-src data: blob:; style-src {_hash(style)}; "
        f"script-src {_hash(script)} 'self' file:; base-uri 'none'; form-action 'none'",
        "title": esc(summary.get("recipe") or config.name),
        "started": esc(sections.when(summary.get("started") or "")),
        "tiles": sections.tiles(store, scene_ids, summary, config),
        "headline": sections.headline(summary),
        "sections": body,
        "style": style,
        "data": script_json(data),
        "script": script,
    }
    return fill(_asset("index.html"), values)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each ``{{name}}`` of a template once, in one pass: values are never searched again."""
    parts = template.split("{{")
    out = [parts[0]]
    for part in parts[1:]:
        name, rest = part.split("}}", 1)
        out.append(values[name] + rest)
    return "".join(out)


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"


def _asset(name: str) -> str:
    return resources.files("report").joinpath("page", name).read_text("utf-8")


def _replace(path: Path, text: str) -> None:
    """Write a file so that a kill leaves the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
