"""Bare clouds and meshes of any common format as points in metres, z up; nothing else is asked of a file.

Each format's bytes are read by the module beside this; writing is ``export``'s.
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from schema.errors import ConfigError, InputError, MissingPartError, Teach3dError
from storage.cloud_file import Geometry, cut_short, opened, to_bytes, unreadable
from storage.cloud_glb import read_glb
from storage.cloud_meshes import read_obj, read_stl
from storage.cloud_pcd import read_pcd
from storage.cloud_ply import read_ply

Up = Literal["y", "z"]

FAR_M = 1000.0
"""Clouds further from the origin are moved: single precision has 0.06 mm here, 0.5 m at a UTM northing."""
_POINT_NAMES = ("points", "points_world")


@dataclass(frozen=True)
class BareCloud:
    """A cloud or mesh without images.

    Attributes:
        points: as in the file, in its order: its unit, its axes, its precision; all finite.
        points_world: metres, z up, moved by ``-origin_m``.
        faces: rows of triangles; None for a cloud.
        origin_m: what was taken off every point; zero near the origin.
        up: which axis of the file points up.
        num_dropped: points that were not finite and are left out.
        colors: RGB; None where the file has none.
    """

    points: Float[np.ndarray, "N 3"]
    points_world: Float[np.ndarray, "N 3"]
    faces: Int[np.ndarray, "M 3"] | None
    origin_m: Float[np.ndarray, "3"]
    up: Up
    num_dropped: int
    colors: UInt8[np.ndarray, "N 3"] | None = None

    @property
    def extent_m(self) -> tuple[float, float, float]:
        """Edges of the box around the cloud, m."""
        x, y, z = (float(edge) for edge in np.ptp(self.points_world, axis=0))
        return x, y, z


def read_bare_cloud(path: Path, *, scale: float = 1.0, up: Up | None = None) -> BareCloud:
    """Read a cloud or mesh.

    Points that are not finite are left out and counted, with the triangles that use them.

    Args:
        path: a file of a format in ``READERS``.
        scale: metres per unit of the file: 0.001 for millimetres.
        up: which axis of the file points up; None: y for .glb, whose format says so, else z.

    Raises:
        InputError: no such format (those that exist are listed); the file is missing, empty, damaged, or has
            no finite point.
        ConfigError: the scale is no positive number.
        MissingPartError: the format's library is not installed.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise InputError(
            "no format of clouds or meshes has this ending",
            file=path,
            remedy=f"known are: {', '.join(sorted(READERS))}",
        )
    if not (np.isfinite(scale) and scale > 0):
        raise ConfigError("is no scale", field="--scale", value=scale, remedy="0.001 for mm, 0.3048 for feet")
    try:
        geometry = READERS[kind](path)
    except Teach3dError:
        raise
    except (ValueError, OverflowError, MemoryError) as error:  # numbers that no file of the format has
        raise unreadable(path, f"is damaged ({error})", "copy or export it again") from error
    _check_faces(path, geometry)
    kept, num_dropped = _finite(path, geometry)
    up = up or ("y" if kind == ".glb" else "z")
    world = kept.points.astype(np.float64) * scale
    if up == "y":
        world = np.stack([world[:, 0], -world[:, 2], world[:, 1]], axis=1)
    origin = np.zeros(3)
    if np.abs(world).max() > FAR_M:
        origin = np.floor(world.min(axis=0))
    return BareCloud(kept.points, world - origin, kept.faces, origin, up, num_dropped, kept.colors)


def _check_faces(path: Path, geometry: Geometry) -> None:
    faces = geometry.faces
    if faces is not None and len(faces) and (faces.min() < 0 or faces.max() >= len(geometry.points)):
        raise unreadable(path, "has triangles with corners that do not exist", "export the mesh again")


def _finite(path: Path, geometry: Geometry) -> tuple[Geometry, int]:
    """Without points that are not finite, and how many there were."""
    if len(geometry.points) == 0:
        raise unreadable(path, "has no point", "check the program that wrote it")
    fine = np.isfinite(geometry.points).all(axis=1)
    num_dropped = int((~fine).sum())
    if num_dropped == 0:
        return geometry, 0
    if num_dropped == len(fine):
        raise unreadable(path, "has no finite point", "check the program that wrote it")
    faces = geometry.faces
    if faces is not None:
        row = np.cumsum(fine) - 1
        faces = row[faces[fine[faces].all(axis=1)]]
    colors = None if geometry.colors is None else geometry.colors[fine]
    return replace(geometry, points=geometry.points[fine], faces=faces, colors=colors), num_dropped


def _read_npz(path: Path) -> Geometry:
    try:
        with opened(path) as file, np.load(file, allow_pickle=False) as arrays:
            names = [name for name in _POINT_NAMES if name in arrays.files]
            points = arrays[names[0]] if names else None
            faces = arrays["faces"] if "faces" in arrays.files else None
            colors = arrays["colors"] if "colors" in arrays.files else None
            listed = ", ".join(arrays.files)
    except InputError:
        raise
    except (zipfile.BadZipFile, ValueError, OSError, KeyError, EOFError, AttributeError) as error:
        raise unreadable(path, f"is no readable NPZ file ({error})", "write it with numpy.savez") from error
    if points is None:
        raise unreadable(path, f"has no array 'points' (it has: {listed})", "name the [N, 3] array 'points'")
    for name, array in ((names[0], points), ("faces", faces), ("colors", colors)):
        if array is not None and (array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "fiu"):
            raise unreadable(
                path, f"has {name!r} of {array.dtype} {list(array.shape)}", "store numbers [N, 3]"
            )
    kept = points if points.dtype in (np.float32, np.float64) else points.astype(np.float64)
    if colors is not None and len(colors) != len(kept):
        raise unreadable(path, f"has {len(colors)} colours for {len(kept)} points", "store one for each")
    return Geometry(
        kept,
        None if faces is None else faces.astype(np.int64),
        None if colors is None else to_bytes(colors),
    )


def _read_las(path: Path) -> Geometry:
    """Positions in double precision: the file's integers times its scale plus its offset."""
    try:
        import laspy
    except ImportError as error:
        raise MissingPartError(
            "laspy is not installed", file=path, remedy="pip install 'teach3d[las]'"
        ) from error
    try:
        with opened(path) as file:
            cloud = laspy.read(file)
        promised = int(cloud.header.point_count)
        points = np.stack([np.asarray(cloud.x), np.asarray(cloud.y), np.asarray(cloud.z)], axis=1)
        colored = {"red", "green", "blue"} <= set(cloud.point_format.dimension_names)
        colors = np.stack([cloud.red, cloud.green, cloud.blue], axis=1) if colored else None
    except InputError:
        raise
    except Exception as error:  # laspy raises nearly anything on a damaged file
        if path.suffix.lower() == ".laz" and not laspy.LazBackend.detect_available():
            raise MissingPartError(
                "no library for LAZ is installed", file=path, remedy="pip install 'teach3d[las]'"
            ) from error
        raise unreadable(path, f"is damaged or no LAS file ({error})", "copy or export it again") from error
    if len(points) < promised:
        raise cut_short(path, f"{len(points):,} of {promised:,} points are there")
    return Geometry(points.astype(np.float64), colors=None if colors is None else to_bytes(colors))


READERS: Mapping[str, Callable[[Path], Geometry]] = {
    ".ply": read_ply,
    ".pcd": read_pcd,
    ".las": _read_las,
    ".laz": _read_las,
    ".npz": _read_npz,
    ".obj": read_obj,
    ".stl": read_stl,
    ".glb": read_glb,
}
"""A reader for each ending of a file's name."""
