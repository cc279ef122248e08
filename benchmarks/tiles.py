"""A scene in one pass against the same scene in tiles: seconds, peak memory, largest difference.

    python -m benchmarks.tiles [--voxels 300000] [--parts 2] [--repeats 3] [--threads 2]

A street of walls, longer than the network's reach, and a student with initial weights. Every measurement is
a process of its own (peak memory is a process's), whole and tiled in turns.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, use_threads, write_results

RING = 140
"""Voxels of one cross-section of the street."""


def street(num_voxels: int) -> np.ndarray:
    """A floor and two walls with bumps, as long as it takes."""
    x = np.arange(num_voxels // RING)
    across = np.array(
        [(y, 0) for y in range(80)] + [(0, z) for z in range(1, 31)] + [(79, z) for z in range(1, 31)]
    )
    bump = (2 * np.sin(np.repeat(x, RING) / 9)).astype(int)
    yz = np.tile(across, (len(x), 1))
    return np.stack([np.repeat(x, RING), yz[:, 0] + bump, yz[:, 1]], axis=1).astype(np.int32)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One pass over the scene in this process; features go into a file to be compared."""
    use_threads(arguments.threads)
    from models.student.minkunet import build_student
    from schema.config_stages import DistillConfig
    from training.infer import feature_tiles

    cells = street(arguments.voxels)
    student = build_student(DistillConfig(architecture=arguments.network), arguments.channels, 0).eval()
    limit = None if arguments.only == "whole" else len(cells) // arguments.parts
    features = np.empty((len(cells), arguments.channels), dtype=np.float32)
    before = _peak_mib()
    began = time.perf_counter()
    tiles = 0
    for rows, feat in feature_tiles(student, cells, max_voxels=limit):
        features[rows] = feat
        tiles += 1
    seconds = time.perf_counter() - began
    np.save(arguments.features, features, allow_pickle=False)
    mib = _peak_mib() - before - features.nbytes / 2**20  # beside the result, which both have
    return {"voxels": len(cells), "tiles": tiles, "seconds": seconds, "mib": mib}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure in turns and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="MinkUNet14A")
    parser.add_argument("--channels", type=int, default=512)
    parser.add_argument("--voxels", type=int, default=300_000)
    parser.add_argument("--parts", type=int, default=2, help="a tile has at most voxels / parts")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("whole", "tiled"), help=argparse.SUPPRESS)
    parser.add_argument("--features", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments)))
        return
    runs: dict[str, list[dict[str, Any]]] = {"whole": [], "tiled": []}
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: Path(folder) / f"{kind}.npy" for kind in runs}
        for _ in range(arguments.repeats):
            for kind, found in runs.items():
                command = [sys.executable, "-m", "benchmarks.tiles", *sys.argv[1:]]
                command += ["--only", kind, "--features", str(files[kind])]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found.append(json.loads(done.stdout))
        whole, tiled = (np.load(files[kind], allow_pickle=False) for kind in runs)
    results = {
        **conditions(arguments.threads),
        "network": arguments.network,
        "channels": arguments.channels,
        "voxels": runs["whole"][0]["voxels"],
        "tiles": runs["tiled"][0]["tiles"],
        "largest_difference": float(np.abs(whole - tiled).max() / np.abs(whole).max()),
        **{
            f"{kind}_{key}": round(median(run[key] for run in found), 2)
            for kind, found in runs.items()
            for key in ("seconds", "mib")
        },
    }
    results["seconds_ratio"] = round(results["tiled_seconds"] / results["whole_seconds"], 2)
    results["memory_ratio"] = round(results["tiled_mib"] / results["whole_mib"], 2)
    write_results("tiles-cpu", results)


if __name__ == "__main__":
    main()
