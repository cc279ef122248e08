"""Stage one of distillation: the loop that trains a student on fused features, and survives being killed.

What a step consists of is ``schedule``'s, batches ``data``'s, losses ``ops.losses``'s, files
``checkpoint``'s. Nothing here knows who runs it.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.student.minkunet import build_student
from ops.losses import distillation_losses
from schema.config_stages import DistillConfig
from schema.errors import InputError
from schema.progress import Tracker
from schema.records import TrainingScene
from training.checkpoint import (
    RESUME_FILE,
    STUDENT_FILE,
    load_state,
    read_student,
    restore,
    save_state,
    save_student,
    sweep_partials,
)
from training.data import BatchMaker, StudentBatch, check_scene
from training.metrics_log import MetricsLog, read_metrics
from training.schedule import learning_rate, num_steps, rng_of_step, scenes_of_step, steps_per_epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DistillResult:
    """What training gave.

    Attributes:
        student_file: the weights; their description is ``student.json`` beside them.
        num_steps: steps of the whole training, those of earlier, killed runs included.
        resumed_from: finished steps found when this run began.
        final_loss: mean loss of the last epoch.
        losses: loss of every step.
        skipped: scenes without a single point to learn from.
        num_parameters: of the student.
        seconds: spent on steps, killed runs included as far as their steps were kept.
    """

    student_file: Path
    num_steps: int
    resumed_from: int
    final_loss: float
    losses: tuple[float, ...]
    skipped: tuple[str, ...]
    num_parameters: int
    seconds: float


def distill(
    scenes: Sequence[TrainingScene],
    config: DistillConfig,
    folder: Path,
    *,
    fingerprint: str,
    device: str = "cpu",
    extra: Mapping[str, Any] | None = None,
    on_step: Callable[[int], None] | None = None,
) -> DistillResult:
    """Train a student, or go on with a training that was interrupted.

    Two runs give the same bits on one machine with one number of threads, however often they were killed.

    Args:
        scenes: what to learn from; scenes without a supervised point are skipped and named in the result.
        config: recipe.
        folder: existing folder for the student's files, ``metrics.jsonl`` and the resumable state.
        fingerprint: names this training; a state with another one is ignored.
        device: where to train.
        extra: JSON values added to ``student.json`` (the text space, for instance).
        on_step: told the number of finished steps after each one.

    Raises:
        InputError: no scene has a supervised point, or a scene's arrays do not fit each other.
    """
    sweep_partials(folder)
    used, skipped = _usable(scenes, config)
    channels = int(used[0].target.shape[1])
    network = build_student(config, channels, config.seed).to(device)
    about = {
        "architecture": config.architecture,
        "planes": None if config.planes is None else list(config.planes),
        "channels": channels,
        "voxel_m": config.voxel_m,
        "fingerprint": fingerprint,
        "seed": config.seed,
        **(extra or {}),
    }
    total = num_steps(len(used), config)
    resumed_from = total
    if not _is_finished(folder, about):
        with _deterministic():
            resumed_from = _train(network, used, config, folder, fingerprint=fingerprint, on_step=on_step)
        save_student(folder, network, about)
    (folder / RESUME_FILE).unlink(missing_ok=True)
    lines = read_metrics(folder)
    losses = tuple(float(line["loss"]) for line in lines)
    last = losses[-steps_per_epoch(len(used), config) :]
    return DistillResult(
        student_file=folder / STUDENT_FILE,
        num_steps=total,
        resumed_from=resumed_from,
        final_loss=sum(last) / len(last),
        losses=losses,
        skipped=skipped,
        num_parameters=sum(p.numel() for p in network.parameters()),
        seconds=sum(float(line["seconds"]) for line in lines),
    )


def _usable(
    scenes: Sequence[TrainingScene], config: DistillConfig
) -> tuple[list[TrainingScene], tuple[str, ...]]:
    channels = int(scenes[0].target.shape[1]) if scenes else 0
    fine = [check_scene(scene, config, channels) for scene in scenes]
    used = [scene for scene, ok in zip(scenes, fine, strict=True) if ok]
    skipped = tuple(scene.scene_id for scene, ok in zip(scenes, fine, strict=True) if not ok)
    if skipped:
        log.warning("no teacher saw any point of %s: not trained on", ", ".join(skipped))
    if not used:
        raise InputError(
            "no training scene has a point that a teacher saw",
            field="split.train",
            value=list(skipped),
            remedy="check coverage of the lift stage, or choose other training scenes",
        )
    return used, skipped


def _is_finished(folder: Path, about: Mapping[str, Any]) -> bool:
    """Whether an earlier run wrote this student, and was only stopped before anyone recorded it."""
    try:
        found, _ = read_student(folder)
    except ValueError:
        return False
    return {key: found.get(key) for key in about} == dict(about) and bool(read_metrics(folder))


def _train(
    network: nn.Module,
    scenes: Sequence[TrainingScene],
    config: DistillConfig,
    folder: Path,
    *,
    fingerprint: str,
    on_step: Callable[[int], None] | None,
) -> int:
    optimizer = torch.optim.Adam(network.parameters(), lr=config.lr_start, weight_decay=0.0, fused=True)
    state = load_state(folder, fingerprint)
    first = 0 if state is None else state.step
    if state is not None:
        restore(state, network, optimizer)
        log.info("training goes on after step %d", first)
    total, per_epoch = num_steps(len(scenes), config), steps_per_epoch(len(scenes), config)
    device = str(next(network.parameters()).device)
    batches = BatchMaker(scenes, config)
    network.train()
    saved_at = time.monotonic()
    with MetricsLog(folder, first) as metrics, Tracker("distill", total) as tracker:
        tracker.advance(first)
        for step in range(first, total):
            began = time.monotonic()
            chosen = scenes_of_step(step, len(scenes), config)
            batch = batches.batch(chosen, rng_of_step(step, config)).to(device)
            rate = learning_rate(step, total, config)
            losses = _step(network, optimizer, batch, rate=rate, superpoints=config.targets != "pixel_point")
            seconds = time.monotonic() - began
            metrics.add(step=step, epoch=step // per_epoch, **losses, lr=rate, seconds=round(seconds, 4))
            if step + 1 < total and time.monotonic() - saved_at >= config.checkpoint_every_s:
                metrics.sync()
                save_state(folder, network, optimizer, step=step + 1, fingerprint=fingerprint)
                saved_at = time.monotonic()
            tracker.advance(1, f"loss {losses['loss']:.4f}")
            if on_step is not None:
                on_step(step + 1)
    network.eval()
    return first


def _step(
    network: nn.Module, optimizer: torch.optim.Adam, batch: StudentBatch, *, rate: float, superpoints: bool
) -> dict[str, float]:
    for group in optimizer.param_groups:
        group["lr"] = rate
    feat = network(batch.voxel_coords)
    point, superpoint = distillation_losses(feat, batch.target, batch.links, superpoints=superpoints)
    loss = point + superpoint
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimizer.step()
    return {"loss": loss.item(), "loss_point": point.item(), "loss_superpoint": superpoint.item()}


@contextmanager
def _deterministic() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
