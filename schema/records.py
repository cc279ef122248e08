"""Records that travel between rooms: frames, masks, lifted features, references; no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8


@dataclass(frozen=True)
class FrameTable:
    """The usable frames of a scene, in the order of the capture (F frames).

    Attributes:
        names: F frame ids, unique.
        world_from_cam: rigid, OpenCV axes, metres.
        intrinsics: camera matrices, px of the colour image; integer (u, v) are pixel centres.
        image_hw: height and width of colour and depth images, px.
        has_depth: whether every frame has a depth image.
    """

    names: tuple[str, ...]
    world_from_cam: Float[np.ndarray, "F 4 4"]
    intrinsics: Float[np.ndarray, "F 3 3"]
    image_hw: tuple[int, int]
    has_depth: bool


@dataclass(frozen=True)
class DroppedFrame:
    """A frame that is not used, and why (one line)."""

    name: str
    reason: str


@dataclass(frozen=True)
class View:
    """One frame read from disk (or rendered), ready to be lifted.

    Attributes:
        name: frame id.
        color: RGB.
        depth_m: metres along the camera's z axis, 0 where there is none; None without sensor depth.
        cam_from_world: rigid, OpenCV axes.
        intrinsics: px of ``color``.
    """

    name: str
    color: UInt8[np.ndarray, "H W 3"]
    depth_m: Float[np.ndarray, "H W"] | None
    cam_from_world: Float[np.ndarray, "4 4"]
    intrinsics: Float[np.ndarray, "3 3"]


@dataclass(frozen=True)
class Cloud:
    """A scene's geometry. Points stand in Morton order.

    Attributes:
        points_world: metres.
        normals: unit length; zero where none is known.
        colors: RGB.
        faces: vertex ids of triangles; empty ([0, 3]) for a bare cloud.
    """

    points_world: Float[np.ndarray, "N 3"]
    normals: Float[np.ndarray, "N 3"]
    colors: UInt8[np.ndarray, "N 3"]
    faces: Int[np.ndarray, "M 3"]


@dataclass(frozen=True)
class Truth:
    """Ground truth of a scene's points; read by evaluation alone.

    Attributes:
        semantic_label: index into ``names``, -1 unlabelled.
        instance_id: object id, -1 unlabelled.
        names: names of the classes.
    """

    semantic_label: Int[np.ndarray, "N"]
    instance_id: Int[np.ndarray, "N"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class MaskSet:
    """Masks of one image; they do not overlap (where a model's do, the most confident has won).

    Attributes:
        mask_map: mask id per pixel, -1 in no mask.
        labels: name of each mask, aliases resolved ("dining table"), M of them.
        confidence: 0..1 for each mask.
    """

    mask_map: Int[np.ndarray, "H W"]
    labels: tuple[str, ...]
    confidence: Float[np.ndarray, "M"]


@dataclass(frozen=True)
class DenseLift:
    """A dense teacher on a scene's points.

    Attributes:
        feat: mean over views, not normalised; zero for unseen points.
        num_views: frames that saw the point; 0 is unseen.
    """

    feat: Float[np.ndarray, "N C"]
    num_views: Int[np.ndarray, "N"]


@dataclass(frozen=True)
class MaskLift:
    """A mask teacher on a scene's points: per point the captions that views gave it, as CSR rows.

    The point's feature is ``sum(count * embedding[caption_id]) / sum(count)`` over its row.

    Attributes:
        row_start: the pairs of point n are ``row_start[n] : row_start[n + 1]``; length N + 1.
        caption_id: index into ``captions``, ascending within a row.
        count: views that gave the caption, at least 1.
        captions: distinct captions.
        caption_labels: the label inside each caption.
        num_views: frames that saw the point inside some mask; 0 is unseen.
    """

    row_start: Int[np.ndarray, "N1"]
    caption_id: Int[np.ndarray, "P"]
    count: Int[np.ndarray, "P"]
    captions: tuple[str, ...]
    caption_labels: tuple[str, ...]
    num_views: Int[np.ndarray, "N"]


@dataclass(frozen=True)
class TrainingScene:
    """What a student may learn from one scene. There is no field for ground truth, on purpose.

    Attributes:
        scene_id: for messages.
        points_world: metres.
        superpoint_id: 0..S-1.
        target: mean fused feature per superpoint (S rows), or per point (N rows) for ``pixel_point``.
        target_known: whether the row of ``target`` has been seen.
        point_seen: whether the point itself has been seen by a teacher.
    """

    scene_id: str
    points_world: Float[np.ndarray, "N 3"]
    superpoint_id: Int[np.ndarray, "N"]
    target: Float[np.ndarray, "R C"]
    target_known: Bool[np.ndarray, "R"]
    point_seen: Bool[np.ndarray, "N"]


@dataclass(frozen=True)
class StageRef:
    """What a task returns: a reference to something committed, never the arrays themselves.

    Attributes:
        unit: scene id, or ``student`` / ``report`` for what belongs to no scene.
        stage: stage key, e.g. ``fuse`` or ``lift/deeplab``.
        fingerprint: SHA-256 hex of config and inputs.
        status: whether this run computed it or found it done.
        seconds: wall time spent on it in this run.
        counts: numbers a reader wants (points, views, dropped frames, ...).
        metrics: results (mIoU, agreement, loss, ...), JSON values.
    """

    unit: str
    stage: str
    fingerprint: str
    status: Literal["computed", "cached"]
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
