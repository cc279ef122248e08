"""Clouds with per-point values as files of other programs: PLY, NPZ, LAS.

Which layers are exported is the command line's business; this knows arrays and formats.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from schema.errors import ConfigError, MissingPartError, unknown_name
from storage.disk import full_disk_told
from storage.export_ply import write_ply

_LAS_SCALE_M = 0.0001
_LAS_NAME_BYTES = 32


@dataclass(frozen=True)
class ExportFormat:
    """What a format is for.

    Attributes:
        suffix: of its files.
        description: one clause.
        keeps_faces: whether triangles are stored; otherwise they are left out.
        keeps_matrices: whether a value may have several numbers a point; otherwise such a value is refused.
    """

    suffix: str
    description: str
    keeps_faces: bool
    keeps_matrices: bool = False


FORMATS: Mapping[str, ExportFormat] = {
    "ply": ExportFormat(
        ".ply", "binary PLY with all values as vertex properties; MeshLab, CloudCompare, Open3D", True
    ),
    "npz": ExportFormat(".npz", "NumPy archive, one array a name, no pickle", True, True),
    "las": ExportFormat(".las", "LAS 1.4 with values as extra dimensions; GIS programs; 0.1 mm", False),
}
"""The formats, by name."""


def export_cloud(
    path: Path,
    format: str,  # noqa: A002 - the word of the command line
    *,
    points: Float[np.ndarray, "N 3"],
    normals: Float[np.ndarray, "N 3"] | None = None,
    colors: UInt8[np.ndarray, "N 3"] | None = None,
    scalars: Mapping[str, np.ndarray] | None = None,
    faces: Int[np.ndarray, "M 3"] | None = None,
) -> Path:
    """Write a cloud; the file appears whole or not at all.

    Args:
        path: the file; the format's suffix is added where it has none.
        format: a name in FORMATS.
        points: metres, world.
        normals: unit length.
        colors: RGB.
        scalars: one value a point, by name: labels, scores. Names become words where a format needs it.
            A value may be a matrix of one row a point where ExportFormat.keeps_matrices says so.
        faces: point ids of triangles; see ExportFormat.keeps_faces.

    Returns:
        The file's path.

    Raises:
        ConfigError: no such format (those that exist are listed), or the values do not fit it.
        MissingPartError: the format's library is not installed.
        StorageFullError: the disk is full.
    """
    if format not in FORMATS:
        raise unknown_name("export format", format, FORMATS, field="--format")
    path = Path(path)
    path = path if path.suffix else path.with_suffix(FORMATS[format].suffix)
    values = dict(scalars or {})
    for name, column in {"normals": normals, "colors": colors, **values}.items():
        if column is not None and len(column) != len(points):
            raise ValueError(f"{name}: shape {column.shape} does not fit {len(points)} points")
        if name in values and column is not None and column.ndim != 1:
            _check_matrix(name, column, format)
    with full_disk_told(path.parent), _replacing(path) as temp:
        try:
            if format == "ply":
                write_ply(temp, points=points, normals=normals, colors=colors, scalars=values, faces=faces)
            elif format == "npz":
                _write_npz(temp, points, normals, colors, scalars=values, faces=faces)
            else:
                _write_las(temp, points, normals, colors, scalars=values)
        except ValueError as error:
            if isinstance(error, ConfigError | MissingPartError):
                raise
            raise ConfigError(
                str(error), file=path, field="--format", value=format, remedy="choose npz"
            ) from error
    return path


def _check_matrix(name: str, column: np.ndarray, format: str) -> None:  # noqa: A002
    if column.ndim != 2:
        raise ValueError(f"{name}: shape {column.shape} is neither a column nor a matrix")
    if not FORMATS[format].keeps_matrices:
        able = ", ".join(other for other, about in FORMATS.items() if about.keeps_matrices)
        raise ConfigError(
            f"{name} has {column.shape[1]} numbers a point, the format one a column",
            field="--format",
            value=format,
            remedy=f"choose {able}, or leave {name} out",
        )


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes it when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temp
        temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)


def _write_npz(
    path: Path,
    points: np.ndarray,
    normals: np.ndarray | None,
    colors: np.ndarray | None,
    *,
    scalars: Mapping[str, np.ndarray],
    faces: np.ndarray | None,
) -> None:
    own = {"points_world": points, "normals": normals, "colors": colors, "faces": faces}
    arrays = {name: array for name, array in own.items() if array is not None}
    for name, values in scalars.items():
        if name in own or values.dtype.hasobject:
            raise ValueError(f"{name}: cannot be an array of an NPZ file")
        arrays[name.replace("/", "_")] = values
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _write_las(
    path: Path,
    points: np.ndarray,
    normals: np.ndarray | None,
    colors: np.ndarray | None,
    *,
    scalars: Mapping[str, np.ndarray],
) -> None:
    try:
        import laspy
    except ImportError as error:
        raise MissingPartError(
            "laspy is not installed", field="--format", value="las", remedy="pip install 'teach3d[las]'"
        ) from error
    if path.suffix.lower() == ".laz" and not laspy.LazBackend.detect_available():
        raise MissingPartError(
            "no library for LAZ is installed", file=path, remedy="pip install 'teach3d[las]'"
        )
    if not np.isfinite(points).all():
        raise ValueError("points that are not finite cannot be stored in a LAS file")
    header = laspy.LasHeader(point_format=7 if colors is not None else 6, version="1.4")
    header.scales = np.full(3, _LAS_SCALE_M)
    header.offsets = np.floor(points.min(axis=0)) if len(points) else np.zeros(3)
    columns = dict(zip(("nx", "ny", "nz"), normals.T, strict=True)) if normals is not None else {}
    taken = set(header.point_format.dimension_names)
    extra = {_las_name(name, taken): _las_values(values) for name, values in {**columns, **scalars}.items()}
    header.add_extra_dims([laspy.ExtraBytesParams(name, values.dtype) for name, values in extra.items()])
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.astype(np.float64).T
    if colors is not None:
        cloud.red, cloud.green, cloud.blue = colors.astype(np.uint16).T * 257
    for name, values in extra.items():
        cloud[name] = values
    cloud.write(path)


def _las_name(name: str, taken: set[str]) -> str:
    word = name.encode("ascii", "replace")[: _LAS_NAME_BYTES - 1].decode("ascii")
    return f"{word}_" if word in taken else word


def _las_values(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    return values.astype(np.float32) if values.dtype == np.float16 else values
