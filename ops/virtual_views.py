"""Images of bare geometry from virtual cameras: colour everywhere, depth exact or none.

Where cameras stand is ``ops/virtual_cameras.py``'s business.
"""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import open3d
from jaxtyping import Bool, Float, Int, UInt8
from scipy.ndimage import zoom

from ops.cameras import camera_rays, intrinsics_from_fov
from ops.kernels import parallel_kernel
from ops.virtual_cameras import place_cameras
from ops.visibility import project, splat_radii
from schema.config_stages import RenderConfig
from schema.errors import InputError
from schema.progress import track
from schema.records import Cloud, View

o3d: Any = open3d  # its stubs do not know that arrays become tensors

_MISSED = 0xFFFFFFFF
_NUM_BANDS = 32  # stripes of an image, filled independently


def virtual_views(
    cloud: Cloud | None, config: RenderConfig, world_from_cam: Float[np.ndarray, "F 4 4"] | None = None
) -> Iterator[View]:
    """One view per camera: triangles are ray cast, bare points splatted.

    Depth is that of the surface at the pixel's centre (of the nearest point for bare points), metres, and 0
    where nothing is hit, also where a hole was closed in colour: no depth is made up.

    Args:
        cloud: the scene's surface.
        config: size and number of views.
        world_from_cam: the cameras; None: where they see most (``ops.virtual_cameras.place_cameras``).

    Raises:
        InputError: there is no surface, or nowhere to stand.
    """
    if cloud is None:
        raise InputError(
            "the scene has no surface of its own", field="source.kind", remedy="render is for clouds"
        )
    if world_from_cam is None:
        world_from_cam = place_cameras(cloud, config)
    intrinsics = intrinsics_from_fov(config.image_hw, config.fov_deg)
    renderer = _Mesh(cloud) if len(cloud.faces) else _Points(cloud)
    for index, pose in enumerate(track(world_from_cam, "render views")):
        color, depth_m = renderer.render(pose, intrinsics, config.image_hw)
        closed = close_holes(color, depth_m > 0)
        yield View(f"{index:06d}", closed, depth_m, np.linalg.inv(pose), intrinsics)


class _Mesh:
    """Rays against triangles; colours of their corners are interpolated."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            o3d.core.Tensor(np.ascontiguousarray(cloud.points_world, dtype=np.float32)),
            o3d.core.Tensor(np.ascontiguousarray(cloud.faces, dtype=np.uint32)),
        )

    def render(
        self,
        world_from_cam: Float[np.ndarray, "4 4"],
        intrinsics: Float[np.ndarray, "3 3"],
        image_hw: tuple[int, int],
    ) -> tuple[UInt8[np.ndarray, "H W 3"], Float[np.ndarray, "H W"]]:
        hits = self._scene.cast_rays(o3d.core.Tensor(camera_rays(world_from_cam, intrinsics, image_hw)))
        face = hits["primitive_ids"].numpy()
        hit = face != _MISSED
        u, v = np.moveaxis(hits["primitive_uvs"].numpy(), -1, 0)
        corners = self._cloud.faces[np.where(hit, face, 0)]
        weights = np.stack([1 - u - v, u, v], axis=-1)
        color = (self._cloud.colors[corners] * weights[..., None]).sum(axis=-2)
        color = np.where(hit[..., None], np.clip(np.rint(color), 0, 255), 0).astype(np.uint8)
        return color, np.where(hit, hits["t_hit"].numpy(), 0).astype(np.float32)


class _Points:
    """Squares as large as the points' footprints, the nearest in front."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._points = cloud.points_world.astype(np.float64)
        self._radii_m = splat_radii(self._points)

    def render(
        self,
        world_from_cam: Float[np.ndarray, "4 4"],
        intrinsics: Float[np.ndarray, "3 3"],
        image_hw: tuple[int, int],
    ) -> tuple[UInt8[np.ndarray, "H W 3"], Float[np.ndarray, "H W"]]:
        blank = np.zeros((*image_hw, 3), dtype=np.uint8)
        view = View("", blank, None, np.linalg.inv(world_from_cam), intrinsics)
        uvz = project(self._points, view)
        point = nearest_points(uvz, self._radii_m * float(intrinsics[0, 0]), *image_hw)
        hit = point >= 0
        color = np.where(hit[..., None], self._cloud.colors[point], 0).astype(np.uint8)
        return color, np.where(hit, uvz[point, 2], 0).astype(np.float32)


def close_holes(
    color: UInt8[np.ndarray, "H W 3"], known: Bool[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 3"]:
    """Colour where nothing was hit: what surrounds it, the more blurred the farther away.

    Black, which no camera sees, or one colour with a sharp border would mislead a 2D network far beyond the
    empty region. Push and pull over a pyramid of averages (Gortler et al., "The Lumigraph", 1996, 3.4).
    """
    if known.all() or not known.any():
        return color
    filled = _push_pull(color.astype(np.float32), known.astype(np.float32))
    return np.where(known[..., None], color, np.clip(np.rint(filled), 0, 255)).astype(np.uint8)


def _push_pull(
    color: Float[np.ndarray, "h w 3"], weight: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    height, width = weight.shape
    if weight.all() or height == width == 1:
        return color
    even = ((0, height % 2), (0, width % 2))
    weighed = np.concatenate([color * weight[..., None], weight[..., None]], axis=-1)
    cells = np.pad(weighed, (*even, (0, 0))).reshape((height + 1) // 2, 2, (width + 1) // 2, 2, 4)
    total = cells.sum(axis=(1, 3))
    coarse = total[..., :3] / np.maximum(total[..., 3:], 1e-6)
    below = _push_pull(coarse, np.minimum(total[..., 3], 1))
    smooth = zoom(below, (2, 2, 1), order=1, mode="nearest", grid_mode=True)[:height, :width]
    share = weight[..., None]
    blended: np.ndarray = share * color + (1 - share) * smooth
    return blended


@parallel_kernel
def nearest_points(
    uvz: Float[np.ndarray, "N 3"], radii_px_m: Float[np.ndarray, "N"], height: int, width: int
) -> Int[np.ndarray, "H W"]:
    """The point in front at each pixel, -1 none: of those whose square footprint covers it, the nearest.

    Among footprints at about the same depth (within 2 %) the one whose middle is nearest to the pixel wins,
    so that colours stay where they belong.
    """
    point = np.full((height, width), -1, dtype=np.int64)
    for band in numba.prange(_NUM_BANDS):
        top, bottom = band * height // _NUM_BANDS, (band + 1) * height // _NUM_BANDS
        near = np.full((bottom - top, width), np.inf)
        off = np.full((bottom - top, width), np.inf)
        for n in range(len(uvz)):
            u, v, z = uvz[n, 0], uvz[n, 1], uvz[n, 2]
            if not z > 0:
                continue
            half = radii_px_m[n] / z
            first_u, last_u = np.floor(u - half + 0.5), np.floor(u + half + 0.5)
            first_v, last_v = np.floor(v - half + 0.5), np.floor(v + half + 0.5)
            if last_u < 0 or first_u >= width or last_v < top or first_v >= bottom:
                continue
            for row in range(int(max(first_v, top)), int(min(last_v, bottom - 1)) + 1):
                for column in range(int(max(first_u, 0)), int(min(last_u, width - 1)) + 1):
                    distance = (column - u) ** 2 + (row - v) ** 2
                    before = near[row - top, column]
                    if z < 0.98 * before or (z < 1.02 * before and distance < off[row - top, column]):
                        near[row - top, column] = z
                        off[row - top, column] = distance
                        point[row, column] = n
    return point
