"""Scenes to batches: voxels, targets, and which voxel learns which target. No field could carry a label.

Voxelizing and augmenting are ``ops``'s; which scenes make a step is ``schedule``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ops.augment import augment
from ops.losses import Links, link_points, supervised_rows
from ops.voxelize import voxelize
from schema.config_stages import DistillConfig
from schema.errors import InputError
from schema.records import TrainingScene


@dataclass(frozen=True)
class StudentBatch:
    """What one step learns from.

    Attributes:
        voxel_coords: batch index and cell of each voxel.
        target: target rows of all scenes, one below the other.
        links: which voxel learns which row, for how many points.
    """

    voxel_coords: Int[Tensor, "V 4"]
    target: Float[Tensor, "R C"]
    links: Links

    def to(self, device: str) -> "StudentBatch":
        """The same batch on another device."""
        if device == "cpu":
            return self
        return StudentBatch(self.voxel_coords.to(device), self.target.to(device), self.links.to(device))


def check_scene(scene: TrainingScene, config: DistillConfig, channels: int) -> bool:
    """Whether some point of the scene learns something.

    Raises:
        InputError: the arrays of the scene do not fit each other, or its features have another length.
    """
    num_points = len(scene.points_world)
    num_rows = num_points if config.targets == "pixel_point" else int(scene.superpoint_id.max(initial=-1)) + 1
    fits = {
        "superpoint_id": len(scene.superpoint_id) == num_points,
        "point_seen": len(scene.point_seen) == num_points,
        "target": scene.target.ndim == 2 and len(scene.target) >= num_rows,
        "target_known": len(scene.target_known) == len(scene.target),
    }
    for field, fine in fits.items():
        if not fine:
            raise InputError(
                f"scene {scene.scene_id}: the length does not fit {num_points} points",
                field=field,
                value=list(getattr(scene, field).shape),
                remedy="run the fuse stage of the scene again",
            )
    if scene.target.shape[1] != channels:
        raise InputError(
            f"scene {scene.scene_id}: features are not {channels} long as in the first scene",
            field="target",
            value=scene.target.shape[1],
            remedy="fuse all scenes with one text space",
        )
    return bool((_rows(scene, config) >= 0).any())


def _rows(scene: TrainingScene, config: DistillConfig) -> Int[np.ndarray, "N"]:
    return supervised_rows(config.targets, scene.superpoint_id, scene.target_known, scene.point_seen)


def make_batch(
    scenes: Sequence[TrainingScene], config: DistillConfig, rng: np.random.Generator | None
) -> StudentBatch:
    """Voxelize scenes into one batch.

    Args:
        scenes: at least one; their order gives the batch index.
        config: voxel size and kind of target.
        rng: augments every scene; None leaves the points as they are.
    """
    coords, voxels, rows, targets = [], [], [], []
    num_voxels = num_rows = 0
    for index, scene in enumerate(scenes):
        points = scene.points_world if rng is None else augment(scene.points_world, rng)
        cells = voxelize(points, config.voxel_m)
        row = _rows(scene, config)
        coords.append(np.insert(cells.voxel_coords.astype(np.int64), 0, index, axis=1))
        voxels.append(cells.point_to_voxel + num_voxels)
        rows.append(np.where(row >= 0, row + num_rows, -1))
        targets.append(torch.from_numpy(np.asarray(scene.target, dtype=np.float32)))
        num_voxels += len(cells.voxel_coords)
        num_rows += len(scene.target)
    links = link_points(np.concatenate(voxels), np.concatenate(rows), num_voxels)
    return StudentBatch(torch.from_numpy(np.concatenate(coords)), torch.cat(targets), links)


class BatchMaker:
    """Batches by scene indices; the last one is kept, for trainings whose every step is the same batch."""

    def __init__(self, scenes: Sequence[TrainingScene], config: DistillConfig) -> None:
        self._scenes = scenes
        self._config = config
        self._kept: tuple[tuple[int, ...], StudentBatch] | None = None

    def batch(self, indices: tuple[int, ...], rng: np.random.Generator) -> StudentBatch:
        """The batch of some scenes, augmented where the config says so."""
        if self._config.augment:
            return make_batch([self._scenes[i] for i in indices], self._config, rng)
        if self._kept is None or self._kept[0] != indices:
            self._kept = (indices, make_batch([self._scenes[i] for i in indices], self._config, None))
        return self._kept[1]
