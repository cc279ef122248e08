"""A small furnished room in a real store: what the report and the live view are tested on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ops.pool import superpoint_mean
from schema.config import PipelineConfig
from storage.store import Store, Unit

NAMES = ("wall", "floor", "chair", "table", "sofa")
COLORS = np.array([[222, 214, 200], [170, 130, 95], [190, 60, 50], [120, 85, 60], [60, 100, 170]], np.uint8)
TEACHERS = ("deeplab_small", "deeplab_large")
HW = (48, 64)


def recipe(store: Path, **changes: Any) -> PipelineConfig:
    values: dict[str, Any] = {
        "name": "two-teachers",
        "store": str(store),
        "source": {"kind": "synthetic", "seeds": [0]},
        "teachers": {name: {"kind": "conv_mask", "weights": f"{name}.safetensors"} for name in TEACHERS},
        **changes,
    }
    return PipelineConfig.model_validate(values)


def summary(scene_ids: tuple[str, ...]) -> dict[str, Any]:
    stages = ["ingest", "oversegment", *(f"lift/{t}" for t in TEACHERS), "fuse", "evaluate"]
    rows = [
        {
            "unit": scene_id,
            "stage": stage,
            "status": "cached" if k == 0 else "computed",
            "seconds": 0.4 + 3.1 * k,
        }
        for scene_id in scene_ids
        for k, stage in enumerate(stages)
    ]
    rows.append({"unit": "student", "stage": "distill", "status": "computed", "seconds": 83.2})
    return {
        "recipe": "two-teachers",
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 127.4,
        "stages": rows,
        "table": {
            "rows": [*TEACHERS, "fused", "student"],
            "columns": ["coverage", "mIoU", "points"],
            "cells": [[0.71, 0.413, 1200], [0.83, 0.502, 1200], [0.88, 0.561, 1200], [1.0, 0.604, None]],
        },
        "notes": [],
    }


def fill_scene(
    store: Store,
    scene_id: str,
    *,
    points_per_m2: int = 500,
    seed: int = 0,
    truth: bool = True,
    void: tuple[int, ...] = (),
) -> Unit:
    """Write every stage of a scene; the room is about 40 m2 of surface."""
    rng = np.random.default_rng(seed)
    points, normals, label, part = _room(rng, points_per_m2)
    unit = store.scene(scene_id)
    _ingest(unit, points, normals, label, rng)
    with _writing(unit, "oversegment") as writer:
        cell = np.floor(points / 0.5).astype(np.int64)
        _, ids = np.unique(np.c_[part, cell], axis=0, return_inverse=True)
        writer.put("superpoint_id", ids.ravel().astype(np.int32))
        writer.attrs |= {"num_superpoints": int(ids.max()) + 1}
    noisy = [_noisy(label, rng, wrong) for wrong in (0.3, 0.12)]
    seen = np.stack([points[:, 0] < 4.2, points[:, 1] < 3.6], axis=1)
    _lifts(unit, noisy, seen, rng)
    _fuse(unit, noisy, seen, label, rng)
    _evaluate(unit, noisy, seen, label, rng, truth=truth, void=void)
    return unit


def training_lines(
    per_epoch: int = 10, epochs: tuple[int, int] = (14, 6), *, validated: bool = True
) -> list[dict[str, Any]]:
    """The log of a training of both stages: losses that fall with some noise."""
    rng = np.random.default_rng(0)
    lines: list[dict[str, Any]] = []
    total = per_epoch * sum(epochs)
    for step in range(total):
        epoch, stage = step // per_epoch, 1 + (step >= per_epoch * epochs[0])
        point, superpoint = (
            0.1 + size * np.exp(-step * 5 / total) + 0.02 * rng.random() for size in (0.7, 0.5)
        )
        line = {
            "step": step,
            "epoch": epoch,
            "stage": stage,
            "loss_point": point,
            "loss_superpoint": superpoint,
        }
        line |= {"lr": 1e-4 - 9e-5 * step / max(total - 1, 1), "seconds": 0.25, "loss": point + superpoint}
        if stage == 2:
            pseudo = {
                name: 0.8 + 0.6 * rng.random() for name in ("loss_pseudo_point", "loss_pseudo_superpoint")
            }
            line |= {**pseudo, "changed_labels": 0.05 + 0.05 * rng.random()}
            line["loss"] += sum(pseudo.values())
        lines.append(line)
        if validated and (step + 1) % per_epoch == 0:
            loss = point + superpoint + 0.15
            lines.append({"kind": "validation", "epoch": epoch, "step": step, "validation_loss": loss})
    return lines


def fill_student(store: Store, lines: Sequence[Mapping[str, Any]] | None = None) -> None:
    """Commit a student whose only file is the log of its training."""
    text = "".join(json.dumps(line) + "\n" for line in (training_lines() if lines is None else lines))
    with _writing(store.student(), "distill") as writer:
        path = writer.folder / "metrics.jsonl"
        path.write_text(text)
        writer.add_file(path)


def _writing(unit: Unit, stage: str) -> Any:
    return unit.writing(stage, "0" * 64, version=1, config={}, inputs={})


def _patch(
    rng: np.random.Generator, origin: Any, a: Any, b: Any, density: int
) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.array(a, float), np.array(b, float)
    normal = np.cross(a, b)
    num = max(12, int(density * np.linalg.norm(normal)))
    uv = rng.random((num, 2))
    points = np.array(origin, float) + uv[:, :1] * a + uv[:, 1:] * b
    return points, np.tile(normal / np.linalg.norm(normal), (num, 1))


def _box(low: Any, high: Any) -> list[tuple[Any, Any, Any]]:
    (x0, y0, z0), (x1, y1, z1) = low, high
    w, d, h = (x1 - x0, 0, 0), (0, y1 - y0, 0), (0, 0, z1 - z0)
    return [
        ((x0, y0, z1), w, d),
        ((x0, y0, z0), w, h),
        ((x0, y1, z0), h, w),
        ((x0, y0, z0), h, d),
        ((x1, y0, z0), d, h),
    ]


def _room(rng: np.random.Generator, density: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y, z = 5.0, 4.0, 2.5
    faces = [(1, ((0, 0, 0), (x, 0, 0), (0, y, 0)))]
    faces += [
        (0, face)
        for face in [
            ((0, 0, 0), (0, 0, z), (x, 0, 0)),
            ((0, y, 0), (x, 0, 0), (0, 0, z)),
            ((0, 0, 0), (0, y, 0), (0, 0, z)),
            ((x, 0, 0), (0, 0, z), (0, y, 0)),
            ((0, 0, z), (0, y, 0), (x, 0, 0)),
        ]
    ]
    furniture = [
        (3, (1.6, 1.4, 0.68), (3.2, 2.3, 0.74)),
        (3, (1.7, 1.5, 0), (1.8, 1.6, 0.68)),
        (3, (3.0, 2.1, 0), (3.1, 2.2, 0.68)),
        (2, (1.9, 0.7, 0), (2.35, 1.15, 0.45)),
        (2, (1.9, 0.7, 0.45), (2.35, 0.76, 0.95)),
        (2, (2.6, 2.6, 0), (3.05, 3.05, 0.45)),
        (2, (2.6, 2.99, 0.45), (3.05, 3.05, 0.95)),
        (4, (4.1, 0.8, 0), (4.9, 2.8, 0.42)),
        (4, (4.65, 0.8, 0.42), (4.9, 2.8, 0.85)),
    ]
    faces += [(kind, face) for kind, low, high in furniture for face in _box(low, high)]
    parts = [(_patch(rng, *face, density), kind) for kind, face in faces]
    points = np.concatenate([patch[0] for patch, _ in parts])
    points += rng.normal(0, 0.003, points.shape)
    normals = np.concatenate([patch[1] for patch, _ in parts])
    label = np.concatenate([np.full(len(patch[0]), kind) for patch, kind in parts])
    part = np.concatenate([np.full(len(patch[0]), k) for k, (patch, _) in enumerate(parts)])
    order = np.lexsort(np.floor(points / 0.25).astype(int).T)
    return points[order].astype(np.float32), normals[order].astype(np.float32), label[order], part[order]


def _ingest(
    unit: Unit, points: np.ndarray, normals: np.ndarray, label: np.ndarray, rng: np.random.Generator
) -> None:
    poses, num = [], 12
    for k in range(num):
        angle = 2 * np.pi * k / num
        eye = np.array([2.5 + 1.2 * np.cos(angle), 2.0 + 0.8 * np.sin(angle), 1.5])
        forward = np.array([np.cos(angle), np.sin(angle), -0.35])
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3] = np.stack([right, np.cross(forward, right), forward, eye], axis=1)
        poses.append(pose)
    color = np.clip(COLORS[label] + rng.normal(0, 9, (len(points), 3)), 0, 255).astype(np.uint8)
    previews = np.stack([np.clip(COLORS[_picture(p)] + rng.normal(0, 6, (*HW, 3)), 0, 255) for p in range(4)])
    with _writing(unit, "ingest") as writer:
        writer.put("points_world", points)
        writer.put("normals", normals)
        writer.put("colors", color)
        writer.put("faces", np.zeros((0, 3), np.int32))
        writer.put("world_from_cam", np.stack(poses))
        writer.put(
            "intrinsics", np.tile(np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]]), (num, 1, 1))
        )
        writer.put("preview_color", previews.astype(np.uint8))
        writer.put("preview_frame", np.array([0, 3, 6, 9], np.int32))
        writer.attrs |= {
            "frame_names": [f"frame-{k:06d}" for k in range(num)],
            "dropped": [{"name": "frame-000012", "reason": "the pose is not finite"}],
            "image_hw": list(HW),
            "has_depth": True,
        }


def _picture(shift: int) -> np.ndarray:
    v, u = np.mgrid[: HW[0], : HW[1]]
    image = np.where(v > 30, 1, 0)
    image[(abs(u - 20 - 4 * shift) < 9) & (abs(v - 27) < 5)] = 3
    image[(abs(u - 46 + 3 * shift) < 6) & (abs(v - 32) < 9)] = 2
    return np.asarray(image)


def _noisy(label: np.ndarray, rng: np.random.Generator, wrong: float) -> np.ndarray:
    return np.where(rng.random(len(label)) < wrong, rng.integers(0, len(NAMES), len(label)), label)


def _lifts(unit: Unit, noisy: list[np.ndarray], seen: np.ndarray, rng: np.random.Generator) -> None:
    for t, teacher in enumerate(TEACHERS):
        views = np.where(seen[:, t], 1 + rng.poisson(6, len(seen)), 0).astype(np.int32)
        captions = [f"a {name}" for name in NAMES]
        pairs = np.flatnonzero(views)
        with _writing(unit, f"lift/{teacher}") as writer:
            writer.put("row_start", np.concatenate([[0], np.cumsum(views > 0)]).astype(np.int64))
            writer.put("caption_id", noisy[t][pairs].astype(np.int32))
            writer.put("count", views[pairs])
            writer.put("num_views", views)
            previews = np.stack([np.where(_picture(p) < 1 + t, -1, _picture(p)) for p in range(4)])
            writer.put("preview_label", previews.astype(np.int16))
            writer.attrs |= {
                "kind": "mask",
                "text_space": None,
                "captions": captions,
                "caption_labels": list(NAMES),
                "preview_names": list(NAMES),
            }


def _features(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    feat = np.eye(16)[np.clip(label, 0, None)] + rng.normal(0, 0.12, (len(label), 16))
    return np.where(label[:, None] >= 0, feat / np.linalg.norm(feat, axis=1, keepdims=True), 0).astype(
        np.float16
    )


def _fuse(
    unit: Unit, noisy: list[np.ndarray], seen: np.ndarray, label: np.ndarray, rng: np.random.Generator
) -> None:
    per_teacher = np.stack([np.where(seen[:, t], noisy[t], -1) for t in range(2)], axis=1)
    fused = np.where(seen.any(axis=1), _noisy(label, rng, 0.08), -1)
    feat, known = _features(fused, rng), seen.any(axis=1)
    mean, any_seen = superpoint_mean(feat, known, unit.array("oversegment", "superpoint_id"))
    with _writing(unit, "fuse") as writer:
        writer.put("feat", feat)
        writer.put("seen", known)
        writer.put("superpoint_feat", mean.astype(np.float16))
        writer.put("superpoint_seen", any_seen)
        writer.put("weight", np.where(seen, 0.5, 0).astype(np.float16))
        writer.put("teacher_label", per_teacher.astype(np.int16))
        writer.put("label", fused.astype(np.int16))
        writer.attrs |= {
            "text_space": "words:16:v1",
            "teachers": list(TEACHERS),
            "vocabulary": list(NAMES),
            "strategy": "capability",
        }


def _evaluate(
    unit: Unit,
    noisy: list[np.ndarray],
    seen: np.ndarray,
    label: np.ndarray,
    rng: np.random.Generator,
    *,
    truth: bool,
    void: tuple[int, ...],
) -> None:
    student = _noisy(label, rng, 0.05)
    fused = np.where(seen.any(axis=1), _noisy(label, rng, 0.08), -1)
    columns = [np.where(seen[:, t], noisy[t], -1) for t in range(2)] + [fused, student]
    labels = np.stack(columns, axis=1)
    confusion = np.zeros((4, len(NAMES), len(NAMES) + 1), np.int64)
    for r in range(4):
        np.add.at(confusion[r], (label, np.where(labels[:, r] < 0, len(NAMES), labels[:, r])), 1)
    with _writing(unit, "evaluate") as writer:
        writer.put("student_feat", _features(student, rng))
        writer.put("label", labels.astype(np.int16))
        writer.put("coverage", (labels >= 0).astype(np.uint8))
        writer.put("score", np.where(labels >= 0, 0.9 - 0.3 * rng.random(labels.shape), 0).astype(np.float16))
        if truth:
            writer.put("truth_label", label.astype(np.int16))
            writer.put("confusion", confusion)
        writer.attrs |= {
            "rows": [*(f"lift/{teacher}" for teacher in TEACHERS), "fuse", "student"],
            "names": list(NAMES),
            "text_space": "words:16:v1",
            "protocol": "single",
        }
        writer.metrics |= {"void": list(void)}


def encode(texts: Any) -> np.ndarray:
    """One axis per class name found in the text."""
    rows = [np.eye(16)[next((k for k, name in enumerate(NAMES) if name in text), 15)] for text in texts]
    return np.stack(rows).astype(np.float32)
