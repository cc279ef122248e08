"""Procedural rooms as lessons with a known truth: superpoints whose target is a class's vector, some wrong.

Used by the benchmarks that ask what a student learns; these read ground truth on purpose, as an evaluation
does: to make the targets of the experiment and to judge its students.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ops.metrics import confusion, scores_from_confusion
from ops.oversegment import oversegment
from ops.tsdf import fuse_tsdf
from ops.voxelize import voxelize
from schema.config_source import SyntheticConfig
from schema.config_stages import IngestConfig, OversegmentConfig
from schema.records import TrainingScene
from storage.sources.synthetic import SyntheticRooms
from storage.truth import read_truth

INGEST = IngestConfig(voxel_m=0.05, depth_max_m=8.0)


@dataclass(frozen=True)
class Room:
    """A procedural room: points, superpoints, true class of each point (-1: none) and the classes' names."""

    name: str
    points_world: np.ndarray
    superpoint_id: np.ndarray
    truth: np.ndarray
    names: tuple[str, ...]

    def majority(self) -> np.ndarray:
        """The most frequent true class of each superpoint, -1 where no point has one."""
        K = len(self.names)
        counts = np.zeros((int(self.superpoint_id.max()) + 1, K), dtype=int)
        known = self.truth >= 0
        np.add.at(counts, (self.superpoint_id[known], self.truth[known]), 1)
        return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def make_rooms(seeds: Sequence[int], num_frames: int = 24) -> list[Room]:
    """Film rooms, fuse the depths, segment the surface, look the truth up."""
    config = SyntheticConfig(kind="synthetic", seeds=tuple(seeds), num_frames=num_frames)
    source = SyntheticRooms(config)
    rooms = []
    for scene_id in source.scene_ids():
        cloud = fuse_tsdf(source.open(scene_id).views(), INGEST, num_views=num_frames)
        truth = read_truth(config, scene_id, cloud.points_world)
        assert truth is not None
        rooms.append(
            Room(
                scene_id,
                cloud.points_world,
                oversegment(cloud, OversegmentConfig()),
                truth.semantic_label,
                truth.names,
            )
        )
    return rooms


def class_vectors(num_classes: int, channels: int, seed: int = 0) -> np.ndarray:
    """Unit vectors with cosines of about 0.7 between them, as texts of one language have."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((num_classes, channels))
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    common = rng.standard_normal(channels)
    vectors = np.sqrt(0.3) * own + np.sqrt(0.7) * common / np.linalg.norm(common)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def lesson(room: Room, text: np.ndarray, *, wrong: float, seed: int) -> TrainingScene:
    """Each superpoint's target is the vector of its class, for a share of them of another class."""
    rng = np.random.default_rng([seed, *room.name.encode()])
    label = room.majority()
    known = label >= 0
    mistaken = known & (rng.random(len(label)) < wrong)
    present = np.unique(label[known])
    label[mistaken] = rng.choice(present, int(mistaken.sum()))
    target = np.where(known[:, None], text[np.maximum(label, 0)], 0).astype(np.float32)
    seen = np.ones(len(room.points_world), dtype=bool)
    return TrainingScene(room.name, room.points_world, room.superpoint_id, target, known, seen)


def miou(rooms: list[Room], features: list[np.ndarray], text: np.ndarray) -> float:
    """Mean IoU over classes with ground truth, counts summed over rooms."""
    K = len(text)
    total = sum(
        confusion((feat @ text.T).argmax(axis=1), room.truth.astype(int), K)
        for room, feat in zip(rooms, features, strict=True)
    )
    return scores_from_confusion(np.asarray(total)).miou


def num_voxels(room: Room, voxel_m: float) -> int:
    """Occupied cells."""
    return len(voxelize(room.points_world, voxel_m).voxel_coords)
