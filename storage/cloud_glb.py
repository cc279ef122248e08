"""Reading GLB files (binary glTF 2.0): positions, triangles and colours of all meshes, placed by their nodes.

Textures, animations and compressed buffers are not read; units and axes are ``clouds``'s.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from storage.cloud_file import Geometry, cut_short, read_bytes, to_bytes, unreadable

_KINDS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_POINTS, _TRIANGLES = 0, 4
_DEEPEST = 100
Part = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Points, triangles and colours of one primitive."""
_JSON, _BIN = b"JSON", b"BIN\x00"


def read_glb(path: Path) -> Geometry:
    """Vertices of every mesh that the scene shows, as often as it shows it; y is up in this format.

    Raises:
        InputError: the file is no GLB file, ends early, or uses what is not read.
    """
    data = read_bytes(path)
    document, buffer = _chunks(path, data)
    try:
        parts = [part for node in _roots(document) for part in _parts(document, buffer, node, np.eye(4), 0)]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise unreadable(
            path,
            f"has meshes that cannot be read ({type(error).__name__}: {error})",
            "export it without compression and with its buffers inside, or as PLY",
        ) from error
    if not parts:
        raise unreadable(path, "shows no mesh", "export a mesh or points")
    starts = np.cumsum([0, *(len(points) for points, _, _ in parts)])
    faces = np.concatenate([rows + start for (_, rows, _), start in zip(parts, starts[:-1], strict=True)])
    colors = [color for _, _, color in parts if color is not None]
    return Geometry(
        np.concatenate([points for points, _, _ in parts]),
        faces if len(faces) else None,
        np.concatenate(colors) if len(colors) == len(parts) else None,
    )


def _chunks(path: Path, data: bytes) -> tuple[dict[str, Any], bytes]:
    if data[:4] != b"glTF" or len(data) < 12:
        raise unreadable(path, "is no GLB file", "export as .glb (a .gltf keeps its data in other files)")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise unreadable(path, f"is glTF {version}", "export it as glTF 2.0")
    if len(data) < length:
        raise cut_short(path, f"{len(data):,} of {length:,} bytes are there")
    found, at = {_BIN: b""}, 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        found.setdefault(kind, b"")
        found[kind] = found[kind] or data[at + 8 : at + 8 + size]
        at += 8 + size
    try:
        document = json.loads(found[_JSON])
    except (KeyError, ValueError, RecursionError):
        raise unreadable(path, "has no readable description", "export it again") from None
    if not isinstance(document, dict):
        raise unreadable(path, "has no readable description", "export it again")
    return document, found[_BIN]


def _roots(document: dict[str, Any]) -> list[int]:
    if "scenes" in document:
        return list(document["scenes"][document.get("scene", 0)].get("nodes", []))
    children = {child for node in document.get("nodes", []) for child in node.get("children", [])}
    return [index for index in range(len(document.get("nodes", []))) if index not in children]


def _parts(
    document: dict[str, Any],
    buffer: bytes,
    index: int,
    world_from_parent: Float[np.ndarray, "4 4"],
    depth: int,
) -> Iterator[Part]:
    """Points, triangles and colours of a node and of those below it."""
    if depth > _DEEPEST:
        raise ValueError("nodes lie too deep, or in a circle")
    node = document["nodes"][index]
    world_from_node = world_from_parent @ _parent_from_node(node)
    if "mesh" in node:
        for primitive in document["meshes"][node["mesh"]]["primitives"]:
            points, faces, colors = _primitive(document, buffer, primitive)
            yield points @ world_from_node[:3, :3].T + world_from_node[:3, 3], faces, colors
    for child in node.get("children", []):
        yield from _parts(document, buffer, child, world_from_node, depth + 1)


def _parent_from_node(node: dict[str, Any]) -> Float[np.ndarray, "4 4"]:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T  # column by column in the file
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    matrix = np.eye(4)
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] = np.array(rotation) * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _primitive(document: dict[str, Any], buffer: bytes, primitive: dict[str, Any]) -> Part:
    if "extensions" in primitive:
        raise ValueError(f"uses {', '.join(primitive['extensions'])}")
    points = _accessor(document, buffer, primitive["attributes"]["POSITION"]).astype(np.float64)
    colors = None
    if "COLOR_0" in primitive["attributes"]:
        colors = to_bytes(_accessor(document, buffer, primitive["attributes"]["COLOR_0"])[:, :3])
        if len(colors) != len(points):
            raise ValueError("has colours for other points")
    mode = primitive.get("mode", _TRIANGLES)
    if mode == _POINTS:
        return points, np.zeros((0, 3), dtype=np.int64), colors
    if mode != _TRIANGLES:
        raise ValueError("holds strips, fans or lines")
    rows = np.arange(len(points))
    if "indices" in primitive:
        rows = _accessor(document, buffer, primitive["indices"])[:, 0].astype(np.int64)
    return points, rows.reshape(-1, 3), colors


def _accessor(document: dict[str, Any], buffer: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    if "sparse" in accessor:
        raise ValueError("uses sparse accessors")
    view = document["bufferViews"][accessor["bufferView"]]
    if view.get("buffer", 0) != 0 or "uri" in document["buffers"][0]:
        raise ValueError("keeps its data in another file")
    kind, width = np.dtype("<" + _KINDS[accessor["componentType"]]), _WIDTHS[accessor["type"]]
    step = view.get("byteStride", kind.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    count = accessor["count"]
    last = start + (count - 1) * step + kind.itemsize * width
    if count < 1 or start < 0 or step < kind.itemsize * width or last > len(buffer):
        raise ValueError("an accessor lies outside of the data")
    return np.ndarray((count, width), kind, buffer, start, (step, kind.itemsize))
