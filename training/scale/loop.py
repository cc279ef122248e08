"""The loop that every scale model is trained by: AdamW, averaged weights, a log, and a state to resume from.

What a step learns is its recipe's business; a recipe is a pure function of the step's number and the weights,
so that a training which was killed ends with the bits of one that was not.
"""

import copy
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from schema.config_scale import ScaleFitConfig
from schema.progress import Tracker
from training.checkpoint import RESUME_FILE, load_state, restore, save_state
from training.metrics_log import MetricsLog, read_metrics, step_lines

CLIP_NORM = 1.0
"""Gradients are scaled down to this norm over all parameters."""

_WARM_UP = 0.05  # share of the steps over which the learning rate rises
_LAST_RATE = 0.01  # share of the learning rate at the last step


class Recipe(Protocol):
    """What is trained.

    Attributes:
        name: of the model.
        modules: what has weights to train, by a name without dots; all on one device.
        steps: how many.
        fingerprint: of everything that decides the result; a state of another one is not resumed from.
    """

    name: str
    modules: Mapping[str, nn.Module]
    steps: int
    fingerprint: str

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of a step's batch, and numbers for the log.

        The batch is drawn by ``generator_of`` or ``rng_of``; torch's global generator is seeded for the step
        by the loop (dropout, noise of library classes).
        """
        ...


def rng_of(seed: int, step: int, *purpose: int) -> np.random.Generator:
    """NumPy's generator of a step; different ``purpose`` numbers give independent ones."""
    # their number too: to NumPy, a zero at the end makes no difference
    return np.random.default_rng([seed, step, len(purpose), *purpose])


def generator_of(seed: int, step: int, *purpose: int) -> torch.Generator:
    """PyTorch's CPU generator of a step."""
    return torch.Generator().manual_seed(int(rng_of(seed, step, *purpose).integers(2**62)))


def fit(
    recipe: Recipe,
    folder: Path,
    *,
    learning_rate: float,
    weight_decay: float,
    ema: float,
    save_every_s: float,
    label: str,
    on_step: Callable[[int], None] | None = None,
) -> None:
    """Train from wherever the folder's state stands; the modules end with the averaged weights, in eval mode.

    The state is kept until ``sweep``, so that a process killed before the model's own files are written does
    not train again. Metrics go to ``metrics.jsonl`` in the folder, one line a step.

    Args:
        recipe: what is trained.
        folder: of this training alone; made if missing.
        learning_rate: highest; linear warm-up over a twentieth of the steps, then a cosine down.
        weight_decay: of weights with two or more axes.
        ema: share of the average kept in a step (less in the first steps); 0: the last weights.
        save_every_s: seconds between two states.
        label: names the progress.
        on_step: called with the number of finished steps.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    live = nn.ModuleDict(dict(recipe.modules))
    average = copy.deepcopy(live).requires_grad_(requires_grad=False)
    both = nn.ModuleDict({"live": live, "average": average})
    optimizer = _optimizer(live, weight_decay)
    state = load_state(folder, recipe.fingerprint)
    first = 0 if state is None else state.step
    if state is not None:
        restore(state, both, optimizer)
    saved_at = time.monotonic()
    live.train()
    with Tracker(label, recipe.steps) as tracker, MetricsLog(folder, first) as book:
        tracker.advance(first)
        for step in range(first, recipe.steps):
            began = time.monotonic()
            rate = learning_rate * rate_share(step, recipe.steps)
            numbers = _step(recipe, step, optimizer, rate)
            _average(average, live, min(ema, (1 + step) / (10 + step)))
            book.add(step=step, **numbers, lr=rate, seconds=round(time.monotonic() - began, 4))
            done = step + 1
            if done == recipe.steps or time.monotonic() - saved_at >= save_every_s:
                book.sync()
                save_state(folder, both, optimizer, step=done, fingerprint=recipe.fingerprint, extras={})
                saved_at = time.monotonic()
            tracker.advance(1, f"loss {numbers['loss']:.3f}")
            if on_step is not None:
                on_step(done)
    live.load_state_dict(average.state_dict())
    live.eval()


def fit_as(
    recipe: Recipe, folder: Path, how: ScaleFitConfig, *, label: str, save_every_s: float = 60.0
) -> None:
    """``fit`` with the rates of a configuration."""
    fit(
        recipe,
        folder,
        learning_rate=how.learning_rate,
        weight_decay=how.weight_decay,
        ema=how.ema,
        save_every_s=save_every_s,
        label=label,
    )


def rate_share(step: int, steps: int) -> float:
    """Learning rate of a step as a share of the highest: linear up, then a cosine down to a hundredth.

    >>> [round(rate_share(step, 100), 3) for step in (0, 4, 5, 99)]
    [0.2, 1.0, 1.0, 0.01]
    """
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - 1 - warm_up)
    return _LAST_RATE + (1 - _LAST_RATE) * (0.5 + 0.5 * math.cos(math.pi * progress))


def seconds_trained(folder: Path) -> float:
    """Seconds that all steps of the folder's training took, those before a kill included."""
    return float(sum(line["seconds"] for line in step_lines(read_metrics(folder))))


def sweep(folder: Path) -> None:
    """Delete the state, once what was trained is written elsewhere; the metrics stay."""
    (folder / RESUME_FILE).unlink(missing_ok=True)


def _optimizer(live: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    trained = [parameter for parameter in live.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]])


def _step(recipe: Recipe, step: int, optimizer: torch.optim.AdamW, rate: float) -> dict[str, float]:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    devices = sorted({p.device.index or 0 for p in parameters if p.device.type == "cuda"})
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(step)
        loss, numbers = recipe.loss(step)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
    norm = nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
    values = {"loss": float(loss.detach()), **numbers, "norm": float(norm)}
    if not all(math.isfinite(value) for value in (values["loss"], values["norm"])):
        raise FloatingPointError(f"{recipe.name}: loss {values['loss']}, gradient {values['norm']} at {step}")
    optimizer.step()
    return {name: round(value, 6) for name, value in values.items()}


@torch.no_grad()
def _average(average: nn.Module, live: nn.Module, keep: float) -> None:
    """Move the average towards the live weights; running statistics too, counters are copied."""
    kept, new = average.state_dict(), live.state_dict()
    for name, value in kept.items():
        if value.is_floating_point():
            value.lerp_(new[name], 1 - keep)
        else:
            value.copy_(new[name])
