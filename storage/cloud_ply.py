"""Reading PLY files, text or binary of either byte order: vertex positions, and faces and colours if any.

Other properties are passed over; writing is ``export_ply``'s, units and axes are ``clouds``'s.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from storage.cloud_file import Geometry, fans, read_bytes, to_bytes, unreadable
from storage.cloud_ply_data import BinaryData, Columns, Element, Order, Property, TextData

_HEADER_LIMIT = 1 << 20
_CODES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
_OLD = ("char", "uchar", "short", "ushort", "int", "uint", "float", "double")
_NEW = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
_NAMES = dict(zip((*_OLD, *_NEW), _CODES * 2, strict=True))
_COLORS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_INDEX_LISTS = ("vertex_indices", "vertex_index")
_ORDERS: Mapping[str, Order] = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}


def read_ply(path: Path) -> Geometry:
    """Vertices and faces; polygons become fans of triangles.

    Raises:
        InputError: the file is no PLY file, ends early, or has no positions.
    """
    data = read_bytes(path)
    form, elements, start = _header(path, data)
    body = TextData(path, data, start) if form == "ascii" else BinaryData(path, data, start, _ORDERS[form])
    found: dict[str, Columns] = {}
    for element in elements:
        if {"vertex", "face"} <= found.keys():
            break
        found[element.name] = body.take(element)
    vertex = found.get("vertex", {})
    positions = [vertex.get(axis) for axis in "xyz"]
    if not all(isinstance(values, np.ndarray) and values.ndim == 1 for values in positions):
        raise unreadable(path, "has no vertices with the properties x, y, z", "export points with positions")
    points = np.stack([np.asarray(values) for values in positions], axis=1)
    kinds = {
        p.kind for e in elements if e.name == "vertex" for p in e.properties if p.name in ("x", "y", "z")
    }
    return Geometry(
        points.astype(np.float32 if kinds == {"f4"} else np.float64),
        _faces(found.get("face", {})),
        _colors(vertex),
    )


def _colors(vertex: Columns) -> UInt8[np.ndarray, "N 3"] | None:
    for names in _COLORS:
        columns = [vertex.get(name) for name in names]
        if all(isinstance(values, np.ndarray) and values.ndim == 1 for values in columns):
            return to_bytes(np.stack([np.asarray(values) for values in columns], axis=1))
    return None


def _faces(face: Columns) -> Int[np.ndarray, "M 3"] | None:
    for name in _INDEX_LISTS:
        if name in face and len(face[name]):
            return fans(face[name])
    return None


def _header(path: Path, data: bytes) -> tuple[str, list[Element], int]:
    """Format, elements, and where the data begin."""
    end = data.find(b"end_header", 0, _HEADER_LIMIT)
    newline = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or newline < 0:
        raise unreadable(path, "has no PLY header", "check that it is a PLY file and complete")
    form, elements = _declared(path, data[:end].decode("ascii", "replace").splitlines()[1:])
    if form not in _ORDERS:
        raise unreadable(
            path, f"has the unknown PLY format {form!r}", f"export as one of: {', '.join(_ORDERS)}"
        )
    for element in elements:
        names = [p.name for p in element.properties]
        if element.length < 0 or len(set(names)) < len(names):
            raise unreadable(path, f"has an impossible header for {element.name!r}", "export it again")
    return form, elements, newline + 1


def _declared(path: Path, lines: list[str]) -> tuple[str, list[Element]]:
    form, elements = "", list[Element]()
    for line in lines:
        words = line.split()
        try:
            if words[:1] == ["format"]:
                form = words[1]
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2]), ()))
            elif words[:1] == ["property"]:
                last = elements.pop()
                elements.append(replace(last, properties=(*last.properties, _property(words))))
        except (IndexError, ValueError, KeyError):
            raise unreadable(
                path, f"has a header line that is not PLY: {line.strip()!r}", "export it again"
            ) from None
    return form, elements


def _property(words: list[str]) -> Property:
    if words[1] == "list":
        return Property(words[4], _NAMES[words[3]], _NAMES[words[2]])
    return Property(words[2], _NAMES[words[1]])
