"""Trains the student of the tests in a process of its own: ``student_job.py FOLDER [KILL_AFTER [JSON]]``.

JSON are changes of the configuration, and ``validate`` (whether to hold a scene out), ``scenes`` (how many).
"""

import json
import os
import signal
import sys
from pathlib import Path


def main(folder: str, kill_after: int, changes: dict[str, object]) -> None:
    """Train; kill this process without warning after a number of steps (0: never)."""
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]
    import torch
    from student_scenes import config, data, scene

    from training.distill import distill
    from training.parallel import leave_world

    torch.set_num_threads(2)

    def on_step(done: int) -> None:
        if done == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    validation = [scene(9)] if changes.pop("validate", False) else None
    scenes = [scene(seed) for seed in range(int(changes.pop("scenes", 3)))]
    every = 1e-3 if kill_after % 2 else 1e9
    recipe = config(**{"checkpoint_every_s": every, **changes})
    result = distill(data(scenes, validation), recipe, Path(folder), fingerprint="f", on_step=on_step)
    leave_world()
    print(result.resumed_from, result.num_steps)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "0", "{}"] if len(sys.argv) == 2 else [*sys.argv[1:], "{}"]
    main(arguments[0], int(arguments[1]), json.loads(arguments[2]))
