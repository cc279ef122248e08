"""Views of the scale models' rooms, rendered once and kept as memory-mapped arrays, and what each object is.

Rooms and rendering are ``storage/sources/synthetic_labels.py``'s business, what is learned the trainers'.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8, Int16, Int32, UInt8

from ops.rooms import GENERATOR_VERSION, Piece, Room, make_room
from ops.scale_shell import shell_pieces
from schema.config_scale import ScaleViewsConfig
from schema.config_source import SyntheticConfig
from schema.progress import Tracker
from storage.disk import read_json, sync_file, write_json
from storage.fingerprint import fingerprint
from storage.locks import hold
from storage.sources.synthetic_labels import labelled_views

CACHE_FOLDER = "views"
VERSION = 1
"""Raised whenever the same configuration gives other arrays or facts."""

_WHOLE, _PART, _LOCK = "rooms.json", "rooms.part.jsonl", "render.lock"
_ARRAYS: Mapping[str, tuple[type, tuple[int, ...]]] = {
    "color": (np.uint8, (3,)),
    "semantic": (np.int8, ()),
    "instance": (np.int16, ()),
}


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
    place = folder / CACHE_FOLDER / name
    if not isinstance(read_json(place / _WHOLE), list):
        with hold(place / _LOCK, "this cache of views", "wait until it is rendered there, then run again"):
            _render(config, seeds, place)
    rooms = tuple(_facts(values) for values in read_json(place / _WHOLE))
    arrays = {key: np.load(place / f"{key}.npy", mmap_mode="r", allow_pickle=False) for key in _ARRAYS}
    room = np.repeat(np.arange(len(seeds), dtype=np.int32), config.frames_per_room)
    return Views(**arrays, room=room, rooms=rooms)


def _render(config: ScaleViewsConfig, seeds: Sequence[int], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    whole = all((place / f"{key}.npy").is_file() for key in _ARRAYS)
    done = _finished(place / _PART) if whole else []
    arrays = {key: _array(place / f"{key}.npy", key, config, len(seeds), new=not done) for key in _ARRAYS}
    source = SyntheticConfig(
        seeds=tuple(seeds),
        num_frames=config.frames_per_room,
        image_hw=config.image_hw,
        fov_deg=config.fov_deg,
    )
    with (place / _PART).open("w", encoding="utf-8") as book, Tracker("render rooms", len(seeds)) as tracker:
        for values in done:
            _append(book, values)
        tracker.advance(len(done))
        for index in range(len(done), len(seeds)):
            first = index * config.frames_per_room
            for offset, (view, semantic, instance) in enumerate(labelled_views(source, seeds[index])):
                arrays["color"][first + offset] = view.color
                arrays["semantic"][first + offset] = semantic
                arrays["instance"][first + offset] = instance
            for array in arrays.values():
                array.flush()
            done.append(_values(seeds[index], make_room(seeds[index])))
            _append(book, done[-1])
            tracker.advance(1)
    for key in _ARRAYS:
        sync_file(place / f"{key}.npy")
    write_json(place / _WHOLE, done)
    (place / _PART).unlink()


def _array(path: Path, key: str, config: ScaleViewsConfig, rooms: int, *, new: bool) -> np.memmap:
    kind, last = _ARRAYS[key]
    shape = (rooms * config.frames_per_room, *config.image_hw, *last)
    if new:
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    return np.lib.format.open_memmap(path, mode="r+")


def _finished(path: Path) -> list[dict[str, Any]]:
    """Facts of the rooms that a killed rendering finished; a torn last line is dropped."""
    done: list[dict[str, Any]] = []
    if not path.is_file():
        return done
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            done.append(json.loads(line))
        except ValueError:
            break
    return done


def _append(book: Any, values: Mapping[str, Any]) -> None:
    book.write(json.dumps(values) + "\n")
    book.flush()
    os.fsync(book.fileno())


def _values(seed: int, room: Room) -> dict[str, Any]:
    pieces = [*shell_pieces(room), *room.pieces]
    return {
        "seed": seed,
        "plan": room.plan,
        "pieces": [{**asdict(piece), "box": np.round(piece.box, 4).tolist()} for piece in pieces],
    }


def _facts(values: Mapping[str, Any]) -> RoomFacts:
    pieces = tuple(Piece(**{**piece, "box": np.array(piece["box"])}) for piece in values["pieces"])
    return RoomFacts(int(values["seed"]), str(values["plan"]), pieces)
