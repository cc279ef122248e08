"""Seconds per training step of the student at several sizes, and where the time goes.

    python -m benchmarks.student [--threads 2] [--repeats 5] [--out benchmarks/results/student-cpu.json]

Scenes are bumpy rooms of boxes (about nine neighbours per voxel, as real scans have). Sizes and networks
are interleaved in every round, so that a busy machine disturbs all alike; the minimum is reported too.
"""

import argparse
import datetime as dt
import json
import platform
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from models.sparse.torch_engine import TorchGrid
from models.student.minkunet import build_student
from ops.losses import distillation_losses, link_points
from schema.config_stages import DistillConfig

CHANNELS = 512
GROUPS = {
    "matrix products": ("aten::mm", "aten::addmm_"),
    "gather": ("aten::index_select",),
    "add up": ("aten::_embedding_bag", "aten::_embedding_bag_forward_only"),
    "copy": ("aten::copy_", "aten::cat"),
    "batch norm": ("aten::native_batch_norm", "aten::native_batch_norm_backward"),
    "relu and addition": ("aten::clamp_min", "aten::threshold_backward", "aten::add", "aten::add_"),
    "optimizer": ("aten::_fused_adam_",),
    "search in sorted keys": ("aten::searchsorted", "aten::sort", "aten::_unique2"),
}


def room(num_voxels: int, seed: int = 0) -> np.ndarray:
    """Surface voxels of a room with boxes in it, about as many as asked for (bisection over its size)."""
    low, high = 4, max(int(num_voxels**0.5), 6)  # the floor alone has more voxels than asked for
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(_room(middle, seed)) < num_voxels else (low, middle)
    return _room(low, seed)


def _room(side: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    boxes = [(np.zeros(3, dtype=int), np.array([side, side, side // 2]))]
    for _ in range(12):
        size = rng.integers(max(side // 12, 1), max(side // 4, 2), 3)
        boxes.append((np.append(rng.integers(0, side - side // 4, 2), 0), size))
    return np.unique(np.concatenate([_box(*box) for box in boxes]), axis=0)


def _box(origin: np.ndarray, size: np.ndarray) -> np.ndarray:
    faces = []
    for axis in range(3):
        u, v = (a for a in range(3) if a != axis)
        grid = np.meshgrid(np.arange(size[u] + 1), np.arange(size[v] + 1), indexing="ij")
        for end in (0, size[axis]):
            face = np.zeros((grid[0].size, 3), dtype=int)
            face[:, u], face[:, v] = grid[0].ravel(), grid[1].ravel()
            face[:, axis] = end + (1.2 * np.sin(face[:, u] / 7 + origin[0])).astype(int)
            faces.append(face + origin)
    return np.concatenate(faces)


class Case:
    """One network on one scene."""

    def __init__(self, architecture: str, cells: np.ndarray) -> None:
        self.coords = torch.from_numpy(np.insert(cells.astype(np.int64), 0, 0, axis=1))
        self.network = build_student(DistillConfig(architecture=architecture), CHANNELS, 0)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4, fused=True)
        _, superpoint = np.unique(cells // 8 @ [1, 1000, 1000000], return_inverse=True)
        self.links = link_points(np.arange(len(cells)), superpoint.reshape(-1), len(cells))
        self.target = torch.randn(int(superpoint.max()) + 1, CHANNELS)

    def step(self) -> dict[str, float]:
        """Seconds of the forward pass (kernel maps included), loss and backward pass, and Adam."""
        times = [time.perf_counter()]
        feat = self.network(self.coords)
        times.append(time.perf_counter())
        point, superpoint = distillation_losses(feat, self.target, self.links)
        self.optimizer.zero_grad(set_to_none=True)
        (point + superpoint).backward()
        times.append(time.perf_counter())
        self.optimizer.step()
        times.append(time.perf_counter())
        names = ("forward", "loss and backward", "adam")
        parts = {name: times[i + 1] - times[i] for i, name in enumerate(names)}
        return {**parts, "step": times[-1] - times[0]}


def where_time_goes(case: Case, threads: int) -> dict[str, float]:
    """Share of self time per kind of operation in one step; kernel maps apart, in seconds.

    On one thread: the profiler does not see those the engine shares its work out to.
    """
    torch.set_num_threads(1)
    case.step()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        case.step()
    torch.set_num_threads(threads)
    spent = {event.key: event.self_cpu_time_total for event in recorded.key_averages()}
    total = sum(spent.values())
    shares = {name: round(sum(spent.get(k, 0) for k in keys) / total, 3) for name, keys in GROUPS.items()}
    shares["everything else"] = round(1 - sum(shares.values()), 3)
    began = time.perf_counter()
    grid = TorchGrid(case.coords)
    grid.occupied(1, 5)
    for stride in (1, 2, 4, 8, 16):
        grid.kernel_map(stride, stride, 3)
    for stride in (1, 2, 4, 8):
        grid.kernel_map(stride, 2 * stride, 2)
        grid.kernel_map(2 * stride, stride, 2)
    shares["kernel maps alone, s"] = round(time.perf_counter() - began, 3)
    return shares


def matrix_product_rate() -> float:
    """GFLOP/s of products that fit into the cache, 2000 x 96 by 96 x 96."""
    a, b, out = torch.randn(2000, 96), torch.randn(96, 96), torch.empty(2000, 96)
    best = float("inf")
    for _ in range(200):
        began = time.perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, time.perf_counter() - began)
    return round(2 * 2000 * 96 * 96 / best / 1e9, 1)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 15000, 60000])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/student-cpu.json"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = ("MinkUNet14A", "MinkUNet18A")
    cases = {(name, size): Case(name, room(size)) for size in args.sizes for name in names}
    seconds: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
    for round_number in range(args.repeats + 1):
        for key, case in cases.items():
            measured = case.step()
            if round_number:
                seconds[key].append(measured)
    rows: list[dict[str, Any]] = []
    for (name, size), measured in seconds.items():
        row: dict[str, Any] = {"network": name, "voxels": len(cases[name, size].coords)}
        for part in measured[0]:
            values = sorted(m[part] for m in measured)
            row[part] = {"median_s": round(values[len(values) // 2], 3), "min_s": round(values[0], 3)}
        rows.append({**row, "share of one thread": where_time_goes(cases[name, size], args.threads)})
        print(json.dumps(rows[-1]))
    result = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "hardware": f"{_processor()}, {args.threads} threads",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "channels": CHANNELS,
        "cached_matrix_product_gflops": matrix_product_rate(),
        "rows": rows,
    }
    args.out.write_text(json.dumps(result, indent=2) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
