"""Views of single objects of the scale models' rooms, rendered once and kept as memory-mapped arrays.

Where the cameras stand is ``ops/object_cameras.py``'s business; views of whole rooms are in ``views.py``.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int8, Int16, Int64, UInt8

from ops.object_cameras import object_camera, surface_patch
from ops.raycast import Render, RoomRenderer
from ops.rooms import GENERATOR_VERSION, ROOM_CLASSES, Piece, Room, make_room
from ops.scale_captions import OTHER
from ops.scale_shell import SHELL, shell_pieces
from ops.sensor import Exposure, exposures
from schema.config_scale import ObjectViewsConfig
from storage.fingerprint import fingerprint
from training.scale.render_cache import RenderCache, piece_of, piece_values

CACHE_FOLDER = "object-views"
VERSION = 1
"""Raised whenever the same configuration gives other arrays or facts."""

_EVERYWHERE = (*SHELL, "door", "window", "picture")
_PROBE_PX = 32
_LEAST_SHARE = 0.13  # of the image's pixels that show the object
_PROBES = 8


@dataclass(frozen=True)
class ObjectViews:
    """V square views, each of one object; the arrays are memory-mapped and read-only.

    Attributes:
        color: RGB.
        semantic: index into ``ROOM_CLASSES``, -1 unlabelled.
        instance: object id, as in ``Piece.instance_id``; -1 outside the room.
        pieces: the object of each view.
        identity: fingerprint of the rooms and how they were rendered.
    """

    color: UInt8[np.ndarray, "V H W 3"]
    semantic: Int8[np.ndarray, "V H W"]
    instance: Int16[np.ndarray, "V H W"]
    pieces: tuple[Piece, ...]
    identity: str

    def __len__(self) -> int:
        return len(self.pieces)

    def classes(self) -> Int64[np.ndarray, "V"]:
        """Each object's class, as index into ``ROOM_CLASSES``."""
        return np.array([ROOM_CLASSES.index(piece.label) for piece in self.pieces], dtype=np.int64)

    def mask(self, view: int) -> Bool[np.ndarray, "H W"]:
        """Where a view shows what its object is called: its class; of all else, the object alone."""
        piece = self.pieces[view]
        if piece.label == OTHER:
            return np.asarray(self.instance[view] == piece.instance_id)
        return np.asarray(self.semantic[view] == ROOM_CLASSES.index(piece.label))


def object_views_identity(config: ObjectViewsConfig, seeds: Sequence[int]) -> str:
    """A fingerprint of the rooms and how they are filmed."""
    kept = {"views_per_room": config.views_per_room, "image_px": config.image_px, "seeds": list(seeds)}
    return fingerprint("scale object views", VERSION, kept, {"rooms": str(GENERATOR_VERSION)})


def cached_object_views(config: ObjectViewsConfig, seeds: Sequence[int], folder: Path) -> ObjectViews:
    """The views of the rooms of ``seeds``: rendered now, room after room, or read if that was done before.

    A killed rendering goes on where it was. A room where too little can be seen well gives fewer views.

    Args:
        config: size and number of a room's views.
        seeds: of the rooms.
        folder: of the scale models; the arrays come into a folder below it that is named by their identity.

    Raises:
        StoreError: another process renders the same views now.
    """
    identity = object_views_identity(config, seeds)
    size = (config.image_px, config.image_px)
    cache = RenderCache(
        place=folder
        / CACHE_FOLDER
        / f"{len(seeds)}x{config.views_per_room}x{config.image_px}-{identity[:12]}",
        name="views",
        kinds={"color": (np.uint8, (*size, 3)), "semantic": (np.int8, size), "instance": (np.int16, size)},
        num_renders=len,
    )
    found = cache.make(seeds, partial(_film, config), most=config.views_per_room, label="render objects")
    pieces = tuple(piece_of(values) for room in found for values in room)
    arrays = {key: array[: len(pieces)] for key, array in cache.arrays().items()}
    return ObjectViews(**arrays, pieces=pieces, identity=identity)


def _film(
    config: ObjectViewsConfig, seed: int
) -> Generator[dict[str, np.ndarray], None, list[dict[str, Any]]]:
    pieces = []
    for render, piece in room_object_views(config, seed):
        pieces.append(piece_values(piece))
        yield {"color": render.color, "semantic": render.semantic, "instance": render.instance}
    return pieces


def room_object_views(
    config: ObjectViewsConfig, seed: int, room: Room | None = None
) -> Iterator[tuple[Render, Piece]]:
    """Views of a room's objects: each class that can be seen once, then again in another order."""
    room = make_room(seed) if room is None else room
    rng = np.random.default_rng([seed, 3])
    light = exposures(seed, config.views_per_room)
    renderer, others = RoomRenderer(room), np.stack([piece.box for piece in room.pieces])
    pieces = [*shell_pieces(room), *room.pieces]
    labels, made = sorted({piece.label for piece in pieces}), 0
    hidden: set[str] = set()
    while made < config.views_per_room and len(hidden) < len(labels):
        for label in rng.permutation([label for label in labels if label not in hidden]):
            chosen = [piece for piece in pieces if piece.label == label]
            piece = chosen[int(rng.integers(len(chosen)))]
            render = _view(renderer, piece, others, image_px=config.image_px, exposure=light[made], rng=rng)
            if render is None:
                hidden.add(str(label))
                continue
            made += 1
            yield render, piece
            if made == config.views_per_room:
                return
        hidden |= set(_EVERYWHERE)  # in almost every room: once is enough


def _view(
    renderer: RoomRenderer,
    piece: Piece,
    others: np.ndarray,
    *,
    image_px: int,
    exposure: Exposure,
    rng: np.random.Generator,
) -> Render | None:
    """The first of a few cameras whose image shows enough of the object, tried on a small image first."""
    for _ in range(_PROBES):
        box = surface_patch(piece.box, rng) if piece.label in SHELL else piece.box
        camera = object_camera(box, others, renderer.room.size_m, image_px=image_px, rng=rng)
        if camera is None:
            return None
        pose, intrinsics = camera
        small = np.diag([_PROBE_PX / image_px, _PROBE_PX / image_px, 1.0]) @ intrinsics
        probe = renderer.render(pose, small, (_PROBE_PX, _PROBE_PX), np.random.default_rng(0))
        least = 0.35 if piece.label in SHELL else _LEAST_SHARE
        if (probe.instance == piece.instance_id).mean() >= least:
            return renderer.render(pose, intrinsics, (image_px, image_px), rng, exposure=exposure)
    return None
