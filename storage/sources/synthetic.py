"""Procedural rooms as captures: every view is rendered when asked for, nothing is read from disk.

What a capture offers a run has no labels: those of pixels are ``synthetic_labels.py``'s business, those of
points ``storage/truth.py``'s.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ops.cameras import intrinsics_from_fov
from ops.room_walk import camera_walk
from ops.rooms import GENERATOR_VERSION, Room, make_room
from ops.sensor import Exposure, exposures, sensor_depth
from schema.config_source import SyntheticConfig
from schema.errors import ConfigError, unknown_name
from schema.records import DroppedFrame, FrameTable, View
from schema.seeds import MODELS
from storage.sources.protocol import prefetched

if TYPE_CHECKING:
    from ops.raycast import Render, RoomRenderer


class SyntheticRooms:
    """One room per seed; scene ids are ``room_<seed>``."""

    def __init__(self, config: SyntheticConfig) -> None:
        self._config = config
        for seed in config.seeds:
            if seed < 0 or config.seeds.count(seed) > 1:
                raise ConfigError(
                    "seeds must be different and not negative",
                    field="source.seeds",
                    value=seed,
                    remedy="remove or change it",
                )
            if seed in MODELS:
                raise ConfigError(
                    "the scale models were trained on rooms of this range",
                    field="source.seeds",
                    value=seed,
                    remedy=f"take one below {MODELS.start}",
                )

    def scene_ids(self) -> list[str]:
        """``room_<seed>`` in the order of the configuration."""
        return [f"room_{seed}" for seed in self._config.seeds]

    def identity(self, scene_id: str) -> dict[str, Any]:
        """The seed and the generator's version; sizes and views are in the configuration already."""
        return {"seed": self.seed(scene_id), "generator": GENERATOR_VERSION}

    def seed(self, scene_id: str) -> int:
        """The seed of a scene.

        Raises:
            ConfigError: the configuration has no such scene.
        """
        ids = self.scene_ids()
        if scene_id not in ids:
            raise unknown_name("scene", scene_id, ids)
        return self._config.seeds[ids.index(scene_id)]

    def open(self, scene_id: str) -> "SyntheticCapture":
        """Furnish the room; rendering waits until a view is asked for."""
        return SyntheticCapture(scene_id, self._config, self.seed(scene_id))


class SyntheticCapture:
    """One furnished room and a walk through it."""

    def __init__(self, scene_id: str, config: SyntheticConfig, seed: int) -> None:
        self.scene_id = scene_id
        self.room: Room = make_room(seed)
        self.dropped: tuple[DroppedFrame, ...] = ()
        self._seed = seed
        self._exact_depth = config.depth == "exact"
        self._exposures = exposures(seed, config.num_frames)
        intrinsics = intrinsics_from_fov(config.image_hw, config.fov_deg)
        self.frames = FrameTable(
            names=tuple(f"{i:06d}" for i in range(config.num_frames)),
            world_from_cam=camera_walk(self.room, seed, config.num_frames),
            intrinsics=np.repeat(intrinsics[None], config.num_frames, axis=0),
            image_hw=config.image_hw,
            has_depth=True,
        )

    @cached_property
    def _renderer(self) -> "RoomRenderer":
        from ops.raycast import RoomRenderer

        return RoomRenderer(self.room)

    def render(self, index: int) -> "Render":
        """The frame's images with labels; for labelled views alone."""
        return self._renderer.render(
            self.frames.world_from_cam[index],
            self.frames.intrinsics[index],
            self.frames.image_hw,
            np.random.default_rng([self._seed, 2, index]),
            exposure=self.exposure(index),
        )

    def exposure(self, index: int) -> Exposure:
        """How the frame is exposed."""
        return self._exposures[index]

    def view_of(self, index: int, render: "Render") -> View:
        """What a camera would have recorded of a render."""
        depth_m = render.depth_m
        if not self._exact_depth:
            depth_m = sensor_depth(depth_m, render.facing, np.random.default_rng([self._seed, 4, index]))
        return View(
            name=self.frames.names[index],
            color=render.color,
            depth_m=depth_m,
            cam_from_world=np.linalg.inv(self.frames.world_from_cam[index]),
            intrinsics=self.frames.intrinsics[index],
        )

    def view(self, index: int) -> View:
        """Render the frame; the same to the bit each time, in any order."""
        return self.view_of(index, self.render(index))

    def geometry(self) -> None:
        """None: the surface is made from the depths."""

    def views(self) -> Iterator[View]:
        """All frames in order, the next being rendered while the caller works on the current one."""
        return prefetched(self.view, len(self.frames.names))
