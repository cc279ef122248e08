"""Under which conditions a benchmark ran: date, hardware, versions, threads, memory bandwidth of the moment.

Shared by the benchmarks beside it; run by itself it prints the conditions. No paths, no host names.
"""

import json
import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def conditions(threads: int) -> dict[str, Any]:
    """What a reader needs to judge a figure."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "numba", "torch", "open3d")},
    }


def use_threads(threads: int) -> None:
    """Let numba and torch use this many threads."""
    import numba
    import torch

    numba.set_num_threads(threads)
    torch.set_num_threads(threads)


def copy_bandwidth(num_bytes: int = 1 << 28, repeats: int = 5) -> float:
    """Bytes read plus written per second by the best of several large copies on torch's threads."""
    import torch

    source = torch.ones(num_bytes // 4)
    target = torch.zeros_like(source)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        target.copy_(source)
        best = min(best, time.perf_counter() - start)
    return 2 * num_bytes / best


def write_results(name: str, results: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<name>.json`` and print it."""
    path = folder / f"{name}.json"
    text = json.dumps(results, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    print(text)
    return path


def _cpu() -> str:
    lines = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if Path("/proc/cpuinfo").exists()
        else []
    )
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    print(json.dumps({**conditions(os.cpu_count() or 1), "copy_gb_per_s": copy_bandwidth() / 1e9}, indent=2))
