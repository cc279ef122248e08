"""The data of PLY files, element by element: as bytes of either order, or as text.

The header, and what the elements mean, are ``cloud_ply``'s.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from storage.cloud_file import cut_short, unreadable

Order = Literal["<", ">", "="]


@dataclass(frozen=True)
class Property:
    """A property; ``count`` is the type of a list's length, None for a single value."""

    name: str
    kind: str
    count: str | None = None


@dataclass(frozen=True)
class Element:
    """A table of the file: so many rows of these properties."""

    name: str
    length: int
    properties: tuple[Property, ...]


Columns = dict[str, np.ndarray | list[np.ndarray]]
"""Values by property: an array, or for a list one array an element (a matrix where all are equally long)."""


class BinaryData:
    """The data as bytes, taken element by element."""

    def __init__(self, path: Path, data: bytes, start: int, order: Order) -> None:
        self._path, self._data, self._at, self._order = path, data, start, order

    def take(self, element: Element) -> Columns:
        """The next element's columns."""
        if not element.properties:
            return {}
        lengths = self._first_lengths(element)
        kind = np.dtype([field for p in element.properties for field in self._fields(p, lengths)])
        rows = self._rows(kind, element)
        if rows is None or any((rows[f"{name} n"] != length).any() for name, length in lengths.items()):
            return self._one_by_one(element)
        self._at += rows.nbytes
        return {p.name: rows[p.name] for p in element.properties}

    def _fields(self, p: Property, lengths: dict[str, int]) -> list[tuple]:
        if p.count is None:
            return [(p.name, self._order + p.kind)]
        return [(f"{p.name} n", self._order + p.count), (p.name, self._order + p.kind, (lengths[p.name],))]

    def _first_lengths(self, element: Element) -> dict[str, int]:
        """Lengths of the first row's lists: mostly those of all rows."""
        if element.length == 0:
            return {p.name: 0 for p in element.properties if p.count is not None}
        at, lengths = self._at, {}
        for p in element.properties:
            if p.count is not None:
                lengths[p.name] = int(self._read(p.count, 1, at, element)[0])
                at += np.dtype(p.count).itemsize
            at += np.dtype(p.kind).itemsize * lengths.get(p.name, 1)
        return lengths

    def _rows(self, kind: np.dtype, element: Element) -> np.ndarray | None:
        """All rows if they were as long as the first; None if the file has not so many bytes."""
        lists = any(p.count is not None for p in element.properties)
        if lists and self._at + element.length * kind.itemsize > len(self._data):
            return None
        return self._read(kind, element.length, self._at, element)

    def _read(self, kind: np.dtype | str, count: int, at: int, element: Element) -> np.ndarray:
        kind = np.dtype(kind).newbyteorder(self._order) if isinstance(kind, str) else kind
        if count < 0 or at + count * kind.itemsize > len(self._data):
            raise cut_short(self._path, f"of {element.length} rows of {element.name!r} not all are there")
        return np.frombuffer(self._data, kind, count, at)

    def _one_by_one(self, element: Element) -> Columns:
        columns: dict[str, list[np.ndarray]] = {p.name: [] for p in element.properties}
        for _ in range(element.length):
            for p in element.properties:
                length = 1
                if p.count is not None:
                    length = int(self._read(p.count, 1, self._at, element)[0])
                    self._at += np.dtype(p.count).itemsize
                columns[p.name].append(self._read(p.kind, length, self._at, element))
                self._at += np.dtype(p.kind).itemsize * length
        return _plain(columns, element)


class TextData:
    """The data as numbers, taken element by element."""

    def __init__(self, path: Path, data: bytes, start: int) -> None:
        self._path, self._at = path, 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # older NumPy only warns of what is no number
                self._numbers = np.fromstring(data[start:].decode("ascii"), sep=" ")
        except (ValueError, DeprecationWarning):
            raise unreadable(path, "has data that are not numbers", "export it again, or as binary") from None

    def take(self, element: Element) -> Columns:
        """The next element's columns."""
        width = len(element.properties)
        if all(p.count is None for p in element.properties):
            rows = self._next(element.length * width, element).reshape(element.length, width)
            return {p.name: rows[:, i] for i, p in enumerate(element.properties)}
        alike = self._alike(element)
        if alike is not None:
            return alike
        columns: dict[str, list[np.ndarray]] = {p.name: [] for p in element.properties}
        for _ in range(element.length):
            for p in element.properties:
                length = 1 if p.count is None else int(self._next(1, element)[0])
                columns[p.name].append(self._next(length, element))
        return _plain(columns, element)

    def _alike(self, element: Element) -> Columns | None:
        """The columns if all rows' lists are as long as the first's, which they mostly are."""
        slots, width = dict[str, slice](), 0
        for p in element.properties:
            length = 1
            if p.count is not None:
                if self._at + width >= len(self._numbers):
                    return None
                length = max(int(self._numbers[self._at + width]), 0)
                width += 1
            slots[p.name] = slice(width, width + length)
            width += length
        rows = self._numbers[self._at : self._at + element.length * width]
        if len(rows) < element.length * width:
            return None
        rows = rows.reshape(element.length, width)
        for p in element.properties:
            part = slots[p.name]
            if p.count is not None and (rows[:, part.start - 1] != part.stop - part.start).any():
                return None
        self._at += rows.size
        single = {p.name for p in element.properties if p.count is None}
        return {
            name: rows[:, part.start] if name in single else rows[:, part] for name, part in slots.items()
        }

    def _next(self, count: int, element: Element) -> np.ndarray:
        if count < 0 or self._at + count > len(self._numbers):
            raise cut_short(self._path, f"of {element.length} rows of {element.name!r} not all are there")
        self._at += count
        return self._numbers[self._at - count : self._at]


def _plain(columns: dict[str, list[np.ndarray]], element: Element) -> Columns:
    """Lists stay lists of arrays, single values become an array."""
    single = {p.name for p in element.properties if p.count is None}
    return {
        name: np.concatenate([np.zeros(0), *values]) if name in single else values
        for name, values in columns.items()
    }
