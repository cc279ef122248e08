"""The engine torch against spconv on a CUDA device: MinkUNet18A forward, backward, inference, memory, kinds.

    python -m benchmarks.engines_cuda [--sizes 15000 60000 150000] [--repeats 20] [--precisions float32 ...]
    python -m benchmarks.engines_cuda --engines torch minkowski     # any two; the first over each other

The engines compute the same network with the same weights on the same scene; before anything is timed,
their float32 features and gradients must agree. TF32 is off. Within a size, engines and precisions take turns
in every round. A forward pass includes the search for neighbours, as it does in training. spconv has no
bfloat16: under bfloat16 it multiplies in float32. Without a CUDA device or one of the engines the script says
so and ends with status 2.
"""

import argparse
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.conditions import RESULTS, conditions, write_results
from benchmarks.student import CHANNELS, room
from models.sparse.catalog import ENGINES
from models.sparse.probe import engine_problem
from models.student.minkunet import build_student
from schema.config_stages import DistillConfig
from training.steps import autocast

PRECISIONS = ("float32", "float16", "bfloat16")
WARM_UP = 3
"""Rounds that do not count: spconv tries its kernels on the first pass of every shape of layer."""
AGREE = {"features": 1e-4, "stem": 0.05, "deep": 0.05}
"""Largest distance between the engines' float32 features and gradients, relative to their length. Rounding
turns a few rectifiers near zero on or off, which moves gradients by up to a percent; float64 ones agree."""

KINDS = {
    "neighbour search": r"hash|conv_ind|searchsorted|unique|sort|scan|cumsum|nonzero|flagged|compact",
    "normalisation": r"batch_norm|native_norm|bn_fw|bn_bw",
    "gather and scatter": r"gather|scatter|index|embedding|segment",
    "products": r"gemm|gemv|cutlass|xmma|cumm|aten::(addmm|mm|bmm|baddbmm)|splitk",
    "copies": r"memcpy|memset|aten::(copy_|fill_|zero_|cat)|catarray|direct_copy",
    "elementwise": r"elementwise|reduce|aten::(relu|threshold|add|mul|sum)",
}
"""Kinds of work by the names of kernels (on a GPU) or operations (on a CPU); the first that fits counts."""
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")


@dataclass(frozen=True)
class Turn:
    """Who computes, and how."""

    engine: str
    precision: str


class Case:
    """One network on one scene."""

    def __init__(self, turn: Turn, cells: np.ndarray, device: str) -> None:
        self.turn, self.device = turn, device
        self.coords = torch.from_numpy(np.insert(cells.astype(np.int64), 0, 0, axis=1)).to(device)
        config = DistillConfig(architecture="MinkUNet18A")
        self.network = build_student(config, CHANNELS, 0, engine=turn.engine).to(device)
        generator = torch.Generator().manual_seed(1)
        self.grad = torch.randn(len(cells), CHANNELS, generator=generator).to(device)

    def features(self) -> torch.Tensor:
        """The network's answer."""
        with autocast(self.turn.precision, self.device):
            feat: torch.Tensor = self.network(self.coords)
        return feat

    def step(self) -> dict[str, float]:
        """Seconds of a forward and a backward pass."""
        self.network.train().zero_grad(set_to_none=True)
        begin = self._now()
        feat = self.features()
        middle = self._now()
        feat.backward(self.grad.to(feat.dtype))
        return {"forward": middle - begin, "backward": self._now() - middle}

    def infer(self) -> dict[str, float]:
        """Seconds of an answer without gradients."""
        self.network.eval()
        with torch.inference_mode():
            begin = self._now()
            self.features()
            return {"inference": self._now() - begin}

    def peak_mib(self) -> float | None:
        """Memory a training step needs beyond weights and voxels: activations, tables, gradients."""
        if self.device == "cpu":
            return None
        self.network.zero_grad(set_to_none=True)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self.step()
        return round((torch.cuda.max_memory_allocated() - before) / 2**20, 1)

    def _now(self) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()


def disagreement(first: Case, second: Case) -> dict[str, float]:
    """Relative distances of the features and of the gradients of the first and of a deep kernel."""
    results = []
    for case in (first, second):
        case.network.train().zero_grad(set_to_none=True)
        feat = case.features()
        feat.backward(case.grad.to(feat.dtype))
        kernels = (case.network.conv0p1s1.kernel, case.network.convtr4p16s2.kernel)
        results.append([feat.detach(), *(kernel.grad for kernel in kernels)])
    pairs = zip(*results, strict=True)
    distances = (float((ours - theirs).norm() / theirs.norm()) for ours, theirs in pairs)
    return dict(zip(AGREE, distances, strict=True))


def where_time_goes(case: Case) -> dict[str, Any]:
    """Seconds per kind of work in one training step, and how often the host launched and waited."""
    on_gpu = case.device != "cpu"
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if on_gpu else [])
    with profile(activities=activities) as recorded:
        case.step()
    spent: dict[str, float] = defaultdict(float)
    rest: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for event in recorded.key_averages():
        counts[event.key] += event.count
        if on_gpu and event.device_type.name != "CUDA":
            continue
        seconds = (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e6
        kind = kind_of(event.key)
        spent[kind] += seconds
        if kind == "everything else":
            rest[event.key[:80]] += seconds
    unnamed = sorted(rest, key=lambda name: -rest[name])[:3]
    return {
        "seconds": {kind: round(spent[kind], 5) for kind in (*KINDS, "everything else")},
        "largest of everything else": {name: round(rest[name], 5) for name in unnamed},
        "launches": sum(counts[name] for name in LAUNCHES),
        "waits": sum(counts[name] for name in WAITS),
    }


def kind_of(name: str) -> str:
    """The kind of work a kernel or an operation does, by its name."""
    lower = name.lower()
    return next((kind for kind, names in KINDS.items() if re.search(names, lower)), "everything else")


def measure(cases: list[Case], repeats: int) -> list[dict[str, Any]]:
    """Times of all cases of one size, in turns."""
    seconds: dict[Turn, dict[str, list[float]]] = {case.turn: defaultdict(list) for case in cases}
    for number in range(WARM_UP + repeats):
        for case in cases:
            parts = {**case.step(), **case.infer()}
            for name, value in parts.items():
                if number >= WARM_UP:
                    seconds[case.turn][name].append(value)
    rows = []
    for case in cases:
        turn = case.turn
        row: dict[str, Any] = {"voxels": len(case.coords), "engine": turn.engine, "precision": turn.precision}
        for name, values in seconds[turn].items():
            row[name] = {"median_s": round(float(np.median(values)), 5), "min_s": round(min(values), 5)}
        rows.append({**row, "peak_mib": case.peak_mib(), "step": where_time_goes(case)})
    return rows


def ratios(rows: list[dict[str, Any]], engines: list[str]) -> list[dict[str, Any]]:
    """How many times longer, and how much more memory, the first engine takes than each other; medians."""
    found = {(row["voxels"], row["precision"], row["engine"]): row for row in rows}
    result = []
    for (voxels, precision, engine), theirs in found.items():
        if engine == engines[0]:
            continue
        ours = found[voxels, precision, engines[0]]
        row: dict[str, Any] = {
            "engines": f"{engines[0]} / {engine}",
            "voxels": voxels,
            "precision": precision,
        }
        for part in ("forward", "backward", "inference"):
            row[part] = round(ours[part]["median_s"] / theirs[part]["median_s"], 2)
        if ours["peak_mib"] and theirs["peak_mib"]:
            row["memory"] = round(ours["peak_mib"] / theirs["peak_mib"], 2)
        result.append(row)
    return result


def main() -> None:
    """Measure, print and write the table."""
    args = arguments()
    if args.device != "cpu" and not torch.cuda.is_available():
        leave("no CUDA device is at hand; run this where torch.cuda.is_available()")
    for engine in args.engines:
        if problem := engine_problem(engine, args.device):
            leave(f"the engine {engine} does not work here: {'; '.join(problem)}")
    torch.set_float32_matmul_precision("highest")
    turns = [Turn(engine, precision) for precision in args.precisions for engine in args.engines]
    rows: list[dict[str, Any]] = []
    agreement = []
    for size in args.sizes:
        cells = room(size)
        exact = [Case(Turn(engine, "float32"), cells, args.device) for engine in args.engines]
        for other in exact[1:]:
            found = disagreement(exact[0], other)
            agreement.append({"engine": other.turn.engine, "voxels": len(cells), **found})
            if not all(found[name] < most for name, most in AGREE.items()):
                leave(f"the engines disagree on {len(cells)} voxels: {found}")
        del exact
        rows += measure([Case(turn, cells, args.device) for turn in turns], args.repeats)
    results = {
        **about(args.device),
        "repeats": args.repeats,
        "channels": CHANNELS,
        "relative distance of float32 features and gradients": agreement,
        "ratios": ratios(rows, args.engines),
        "rows": rows,
    }
    write_results("engines-cuda", results, args.out)


def arguments() -> argparse.Namespace:
    """The command line; the device is for trying the script where there is no GPU."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[15_000, 60_000, 150_000])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--engines", nargs="+", choices=sorted(ENGINES), default=["torch", "spconv"])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)
    return parser.parse_args()


def about(device: str) -> dict[str, Any]:
    """Hardware and versions, the GPU's among them."""
    facts = conditions(torch.get_num_threads())
    if device == "cpu":
        return facts
    gpu = torch.cuda.get_device_properties(0)
    facts["gpu"] = {
        "name": gpu.name,
        "memory_gib": round(gpu.total_memory / 2**30),
        "compute_capability": f"{gpu.major}.{gpu.minor}",
    }
    facts["versions"]["cuda"] = torch.version.cuda
    if "spconv" in sys.modules:
        facts["versions"]["spconv"] = sys.modules["spconv"].__version__
    return facts


def leave(problem: str) -> None:
    """Say in one line why nothing was measured, and end."""
    print(problem, file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
