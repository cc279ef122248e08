"""A small room with superpoints and clean targets, for tests of training."""

import numpy as np

from schema.config_stages import DistillConfig
from schema.records import TrainingScene
from training.distill import TrainingSet
from training.scenes import MemoryScenes
from training.self_distillation import Classes

PLANES = (8, 8, 16, 16, 16, 16, 8, 8)


def config(**changes: object) -> DistillConfig:
    """A student small enough for tests."""
    values = {
        "architecture": "MinkUNet14A",
        "planes": PLANES,
        "voxel_m": 0.1,
        "epochs": 6,
        "batch_scenes": 2,
        "lr_start": 5e-3,
        "lr_end": 1e-3,
        "checkpoint_every_s": 1e9,
        "self_distillation": {"epochs": 0},
    }
    return DistillConfig.model_validate({**values, **changes})


def classes(channels: int = 8, count: int = 5) -> Classes:
    """Random directions as words; the last one is void."""
    text = np.random.default_rng(9).standard_normal((count, channels)).astype(np.float32)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    return Classes(text, np.arange(count) < count - 1)


def data(scenes: list[TrainingScene], validation: list[TrainingScene] | None = None) -> TrainingSet:
    """Scenes in memory as a training set."""
    held_out = None if validation is None else MemoryScenes(validation)
    return TrainingSet(MemoryScenes(scenes), classes(), held_out)


def scene(seed: int, *, channels: int = 8, pixel_point: bool = False) -> TrainingScene:
    """Floor, wall and a box of 1.6 m; a target per 0.8 m cell, one superpoint unseen."""
    rng = np.random.default_rng(seed)
    flat = rng.uniform(0, 1.6, (700, 3))
    flat[:300, 2], flat[300:500, 1] = 0, 0
    flat[500:] = 0.5 + 0.4 * flat[500:] / 1.6
    cells = np.floor(flat / 0.8).astype(int)
    _, superpoint = np.unique(cells @ [1, 4, 16], return_inverse=True)
    count = int(superpoint.max()) + 1
    target = rng.standard_normal((count, channels)).astype(np.float32)
    known = np.ones(count, dtype=bool)
    known[-1] = False
    seen = rng.random(len(flat)) < 0.8
    if pixel_point:
        return TrainingScene(f"room{seed}", flat, superpoint, target[superpoint], seen, seen)
    return TrainingScene(f"room{seed}", flat, superpoint, target, known, seen)
