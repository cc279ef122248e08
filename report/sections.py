"""The page's sections apart from the 3D view: results, time, dropped frames, training, configuration.

How a table or chart is drawn is left to ``report.tables`` and ``report.charts``; the page they stand in to
``report.build``.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ops.metrics import Agreement, agreement, json_number, scores_from_confusion
from report.charts import line_chart
from report.tables import esc, iou_table, seconds_text, stage_table, summary_table, table
from schema.config import PipelineConfig
from schema.errors import Teach3dError
from storage.label_sets import load_label_set
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


def results(store: Store, scene_ids: Sequence[str], config: PipelineConfig) -> str:
    """How far the rows agree and what each covers, per scene and together; with ground truth also IoU."""
    found: dict[str, tuple[list[str], Agreement]] = {}
    confusions = []
    for scene_id in scene_ids:
        scene = store.scene(scene_id)
        if scene.entry("evaluate") is None:
            continue
        attrs = scene.attrs("evaluate")
        found[scene_id] = ([str(row) for row in attrs["rows"]], agreement(scene.array("evaluate", "label")))
        if scene.has("evaluate", "confusion"):
            confusions.append((attrs, scene.array("evaluate", "confusion")))
    return _iou(confusions, _void(config)) + _agreements(found)


def _agreements(found: Mapping[str, tuple[list[str], Agreement]]) -> str:
    tables = {scene_id: _agreement(rows, counts) for scene_id, (rows, counts) in found.items()}
    if not tables:
        return ""
    caption = (
        "coverage: share of points with a label; then, of points both rows label, the share labelled alike"
    )
    head = f'<h3>Agreement</h3><p class="quiet">{caption}</p>'
    if len(tables) == 1:
        return head + next(iter(tables.values()))
    rows = next(iter(found.values()))[0]
    same = [counts for names, counts in found.values() if names == rows]
    total = Agreement(
        agree=sum((one.agree for one in same), np.zeros((len(rows), len(rows)), np.int64)),
        both=sum((one.both for one in same), np.zeros((len(rows), len(rows)), np.int64)),
        num_points=sum(one.num_points for one in same),
    )
    singles = "".join(
        f"<details><summary>{esc(scene_id)}</summary>{body}</details>" for scene_id, body in tables.items()
    )
    return f"{head}<p>{len(same)} scenes together</p>{_agreement(rows, total)}{singles}"


def _agreement(rows: Sequence[str], counts: Agreement) -> str:
    lines = [
        [name, json_number(counts.coverage[r]), *map(json_number, counts.share[r])]
        for r, name in enumerate(rows)
    ]
    return table(["coverage", *rows], lines)


def _void(config: PipelineConfig) -> tuple[str, ...]:
    """Classes of the label set that are not counted; none if the set has been moved since the run."""
    try:
        return load_label_set(config.evaluate.label_set).void
    except Teach3dError:
        return ()


def _iou(confusions: Sequence[tuple[Mapping[str, Any], np.ndarray]], void: Sequence[str]) -> str:
    if not confusions:
        return ""
    attrs = confusions[0][0]
    same = [matrix for other, matrix in confusions if list(other["rows"]) == list(attrs["rows"])]
    names = [str(name) for name in attrs["names"]]
    counted = np.array([name not in void for name in names])
    scores = [scores_from_confusion(matrix, counted=counted) for matrix in np.sum(np.stack(same), axis=0)]
    rows = [str(row) for row in attrs["rows"]]
    lines = [
        [row, *map(json_number, (score.miou, score.miou_all, score.macc, score.point_accuracy))]
        for row, score in zip(rows, scores, strict=True)
    ]
    caption = f"{len(same)} scene{'s' if len(same) != 1 else ''} with ground truth, their points together"
    means = table(["mIoU", "mIoU, all classes", "mAcc", "points right"], lines, caption=caption)
    per_class = iou_table(names, rows, [[json_number(value) for value in score.iou] for score in scores])
    return f"{means}<details><summary>IoU per class</summary>{per_class}</details>"


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


def read_losses(path: Path) -> list[tuple[float, float]]:
    """(step, loss) of a training log of one JSON object a line; lines without a loss are passed over."""
    pairs: list[tuple[float, float]] = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue  # a torn last line of a run that was killed
        if isinstance(record, dict) and isinstance(record.get("loss"), int | float):
            pairs.append((float(record.get("step", len(pairs))), float(record["loss"])))
    return pairs


def training(store: Store) -> str:
    """The student's loss curve."""
    pairs = read_losses(store.student().path / "metrics.jsonl")
    if not pairs:
        return ""
    x, y = zip(*pairs, strict=True)
    title = f"Loss of the student: {y[0]:.3f} at the start, {y[-1]:.3f} at the end"
    chart = line_chart(x, y, title=title, x_label="step", y_label="loss: 1 minus cosine")
    return f"<p>{esc(title)}.</p>{chart}"


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
