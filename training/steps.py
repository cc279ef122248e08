"""One training step: forward, losses, backward over one or several batches, and the optimizer.

Which batches a step has is ``schedule``'s business, the loop around it ``distill``'s.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ops.losses import distillation_losses
from ops.self_distillation import pseudo_label_losses
from schema.config_stages import DistillConfig
from training.data import StudentBatch
from training.parallel import World, plain
from training.precision import autocast
from training.self_distillation import Ensemble

LOSSES = ("loss_point", "loss_superpoint")
PSEUDO_LOSSES = ("loss_pseudo_point", "loss_pseudo_superpoint")


@dataclass(frozen=True)
class StepPlan:
    """What a step does besides its batches.

    Attributes:
        rate: learning rate.
        stage: 1 or 2.
        generation: of the ensembles that stage two reads.
    """

    rate: float
    stage: int = 1
    generation: int = 0


class _Sizes(NamedTuple):
    """What means are taken over: points and rows that teach, points and superpoints with a pseudo label."""

    points: float
    rows: float
    used: float
    superpoints: float


class Learner:
    """A network, its optimizer and what their steps need.

    Losses are means over the points and superpoints of *all* batches of *all* processes of a step: however
    a step is divided, its gradient is the same (batch statistics apart).

    Args:
        network: the student, on the world's device.
        config: recipe.
        world: the processes.
        ensemble: for stage two.
    """

    def __init__(
        self, network: nn.Module, config: DistillConfig, world: World, ensemble: Ensemble | None
    ) -> None:
        self.config = config
        self.world = world
        self.ensemble = ensemble
        self._wrapped = world.wrap(network, sync_batch_norm=config.sync_batch_norm)
        half = config.precision == "float16"
        self.scaler = torch.amp.GradScaler(world.device.partition(":")[0], enabled=half)
        self.optimizer = self.new_optimizer()

    @property
    def network(self) -> nn.Module:
        """The student without what several processes wrap around it."""
        return plain(self._wrapped)

    def new_optimizer(self) -> torch.optim.Adam:
        """Adam as METHOD has it, without a state."""
        scaled = self.config.precision == "float16"
        return torch.optim.Adam(
            self.network.parameters(), lr=self.config.lr_start, weight_decay=0.0, fused=not scaled
        )

    def autocast(self) -> AbstractContextManager[Any]:
        """The arithmetic the recipe asks for."""
        return autocast(self.config.precision, self.world.device)

    def step(
        self, batches: Sequence[StudentBatch], counted: Sequence[bool], plan: StepPlan
    ) -> dict[str, float]:
        """Learn from the batches of this process.

        Args:
            batches: as many in every process.
            counted: which of them are real; the others only keep processes in step.
            plan: rate and stage.

        Returns:
            Losses over all processes; in stage two the share of pseudo labels that changed, too.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate
        self.optimizer.zero_grad(set_to_none=True)
        totals = self._totals(batches, counted)
        sums = dict.fromkeys((*LOSSES, *PSEUDO_LOSSES, "changed"), 0.0)
        for index, (batch, real) in enumerate(zip(batches, counted, strict=True)):
            with self.world.without_exchange(self._wrapped, index + 1 < len(batches)):
                self._learn(batch.to(self.world.device), real, plan, totals, sums)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return self._report(sums, plan)

    def _totals(self, batches: Sequence[StudentBatch], counted: Sequence[bool]) -> _Sizes:
        sizes = [_sizes(batch) for batch, real in zip(batches, counted, strict=True) if real]
        parts = zip(*sizes, strict=True) if sizes else [(0,)] * 4
        return _Sizes(*self.world.total(*(float(sum(part)) for part in parts)))

    def _learn(
        self,
        batch: StudentBatch,
        real: bool,
        plan: StepPlan,
        totals: _Sizes,
        sums: dict[str, float],
    ) -> None:
        with self.autocast():
            feat: Float[Tensor, "V C"] = self._wrapped(batch.voxel_coords, real)
        feat = feat.float()
        losses = self._losses(feat, batch, plan, totals, sums) if real else {"": feat.sum() * 0}
        alone = plan.stage == 2 and self.config.self_distillation.losses == "alone"
        used = [value for name, value in losses.items() if not (alone and name in LOSSES)]
        loss = torch.stack(used).sum() if len(used) > 1 else used[0]
        torch.autograd.backward(self.scaler.scale(loss * self.world.size))
        for name, value in losses.items():
            if name:
                sums[name] += value.item()

    def _losses(
        self,
        feat: Float[Tensor, "V C"],
        batch: StudentBatch,
        plan: StepPlan,
        totals: _Sizes,
        sums: dict[str, float],
    ) -> dict[str, Tensor]:
        """Each loss with its share of the means over the whole step."""
        own = _sizes(batch)
        superpoints = self.config.targets != "pixel_point"
        values = distillation_losses(feat, batch.target, batch.links, superpoints=superpoints)
        shares = (own.points / max(totals.points, 1), own.rows / max(totals.rows, 1))
        losses = {name: value * share for name, value, share in zip(LOSSES, values, shares, strict=True)}
        if plan.stage == 1 or self.ensemble is None:
            return losses
        assert batch.superpoints is not None
        logit = self.ensemble.scores(feat)
        lesson = self.ensemble.lesson(batch, logit, plan.generation)
        sums["changed"] += lesson.num_changed / max(totals.used, 1)
        pseudo = pseudo_label_losses(logit, lesson.counts, batch.superpoints, lesson.superpoint_label)
        shares = (own.used / max(totals.used, 1), own.superpoints / max(totals.superpoints, 1))
        return losses | {
            name: value * share for name, value, share in zip(PSEUDO_LOSSES, pseudo, shares, strict=True)
        }

    def _report(self, sums: dict[str, float], plan: StepPlan) -> dict[str, float]:
        values = dict(zip(sums, self.world.total(*sums.values()), strict=True))
        names = LOSSES if plan.stage == 1 else (*LOSSES, *PSEUDO_LOSSES)
        alone = plan.stage == 2 and self.config.self_distillation.losses == "alone"
        told = {"loss": sum(values[name] for name in (PSEUDO_LOSSES if alone else names))}
        told |= {name: values[name] for name in names}
        if plan.stage == 2:
            told["changed_labels"] = values["changed"]
        return told


def _sizes(batch: StudentBatch) -> _Sizes:
    superpoints = 0 if batch.superpoints is None else len(batch.superpoints.rows)
    used = sum(int(points.used.sum()) for points in batch.scenes)
    return _Sizes(batch.links.num_points, len(batch.links.rows), used, superpoints)
