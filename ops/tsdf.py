"""Depth images to a surface: truncated signed distances in a sparse voxel grid, then marching cubes.

Which frames there are and where they come from is the sources' business; the numbering of the result is
``ops/mesh_order.py``'s.
"""

import traceback
from collections.abc import Iterable
from typing import Any

import numpy as np
import open3d

from ops.mesh_order import canonical_cloud
from schema.config_stages import IngestConfig
from schema.errors import InputError
from schema.progress import track
from schema.records import Cloud, View

o3d: Any = open3d  # its stubs do not know that arrays become tensors

BLOCK_RESOLUTION = 8
"""Voxels along a block's edge. 8 is twice as fast as Open3D's 16 here, and the surface is the same."""

FIRST_BLOCKS = 4096
MAX_GRID_BYTES = 8 * 2**30
_VOXEL_BYTES = 4 * (1 + 1 + 3)  # float32 distance, weight, colour


def fuse_tsdf(views: Iterable[View], config: IngestConfig, *, num_views: int | None = None) -> Cloud:
    """Fuse the depths of all views into one coloured mesh with normals.

    Each view is used once, in order, and may be a generator. The grid grows as needed. The result is the
    same to the bit for the same views, whatever the number of threads.

    Args:
        views: with ``depth_m``; all images of one size.
        config: voxel edge, truncation, largest depth, fewest observations.
        num_views: their number, for the progress bar.

    Returns:
        Points in Morton order (float32, m), unit normals, colours, faces oriented towards free space.

    Raises:
        InputError: a view has no depth, nothing was near enough to fuse, or the grid would grow past 8 GiB.
    """
    try:
        return _fused(views, config, num_views)
    except BaseException as error:
        # An error that somebody keeps until the process ends keeps the grid in its frames; Open3D calls that
        # a leak, lists it on standard output and turns the exit code into 1.
        traceback.clear_frames(error.__traceback__)
        raise


def _fused(views: Iterable[View], config: IngestConfig, num_views: int | None) -> Cloud:
    grid = _new_grid(config)
    for view in track(views, "fuse depths", num_views):
        _integrate(grid, view, config)
    mesh = grid.extract_triangle_mesh(weight_threshold=config.min_weight) if _size(grid) else None
    if mesh is None or len(mesh.triangle.indices) == 0:
        raise InputError(
            "the depths give no surface",
            field="ingest",
            remedy=f"raise ingest.depth_max_m (now {config.depth_max_m:g}), lower ingest.min_weight "
            f"(now {config.min_weight:g}), or check source.depth_units_per_m and source.pose_direction",
        )
    colors = np.clip(np.rint(mesh.vertex.colors.numpy() * 255), 0, 255).astype(np.uint8)
    return canonical_cloud(
        Cloud(
            points_world=mesh.vertex.positions.numpy().astype(np.float32),
            normals=mesh.vertex.normals.numpy().astype(np.float32),
            colors=colors,
            faces=mesh.triangle.indices.numpy().astype(np.int64),
        )
    )


def _new_grid(config: IngestConfig) -> Any:
    float32 = o3d.core.float32
    return o3d.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight", "color"),
        (float32, float32, float32),
        ((1), (1), (3)),
        config.voxel_m,
        BLOCK_RESOLUTION,
        FIRST_BLOCKS,
        o3d.core.Device("CPU:0"),
    )


def _integrate(grid: Any, view: View, config: IngestConfig) -> None:
    if view.depth_m is None:
        raise InputError(
            f"frame {view.name!r} has no depth",
            remedy="use a source with depth images: the cloud is made of them",
        )
    depth = o3d.t.geometry.Image(o3d.core.Tensor(np.ascontiguousarray(view.depth_m, dtype=np.float32)))
    color = o3d.t.geometry.Image(o3d.core.Tensor(np.ascontiguousarray(view.color, dtype=np.float32) / 255))
    intrinsics = o3d.core.Tensor(_pixel_corner_intrinsics(view.intrinsics))
    cam_from_world = o3d.core.Tensor(np.ascontiguousarray(view.cam_from_world, dtype=np.float64))
    reach = (1.0, float(config.depth_max_m), float(config.truncation_voxels))
    if not ((view.depth_m > 0) & (view.depth_m <= config.depth_max_m)).any():
        return
    blocks = grid.compute_unique_block_coordinates(depth, intrinsics, cam_from_world, *reach)
    _refuse_huge_grid(grid, len(blocks), config)
    grid.integrate(blocks, depth, color, intrinsics, intrinsics, cam_from_world, *reach)


def _pixel_corner_intrinsics(intrinsics: np.ndarray) -> np.ndarray:
    """Intrinsics for Open3D, which takes the pixel at floor(u, v): ours are integers at pixel centres.

    Without the half pixel a slanted plane is fused about 3 mm off at 1.5 m (focal length 200 px).
    """
    shifted = np.array(intrinsics, dtype=np.float64)
    shifted[:2, 2] += 0.5
    return shifted


def _refuse_huge_grid(grid: Any, num_new: int, config: IngestConfig) -> None:
    needed = (_size(grid) + num_new) * BLOCK_RESOLUTION**3 * _VOXEL_BYTES
    if needed > MAX_GRID_BYTES:
        raise InputError(
            f"the voxel grid would grow past {MAX_GRID_BYTES // 2**30} GiB",
            field="ingest.voxel_m",
            value=config.voxel_m,
            remedy="use a larger voxel, or lower ingest.depth_max_m",
        )


def _size(grid: Any) -> int:
    return int(grid.hashmap().size())
