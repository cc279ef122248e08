"""Views of single objects of the scale models' rooms, rendered once and kept as memory-mapped arrays.

Where the cameras stand is ``ops/object_cameras.py``'s business; views of whole rooms are in ``views.py``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int8, Int16, Int64, UInt8

from ops.object_cameras import object_camera, surface_patch
from ops.raycast import Render, RoomRenderer
from ops.rooms import GENERATOR_VERSION, ROOM_CLASSES, Piece, Room, make_room
from ops.scale_shell import shell_pieces
from ops.sensor import Exposure, exposures
from schema.config_scale import ObjectViewsConfig
from schema.progress import Tracker
from storage.disk import read_json, sync_file, write_json
from storage.fingerprint import fingerprint
from storage.locks import hold

CACHE_FOLDER = "object-views"
VERSION = 1
"""Raised whenever the same configuration gives other arrays or facts."""

SHELL = ("wall", "floor")
_EVERYWHERE = (*SHELL, "door", "window", "picture")
OTHER = ROOM_CLASSES[-1]
_WHOLE, _PART = "views.json", "views.part.jsonl"
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
    name = f"{len(seeds)}x{config.views_per_room}x{config.image_px}-{identity[:12]}"
    place = folder / CACHE_FOLDER / name
    if not isinstance(read_json(place / _WHOLE), list):
        with hold(place / "render.lock", "this cache of views", "wait until it is rendered, then run again"):
            _render_all(config, seeds, place)
    facts = [piece for room in read_json(place / _WHOLE) for piece in room]
    pieces = tuple(Piece(**{**values, "box": np.array(values["box"])}) for values in facts)
    arrays = {
        key: np.load(place / f"{key}.npy", mmap_mode="r", allow_pickle=False)[: len(pieces)]
        for key in _kinds(config)
    }
    return ObjectViews(**arrays, pieces=pieces, identity=identity)


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


def _kinds(config: ObjectViewsConfig) -> Mapping[str, tuple[type, tuple[int, ...]]]:
    size = (config.image_px, config.image_px)
    return {"color": (np.uint8, (*size, 3)), "semantic": (np.int8, size), "instance": (np.int16, size)}


def _render_all(config: ObjectViewsConfig, seeds: Sequence[int], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    part, most = place / _PART, len(seeds) * config.views_per_room
    whole = all((place / f"{key}.npy").is_file() for key in _kinds(config))
    done = _finished(part) if whole else []
    arrays = {
        key: _array(place / f"{key}.npy", kind, (most, *size), new=not done)
        for key, (kind, size) in _kinds(config).items()
    }
    part.write_text("".join(json.dumps(values) + "\n" for values in done), encoding="utf-8")
    first = sum(map(len, done))
    with part.open("a", encoding="utf-8") as book, Tracker("render objects", len(seeds)) as tracker:
        tracker.advance(len(done))
        for seed in seeds[len(done) :]:
            pieces: list[dict[str, Any]] = []
            for render, piece in room_object_views(config, seed):
                for key, array in arrays.items():
                    array[first + len(pieces)] = getattr(render, key)
                pieces.append({**asdict(piece), "box": np.round(piece.box, 4).tolist()})
            for array in arrays.values():
                array.flush()
            first += len(pieces)
            done.append(pieces)
            book.write(json.dumps(pieces) + "\n")
            book.flush()
            tracker.advance()
    for key in arrays:
        sync_file(place / f"{key}.npy")
    write_json(place / _WHOLE, done)
    part.unlink()


def _array(path: Path, kind: type, shape: tuple[int, ...], *, new: bool) -> np.memmap:
    if new:
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    return np.lib.format.open_memmap(path, mode="r+")


def _finished(path: Path) -> list[list[dict[str, Any]]]:
    """Facts of the rooms that a killed rendering finished; a torn last line is dropped."""
    done: list[list[dict[str, Any]]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            done.append(json.loads(line))
        except ValueError:
            break
    return done
