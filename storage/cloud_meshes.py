"""Reading meshes: OBJ and STL. Corners stay in the file's order; nothing is merged.

GLB files are ``cloud_glb``'s, units and axes ``clouds``'s.
"""

import re
from pathlib import Path

import numpy as np

from storage.cloud_file import Geometry, cut_short, fans, read_bytes, unreadable

_STL_TRIANGLE = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_STL_HEAD = 84
_CORNER = re.compile(rb"^\s*vertex\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)


def read_obj(path: Path) -> Geometry:
    """Lines ``v x y z`` and ``f``; polygons become fans of triangles. Materials and normals are passed over.

    Raises:
        InputError: a line cannot be read, or there is no vertex.
    """
    points: list[tuple[float, float, float]] = []
    rows, sizes = list[int](), list[int]()  # of all polygons, one after the other
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        words = line.split()
        try:
            if words[:1] == [b"v"]:
                points.append((float(words[1]), float(words[2]), float(words[3])))
            elif words[:1] == [b"f"]:
                rows += [_row(word, len(points)) for word in words[1:]]
                sizes.append(len(words) - 1)
        except (ValueError, IndexError):
            shown = line.decode("ascii", "replace").strip()[:40]
            raise unreadable(
                path, f"line {number} cannot be read: {shown!r}", "export the mesh again"
            ) from None
    if not points:
        raise unreadable(path, "has no vertex", "check that it is an OBJ file and not empty")
    return Geometry(np.array(points), _polygons(np.array(rows), sizes) if sizes else None)


def _polygons(rows: np.ndarray, sizes: list[int]) -> np.ndarray:
    if min(sizes) == max(sizes):
        return fans(rows.reshape(len(sizes), sizes[0]))
    return fans(np.split(rows, np.cumsum(sizes)[:-1]))


def _row(word: bytes, num_points: int) -> int:
    """``7/1/2`` is the seventh vertex, ``-1`` the last one so far."""
    index = int(word.partition(b"/")[0])
    return index - 1 if index > 0 else num_points + index


def read_stl(path: Path) -> Geometry:
    """Three corners a triangle, text or binary.

    Raises:
        InputError: the file ends early or has no triangle.
    """
    data = read_bytes(path)
    corners = (
        _stl_text(path, data)
        if data.lstrip()[:5] == b"solid" and b"facet" in data[:4096]
        else _stl_binary(path, data)
    )
    if len(corners) == 0:
        raise unreadable(path, "has no triangle", "check that it is an STL file and not empty")
    return Geometry(corners, np.arange(len(corners)).reshape(-1, 3))


def _stl_binary(path: Path, data: bytes) -> np.ndarray:
    count = int.from_bytes(data[_STL_HEAD - 4 : _STL_HEAD], "little") if len(data) >= _STL_HEAD else 1
    there = max(len(data) - _STL_HEAD, 0) // _STL_TRIANGLE.itemsize
    if there < count:
        raise cut_short(path, f"{there:,} of {count:,} triangles are there")
    rows = np.frombuffer(data, _STL_TRIANGLE, count, _STL_HEAD)
    return rows["corners"].reshape(-1, 3).copy()


def _stl_text(path: Path, data: bytes) -> np.ndarray:
    found = _CORNER.findall(data)
    if len(found) % 3 or b"endsolid" not in data[-4096:]:
        raise cut_short(path, f"{len(found)} corners and no end")
    try:
        return np.array(found).astype(np.float64).reshape(-1, 3)
    except ValueError:
        raise unreadable(path, "has corners that are not numbers", "export the mesh again") from None
