"""The surface of a scene: its own where it came with one, else made from its depth images.

Making it is ``ops/tsdf.py``'s business; files are read by the sources.
"""

from collections.abc import Iterable

from ops.mesh_order import canonical_cloud
from ops.mesh_split import split_long_edges
from ops.tsdf import fuse_tsdf
from schema.config_stages import IngestConfig
from schema.records import Cloud, View

LONGEST_EDGE_VOXELS = 2.0
"""A TSDF's triangles have edges of up to 1.7 voxels."""


def scene_cloud(
    geometry: Cloud | None, views: Iterable[View], config: IngestConfig, *, num_views: int
) -> Cloud:
    """Go through all views once and return the surface.

    Args:
        geometry: the scene's own surface; its points are taken as they are, triangles far larger than a
            voxel get points of their own. None: fuse the depths.
        views: of the scene; may be a generator.
        config: of the fusion.
        num_views: their number, for the progress bar.

    Raises:
        InputError: as ``ops.tsdf.fuse_tsdf``.
    """
    if geometry is None:
        return fuse_tsdf(views, config, num_views=num_views)
    for _ in views:
        pass
    split = split_long_edges(geometry, LONGEST_EDGE_VOXELS * config.voxel_m)
    return geometry if split is geometry else canonical_cloud(split)
