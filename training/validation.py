"""Choosing weights without labels: the distillation loss on scenes that are not trained on.

The loss is ``ops.losses``'s, reading and writing weights ``checkpoint``'s.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from ops.losses import distillation_losses
from schema.config_stages import DistillConfig
from schema.errors import InputError
from training.checkpoint import load_best, save_best, sweep_best
from training.data import BatchMaker
from training.prefetch import prefetch
from training.scenes import TrainingScenes
from training.steps import Learner


@dataclass(frozen=True)
class Best:
    """The best epoch so far and its loss."""

    epoch: int
    loss: float


class Validation:
    """Keeps the weights of the epoch whose loss on the validation scenes is lowest.

    Args:
        scenes: not trained on.
        config: recipe.
        folder: where the weights are kept.
        fingerprint: names the training.
        ahead: batches prepared ahead.
    """

    def __init__(
        self, scenes: TrainingScenes, config: DistillConfig, folder: Path, *, fingerprint: str, ahead: int
    ) -> None:
        self._scenes = scenes
        self._used = tuple(i for i in range(len(scenes.scene_ids)) if scenes.is_seen(i))
        if not self._used:
            raise InputError(
                "no validation scene has a point that a teacher saw",
                field="split.validate_on",
                value=", ".join(scenes.scene_ids[:8]),
                remedy="choose other scenes",
            )
        self._batches = BatchMaker(scenes, config)
        self._config = config
        self._folder = folder
        self._fingerprint = fingerprint
        self._ahead = ahead
        self.best: Best | None = None

    def loss(self, learner: Learner) -> float:
        """The distillation loss in evaluation mode, points as they are; over all processes."""
        world, network = learner.world, learner.network
        superpoints = self._config.targets != "pixel_point"
        sums = [0.0, 0.0, 0.0, 0.0]
        network.eval()
        mine = self._used[world.rank :: world.size]
        for _, batch in prefetch(lambda i: self._batches.batch((i,), None), mine, ahead=self._ahead):
            there = batch.to(world.device)
            with torch.inference_mode(), learner.autocast():
                feat = network(there.voxel_coords)
                found = distillation_losses(feat.float(), there.target, there.links, superpoints=superpoints)
            sizes = (batch.links.num_points, len(batch.links.rows))
            for k in range(2):
                sums[k] += found[k].item() * sizes[k]
                sums[2 + k] += sizes[k]
        network.train()
        point, superpoint, num_points, num_rows = world.total(*sums)
        return point / max(num_points, 1) + superpoint / max(num_rows, 1)

    def consider(self, epoch: int, learner: Learner) -> float:
        """Take the loss after an epoch; keep its weights if there was none lower.

        Raises:
            InputError: the loss is not finite.
        """
        loss = self.loss(learner)
        if not math.isfinite(loss):
            raise InputError(
                f"the loss on the validation scenes is {loss} after epoch {epoch}",
                field="distill.lr_start",
                value=self._config.lr_start,
                remedy="lower it, or set distill.precision to float32",
            )
        if self.best is None or loss < self.best.loss:
            self.best = Best(epoch, loss)
            if learner.world.leads:
                save_best(self._folder, learner.network, epoch=epoch, fingerprint=self._fingerprint)
            learner.world.wait()  # the others may be about to read it
        return loss

    def forget(self) -> None:
        """Delete weights that no state needs."""
        sweep_best(self._folder, None if self.best is None else self.best.epoch)

    def restore_best(self, network: torch.nn.Module) -> None:
        """Put the best weights into the network.

        Raises:
            WeightsError: their file is missing or damaged.
        """
        assert self.best is not None
        network.load_state_dict(load_best(self._folder, epoch=self.best.epoch, fingerprint=self._fingerprint))
