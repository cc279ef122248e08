"""A procedural scene of 40 frames at 320x240 with 60 thousand points: how long it takes, and with what.

Counted before writing the fast path, per frame of 76,800 pixels: one ray per pixel to the first surface, and
one per pixel and light (at most three) towards the light, less those whose surface faces away from it: a
scene is 3.1 million first rays and up to 9.2 million shadow rays; those counted are printed. Each pixel is
touched by five passes, all in float32: points and normals, soft shadows, patterns, light, and the camera's
lens, noise and tone curve; the depth sensor is a sixth.

The parts are timed one by one over the same frames; the whole is timed as the pipeline does it: views are
rendered one ahead of the fusion that makes the points, then the points' true classes are read.

Usage: ``python -m benchmarks.world``; ``--threads 2`` is what the figures are for.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import open3d

from benchmarks.conditions import RESULTS, conditions, use_threads, write_results
from ops import shading
from ops.cameras import camera_rays
from ops.raycast import RoomRenderer, nearest_faces
from ops.room_walk import camera_walk
from ops.rooms import GENERATOR_VERSION, PLANS, make_room
from ops.sensor import develop, sensor_depth
from ops.tsdf import fuse_tsdf
from schema.config_source import SyntheticConfig
from schema.config_stages import IngestConfig
from storage.sources.synthetic import SyntheticCapture

FRAMES, HW = 40, (240, 320)
POINTS = 60_000
T = TypeVar("T")


def main() -> None:
    """Run, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=100, help="of one room per plan")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    use_threads(options.threads)
    scene(options.first_seed, frames=2)  # compile
    parts(options.first_seed, frames=2)
    results: dict[str, Any] = {
        "what": f"procedural scenes of {FRAMES} frames at {HW[1]}x{HW[0]}",
        **conditions(options.threads),
        "generator": GENERATOR_VERSION,
        "scenes": {},
    }
    for seed in range(options.first_seed, options.first_seed + len(PLANS)):
        results["scenes"][f"{PLANS[seed % len(PLANS)]}, seed {seed}"] = {**scene(seed), **parts(seed)}
    results["slowest_s"] = max(entry["whole_s"] for entry in results["scenes"].values())
    write_results("world-cpu", results, options.out)


def scene(seed: int, frames: int = FRAMES) -> dict[str, Any]:
    """Seconds from a seed to all views and at least ``POINTS`` points; of the processor too, all threads."""
    start, busy = time.perf_counter(), time.process_time()
    config = SyntheticConfig(seeds=(seed,), num_frames=frames, image_hw=HW)
    capture = SyntheticCapture(f"room_{seed}", config, seed)
    x, y, z = capture.room.size_m
    area = 2 * (x * y + y * z + z * x)
    voxel_m = float(np.clip(np.sqrt(area / POINTS) * 0.9, 0.025, 0.05))
    cloud = fuse_tsdf(capture.views(), IngestConfig(voxel_m=voxel_m, depth_max_m=7.0, min_weight=1))
    nearest_faces(capture.room, cloud.points_world)  # their true classes
    seconds = time.perf_counter() - start
    return {
        "whole_s": round(seconds, 2),
        "processor_s": round(time.process_time() - busy, 2),
        "points": len(cloud.points_world),
        "voxel_m": round(voxel_m, 3),
    }


def parts(seed: int, frames: int = FRAMES) -> dict[str, Any]:
    """Seconds of each part over all frames of a scene, and how many rays there were."""
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(name: str, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        start = time.perf_counter()
        result = function(*arguments, **named)
        spent[name] += time.perf_counter() - start
        return result

    room = timed("make_room", make_room, seed)
    walk = timed("camera_walk", camera_walk, room, seed, frames)
    renderer = timed("renderer", RoomRenderer, room)
    capture = SyntheticCapture("room", SyntheticConfig(seeds=(seed,), num_frames=frames, image_hw=HW), seed)
    shadow_rays = 0
    for index, pose in enumerate(walk):
        start = time.perf_counter()
        hits = timed(
            "first_rays",
            renderer.cast,
            camera_rays(pose, capture.frames.intrinsics[index], HW).reshape(-1, 6),
        )
        part, shares = renderer.parts_of(hits).reshape(HW), []
        for light in renderer.lights:
            pixel, rays = timed(
                "shadow_rays", shading.shadow_rays, hits.point, hits.normal, light, (HW[1], shading.PLACES)
            )
            shadow_rays += len(rays)
            shining = np.zeros(part.size, dtype=np.bool_)
            shining[pixel] = timed("shadow_rays", renderer.reaches, rays)
            distance = hits.distance.reshape(HW)
            shares.append(timed("soften", shading.softened, shining.reshape(HW), part, distance).ravel())
        light = timed("shade", renderer.shade_with, hits, np.stack(shares), pixel_m=1 / 228.5)
        rng = np.random.default_rng(index)
        timed("develop", develop, light.reshape(*HW, 3), capture.exposure(index), rng)
        timed("depth_sensor", sensor_depth, hits.distance.reshape(HW), hits.facing.reshape(HW), rng)
        spent["frames"] += time.perf_counter() - start
    seconds = {f"{name}_s": round(value, 3) for name, value in spent.items()}
    return {
        **seconds,
        "renders_per_second": round(frames / spent["frames"], 1),
        "first_rays": frames * HW[0] * HW[1],
        "shadow_rays": shadow_rays,
        "triangles": len(room.faces),
        "lights": len(renderer.lights),
    }


if __name__ == "__main__":
    open3d.utility.set_verbosity_level(open3d.utility.VerbosityLevel.Error)
    main()
