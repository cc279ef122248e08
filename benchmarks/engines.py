"""MinkUNet18A on this project's engine against the same network made of MinkowskiEngine's own modules.

    python -m benchmarks.engines [--repeats 7] [--voxels 60000] [--growth 3000 10000 30000 100000 300000]

Every contender runs in a process of its own (their OpenMP and BLAS threads must not meet) and they take turns
pass by pass, so that a busy moment of the machine meets all alike. A pass starts at voxel coordinates: the
search for neighbours is counted, as in training, where augmentation makes every scene new. MinkowskiEngine
is also given its best case: every number of OpenMP and BLAS threads up to two, and coordinates kept from the
pass before. Needs ``make minkowski``. Written to benchmarks/results/engines-cpu.json.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from benchmarks.conditions import conditions, write_results

TORCH, THEIRS, MIXED = "student on torch", "MinkowskiEngine", "student on minkowski"
PASSES = ("train", "infer")

Job = dict[str, Any]


class Worker:
    """A process that runs one contender's passes.

    Args:
        contender: see ``engine_worker.CONTENDERS``.
        threads: of OpenMP, which is PyTorch's number too.
        blas_threads: of OpenBLAS, which only MinkowskiEngine uses.
    """

    def __init__(self, contender: str, threads: int, blas_threads: int) -> None:
        self.key = (contender, threads, blas_threads)
        self.process = subprocess.Popen(
            _command(contender),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(threads, blas_threads),
        )

    def ask(self, job: Job) -> dict[str, float]:
        """Run one job and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.key} ended")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def _command(contender: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "benchmarks.engine_worker", contender]


def _environment(threads: int, blas_threads: int) -> dict[str, str]:
    numbers = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": blas_threads}
    return {**os.environ, **{name: str(number) for name, number in numbers.items()}}


def alternate(workers: list[Worker], jobs: list[Job], repeats: int) -> list[dict[str, Any]]:
    """Rows of median and minimum seconds, one per worker and job; the first round only warms up.

    Jobs that keep coordinates are MinkowskiEngine's alone.
    """
    pairs = [(w, job) for job in jobs for w in workers if not job.get("kept") or w.key[0] == THEIRS]
    times: list[list[dict[str, float]]] = [[] for _ in pairs]
    for repeat in range(repeats + 1):
        for found, (worker, job) in zip(times, pairs, strict=True):
            answer = worker.ask(job)
            if repeat:
                found.append(answer)
    return [
        {**_described(worker, job), **_summary(found)}
        for found, (worker, job) in zip(times, pairs, strict=True)
    ]


def _described(worker: Worker, job: Job) -> dict[str, Any]:
    contender, threads, blas_threads = worker.key
    return {"contender": contender, "threads": threads, "blas_threads": blas_threads, **job}


def _summary(found: list[dict[str, float]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in found[0]:
        values = [answer[part] for answer in found]
        result[part] = {"median_s": round(statistics.median(values), 3), "min_s": round(min(values), 3)}
    return result


def head_to_head(voxels: int, repeats: int, cores: int) -> dict[str, Any]:
    """Both passes at one size for every contender and number of threads; ratios of medians."""
    numbers = sorted({(t, b) for t in (1, cores) for b in (1, cores) if b <= t})
    workers = [Worker(TORCH, t, t) for t in (1, cores)]
    workers += [Worker(THEIRS, t, b) for t, b in numbers] + [Worker(MIXED, cores, cores)]
    jobs: list[Job] = [
        {"voxels": voxels, "what": what, "kept": kept} for what in PASSES for kept in (False, True)
    ]
    rows = alternate(workers, jobs, repeats)
    needed = workers[1].ask({"voxels": voxels, "what": "products"})
    for worker in workers:
        worker.close()
    return {
        "rows": rows,
        "ratios": {what: _ratios(rows, what, cores) for what in PASSES},
        "products": {what: _share(rows, what, cores, needed) for what in PASSES},
    }


def _median(row: dict[str, Any]) -> float:
    return float(row["total"]["median_s"])


def _ours(rows: list[dict[str, Any]], what: str, threads: int) -> float:
    return next(
        _median(r) for r in rows if (r["contender"], r["what"], r["threads"]) == (TORCH, what, threads)
    )


def _ratios(rows: list[dict[str, Any]], what: str, cores: int) -> dict[str, float]:
    """How many times faster this project's engine is, new coordinates on its side always."""
    theirs = [r for r in rows if r["contender"] == THEIRS and r["what"] == what]
    new = [r for r in theirs if not r["kept"]]
    same = next(r for r in new if (r["threads"], r["blas_threads"]) == (cores, cores))
    ours = _ours(rows, what, cores)
    single = min(_median(r) for r in new if r["threads"] == 1)
    return {
        "same threads": round(_median(same) / ours, 2),
        "its best threads": round(min(map(_median, new)) / ours, 2),
        "its best threads, coordinates kept": round(min(map(_median, theirs)) / ours, 2),
        "one thread each": round(single / _ours(rows, what, 1), 2),
    }


def _share(rows: list[dict[str, Any]], what: str, cores: int, needed: dict[str, float]) -> dict[str, float]:
    """The least share of a pass that its matrix products take at the rate measured beside it."""
    gflop = needed["forward_gflop"] * (3 if what == "train" else 1)
    ours = _ours(rows, what, cores)
    return {
        "gflop": round(gflop, 1),
        "measured_gflop_per_s": needed["gflop_per_s"],
        "at_that_rate_s": round(gflop / needed["gflop_per_s"], 3),
        "share_of_torch_pass": round(gflop / needed["gflop_per_s"] / ours, 3),
    }


def memory(voxels: int, cores: int) -> list[dict[str, Any]]:
    """Peak memory of both passes, each in a fresh process."""
    rows = []
    for what in PASSES:
        for contender in (TORCH, THEIRS):
            job = {"voxels": voxels, "what": what}
            done = subprocess.run(
                [*_command(contender), "--weigh", json.dumps(job)],
                env=_environment(cores, cores),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rows.append({"contender": contender, **job, **json.loads(done.stdout)})
    return rows


def growth(sizes: list[int], repeats: int, cores: int, limit_s: float) -> dict[str, Any]:
    """Seconds of a training pass from the smallest to the largest scene.

    A contender takes no part in sizes above one whose pass took it longer than ``limit_s``.
    """
    workers = [Worker(TORCH, cores, cores), Worker(THEIRS, cores, cores)]
    rows: list[dict[str, Any]] = []
    for size in sizes:
        done = alternate(workers, [{"voxels": size, "what": "train"}], repeats)
        rows += done
        for worker, row in zip(list(workers), done, strict=True):
            if _median(row) > limit_s:
                worker.close()
                workers.remove(worker)
    for worker in workers:
        worker.close()
    return {"rows": rows, "exponent": {name: _exponent(rows, name) for name in (TORCH, THEIRS)}}


def _exponent(rows: list[dict[str, Any]], contender: str) -> float | None:
    """1 where time grows as the number of voxels does."""
    mine = [r for r in rows if r["contender"] == contender]
    if len(mine) < 2:
        return None
    time, size = _median(mine[-1]) / _median(mine[0]), mine[-1]["voxels"] / mine[0]["voxels"]
    return round(math.log(time) / math.log(size), 3)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voxels", type=int, default=60000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--growth", type=int, nargs="*", default=[3000, 10000, 30000, 100000, 300000])
    parser.add_argument("--limit", type=float, default=30.0, help="seconds a pass may take to stay in growth")
    parser.add_argument("--out", default="engines-cpu")
    args = parser.parse_args()
    found = conditions(args.cores)
    found["versions"]["MinkowskiEngine"] = version("MinkowskiEngine")
    found["head_to_head"] = head_to_head(args.voxels, args.repeats, args.cores)
    found["memory"] = memory(args.voxels, args.cores)
    if args.growth:
        found["growth"] = growth(args.growth, min(args.repeats, 3), args.cores, args.limit)
    write_results(args.out, found)


if __name__ == "__main__":
    main()
