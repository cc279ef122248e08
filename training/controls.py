"""Which fusions a scene's evaluation compares: the controls that are defined, and why others are not.

What each strategy does is written in ``ops/fuse.py`` and ``ops/fuse_weights.py``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from schema.config_stages import FuseConfig

TABLE_STRATEGIES = ("best_teacher", "winner_takes_all", "shuffled_capability")
_NEEDS_TABLE = "needs a capability table (fuse.capability)"


@dataclass(frozen=True)
class Control:
    """One fusion to compare with.

    Attributes:
        row: name of its row.
        config: how it weighs.
        capability: the table it weighs by, None for uniform weights.
        seeds: permutations to average over; one for everything that is not shuffled.
    """

    row: str
    config: FuseConfig
    capability: Float[np.ndarray, "T K"] | None
    seeds: tuple[int, ...]

    def with_seed(self, seed: int) -> FuseConfig:
        """The configuration of one permutation."""
        return self.config.model_copy(update={"shuffle_seed": seed})


@dataclass(frozen=True)
class ControlPlan:
    """The controls to compute, and a note for each that is not: its row's name, then the reason."""

    controls: tuple[Control, ...]
    notes: tuple[str, ...]


def plan_controls(
    config: FuseConfig,
    *,
    num_teachers: int,
    capability: Float[np.ndarray, "T K"] | None,
    oracle: Float[np.ndarray, "T K"] | None,
    num_shuffles: int,
) -> ControlPlan:
    """List the controls of METHOD's fuse section.

    A control with the very weights of the chosen fusion is not computed again but noted. Without ground
    truth one permutation stands for all: there is nothing to average but labels.

    Args:
        config: the chosen fusion.
        num_teachers: with one teacher every fusion equals it.
        capability: the table, NaN where unknown.
        oracle: true IoU per teacher and class; None without ground truth.
        num_shuffles: permutations of ``shuffled_capability`` where there is ground truth.
    """
    if num_teachers == 1:
        return ControlPlan((), ("fuse/*: not computed, with one teacher every fusion equals that teacher",))
    controls: list[Control] = []
    notes: list[str] = []
    weighted = "uniform" if capability is None else "capability"
    for name in ("add", "linear", weighted, *TABLE_STRATEGIES):
        row = f"fuse/{name}"
        strategy = "capability" if name == "uniform" else name
        if name in TABLE_STRATEGIES and capability is None:
            notes.append(f"{row}: not defined, {_NEEDS_TABLE}")
        elif strategy == config.strategy and name != "shuffled_capability":
            notes.append(f"{row}: is the chosen fusion, see row 'fuse'")
        else:
            shuffled = name == "shuffled_capability" and oracle is not None
            seeds = range(config.shuffle_seed, config.shuffle_seed + (num_shuffles if shuffled else 1))
            controls.append(Control(row, _variant(config, strategy), capability, tuple(seeds)))
    if oracle is None:
        notes.append("fuse/oracle_capability: not defined, it needs ground truth")
    else:
        controls.append(
            Control("fuse/oracle_capability", _variant(config, "capability"), oracle, (config.shuffle_seed,))
        )
    return ControlPlan(tuple(controls), tuple(notes))


def _variant(config: FuseConfig, strategy: str) -> FuseConfig:
    """The chosen configuration with another strategy; ``keep_first_on_other`` stays with tables alone."""
    keep = config.keep_first_on_other and strategy in ("capability", "shuffled_capability")
    return config.model_copy(update={"strategy": strategy, "keep_first_on_other": keep})
