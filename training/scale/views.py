"""Views of the scale models' rooms, rendered once and kept as memory-mapped arrays, and what each object is.

Rooms and rendering are ``storage/sources/synthetic_labels.py``'s business, what is learned the trainers'.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8, Int16, Int32, UInt8

from ops.rooms import GENERATOR_VERSION, Piece, make_room
from ops.scale_shell import shell_pieces
from schema.config_scale import ScaleViewsConfig
from schema.config_source import SyntheticConfig
from storage.fingerprint import fingerprint
from storage.sources.synthetic_labels import labelled_views
from training.scale.render_cache import RenderCache, piece_of, piece_values

CACHE_FOLDER = "views"
VERSION = 1
"""Raised whenever the same configuration gives other arrays or facts."""


@dataclass(frozen=True)
class RoomFacts:
    """What is said about a room: its seed, its plan, and its objects, floor and walls among them."""

    seed: int
    plan: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Views:
    """V views of R rooms; the arrays are memory-mapped and read-only.

    Attributes:
        color: RGB.
        semantic: index into ``ROOM_CLASSES``, -1 unlabelled.
        instance: object id, as in ``Piece.instance_id``.
        room: index into ``rooms`` of each view.
        rooms: facts.
    """

    color: UInt8[np.ndarray, "V H W 3"]
    semantic: Int8[np.ndarray, "V H W"]
    instance: Int16[np.ndarray, "V H W"]
    room: Int32[np.ndarray, "V"]
    rooms: tuple[RoomFacts, ...]

    def pieces(self, view: int) -> dict[int, Piece]:
        """The objects of a view's room by instance id, those it does not show among them."""
        return {piece.instance_id: piece for piece in self.rooms[self.room[view]].pieces}


def training_views(config: ScaleViewsConfig, folder: Path) -> Views:
    """The views to train on; see ``cached_views``."""
    return cached_views(config, config.training_rooms, folder)


def held_out_views(config: ScaleViewsConfig, folder: Path) -> Views:
    """The views for accuracies; see ``cached_views``."""
    return cached_views(config, config.held_out_rooms, folder)


def views_identity(config: ScaleViewsConfig, seeds: Sequence[int]) -> str:
    """A fingerprint of the rooms and how they are filmed."""
    shared = config.result_fields()
    kept = {key: shared[key] for key in ("frames_per_room", "image_hw", "fov_deg")}
    return fingerprint(
        "scale views", VERSION, {**kept, "seeds": list(seeds)}, {"rooms": str(GENERATOR_VERSION)}
    )


def cached_views(config: ScaleViewsConfig, seeds: Sequence[int], folder: Path) -> Views:
    """The views of the rooms of ``seeds``: rendered now, room after room, or read if that was done before.

    A killed rendering goes on where it was: a room's facts are written after its pixels.

    Args:
        config: size and number of a room's views.
        seeds: of the rooms.
        folder: of the scale models; the arrays come into a folder below it that is named by their identity.

    Raises:
        StoreError: another process renders the same views now.
    """
    height, width = config.image_hw
    name = f"{len(seeds)}x{config.frames_per_room}x{height}x{width}-{views_identity(config, seeds)[:12]}"
    cache = RenderCache(
        place=folder / CACHE_FOLDER / name,
        name="rooms",
        kinds={
            "color": (np.uint8, (height, width, 3)),
            "semantic": (np.int8, (height, width)),
            "instance": (np.int16, (height, width)),
        },
        num_renders=lambda _: config.frames_per_room,
    )
    source = SyntheticConfig(
        seeds=tuple(seeds),
        num_frames=config.frames_per_room,
        image_hw=config.image_hw,
        fov_deg=config.fov_deg,
    )
    found = cache.make(seeds, partial(_film, source), most=config.frames_per_room, label="render rooms")
    room = np.repeat(np.arange(len(seeds), dtype=np.int32), config.frames_per_room)
    return Views(**cache.arrays(), room=room, rooms=tuple(_facts(values) for values in found))


def _film(source: SyntheticConfig, seed: int) -> Generator[dict[str, np.ndarray], None, dict[str, Any]]:
    for view, semantic, instance in labelled_views(source, seed):
        yield {"color": view.color, "semantic": semantic, "instance": instance}
    room = make_room(seed)
    pieces = [*shell_pieces(room), *room.pieces]
    return {"seed": seed, "plan": room.plan, "pieces": [piece_values(piece) for piece in pieces]}


def _facts(values: Mapping[str, Any]) -> RoomFacts:
    pieces = tuple(piece_of(piece) for piece in values["pieces"])
    return RoomFacts(int(values["seed"]), str(values["plan"]), pieces)
