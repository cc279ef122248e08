"""Renders of rooms: made once, room after room, kept as memory-mapped arrays with facts of each room.

What is rendered of a room and what is said of it are ``views``' and ``object_views``' business.
"""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ops.rooms import Piece
from schema.progress import Tracker
from storage.disk import read_json, sync_file, write_json
from storage.locks import hold

_LOCK = "render.lock"

Film = Callable[[int], Generator[Mapping[str, np.ndarray], None, Any]]
"""From a room's seed to its renders, one after the other; what the generator returns are the room's facts."""


@dataclass(frozen=True)
class RenderCache:
    """A folder of arrays and the facts beside them; the facts of all rooms make it whole.

    Attributes:
        place: the folder.
        name: of the file of facts, without its suffix.
        kinds: of each array the dtype and the shape of one render.
        num_renders: how many renders the facts of a room speak of.
    """

    place: Path
    name: str
    kinds: Mapping[str, tuple[type, tuple[int, ...]]]
    num_renders: Callable[[Any], int]

    def arrays(self) -> dict[str, np.ndarray]:
        """Memory-mapped and read-only."""
        return {key: np.load(self._file(key), mmap_mode="r", allow_pickle=False) for key in self.kinds}

    def make(self, seeds: Sequence[int], film: Film, *, most: int, label: str) -> list[Any]:
        """The facts of all rooms; what is missing is rendered now.

        A killed rendering goes on where it was: a room's facts are written after its pixels.

        Args:
            seeds: of the rooms.
            film: renders a room.
            most: renders of a room, at most.
            label: names the progress.

        Raises:
            StoreError: another process renders the same now.
        """
        whole = self.place / f"{self.name}.json"
        if not isinstance(read_json(whole), list):
            with hold(self.place / _LOCK, "this cache of views", "wait until it is rendered, then run again"):
                write_json(whole, self._render(seeds, film, most=most, label=label))
                self._part.unlink()
        return list(read_json(whole))

    def _render(self, seeds: Sequence[int], film: Film, *, most: int, label: str) -> list[Any]:
        self.place.mkdir(parents=True, exist_ok=True)
        done = self._finished()
        arrays = {key: self._open(key, len(seeds) * most, new=not done) for key in self.kinds}
        with self._part.open("w", encoding="utf-8") as book, Tracker(label, len(seeds)) as tracker:
            for facts in done:
                _append(book, facts)
            tracker.advance(len(done))
            for seed in seeds[len(done) :]:
                done.append(_take(film(seed), arrays, first=sum(map(self.num_renders, done))))
                _append(book, done[-1])
                tracker.advance(1)
        for key in self.kinds:
            sync_file(self._file(key))
        return done

    def _finished(self) -> list[Any]:
        """Facts of the rooms that a killed rendering finished; a torn last line is dropped."""
        done: list[Any] = []
        if not all(file.is_file() for file in (self._part, *map(self._file, self.kinds))):
            return done
        for line in self._part.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                done.append(json.loads(line))
            except ValueError:
                break
        return done

    def _open(self, key: str, count: int, *, new: bool) -> np.memmap:
        kind, shape = self.kinds[key]
        if new:
            return np.lib.format.open_memmap(self._file(key), mode="w+", dtype=kind, shape=(count, *shape))
        return np.lib.format.open_memmap(self._file(key), mode="r+")

    def _file(self, key: str) -> Path:
        return self.place / f"{key}.npy"

    @property
    def _part(self) -> Path:
        return self.place / f"{self.name}.part.jsonl"


def piece_values(piece: Piece) -> dict[str, Any]:
    """A piece as JSON values, its box rounded to a tenth of a millimetre."""
    return {**asdict(piece), "box": np.round(piece.box, 4).tolist()}


def piece_of(values: Mapping[str, Any]) -> Piece:
    """The piece of ``piece_values``."""
    return Piece(**{**values, "box": np.array(values["box"])})


def _take(
    renders: Generator[Mapping[str, np.ndarray], None, Any], arrays: Mapping[str, np.memmap], first: int
) -> Any:
    """Write a room's renders from row ``first`` on, down to the disk; the room's facts."""
    row = first
    while True:
        try:
            render = next(renders)
        except StopIteration as end:
            for array in arrays.values():
                array.flush()
            return end.value
        for key, array in arrays.items():
            array[row] = render[key]
        row += 1


def _append(book: TextIO, facts: Any) -> None:
    book.write(json.dumps(facts) + "\n")
    book.flush()
    os.fsync(book.fileno())
