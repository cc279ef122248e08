"""One contender of ``benchmarks.engines`` in a process of its own: times passes, or weighs one.

    python -m benchmarks.engine_worker CONTENDER            reads a job a line from stdin, answers a line each
    python -m benchmarks.engine_worker CONTENDER --weigh JOB        peak memory of one job in a fresh process

Thread counts come from the environment, because OpenBLAS and OpenMP read it once, when they are loaded.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.student import CHANNELS, matrix_product_rate, room
from models.sparse.catalog import load_engine
from models.sparse.minkowski import import_package
from models.student.blocks import Convolution
from models.student.minkunet import build_network, build_student
from schema.config_stages import DistillConfig
from tests.models import minkowski_network

CONTENDERS = ("student on torch", "student on minkowski", "MinkowskiEngine")
ARCHITECTURE = DistillConfig(architecture="MinkUNet18A")
WARM_UP_VOXELS = 2000

Job = dict[str, Any]


class Contender:
    """A network of the initial weights of seed 0 and the way to call it.

    Args:
        name: one of ``CONTENDERS``; the last is the network made of MinkowskiEngine's own modules.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        weights = build_student(ARCHITECTURE, CHANNELS, 0).state_dict()
        if name == "MinkowskiEngine":
            self.package = import_package()
            self.network = minkowski_network.build(self.package, CHANNELS)
        else:
            self.network = build_network("MinkUNet18A", None, CHANNELS)
            self.network.engine = name.rpartition(" ")[2]
        self.network.load_state_dict(weights)
        self._kept: dict[int, Any] = {}

    def _call(self, voxels: int, coords: torch.Tensor, kept: bool) -> torch.Tensor:
        if self.name != "MinkowskiEngine":
            return self.network(coords)
        if kept and voxels in self._kept:
            before = self._kept[voxels]
            x = self.package.SparseTensor(
                before.F,
                coordinate_map_key=before.coordinate_map_key,
                coordinate_manager=before.coordinate_manager,
            )
        else:
            x = self.package.SparseTensor(torch.ones((len(coords), 3)), coords)
        if kept:
            self._kept[voxels] = x
        return self.network(x).F

    def run(self, job: Job) -> dict[str, float]:
        """Seconds of one pass; neighbour search is part of the forward pass unless the job keeps it."""
        coords = _coords(job["voxels"])
        self.network.train(job["what"] == "train").zero_grad(set_to_none=True)
        weights = _weights(len(coords))
        began, cpu = time.perf_counter(), time.process_time()
        if job["what"] == "infer":
            with torch.no_grad():
                self._call(job["voxels"], coords, job.get("kept", False))
            return {"total": time.perf_counter() - began, "cpu": time.process_time() - cpu}
        out = self._call(job["voxels"], coords, job.get("kept", False))
        middle = time.perf_counter()
        (out * weights).sum().backward()
        end, cpu = time.perf_counter(), time.process_time() - cpu
        return {"forward": middle - began, "backward": end - middle, "total": end - began, "cpu": cpu}


@cache
def _coords(voxels: int) -> torch.Tensor:
    return torch.from_numpy(np.insert(room(voxels).astype(np.int32), 0, 0, axis=1))


@cache
def _weights(rows: int) -> torch.Tensor:
    return torch.randn((rows, CHANNELS), generator=torch.Generator().manual_seed(0))


def products(job: Job) -> dict[str, float]:
    """Multiplications and additions that a pass cannot do without, and this process's rate of doing them."""
    coords = _coords(job["voxels"])
    network = build_student(ARCHITECTURE, CHANNELS, 0).eval()
    grid = load_engine("torch").grid(coords)
    pairs = cache(lambda *key: _num_pairs(grid, *key))
    operations = 0.0

    def count(module: Convolution, args: tuple[Any, ...], out: Any) -> None:
        nonlocal operations
        met = (
            len(coords) if module.kernel_size == 1 else pairs(args[0].stride, out.stride, module.kernel_size)
        )
        operations += 2.0 * met * module.kernel.shape[-2] * module.kernel.shape[-1]

    for module in network.modules():
        if isinstance(module, Convolution):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(coords)
    return {"forward_gflop": operations / 1e9, "gflop_per_s": matrix_product_rate()}


def _num_pairs(grid: Any, stride_in: int, stride_out: int, size: int) -> float:
    ones = torch.ones((len(grid.voxel_coords(stride_in)), 1), dtype=torch.float64)
    kernel = torch.ones((size**3, 1, 1), dtype=torch.float64)
    return float(grid.convolve(ones, kernel, stride_in=stride_in, stride_out=stride_out).sum())


def weigh(contender: Contender, job: Job) -> dict[str, float]:
    """MiB of this process before the grid is built and at its peak, after a warm-up on a small scene."""
    contender.run({**job, "voxels": WARM_UP_VOXELS})
    _coords(job["voxels"])
    _weights(len(_coords(job["voxels"])))
    contender.network.zero_grad(set_to_none=True)
    before = _status("VmRSS")
    for _ in range(2):
        contender.run(job)
    peak = _status("VmHWM")
    return {"before_mib": before, "peak_mib": peak, "own_mib": round(peak - before, 1)}


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return round(int(line.split()[1]) / 1024, 1)
    raise RuntimeError(f"no {field} in /proc/self/status")


def main() -> None:
    """Answer jobs until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--weigh", type=json.loads)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    contender = Contender(args.contender)
    if args.weigh:
        print(json.dumps(weigh(contender, args.weigh)))
        return
    answers: dict[str, Callable[[Job], dict[str, float]]] = {"products": products}
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(answers.get(job["what"], contender.run)(job)), flush=True)


if __name__ == "__main__":
    main()
