"""Trains a small network in a process of its own: ``loop_job.py FOLDER [KILL_AFTER [STEPS [SAVE_S]]]``."""

import os
import signal
import sys
from pathlib import Path


class Blobs:
    """Two noisy clusters, told apart by a network with dropout and running statistics."""

    name = "blobs"
    fingerprint = "blobs 1"

    def __init__(self, steps=30):
        import torch
        from torch import nn

        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2)
        )
        self.modules = {"net": self.net}
        self.steps = steps

    def batch(self, step):
        import torch

        from training.scale.loop import rng_of

        rng = rng_of(0, step)
        label = rng.integers(0, 2, 64)
        points = rng.normal(size=(64, 4)) + label[:, None]
        return torch.tensor(points, dtype=torch.float32), torch.tensor(label)

    def loss(self, step):
        from torch.nn import functional

        points, label = self.batch(step)
        logits = self.net(points)
        right = float((logits.argmax(1) == label).float().mean())
        return functional.cross_entropy(logits, label), {"right": right}


SETTINGS = {"learning_rate": 0.02, "weight_decay": 0.01, "ema": 0.9, "label": "train blobs"}


def main(folder: str, kill_after: int, steps: int, save_every_s: float) -> None:
    """Train; kill this process without warning after a number of steps (0: never)."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    import torch
    from safetensors.torch import save_file

    from training.scale.loop import fit

    torch.set_num_threads(1)

    def on_step(done: int) -> None:
        if done == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    recipe = Blobs(steps)
    fit(recipe, Path(folder), **SETTINGS, save_every_s=save_every_s, on_step=on_step)
    save_file(recipe.net.state_dict(), Path(folder) / "net.safetensors")


if __name__ == "__main__":
    given = [*sys.argv[1:], *["0", "30", "1e-9"][len(sys.argv) - 2 :]]
    main(given[0], int(given[1]), int(given[2]), float(given[3]))
