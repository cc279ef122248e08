"""The page's small sections: what the run was, its headline, time, dropped frames, configuration.

Scores are left to ``report.results``, the training to ``report.training``, how a table is drawn to
``report.tables``, the page they stand in to ``report.build``.
"""

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

import yaml

from report.tables import esc, seconds_text, stage_table, summary_table, table
from schema.config import PipelineConfig
from storage.store import Store, Unit

_VERSIONED = (
    *("teach3d", "numpy", "scipy", "torch", "open3d", "zarr", "numcodecs", "prefect"),
    *("ai-edge-litert", "onnxruntime", "open_clip_torch"),
)


def section(title: str, body: str, *, anchor: str) -> str:
    """A titled section; empty text if there is nothing to show in it."""
    return f'<section id="{esc(anchor)}"><h2>{esc(title)}</h2>{body}</section>' if body else ""


def headline(summary: Mapping[str, Any]) -> str:
    """The run's own table, what failed, and notes."""
    content = summary.get("table") or {}
    failures = [
        f"failed: {item.get('stage', '?')} {item.get('unit', '?')}: {item.get('message', '?')}"
        for item in summary.get("failures") or []
    ]
    failed = "".join(f"<li>{esc(line)}</li>" for line in dict.fromkeys(map(str, failures)))
    texts = dict.fromkeys(map(str, [*(content.get("notes") or []), *(summary.get("notes") or [])]))
    notes = "".join(f"<li>{esc(note)}</li>" for note in texts)
    shown = f'<ul class="notes">{failed}</ul>' if failed else ""
    if notes:
        shown += f'<details><summary>notes ({len(texts)})</summary><ul class="notes">{notes}</ul></details>'
    return summary_table(content) + shown


def tiles(store: Store, scene_ids: Sequence[str], summary: Mapping[str, Any], config: PipelineConfig) -> str:
    """The few numbers a person wants first."""
    points = sum(_num_points(store.scene(scene_id)) for scene_id in scene_ids)
    frames = sum(len(store.scene(scene_id).attrs("ingest").get("frame_names", [])) for scene_id in scene_ids)
    facts = [
        (f"{len(scene_ids)}", "scene" if len(scene_ids) == 1 else "scenes"),
        (f"{frames:,}".replace(",", " "), "frames"),
        (f"{points:,}".replace(",", " "), "points"),
        (", ".join(config.teachers), "teacher" if len(config.teachers) == 1 else "teachers"),
    ]
    if isinstance(summary.get("seconds"), int | float):
        facts.append((seconds_text(float(summary["seconds"])), "this run"))
    return "".join(f"<div><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>" for value, label in facts)


def times(summary: Mapping[str, Any]) -> str:
    """Seconds per stage and scene."""
    stages = summary.get("stages") or []
    return stage_table(stages) if stages else ""


def dropped_frames(store: Store, scene_ids: Sequence[str]) -> str:
    """Every frame that was not used, with its reason."""
    lines = [
        [scene_id, str(item.get("name", "?")), str(item.get("reason", "?"))]
        for scene_id in scene_ids
        for item in store.scene(scene_id).attrs("ingest").get("dropped", [])
    ]
    if not lines:
        return "<p>None: every frame was used.</p>"
    body = table(["frame", "reason"], lines, corner="scene")
    label = f"{len(lines)} frame{'s' if len(lines) != 1 else ''}"
    return f"<details{' open' if len(lines) <= 12 else ''}><summary>{label}</summary>{body}</details>"


def configuration(config: PipelineConfig) -> str:
    """The recipe as YAML."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return f"<details><summary>recipe.yaml</summary><pre>{esc(text)}</pre></details>"


def when(started: object) -> str:
    """An ISO time as people read it; other text stays as it is."""
    try:
        moment = datetime.fromisoformat(str(started))
    except ValueError:
        return str(started)
    return moment.strftime("%Y-%m-%d %H:%M ") + (moment.tzname() or "")


def versions() -> str:
    """What ran: Python and the libraries that decide results."""
    lines = [["Python", platform.python_version()]]
    for name in _VERSIONED:
        try:
            lines.append([name, metadata.version(name)])
        except metadata.PackageNotFoundError:
            lines.append([name, "not installed"])
    return f"<details><summary>versions</summary>{table(['version'], lines)}</details>"


def _num_points(scene: Unit) -> int:
    entry = scene.entry("ingest")
    return 0 if entry is None else int(entry.arrays["points_world"]["shape"][0])
