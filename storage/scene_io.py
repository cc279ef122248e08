"""Records to arrays and back: what each stage's result is called in a scene's store.

Which arrays exist is the layout's table; how they are committed is the writer's.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from schema.errors import StoreError
from schema.labels import LabelSet
from schema.records import Cloud, DenseLift, FrameTable, MaskLift
from storage.sources.protocol import Capture
from storage.unit import Unit
from storage.writer import StageWriter


def write_capture(
    writer: StageWriter,
    capture: Capture,
    cloud: Cloud,
    previews: tuple[UInt8[np.ndarray, "P h w 3"], Int[np.ndarray, "P"]],
) -> None:
    """Put a capture's cloud, frame table and small pictures."""
    frames = capture.frames
    colors, index = previews
    writer.put("points_world", cloud.points_world.astype(np.float32, copy=False))
    writer.put("normals", cloud.normals.astype(np.float32, copy=False))
    writer.put("colors", cloud.colors)
    writer.put("faces", cloud.faces.astype(np.int32, copy=False))
    writer.put("world_from_cam", frames.world_from_cam)
    writer.put("intrinsics", frames.intrinsics)
    writer.put("preview_color", colors)
    writer.put("preview_frame", index.astype(np.int32, copy=False))
    writer.attrs.update(
        frame_names=list(frames.names),
        dropped=[{"name": frame.name, "reason": frame.reason} for frame in capture.dropped],
        image_hw=list(frames.image_hw),
        has_depth=frames.has_depth,
    )
    writer.counts.update(
        points=len(cloud.points_world),
        faces=len(cloud.faces),
        frames=len(frames.names),
        dropped_frames=len(capture.dropped),
    )


def read_points(unit: Unit) -> Float[np.ndarray, "N 3"]:
    """The scene's points, metres."""
    return unit.array("ingest", "points_world")


def read_cloud(unit: Unit) -> Cloud:
    """The scene's geometry."""
    return Cloud(*(unit.array("ingest", name) for name in ("points_world", "normals", "colors", "faces")))


def read_frames(unit: Unit) -> FrameTable:
    """The scene's usable frames."""
    attrs = unit.attrs("ingest")
    height, width = attrs["image_hw"]
    return FrameTable(
        tuple(attrs["frame_names"]),
        unit.array("ingest", "world_from_cam"),
        unit.array("ingest", "intrinsics"),
        (height, width),
        attrs["has_depth"],
    )


def read_preview_table(unit: Unit) -> tuple[tuple[str, ...], tuple[int, int]]:
    """Names of the frames kept as small pictures, and the pictures' size, px."""
    names = unit.attrs("ingest")["frame_names"]
    index = unit.array("ingest", "preview_frame")
    height, width = unit.rows("ingest", "preview_color", slice(0, 1)).shape[1:3]
    return tuple(names[i] for i in index), (height, width)


def write_superpoints(writer: StageWriter, superpoint_id: Int[np.ndarray, "N"]) -> None:
    """Put superpoint ids 0..S-1."""
    count = int(superpoint_id.max()) + 1 if len(superpoint_id) else 0
    writer.put("superpoint_id", superpoint_id.astype(np.int32, copy=False))
    writer.attrs.update(num_superpoints=count)
    writer.counts.update(superpoints=count)


def read_superpoints(unit: Unit) -> Int[np.ndarray, "N"]:
    """Superpoint id of each point."""
    return unit.array("oversegment", "superpoint_id")


def write_dense_lift(
    writer: StageWriter,
    lift: DenseLift,
    preview_label: Int[np.ndarray, "P h w"],
    names: tuple[str, ...],
    *,
    text_space: str,
) -> None:
    """Put a dense teacher's mean features (as float16)."""
    writer.attrs.update(kind="dense", text_space=text_space, preview_names=list(names))
    writer.put("feat", _half(lift.feat, "the teacher's features"))
    _write_views(writer, lift.num_views, preview_label)


def write_mask_lift(
    writer: StageWriter, lift: MaskLift, preview_label: Int[np.ndarray, "P h w"], names: tuple[str, ...]
) -> None:
    """Put a mask teacher's (caption, view count) pairs."""
    writer.attrs.update(
        kind="mask",
        text_space=None,
        captions=list(lift.captions),
        caption_labels=list(lift.caption_labels),
        preview_names=list(names),
    )
    writer.put("row_start", lift.row_start.astype(np.int64, copy=False))
    writer.put("caption_id", lift.caption_id.astype(np.int32, copy=False))
    writer.put("count", lift.count.astype(np.int32, copy=False))
    _write_views(writer, lift.num_views, preview_label)
    seen = int((lift.num_views > 0).sum())
    writer.counts.update(captions=len(lift.captions), pairs=len(lift.caption_id))
    writer.metrics.update(pairs_per_seen_point=round(len(lift.caption_id) / max(seen, 1), 3))


def _half(feat: Float[np.ndarray, "N C"], what: str) -> Float[np.ndarray, "N C"]:
    """The features as float16.

    Raises:
        StoreError: a number is not finite, or larger than float16 can hold.
    """
    with np.errstate(over="ignore"):
        half = feat.astype(np.float16)
    wrong = int((~np.isfinite(half).all(axis=1)).sum())
    if wrong:
        raise StoreError(
            f"{what} do not fit float16 on {wrong} of {len(half)} points",
            field="feat",
            remedy="check the network's weights; if it is the student, train with a lower distill.lr_start",
        )
    return half


def _write_views(
    writer: StageWriter, num_views: Int[np.ndarray, "N"], preview_label: Int[np.ndarray, "P h w"]
) -> None:
    writer.put("num_views", num_views.astype(np.int32, copy=False))
    writer.put("preview_label", preview_label.astype(np.int16, copy=False))
    seen = int((num_views > 0).sum())
    writer.counts.update(seen_points=seen)
    writer.metrics.update(coverage=round(seen / max(len(num_views), 1), 4))


def lift_space(unit: Unit, teacher: str) -> str | None:
    """The text space of a teacher's vectors; None for captions, which any encoder can place."""
    space = unit.attrs(f"lift/{teacher}")["text_space"]
    assert space is None or isinstance(space, str)
    return space


def read_lift(unit: Unit, teacher: str) -> DenseLift | MaskLift:
    """What a teacher said about the scene's points; features stay float16, as they are stored."""
    stage = f"lift/{teacher}"
    attrs = unit.attrs(stage)
    num_views = unit.array(stage, "num_views")
    if attrs["kind"] == "dense":
        return DenseLift(unit.array(stage, "feat"), num_views)
    return MaskLift(
        unit.array(stage, "row_start"),
        unit.array(stage, "caption_id"),
        unit.array(stage, "count"),
        tuple(attrs["captions"]),
        tuple(attrs["caption_labels"]),
        num_views,
    )


def write_fusion(
    writer: StageWriter,
    fusion: Any,
    superpoints: tuple[Float[np.ndarray, "S C"], Bool[np.ndarray, "S"]],
    *,
    teachers: tuple[str, ...],
    vocabulary: LabelSet,
    space: str,
    strategy: str,
) -> None:
    """Put fused features with who weighed how much (an ``ops.fuse.Fusion``), and superpoints' means."""
    mean, known = superpoints
    writer.put("feat", _half(fusion.feat, "the fused features"))
    writer.put("seen", fusion.seen.astype(np.bool_, copy=False))
    writer.put("weight", fusion.weight.astype(np.float16))
    writer.put("teacher_label", fusion.teacher_label.astype(np.int16, copy=False))
    writer.put("label", fusion.label.astype(np.int16, copy=False))
    writer.put("superpoint_feat", _half(mean, "the superpoints' features"))
    writer.put("superpoint_seen", known)
    writer.attrs.update(
        text_space=space, teachers=list(teachers), vocabulary=list(vocabulary.names), strategy=strategy
    )
    seen = int(fusion.seen.sum())
    writer.counts.update(seen_points=seen)
    writer.metrics.update(coverage=round(seen / max(len(fusion.seen), 1), 4))


def read_fusion(unit: Unit) -> tuple[Float[np.ndarray, "N C"], Bool[np.ndarray, "N"]]:
    """Fused features, float16 as they are stored, and which points have one."""
    return unit.array("fuse", "feat"), unit.array("fuse", "seen")


def read_superpoint_fusion(unit: Unit) -> tuple[Float[np.ndarray, "S C"], Bool[np.ndarray, "S"]]:
    """Mean fused feature of each superpoint, float16, and which superpoints have a seen point."""
    return unit.array("fuse", "superpoint_feat"), unit.array("fuse", "superpoint_seen")


def read_seen(unit: Unit) -> Bool[np.ndarray, "N"]:
    """Which points have a fused feature."""
    return unit.array("fuse", "seen")


def fusion_space(unit: Unit) -> str:
    """The text space of a scene's fused features."""
    return str(unit.attrs("fuse")["text_space"])


def write_evaluation(
    writer: StageWriter,
    evaluation: Any,
    student_feat: Float[np.ndarray, "N C"],
    *,
    label_set: LabelSet,
    space: str,
) -> None:
    """Put the student's features and every row's labels and scores (a ``training.evaluate`` result)."""
    writer.put("student_feat", _half(student_feat, "the student's features"))
    for name, array in evaluation.arrays().items():
        writer.put(name, array)
    writer.attrs.update(
        rows=list(evaluation.rows),
        names=list(label_set.names),
        label_set=label_set.name,
        text_space=space,
        notes=list(evaluation.notes),
    )
    writer.metrics.update(evaluation.metrics())
