"""What each training step is: its stage, its scenes, its learning rate, its random numbers.

All are functions of the step's number; because nothing here has state, a resumed run continues exactly.
The loop is ``distill``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schema.config_stages import DistillConfig

_ORDER, _AUGMENT = 0, 1
POLY_POWER = 0.9
"""Exponent of the released code's schedule."""


@dataclass(frozen=True)
class Schedule:
    """The steps of a training over a number of scenes. A *pass* visits every scene once.

    Attributes:
        num_scenes: scenes that are trained on.
        config: epochs, batch size, learning rates, seed.
    """

    num_scenes: int
    config: DistillConfig

    @property
    def steps_per_pass(self) -> int:
        """Steps of one pass; the last one may have fewer scenes."""
        return -(-self.num_scenes // self.config.batch_scenes)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch."""
        return self.steps_per_pass * self.config.repeats

    @property
    def steps_of_stage_one(self) -> int:
        """Steps before stage two."""
        return self.config.epochs * self.steps_per_epoch

    @property
    def num_steps(self) -> int:
        """Steps of both stages."""
        return self.config.all_epochs * self.steps_per_epoch

    def stage(self, step: int) -> int:
        """1 or 2."""
        return 1 if step < self.steps_of_stage_one else 2

    def epoch(self, step: int) -> int:
        """Epoch of a step, counted over both stages."""
        return step // self.steps_per_epoch

    def generation(self, step: int) -> int:
        """How often each scene's ensemble was updated before the pass that the step belongs to."""
        return (step - self.steps_of_stage_one) // self.steps_per_pass

    def scenes(self, step: int) -> tuple[int, ...]:
        """Indices of the scenes of a step, ascending; every pass shuffles anew."""
        number, position = divmod(step, self.steps_per_pass)
        order = np.random.default_rng([self.config.seed, _ORDER, number]).permutation(self.num_scenes)
        start = position * self.config.batch_scenes
        return tuple(sorted(int(i) for i in order[start : start + self.config.batch_scenes]))

    def learning_rate(self, step: int) -> float:
        """From ``lr_start`` at the first step to ``lr_end`` at the last, over both stages or within each."""
        start, total = 0, self.num_steps
        if self.config.self_distillation.fresh_start:
            bounds = (0, self.steps_of_stage_one, self.num_steps)
            start, total = bounds[self.stage(step) - 1], bounds[self.stage(step)]
        share = (step - start) / (total - start - 1) if total - start > 1 else 0.0
        first, last = self.config.lr_start, self.config.lr_end
        if self.config.schedule == "poly":
            left = 1 - (step - start) / (total - start)
            return last + (first - last) * float(left**POLY_POWER)
        return first + (last - first) * share


def rngs_of(step: int, scenes: Sequence[int], config: DistillConfig) -> list[np.random.Generator]:
    """A generator per scene of a step: what happens to a scene does not depend on who works on it."""
    return [np.random.default_rng([config.seed, _AUGMENT, step, scene]) for scene in scenes]


def share_of(scenes: Sequence[int], rank: int, size: int) -> tuple[int, ...]:
    """The scenes of a step that a process works on; none where there are fewer scenes than processes."""
    return tuple(scenes[rank::size])


def micro_batches(scenes: tuple[int, ...], limit: int | None) -> tuple[tuple[int, ...], ...]:
    """Scenes that go through the network together."""
    size = limit or max(len(scenes), 1)
    return tuple(scenes[start : start + size] for start in range(0, len(scenes), size))
