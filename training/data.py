"""Scenes to batches: voxels, targets, and which voxel learns which target. No field could carry a label.

Voxelizing and augmenting are ``ops``'s, the scenes of a step ``schedule``'s, reading them ``scenes``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ops.augment import augment
from ops.losses import Links, link_points, sampled_superpoints, supervised_rows
from ops.voxelize import voxelize
from schema.config_stages import DistillConfig
from schema.errors import InputError
from schema.records import TrainingScene
from training.scenes import TrainingScenes


@dataclass(frozen=True)
class ScenePoints:
    """Where one scene's points are in a batch, for what is computed per point.

    Attributes:
        scene_id: name.
        point_to_voxel: voxel of the batch of each point.
        superpoint_id: 0..S-1 within the scene.
        used: points that stand for their superpoint: all, or one of each sampled voxel.
    """

    scene_id: str
    point_to_voxel: Int[np.ndarray, "N"]
    superpoint_id: Int[np.ndarray, "N"]
    used: Bool[np.ndarray, "N"]


@dataclass(frozen=True)
class StudentBatch:
    """What one forward pass learns from.

    Attributes:
        voxel_coords: batch index and cell of each voxel.
        target: target rows of all scenes, one below the other.
        links: which voxel learns which row, for how many points.
        scenes: the points of each scene.
        superpoints: which voxel belongs to which superpoint, whether a teacher saw it or not; rows are the
            superpoints of all scenes, one scene after the other. None unless asked for (stage two).
    """

    voxel_coords: Int[Tensor, "V 4"]
    target: Float[Tensor, "R C"]
    links: Links
    scenes: tuple[ScenePoints, ...]
    superpoints: Links | None = None

    def to(self, device: str) -> "StudentBatch":
        """The same batch on another device."""
        if device == "cpu":
            return self
        return replace(
            self,
            voxel_coords=self.voxel_coords.to(device),
            target=self.target.to(device),
            links=self.links.to(device),
            superpoints=None if self.superpoints is None else self.superpoints.to(device),
        )


def check_scene(scene: TrainingScene, config: DistillConfig, channels: int) -> None:
    """Refuse what would fail in the middle of a training.

    Raises:
        InputError: the arrays of the scene do not fit each other, or its features have another length.
    """
    num_points = len(scene.points_world)
    per_point = config.targets in ("pixel_point", "superpoint_sample")
    num_rows = num_points if per_point else int(scene.superpoint_id.max(initial=-1)) + 1
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


@dataclass(frozen=True)
class _Piece:
    """One scene on its way into a batch: its cells, its points, and the row each point learns (-1: none)."""

    cells: Int[np.ndarray, "V 3"]
    points: ScenePoints
    row: Int[np.ndarray, "N"]
    target: np.ndarray


def make_batch(
    scenes: Sequence[TrainingScene],
    config: DistillConfig,
    rngs: Sequence[np.random.Generator] | None,
    *,
    stage_two: bool = False,
) -> StudentBatch:
    """Voxelize scenes into one batch.

    Args:
        scenes: at least one; their order gives the batch index.
        config: voxel size, kind of target, and whether to augment.
        rngs: one a scene, to augment it; the first draws samples, too. None leaves the points as they are
            and uses all of them.
        stage_two: whether to link superpoints that no teacher saw, too.
    """
    turned = rngs if rngs is not None and config.augment else [None] * len(scenes)
    pieces = [_piece(scene, config, rng) for scene, rng in zip(scenes, turned, strict=True)]
    if config.targets == "superpoint_sample":
        pieces = _sampled(pieces, config, rngs[0] if rngs else None, stage_two=stage_two)
    first_voxel = np.cumsum([0, *(len(piece.cells) for piece in pieces)])
    first_row = np.cumsum([0, *(len(piece.target) for piece in pieces)])
    num_voxels = int(first_voxel[-1])
    placed = tuple(
        replace(piece.points, point_to_voxel=piece.points.point_to_voxel + start)
        for piece, start in zip(pieces, first_voxel, strict=False)
    )
    rows = [
        np.where(piece.row >= 0, piece.row + start, -1)
        for piece, start in zip(pieces, first_row, strict=False)
    ]
    voxel = np.concatenate([points.point_to_voxel for points in placed])
    coords = [np.insert(p.cells.astype(np.int64), 0, index, axis=1) for index, p in enumerate(pieces)]
    targets = [torch.from_numpy(np.asarray(piece.target, dtype=np.float32)) for piece in pieces]
    return StudentBatch(
        torch.from_numpy(np.concatenate(coords)),
        torch.cat(targets),
        link_points(voxel, np.concatenate(rows), num_voxels),
        placed,
        _superpoint_links(placed, num_voxels) if stage_two else None,
    )


def _piece(scene: TrainingScene, config: DistillConfig, rng: np.random.Generator | None) -> _Piece:
    points = scene.points_world if rng is None else augment(scene.points_world, rng)
    voxels = voxelize(points, config.voxel_m)
    row = supervised_rows(config.targets, scene.superpoint_id, scene.target_known, scene.point_seen)
    everything = np.ones(len(row), dtype=bool)
    located = ScenePoints(scene.scene_id, voxels.point_to_voxel, scene.superpoint_id, everything)
    return _Piece(voxels.voxel_coords, located, row, scene.target)


def _superpoint_links(scenes: Sequence[ScenePoints], num_voxels: int) -> Links:
    rows, start = [], 0
    for points in scenes:
        rows.append(np.where(points.used, points.superpoint_id + start, -1))
        start += int(points.superpoint_id.max(initial=-1)) + 1
    voxel = np.concatenate([points.point_to_voxel for points in scenes])
    return link_points(voxel, np.concatenate(rows), num_voxels)


def _sampled(
    pieces: Sequence[_Piece], config: DistillConfig, rng: np.random.Generator | None, *, stage_two: bool
) -> list[_Piece]:
    """The released code's sample: the first point of some voxels; targets are means over these points.

    Stage one draws among voxels whose first point was seen, stage two among all.
    """
    chosen = [_first_points(piece.points.point_to_voxel) for piece in pieces]
    if not stage_two:
        chosen = [first[piece.row[first] >= 0] for first, piece in zip(chosen, pieces, strict=True)]
    total = sum(map(len, chosen))
    if rng is not None and total > config.sample_voxels:
        keep = np.zeros(total, dtype=bool)
        keep[rng.choice(total, config.sample_voxels, replace=False)] = True
        parts = np.split(keep, np.cumsum([len(first) for first in chosen])[:-1])
        chosen = [first[part] for first, part in zip(chosen, parts, strict=True)]
    return [_of_sample(piece, points) for piece, points in zip(pieces, chosen, strict=True)]


def _first_points(point_to_voxel: Int[np.ndarray, "N"]) -> Int[np.ndarray, "V"]:
    return np.unique(point_to_voxel, return_index=True)[1]


def _of_sample(piece: _Piece, sample: Int[np.ndarray, "n"]) -> _Piece:
    used = np.zeros(len(piece.row), dtype=bool)
    used[sample] = True
    learning = sample[piece.row[sample] >= 0]
    target, of_row = sampled_superpoints(piece.target[learning], piece.points.superpoint_id[learning])
    row = np.full(len(piece.row), -1, dtype=np.int64)
    row[learning] = of_row
    return _Piece(piece.cells, replace(piece.points, used=used), row, target)


class BatchMaker:
    """Batches by scene indices; the last one is kept, for trainings whose every step is the same batch.

    May be called from several threads.
    """

    def __init__(self, scenes: TrainingScenes, config: DistillConfig) -> None:
        self._scenes = scenes
        self._config = config
        self._random = config.augment or config.targets == "superpoint_sample"
        self._kept: tuple[tuple[tuple[int, ...], bool], StudentBatch] | None = None

    def batch(
        self,
        indices: tuple[int, ...],
        rngs: Sequence[np.random.Generator] | None,
        *,
        stage_two: bool = False,
    ) -> StudentBatch:
        """The batch of some scenes, augmented and sampled where the config says so and there are ``rngs``."""
        key, kept = (indices, stage_two), self._kept
        if kept is not None and kept[0] == key:
            return kept[1]
        scenes = [self._scenes.read(i) for i in indices]
        for scene in scenes:
            check_scene(scene, self._config, self._scenes.channels)
        batch = make_batch(scenes, self._config, rngs, stage_two=stage_two)
        if not self._random:
            self._kept = key, batch
        return batch
