"""Trains the student of the tests in a process of its own: ``student_job.py FOLDER [KILL_AFTER]``."""

import os
import signal
import sys
from pathlib import Path


def main(folder: str, kill_after: int) -> None:
    """Train; kill this process without warning after a number of steps (0: never)."""
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]
    import torch
    from student_scenes import config, scene

    from training.distill import distill

    torch.set_num_threads(2)

    def on_step(done: int) -> None:
        if done == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    scenes = [scene(seed) for seed in range(3)]
    recipe = config(checkpoint_every_s=1e-3 if kill_after % 2 else 1e9)
    result = distill(scenes, recipe, Path(folder), fingerprint="f", on_step=on_step)
    print(result.resumed_from, result.num_steps)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
