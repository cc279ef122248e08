"""Reading PCD files (Point Cloud Library): text, binary and compressed.

Fields other than x, y, z and packed colours are passed over; units and axes are ``clouds``'s.
"""

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Num, UInt8

from storage.cloud_file import Geometry, cut_short, read_bytes, unreadable

_KINDS = {
    "F": {4: "f4", 8: "f8"},
    "I": {1: "i1", 2: "i2", 4: "i4", 8: "i8"},
    "U": {1: "u1", 2: "u2", 4: "u4", 8: "u8"},
}
_DATA = ("ascii", "binary", "binary_compressed")
_HEADER_LIMIT = 1 << 16


@dataclass(frozen=True)
class _Header:
    """Fields in order with the type and number of their values; points; how and where the data are."""

    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    counts: tuple[int, ...]
    num_points: int
    data: str
    start: int


def read_pcd(path: Path) -> Geometry:
    """Points; an organised cloud row by row.

    Raises:
        InputError: the file is no PCD file, ends early, or has no positions.
    """
    data = read_bytes(path)
    header = _header(path, data)
    at = {axis: header.fields.index(axis) for axis in "xyz" if axis in header.fields}
    if len(at) < 3 or any(header.counts[index] != 1 for index in at.values()):
        raise unreadable(path, "has no fields x, y, z", "export points with positions")
    take = {"ascii": _text, "binary": _binary, "binary_compressed": _compressed}[header.data]
    packed = _packed_color(header)
    columns = take(path, data, header, (*at.values(), *packed))
    kinds = {header.kinds[index] for index in at.values()}
    return Geometry(
        np.stack(columns[:3], axis=1).astype(np.float32 if kinds == {"f4"} else np.float64),
        colors=_unpack_color(columns[3], header.kinds[packed[0]]) if packed else None,
    )


def _packed_color(header: _Header) -> tuple[int, ...]:
    """The field that holds a colour in its four bytes, as PCL writes it; none if there is no such field."""
    for name in ("rgb", "rgba"):
        if name in header.fields:
            index = header.fields.index(name)
            if header.kinds[index] in ("f4", "u4", "i4") and header.counts[index] == 1:
                return (index,)
    return ()


def _unpack_color(values: Num[np.ndarray, "N"], kind: str) -> UInt8[np.ndarray, "N 3"]:
    """Red, green and blue from the low three bytes of whole numbers, or of floats' bits."""
    bits = values.astype("<f4").view("<u4") if kind == "f4" else values.astype(np.int64).astype("<u4")
    return np.stack([bits >> shift & 0xFF for shift in (16, 8, 0)], axis=1).astype(np.uint8)


def _header(path: Path, data: bytes) -> _Header:
    words: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in words and start < min(len(data), _HEADER_LIMIT):
        end = data.find(b"\n", start)
        line = data[start : end if end >= 0 else len(data)].decode("ascii", "replace").split()
        start = end + 1 if end >= 0 else len(data)
        if line and not line[0].startswith("#"):
            words[line[0]] = line[1:]
    try:
        fields = tuple(words["FIELDS"])
        sizes = [int(size) for size in words["SIZE"]]
        kinds = tuple(_KINDS[kind][size] for kind, size in zip(words["TYPE"], sizes, strict=True))
        counts = tuple(int(count) for count in words.get("COUNT", ["1"] * len(fields)))
        num_points = int(words["POINTS"][0]) if "POINTS" in words else _product(words)
        layout = words["DATA"][0]
    except (KeyError, ValueError, IndexError):
        raise unreadable(
            path, "has no complete PCD header", "check that it is a PCD file, export it again"
        ) from None
    fits = len(fields) == len(kinds) == len(counts) and min(counts, default=0) > 0 and num_points >= 0
    if not fits or layout not in _DATA:
        raise unreadable(
            path, "has an impossible PCD header", f"export it again, as one of: {', '.join(_DATA)}"
        )
    return _Header(fields, kinds, counts, num_points, layout, start)


def _product(words: dict[str, list[str]]) -> int:
    return int(words["WIDTH"][0]) * int(words["HEIGHT"][0])


def _text(path: Path, data: bytes, header: _Header, at: tuple[int, ...]) -> list[np.ndarray]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # older NumPy only warns of what is no number
            numbers = np.fromstring(data[header.start :].decode("ascii"), sep=" ")
    except (ValueError, DeprecationWarning):
        raise unreadable(path, "has data that are not numbers", "export it again, or as binary") from None
    width = sum(header.counts)
    if len(numbers) < header.num_points * width:
        raise _too_few(path, len(numbers) // width, header)
    rows = numbers[: header.num_points * width].reshape(-1, width)
    starts = np.cumsum([0, *header.counts])
    return [rows[:, starts[index]] for index in at]


def _binary(path: Path, data: bytes, header: _Header, at: tuple[int, ...]) -> list[np.ndarray]:
    fields = zip(header.kinds, header.counts, strict=True)
    row = np.dtype([(f"f{index}", f"<{kind}", (count,)) for index, (kind, count) in enumerate(fields)])
    there = (len(data) - header.start) // row.itemsize
    if there < header.num_points:
        raise _too_few(path, there, header)
    rows = np.frombuffer(data, row, header.num_points, header.start)
    return [rows[f"f{index}"][:, 0] for index in at]


def _compressed(path: Path, data: bytes, header: _Header, at: tuple[int, ...]) -> list[np.ndarray]:
    """One field after the other, as one LZF stream."""
    sizes = [np.dtype(kind).itemsize * count for kind, count in zip(header.kinds, header.counts, strict=True)]
    start = header.start + 8
    if len(data) < start:
        raise _too_few(path, 0, header)
    packed, plain = struct.unpack_from("<II", data, header.start)
    if plain != sum(sizes) * header.num_points or len(data) < start + packed:
        raise cut_short(path, f"{len(data) - start:,} of {packed:,} compressed bytes are there")
    unpacked = _unpack_lzf(data[start : start + packed])
    if unpacked is None or len(unpacked) != plain:
        raise unreadable(path, "has damaged compressed data", "copy or export it again")
    starts = [sum(sizes[:index]) * header.num_points for index in at]
    return [
        np.frombuffer(unpacked, f"<{header.kinds[index]}", header.num_points, begin)
        for index, begin in zip(at, starts, strict=True)
    ]


def _unpack_lzf(packed: bytes) -> bytes | None:
    """LZF (M. Lehmann's LibLZF): runs of literal bytes, and copies of up to 264 from up to 8192 back."""
    out, at = bytearray(), 0
    try:
        while at < len(packed):
            control = packed[at]
            at += 1
            if control < 32:
                out += packed[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += packed[at]
                at += 1
            back = ((control & 31) << 8) + packed[at] + 1
            at += 1
            length += 2
            begin = len(out) - back
            if begin < 0:
                return None
            chunk = bytes(out[begin : begin + length])
            out += (chunk * (length // len(chunk) + 1))[:length]  # a copy may run into itself
    except IndexError:
        return None
    return bytes(out)


def _too_few(path: Path, there: int, header: _Header) -> Exception:
    return cut_short(path, f"{there:,} of {header.num_points:,} points are there")
