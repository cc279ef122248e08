"""How long a person waits: ``--help``, and a plan of a recipe whose store is complete.

Medians of whole processes. The anchor, run interleaved, is the same interpreter importing nothing.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.conditions import conditions, write_results

REPEATS = 9


def main() -> None:
    """Measure and write benchmarks/results/commands-cpu.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path("configs/kitchen.yaml"))
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    changes = [word for change in arguments.set for word in ("--set", change)]
    commands = {
        "python -c pass": ["-c", "pass"],
        "teach3d --help": ["-m", "flows", "--help"],
        "teach3d run --help": ["-m", "flows", "run", "--help"],
        "teach3d run (nothing to do)": ["-m", "flows", "run", str(arguments.recipe), *changes],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS):
        for name, words in commands.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - started)
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    write_results("commands-cpu", {"conditions": conditions(threads=2), "median_s": medians})


if __name__ == "__main__":
    main()
