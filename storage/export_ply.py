"""Binary PLY files: points with any number of named values, optionally triangles.

Other formats, and which format a name means, are left to ``storage.export``.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

_TYPES = {"u1": "uchar", "i4": "int", "u4": "uint", "f4": "float", "f8": "double"}
_WIDER = {"b1": "u1", "i1": "i4", "i2": "i4", "u2": "i4", "f2": "f4"}
_OWN = ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue")


def write_ply(
    path: Path,
    *,
    points: Float[np.ndarray, "N 3"],
    normals: Float[np.ndarray, "N 3"] | None,
    colors: UInt8[np.ndarray, "N 3"] | None,
    scalars: Mapping[str, np.ndarray],
    faces: Int[np.ndarray, "M 3"] | None,
) -> None:
    """Write a little-endian binary PLY; errors and arguments as ``storage.export.export_cloud``."""
    columns: list[tuple[str, np.ndarray]] = [(name, points[:, i]) for i, name in enumerate(_OWN[:3])]
    if normals is not None:
        columns += [(name, normals[:, i].astype(np.float32)) for i, name in enumerate(_OWN[3:6])]
    if colors is not None:
        columns += [(name, colors[:, i]) for i, name in enumerate(_OWN[6:])]
    columns += [(_property(name), _storable(name, values)) for name, values in scalars.items()]
    vertex = np.empty(len(points), dtype=[(name, values.dtype.newbyteorder("<")) for name, values in columns])
    for name, values in columns:
        vertex[name] = values
    with path.open("wb") as file:
        file.write(_header(vertex, faces).encode("ascii"))
        vertex.tofile(file)
        if faces is not None:
            triangles = np.empty(len(faces), dtype=[("count", "u1"), ("index", "<i4", (3,))])
            triangles["count"] = 3
            triangles["index"] = faces
            triangles.tofile(file)


def _header(vertex: np.ndarray, faces: np.ndarray | None) -> str:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertex)}"]
    assert vertex.dtype.names is not None
    lines += [f"property {_TYPES[vertex.dtype[name].str[1:]]} {name}" for name in vertex.dtype.names]
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    return "\n".join([*lines, "end_header", ""])


def _property(name: str) -> str:
    """A PLY property is one ASCII word; "score of a chair" becomes "score_of_a_chair"."""
    word = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_") or "value"
    return f"{word}_" if word in _OWN else word


def _storable(name: str, values: np.ndarray) -> np.ndarray:
    """The values in a type that every reader knows, without loss (Open3D skips "short" and "char")."""
    kind = values.dtype.str[1:]
    if kind in ("i8", "u8"):
        small = values.astype(np.int32)
        if not np.array_equal(small, values):
            raise ValueError(f"{name}: values do not fit PLY's 32-bit integers")
        return small
    if kind in _WIDER:
        return values.astype(_WIDER[kind])
    if kind not in _TYPES:
        raise ValueError(f"{name}: {values.dtype} cannot be stored in a PLY file")
    return values
