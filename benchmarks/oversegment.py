"""Superpoints of 150k vertices on one core: `ops.oversegment` on a mesh and on a bare cloud.

Counted beforehand: a mesh of N vertices has about 3 N edges, a 16-neighbour graph about 9 N. Each edge costs
a weight (about 20 operations on data gathered from two rows), a place in two sorts (n log n comparisons of 8
bytes) and four root look-ups. For 150k vertices that is 0.45 or 1.35 million edges, 30 MB a pass: sorting
and gathering bound it, not arithmetic. The bare cloud pays a k-d tree query and one 3x3 eigenproblem per
point besides.

The anchor is the plain reference, segments as Python lists (`ops.oversegment_reference`), on the same edges
and weights; both must give the same segments.

Usage: ``python -m benchmarks.oversegment [--data FOLDER]``, FOLDER holding ``kitchen/`` (or set
TEACH3D_TEST_DATA); without it a bumpy terrain of steps stands in. Run it on one core (``taskset -c 0``) or
not: processor seconds of all threads together are what is printed.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import RESULTS, conditions, use_threads, write_results
from ops.normals import cloud_normals, mesh_normals, nearest_neighbours, neighbour_edges, unit_or_zero
from ops.oversegment import edge_weights, mesh_edges, oversegment
from ops.oversegment_reference import segment_graph_reference
from schema.config_stages import OversegmentConfig
from schema.records import Cloud

CONFIG = OversegmentConfig()
REPEATS = 5


def main() -> None:
    """Run, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("TEACH3D_TEST_DATA"), help="folder of kitchen/"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    use_threads(1)  # numpy's own library follows the affinity or OPENBLAS_NUM_THREADS; all threads are summed
    mesh = kitchen(Path(options.data)) if options.data else terrain(388)
    bare = replace(mesh, faces=mesh.faces[:0], normals=np.zeros_like(mesh.normals))
    results: dict[str, Any] = {
        "what": "Felzenszwalb-Huttenlocher superpoints, processor seconds, median of 5",
        **conditions(1),
        "scene": "kitchen" if options.data else "terrain",
        "points": len(mesh.points_world),
        "mesh": measure(mesh),
        "bare_cloud": measure(bare),
    }
    write_results("oversegment-cpu", results, options.out)
    if not (results["mesh"]["equal_to_reference"] and results["bare_cloud"]["equal_to_reference"]):
        raise SystemExit("the fast segmentation and the reference disagree")


def measure(cloud: Cloud) -> dict[str, Any]:
    """Seconds of the whole stage and of the anchor's merging alone, and whether they agree."""
    oversegment(cloud, CONFIG)  # compile
    superpoint_id, seconds = timed(lambda: oversegment(cloud, CONFIG), REPEATS)
    per_150k = seconds * 150_000 / len(cloud.points_world)
    found: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "seconds_per_150k_points": round(per_150k, 3),
        "superpoints": int(superpoint_id.max()) + 1,
        "median_size": int(np.median(np.bincount(superpoint_id))),
    }
    points = cloud.points_world.astype(np.float64)
    if len(cloud.faces):
        edges = mesh_edges(cloud.faces, len(points))
        normals = unit_or_zero(cloud.normals)
        normals = np.where(normals.any(axis=1, keepdims=True), normals, mesh_normals(points, cloud.faces))
    else:
        neighbours = nearest_neighbours(points, CONFIG.num_neighbours)
        edges = neighbour_edges(neighbours)
        normals = cloud_normals(points, neighbours, edges)
    weights = edge_weights(points, normals, edges)
    slow, slow_s = timed(
        lambda: segment_graph_reference(edges, weights, len(points), k=CONFIG.k, min_size=CONFIG.min_size), 1
    )
    found["edges"] = len(edges)
    found["reference_merging_seconds"] = round(slow_s, 2)
    found["equal_to_reference"] = bool((slow == superpoint_id).all())
    return found


def timed(work: Callable[[], np.ndarray], repeats: int) -> tuple[np.ndarray, float]:
    """The result, and the median of the processor seconds of all threads."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return result, float(np.median(seconds))


def kitchen(data: Path, voxel_m: float = 0.0143) -> Cloud:
    """The capture's mesh; the voxel edge gives it about 150k vertices."""
    from ops.tsdf import fuse_tsdf
    from schema.config_source import RgbdFolderConfig
    from schema.config_stages import IngestConfig
    from storage.sources.catalog import open_source

    config = RgbdFolderConfig(
        root=data / "kitchen", frames_folder="frames", intrinsics_file="camera-intrinsics.txt"
    )
    source = open_source(config)
    capture = source.open(source.scene_ids()[0])
    return fuse_tsdf(capture.views(), IngestConfig(voxel_m=voxel_m))


def terrain(side: int) -> Cloud:
    """Steps with noise on a regular triangle grid."""
    rng = np.random.default_rng(0)
    x, y = (axis.reshape(-1).astype(float) for axis in np.mgrid[:side, :side])
    bumps = 15 * np.floor(x / 60) + 0.05 * rng.standard_normal(side * side)
    ids = np.arange(side * side).reshape(side, side)
    a, b, c, d = ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    points = 0.02 * np.stack([x, y, bumps], axis=1)
    return Cloud(
        points_world=points.astype(np.float32),
        normals=np.zeros((len(points), 3), dtype=np.float32),
        colors=np.zeros((len(points), 3), dtype=np.uint8),
        faces=faces.astype(np.int32),
    )


if __name__ == "__main__":
    main()
