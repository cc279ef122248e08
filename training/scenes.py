"""The scenes a student learns from, read one by one when they are needed, so that their number costs nothing.

What a batch is made of is ``data``'s business, what a scene's arrays are called the store's.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from schema.config_stages import Targets
from schema.records import TrainingScene
from storage.scene_io import (
    read_fusion,
    read_points,
    read_seen,
    read_superpoint_fusion,
    read_superpoints,
)
from storage.unit import Unit


class TrainingScenes(Protocol):
    """A fixed list of scenes.

    Attributes:
        scene_ids: their names, in order.
        channels: length of a feature.
    """

    scene_ids: tuple[str, ...]
    channels: int

    def is_seen(self, index: int) -> bool:
        """Whether a teacher saw any point of the scene; must not read the scene."""
        ...

    def read(self, index: int) -> TrainingScene:
        """One scene; called from several threads."""
        ...


class MemoryScenes:
    """Scenes that are in memory anyway."""

    def __init__(self, scenes: Sequence[TrainingScene]) -> None:
        self._scenes = tuple(scenes)
        self.scene_ids = tuple(scene.scene_id for scene in scenes)
        self.channels = int(scenes[0].target.shape[1]) if scenes else 0

    def is_seen(self, index: int) -> bool:
        """Whether any row of targets and any point is seen."""
        scene = self._scenes[index]
        return bool(scene.target_known.any() and scene.point_seen.any())

    def read(self, index: int) -> TrainingScene:
        """One scene."""
        return self._scenes[index]


class StoreScenes:
    """Scenes in the store; the ones read last stay in memory as far as a number of bytes allows.

    Args:
        units: the scenes' parts of the store, with ``oversegment`` and ``fuse`` done.
        targets: which arrays are read: features per point, or means per superpoint.
        cache_bytes: what the scenes kept in memory may take up.
    """

    def __init__(self, units: Sequence[Unit], targets: Targets, *, cache_bytes: int) -> None:
        self._units = tuple(units)
        self._per_point = targets in ("pixel_point", "superpoint_sample")
        self._cache_bytes = cache_bytes
        self._kept: OrderedDict[int, TrainingScene] = OrderedDict()
        self._lock = threading.Lock()
        self.scene_ids = tuple(unit.name for unit in units)
        self.channels = 0
        if units:
            self.channels = int(units[0].rows("fuse", "superpoint_feat", slice(0, 1)).shape[1])

    def is_seen(self, index: int) -> bool:
        """As the scene's manifest says."""
        entry = self._units[index].entry("fuse")
        return entry is not None and entry.counts.get("seen_points", 0) > 0

    def read(self, index: int) -> TrainingScene:
        """One scene, from memory or from the store."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        scene = self._load(self._units[index])
        with self._lock:
            self._kept[index] = scene
            while sum(map(_num_bytes, self._kept.values())) > self._cache_bytes:
                self._kept.popitem(last=False)
        return scene

    def _load(self, unit: Unit) -> TrainingScene:
        points, superpoint_id, seen = read_points(unit), read_superpoints(unit), read_seen(unit)
        if self._per_point:
            return TrainingScene(unit.name, points, superpoint_id, read_fusion(unit)[0], seen, seen)
        mean, known = read_superpoint_fusion(unit)
        return TrainingScene(unit.name, points, superpoint_id, mean, known, seen)


class _Chosen:
    """Some scenes of a list."""

    def __init__(self, scenes: TrainingScenes, indices: Sequence[int]) -> None:
        self._scenes = scenes
        self._indices = tuple(indices)
        self.scene_ids = tuple(scenes.scene_ids[i] for i in indices)
        self.channels = scenes.channels

    def is_seen(self, index: int) -> bool:
        """As the list says."""
        return self._scenes.is_seen(self._indices[index])

    def read(self, index: int) -> TrainingScene:
        """One scene."""
        return self._scenes.read(self._indices[index])


def only_seen(scenes: TrainingScenes) -> tuple[TrainingScenes, tuple[str, ...]]:
    """The scenes some point of which was seen, and the names of the others."""
    seen = [scenes.is_seen(i) for i in range(len(scenes.scene_ids))]
    if all(seen):
        return scenes, ()
    blind = tuple(name for name, fine in zip(scenes.scene_ids, seen, strict=True) if not fine)
    return _Chosen(scenes, [i for i, fine in enumerate(seen) if fine]), blind


def _num_bytes(scene: TrainingScene) -> int:
    arrays = (
        scene.points_world,
        scene.superpoint_id,
        scene.target,
        scene.target_known,
        scene.point_seen,
    )
    return sum(array.nbytes for array in arrays)
