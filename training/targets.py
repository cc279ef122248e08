"""What the student is asked to reproduce, made from fused features; how it learns is ``distill``'s."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from ops.pool import superpoint_mean
from schema.records import TrainingScene


def training_scene(
    scene_id: str,
    points_world: Float[np.ndarray, "N 3"],
    superpoint_id: Int[np.ndarray, "N"],
    fused: tuple[Float[np.ndarray, "N C"], Bool[np.ndarray, "N"]],
    *,
    targets: Literal["superpoint", "superpoint_seen_only", "pixel_point"],
) -> TrainingScene:
    """One scene's targets: the mean fused feature of each superpoint's seen points, or each point's own.

    Args:
        scene_id: for messages.
        points_world: metres.
        superpoint_id: 0..S-1.
        fused: features and whether the point has been seen by any teacher.
        targets: ``pixel_point`` keeps one row a point, the others one a superpoint.
    """
    feat, seen = fused
    if targets == "pixel_point":
        return TrainingScene(scene_id, points_world, superpoint_id, feat, seen, seen)
    num_superpoints = int(superpoint_id.max()) + 1 if len(superpoint_id) else 0
    mean, known = superpoint_mean(feat, seen, superpoint_id, num_superpoints)
    return TrainingScene(scene_id, points_world, superpoint_id, mean, known, seen)
