"""The student can learn one room by heart."""

import numpy as np
import pytest

from benchmarks.lessons import lesson, make_rooms
from schema.config_stages import DistillConfig
from training.distill import TrainingSet, distill
from training.infer import load_student, student_features
from training.scenes import MemoryScenes

STEPS = 300


@pytest.mark.slow
def test_one_room_to_cosine_098_within_500_steps(tmp_path):
    [room] = make_rooms([301])
    text = np.linalg.qr(np.random.default_rng(0).standard_normal((64, len(room.names))))[0].T  # orthonormal
    one = lesson(room, text.astype(np.float32), wrong=0.0, seed=0)
    recipe = DistillConfig.model_validate(
        {
            "voxel_m": 0.10,
            "epochs": STEPS,
            "self_distillation": {"epochs": 0},
            "batch_scenes": 1,
            "lr_start": 2e-3,
            "lr_end": 2e-4,
            "augment": False,
        }
    )
    result = distill(TrainingSet(MemoryScenes([one])), recipe, tmp_path, fingerprint="f")
    feat = student_features(load_student(tmp_path), room.points_world, voxel_m=recipe.voxel_m)
    known = one.target_known[room.superpoint_id]
    target = one.target[room.superpoint_id]
    cosine = (feat * target).sum(1) / np.linalg.norm(feat, axis=1)  # targets have length one
    reached = next(s for s, loss in enumerate(result.losses) if loss < 0.04)
    print(
        f"mean cosine {cosine[known].mean():.4f} after {STEPS} steps of MinkUNet18A; loss < 0.04 at {reached}"
    )
    assert STEPS <= 500
    assert cosine[known].mean() > 0.98
