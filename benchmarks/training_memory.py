"""Memory of a training step by step: the data path alone, the network's activations, the optimizer.

Scenes of 150k points, about 60k voxels and 512 channels are written to a store and streamed from it, one a
batch, augmented, as a training does. Every figure is of a process of its own: the peak of its resident
memory minus what it had before.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, use_threads, write_results

CHANNELS = 512
POINTS_PER_VOXEL = 2.5
VOXEL_M = 0.02
PASSES_STEPS = 60


def make_store(folder: Path, num_scenes: int, num_voxels: int) -> None:
    """Scenes with random targets per superpoint; features per point are zeros, which take no space."""
    from benchmarks.student import room
    from storage.scene_io import write_superpoints
    from storage.store import Store

    cells = room(num_voxels)
    store = Store(folder, create=True)
    for index in range(num_scenes):
        rng = np.random.default_rng(index)
        picked = cells[rng.integers(0, len(cells), int(POINTS_PER_VOXEL * len(cells)))]
        points = ((picked + rng.random(picked.shape)) * VOXEL_M).astype(np.float32)
        _, superpoint = np.unique(picked // 8 @ [1, 1000, 1000000], return_inverse=True)
        superpoint = superpoint.reshape(-1)
        unit, num_points, S = store.scene(f"scene_{index:03d}"), len(points), int(superpoint.max()) + 1
        with unit.writing("ingest", "i", version=1, config={}, inputs={}) as writer:
            writer.put("points_world", points)
            writer.put("normals", np.zeros((num_points, 3), np.float32))
            writer.put("colors", np.zeros((num_points, 3), np.uint8))
            writer.put("faces", np.zeros((0, 3), np.int32))
            writer.put("world_from_cam", np.eye(4)[None])
            writer.put("intrinsics", np.eye(3)[None])
            writer.put("preview_color", np.zeros((1, 2, 2, 3), np.uint8))
            writer.put("preview_frame", np.zeros(1, np.int32))
            writer.attrs.update(frame_names=["a"], dropped=[], image_hw=[2, 2], has_depth=True)
        with unit.writing("oversegment", "o", version=1, config={}, inputs={}) as writer:
            write_superpoints(writer, superpoint)
        with unit.writing("fuse", "f", version=1, config={}, inputs={}) as writer:
            writer.put("feat", np.zeros((num_points, CHANNELS), np.float16))
            writer.put("seen", np.ones(num_points, bool))
            writer.put("weight", np.ones((num_points, 1), np.float16))
            writer.put("teacher_label", np.zeros((num_points, 1), np.int16))
            writer.put("label", np.zeros(num_points, np.int16))
            writer.put("superpoint_feat", rng.standard_normal((S, CHANNELS)).astype(np.float16))
            writer.put("superpoint_seen", np.ones(S, bool))
            writer.attrs.update(text_space="s", teachers=["a"], vocabulary=["wall"])
            writer.counts.update(seen_points=num_points)


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"no {name} in /proc/self/status")


class Peak:
    """Largest resident memory inside a block, above what there was before, MB."""

    def __enter__(self) -> "Peak":
        import gc

        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # forget the former peak
        self._before = _status("VmRSS")
        self.added = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.added = round(_status("VmHWM") - self._before, 1)


def data_path(folder: Path, num_scenes: int, cache_mb: int) -> dict[str, float]:
    """Stream batches for some passes without a network."""
    from schema.config import RuntimeConfig
    from schema.config_stages import DistillConfig
    from storage.store import Store
    from training.data import BatchMaker
    from training.prefetch import prefetch
    from training.scenes import StoreScenes
    from training.schedule import Schedule, rngs_of

    runtime = RuntimeConfig()
    config = DistillConfig(batch_scenes=1, epochs=1000)
    store = Store(folder)
    units = [store.scene(f"scene_{index:03d}") for index in range(num_scenes)]
    units[0].rows("fuse", "superpoint_feat", slice(0, 1))  # libraries are loaded before the count begins
    with Peak() as peak:
        scenes = StoreScenes(units, config.targets, cache_bytes=cache_mb * 10**6)
        batches, plan = BatchMaker(scenes, config), Schedule(num_scenes, config)

        def make(step: int) -> Any:
            chosen = plan.scenes(step)
            return batches.batch(chosen, rngs_of(step, chosen, config))

        for _ in prefetch(make, range(PASSES_STEPS), ahead=runtime.prefetch_batches):
            pass
    return {"added_mb": peak.added}


def network(folder: Path) -> dict[str, float]:
    """The optimizer's state, then one batch through the network: activations and their gradients."""
    import torch

    from models.student.minkunet import build_student
    from ops.losses import distillation_losses
    from schema.config_stages import DistillConfig
    from storage.store import Store
    from training.data import BatchMaker
    from training.scenes import StoreScenes

    config = DistillConfig(batch_scenes=1, augment=False)
    scenes = StoreScenes([Store(folder).scene("scene_000")], config.targets, cache_bytes=0)
    batch = BatchMaker(scenes, config).batch((0,), None)
    student = build_student(config, CHANNELS, 0)
    weights = sum(p.numel() for p in student.parameters()) * 4 / 1e6
    optimizer = torch.optim.Adam(student.parameters(), lr=0.0, fused=True)
    for parameter in student.parameters():
        parameter.grad = torch.zeros_like(parameter)
    with Peak() as state:
        optimizer.step()
    with Peak() as activations:
        feat = student(batch.voxel_coords)
        point, superpoint = distillation_losses(feat, batch.target, batch.links)
        (point + superpoint).backward()
    return {
        "voxels": len(batch.voxel_coords),
        "weights_mb": round(weights, 1),
        "gradients_mb": round(weights, 1),
        "optimizer_state_mb": state.added,
        "activations_mb": activations.added,
    }


def _in_a_process(what: str, folder: Path, num_scenes: int, cache_mb: int) -> dict[str, float]:
    arguments = ["--part", what, "--folder", str(folder), "--scenes", str(num_scenes)]
    arguments += ["--cache-mb", str(cache_mb)]
    command = [sys.executable, "-m", "benchmarks.training_memory", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure every part in a process of its own and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--voxels", type=int, default=60_000)
    parser.add_argument("--part", choices=("data", "network"))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--cache-mb", type=int, default=128)
    args = parser.parse_args()
    use_threads(args.threads)
    if args.part:
        found = (
            data_path(args.folder, args.scenes, args.cache_mb)
            if args.part == "data"
            else network(args.folder)
        )
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        make_store(store, 50, args.voxels)
        parts = {
            f"data path, {count} scenes, {cache} MB of scenes kept": _in_a_process(
                "data", store, count, cache
            )
            for cache in (0, args.cache_mb)
            for count in (5, 20, 50)
        }
        parts["network, 1 scene"] = _in_a_process("network", store, 1, 0)
    write_results(
        "training-memory-cpu",
        {**conditions(args.threads), "points_per_scene": int(POINTS_PER_VOXEL * args.voxels), "parts": parts},
    )


if __name__ == "__main__":
    main()
