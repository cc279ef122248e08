"""What each training step is: its scenes, its learning rate, its random numbers; all functions of its number.

Because nothing here has state, a resumed run continues exactly. The loop is ``distill``'s.
"""

import numpy as np

from schema.config_stages import DistillConfig

_ORDER, _AUGMENT = 0, 1


def steps_per_epoch(num_scenes: int, config: DistillConfig) -> int:
    """Steps of one pass over the scenes; the last one may have fewer scenes."""
    return -(-num_scenes // config.batch_scenes)


def num_steps(num_scenes: int, config: DistillConfig) -> int:
    """Steps of the whole training."""
    return config.epochs * steps_per_epoch(num_scenes, config)


def scenes_of_step(step: int, num_scenes: int, config: DistillConfig) -> tuple[int, ...]:
    """Indices of the scenes of a step, ascending; every epoch shuffles anew and visits each scene once."""
    epoch, position = divmod(step, steps_per_epoch(num_scenes, config))
    order = np.random.default_rng([config.seed, _ORDER, epoch]).permutation(num_scenes)
    start = position * config.batch_scenes
    return tuple(sorted(int(i) for i in order[start : start + config.batch_scenes]))


def rng_of_step(step: int, config: DistillConfig) -> np.random.Generator:
    """The generator of a step's augmentation."""
    return np.random.default_rng([config.seed, _AUGMENT, step])


def learning_rate(step: int, total: int, config: DistillConfig) -> float:
    """Linear from ``lr_start`` at the first step to ``lr_end`` at the last."""
    share = step / (total - 1) if total > 1 else 0.0
    return config.lr_start + (config.lr_end - config.lr_start) * share
