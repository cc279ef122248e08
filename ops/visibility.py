"""Which points a view sees, and in which pixel: projection, border, occlusion.

What is then fetched from those pixels is `ops.lift`'s business; the same decisions in the plainest form are
in `ops.lift_reference`.
"""

import numba
import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from ops.kernels import parallel_kernel
from schema.config_stages import LiftConfig
from schema.errors import InputError
from schema.records import View

_NONE, _RELATIVE, _ABSOLUTE = 0, 1, 2
_DEPTH_TEST = {"none": _NONE, "depth_relative": _RELATIVE, "depth_absolute": _ABSOLUTE, "zbuffer": _RELATIVE}
_NUM_BANDS = 32  # stripes of a z-buffer, filled independently


def seen_pixels(
    points_world: Float[np.ndarray, "N 3"],
    view: View,
    config: LiftConfig,
    radii_m: Float[np.ndarray, "N"] | None = None,
) -> Int[np.ndarray, "N"]:
    """The pixel in which a view sees each point.

    A point is projected in float64 and falls into pixel ``floor(u + 0.5), floor(v + 0.5)``: the nearest,
    halves go up. It is seen if ``z > 0``, the pixel is at least ``border_px`` inside the image, and nothing
    stands before it. With sensor depth d at the pixel (finite, above 0) that means ``|d - z| <= tau * d``, or
    ``<= tau`` metres for ``depth_absolute``. For ``zbuffer``, d is what `cloud_depth` finds at the pixel, and
    only ``z <= d + tau * d`` can fail.

    Args:
        points_world: float64, finite, metres.
        view: its colour image sets the pixel grid; its depth has the same size.
        config: visibility, tau, border_px.
        radii_m: footprints of the points, of `splat_radii`; needed for ``zbuffer`` alone.

    Returns:
        int32 ``v * W + u``, or -1 where the point is not seen.

    Raises:
        InputError: the view lacks the depth that the visibility asks for, or it has another size.
    """
    height, width = view.color.shape[:2]
    depth = _depth_for(points_world, view, config, radii_m)
    return _seen(
        points_world,
        np.ascontiguousarray(view.cam_from_world, dtype=np.float64),
        np.ascontiguousarray(view.intrinsics, dtype=np.float64),
        depth,
        (height, width, config.border_px),
        _DEPTH_TEST[config.visibility],
        config.tau,
    )


def project(points_world: Float[np.ndarray, "N 3"], view: View) -> Float[np.ndarray, "N 3"]:
    """Pixel coordinates and depth (u, v, z) of points; u and v are NaN where ``z <= 0``."""
    return _project(
        points_world,
        np.ascontiguousarray(view.cam_from_world, dtype=np.float64),
        np.ascontiguousarray(view.intrinsics, dtype=np.float64),
    )


def splat_radii(points_world: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N"]:
    """How far each point stands for the surface around it, metres: the distance of its 6th nearest neighbour.

    On a sampled surface discs of this size overlap, evenly or randomly sampled, so that no hole lets the
    background through; at most three times the median, so that a stray point hides little.
    """
    if len(points_world) < 2:
        return np.zeros(len(points_world))
    k = min(7, len(points_world))
    distance = np.asarray(cKDTree(points_world, balanced_tree=False).query(points_world, k=k)[0])[:, -1]
    radii: np.ndarray = np.minimum(distance, 3 * np.median(distance))
    return radii


def cloud_depth(
    points_world: Float[np.ndarray, "N 3"], view: View, radii_m: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "H W"]:
    """Depth image of the cloud itself, metres: the nearest point whose footprint covers the pixel, else inf.

    A footprint is the square of half-width ``radius * f / z`` px around the point's position, and always the
    pixel the point falls into.
    """
    uvz = project(points_world, view)
    height, width = view.color.shape[:2]
    focal = float(max(view.intrinsics[0, 0], view.intrinsics[1, 1]))
    return _splat(uvz, np.ascontiguousarray(radii_m, dtype=np.float64) * focal, height, width)


def _depth_for(
    points_world: Float[np.ndarray, "N 3"],
    view: View,
    config: LiftConfig,
    radii_m: Float[np.ndarray, "N"] | None,
) -> Float[np.ndarray, "H W"]:
    if config.visibility == "none":
        return np.zeros((1, 1), dtype=np.float64)
    if config.visibility == "zbuffer":
        radii = splat_radii(points_world) if radii_m is None else radii_m
        return cloud_depth(points_world, view, radii)  # never farther than a point at its own pixel
    if view.depth_m is None:
        raise InputError(
            "the frame has no depth image",
            field=f"frame {view.name}",
            remedy="set lift.visibility to zbuffer (occlusion by the cloud itself) or none",
        )
    if view.depth_m.shape != view.color.shape[:2]:
        raise InputError(
            f"depth is {view.depth_m.shape[0]}x{view.depth_m.shape[1]} px,"
            f" colour {view.color.shape[0]}x{view.color.shape[1]} px",
            field=f"frame {view.name}",
            remedy="bring both to the colour image's grid",
        )
    return np.ascontiguousarray(view.depth_m)


@parallel_kernel
def _seen(
    points: Float[np.ndarray, "N 3"],
    cam_from_world: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    depth: Float[np.ndarray, "H W"],
    frame: tuple[int, int, int],
    test: int,
    tau: float,
) -> Int[np.ndarray, "N"]:
    m, c = cam_from_world, intrinsics
    height, width, border = frame
    pixel = np.full(len(points), -1, dtype=np.int32)
    for n in numba.prange(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth_z = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        if not depth_z > 0:
            continue
        across = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) / depth_z
        down = (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) / depth_z
        u = np.floor(c[0, 0] * across + c[0, 1] * down + c[0, 2] + 0.5)
        v = np.floor(c[1, 1] * down + c[1, 2] + 0.5)
        if not (border <= u < width - border and border <= v < height - border):
            continue
        if test != 0:
            d = np.float64(depth[int(v), int(u)])
            if not (d > 0 and np.isfinite(d)):
                continue
            allowed = tau * d if test == 1 else tau
            if not abs(d - depth_z) <= allowed:
                continue
        pixel[n] = np.int32(v) * width + np.int32(u)
    return pixel


@parallel_kernel
def _project(
    points: Float[np.ndarray, "N 3"],
    cam_from_world: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "N 3"]:
    m, c = cam_from_world, intrinsics
    uvz = np.full((len(points), 3), np.nan)
    for n in numba.prange(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth_z = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        uvz[n, 2] = depth_z
        if depth_z > 0:
            across = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) / depth_z
            down = (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) / depth_z
            uvz[n, 0] = c[0, 0] * across + c[0, 1] * down + c[0, 2]
            uvz[n, 1] = c[1, 1] * down + c[1, 2]
    return uvz


@parallel_kernel
def _splat(
    uvz: Float[np.ndarray, "N 3"], radii_px_m: Float[np.ndarray, "N"], height: int, width: int
) -> Float[np.ndarray, "H W"]:
    nearest = np.full((height, width), np.inf)
    bands = min(_NUM_BANDS, height)
    for band in numba.prange(bands):
        top, bottom = band * height // bands, (band + 1) * height // bands
        for n in range(len(uvz)):
            u, v, z = uvz[n, 0], uvz[n, 1], uvz[n, 2]
            if not z > 0:
                continue
            # half a pixel more than the footprint and rounded down: the point's own pixel is always covered
            half = radii_px_m[n] / z
            first_u, last_u = np.floor(u - half + 0.5), np.floor(u + half + 0.5)
            first_v, last_v = np.floor(v - half + 0.5), np.floor(v + half + 0.5)
            if last_u < 0 or first_u >= width or last_v < top or first_v >= bottom:
                continue
            for row in range(int(max(first_v, top)), int(min(last_v, bottom - 1)) + 1):
                for column in range(int(max(first_u, 0)), int(min(last_u, width - 1)) + 1):
                    if z < nearest[row, column]:  # noqa: PLR1730
                        nearest[row, column] = z
    return nearest
