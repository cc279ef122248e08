"""The lift in the plainest form: one point and one view at a time, float64 throughout.

Slow on purpose; tests and the benchmark compare `ops.visibility`, `ops.accumulate` and `ops.lift` with it,
nothing else uses it.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int

from schema.config_stages import LiftConfig
from schema.records import MaskSet, View


def project_point(point: Sequence[float], view: View) -> tuple[float, float, float] | None:
    """Pixel coordinates u, v and depth z of one point, or None behind the camera."""
    m, c = view.cam_from_world.tolist(), view.intrinsics.tolist()
    x, y, z = (row[0] * point[0] + row[1] * point[1] + row[2] * point[2] + row[3] for row in m[:3])
    if not z > 0:
        return None
    across, down = x / z, y / z
    return c[0][0] * across + c[0][1] * down + c[0][2], c[1][1] * down + c[1][2], z


def pixel_of(
    point: Sequence[float], view: View, config: LiftConfig, depth_m: Float[np.ndarray, "H W"]
) -> int:
    """The pixel ``v * W + u`` in which the view sees the point, or -1; ``depth_m`` is tested against."""
    projected = project_point(point, view)
    if projected is None:
        return -1
    height, width = view.color.shape[:2]
    u, v = (math.floor(coordinate + 0.5) for coordinate in projected[:2])
    border = config.border_px
    if not (border <= u < width - border and border <= v < height - border):
        return -1
    if config.visibility != "none":
        depth = float(depth_m[v, u])
        tolerance = config.tau if config.visibility == "depth_absolute" else config.tau * depth
        if not (0 < depth < math.inf and abs(depth - projected[2]) <= tolerance):
            return -1
    return int(v * width + u)


def cloud_depth_reference(
    points_world: Float[np.ndarray, "N 3"], view: View, radii_m: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "H W"]:
    """Same arguments and result as `ops.visibility.cloud_depth`."""
    height, width = view.color.shape[:2]
    nearest = np.full((height, width), np.inf)
    focal = max(view.intrinsics[0, 0], view.intrinsics[1, 1])
    for point, radius in zip(points_world.tolist(), radii_m.tolist(), strict=True):
        projected = project_point(point, view)
        if projected is None:
            continue
        u, v, z = projected
        half = radius * focal / z
        first_u, last_u = (math.floor(edge + 0.5) for edge in (u - half, u + half))
        first_v, last_v = (math.floor(edge + 0.5) for edge in (v - half, v + half))
        window = nearest[max(first_v, 0) : max(last_v + 1, 0), max(first_u, 0) : max(last_u + 1, 0)]
        np.minimum(window, z, out=window)
    return nearest


def seen_pixels_reference(
    points_world: Float[np.ndarray, "N 3"],
    view: View,
    config: LiftConfig,
    radii_m: Float[np.ndarray, "N"] | None = None,
) -> Int[np.ndarray, "N"]:
    """Same arguments and result as `ops.visibility.seen_pixels`; ``zbuffer`` needs ``radii_m``."""
    depth = np.zeros((1, 1)) if view.depth_m is None else view.depth_m
    if config.visibility == "zbuffer" and radii_m is not None:
        depth = cloud_depth_reference(points_world, view, radii_m)
    return np.array([pixel_of(point, view, config, depth) for point in points_world.tolist()], dtype=np.int32)


def between_cells(feat: Float[np.ndarray, "h w C"], u: float, v: float) -> Float[np.ndarray, "C"]:
    """The map's bilinear value at cell coordinates (u, v), integers at cell centres; outside, the edge's."""
    height, width = feat.shape[:2]
    u, v = min(max(u, 0.0), width - 1.0), min(max(v, 0.0), height - 1.0)
    total = np.zeros(feat.shape[2])
    for row in (math.floor(v), math.floor(v) + 1):
        for column in (math.floor(u), math.floor(u) + 1):
            weight = (1 - abs(v - row)) * (1 - abs(u - column))
            if weight > 0:
                total += weight * feat[row, column].astype(np.float64)
    return total


def cell_of(pixel: int, image_hw: tuple[int, ...], grid_hw: tuple[int, ...]) -> tuple[int, int]:
    """Row and column of the teacher's cell that holds the centre of a pixel ``v * W + u``."""
    v, u = divmod(pixel, image_hw[1])
    return (2 * v + 1) * grid_hw[0] // (2 * image_hw[0]), (2 * u + 1) * grid_hw[1] // (2 * image_hw[1])


def lift_dense_reference(
    views: Iterable[View],
    encode: Callable[[np.ndarray], np.ndarray],
    points_world: Float[np.ndarray, "N 3"],
    *,
    config: LiftConfig,
    channels: int,
    radii_m: Float[np.ndarray, "N"] | None = None,
) -> tuple[Float[np.ndarray, "N C"], Int[np.ndarray, "N"]]:
    """Means in float64 and numbers of views, as `ops.lift.lift_dense`."""
    sums = np.zeros((len(points_world), channels))
    num_views = np.zeros(len(points_world), dtype=np.int32)
    for view in views:
        feat = encode(view.color)
        height, width = view.color.shape[:2]
        pixel = seen_pixels_reference(points_world, view, config, radii_m)
        for n in np.flatnonzero(pixel >= 0).tolist():
            if config.sampling == "nearest":
                sums[n] += feat[cell_of(int(pixel[n]), (height, width), feat.shape)]
            else:
                projected = project_point(points_world[n].tolist(), view)
                assert projected is not None
                u_grid = (projected[0] + 0.5) * (feat.shape[1] / width) - 0.5
                v_grid = (projected[1] + 0.5) * (feat.shape[0] / height) - 0.5
                sums[n] += between_cells(feat, u_grid, v_grid)
            num_views[n] += 1
    return sums / np.maximum(num_views, 1)[:, None], num_views


def lift_masks_reference(
    views: Iterable[View],
    segment: Callable[[np.ndarray], MaskSet],
    caption: Callable[[np.ndarray, MaskSet], Sequence[str]],
    points_world: Float[np.ndarray, "N 3"],
    *,
    config: LiftConfig,
    radii_m: Float[np.ndarray, "N"] | None = None,
) -> list[Counter[tuple[str, str]]]:
    """For each point how many views saw it under which (caption, label)."""
    votes: list[Counter[tuple[str, str]]] = [Counter() for _ in range(len(points_world))]
    for view in views:
        masks = segment(view.color)
        captions = caption(view.color, masks)
        for n, pixel in enumerate(seen_pixels_reference(points_world, view, config, radii_m).tolist()):
            if pixel < 0:
                continue
            mask = int(masks.mask_map[cell_of(pixel, view.color.shape, masks.mask_map.shape)])
            if mask >= 0:
                votes[n][captions[mask], masks.labels[mask]] += 1
    return votes
