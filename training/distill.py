"""Distillation in both stages: the loop that trains a student on fused features, and survives being killed.

What a step consists of is ``schedule``'s, batches ``data``'s, a step ``steps``'s, the ensemble
``self_distillation``'s, files ``checkpoint``'s. Nothing here knows who runs it.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.devices import choose_device
from models.student.minkunet import build_student
from schema.config import RuntimeConfig
from schema.config_stages import DistillConfig
from schema.errors import InputError
from storage.layout import STUDENT_FILE, STUDENT_JSON
from training.checkpoint import load_initial, read_student, save_student, sweep, sweep_partials
from training.loop import Job, Loop
from training.metrics_log import read_metrics, step_lines
from training.parallel import World, join_world
from training.scenes import TrainingScenes, only_seen
from training.schedule import Schedule
from training.self_distillation import Classes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSet:
    """What a student learns from.

    Attributes:
        scenes: with targets.
        classes: words of stage two's pseudo labels; None where there is no stage two.
        validation: scenes that choose the weights; None keeps the last ones.
    """

    scenes: TrainingScenes
    classes: Classes | None = None
    validation: TrainingScenes | None = None


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
        chosen_epoch: whose weights these are.
    """

    student_file: Path
    num_steps: int
    resumed_from: int
    final_loss: float
    losses: tuple[float, ...]
    skipped: tuple[str, ...]
    num_parameters: int
    seconds: float
    chosen_epoch: int


def distill(
    data: TrainingSet,
    config: DistillConfig,
    folder: Path,
    *,
    fingerprint: str,
    runtime: RuntimeConfig | None = None,
    extra: Mapping[str, Any] | None = None,
    on_step: Callable[[int], None] | None = None,
) -> DistillResult:
    """Train a student, or go on with a training that was interrupted.

    Two runs give the same bits on one machine with one number of threads, however often they were killed.
    Under ``torchrun`` every process calls this with the same arguments; process 0 writes the files.

    Args:
        data: what to learn from; scenes without a seen point are skipped and named in the result.
        config: recipe.
        folder: existing folder for the student's files, ``metrics.jsonl``, TensorBoard's events, the
            resumable state and the ensemble.
        fingerprint: names this training; a state with another one is ignored.
        runtime: device, engine, batches prepared ahead.
        extra: JSON values added to ``student.json`` (the text space, for instance).
        on_step: told the number of finished steps after each one.

    Raises:
        InputError: no scene has a seen point, or a scene's arrays do not fit each other.
        WeightsError: the initial weights do not fit.
    """
    runtime = runtime or RuntimeConfig()
    world = join_world(choose_device(runtime.device))
    if world.leads:
        sweep_partials(folder)
    world.wait()
    scenes, skipped = _usable(data.scenes)
    network = build_student(config, scenes.channels, config.seed, engine=runtime.engine)
    if config.initial_weights is not None:
        load_initial(config.initial_weights, network)
    network.to(world.device)
    about = _about(config, scenes.channels, fingerprint, extra or {})
    schedule = Schedule(len(scenes.scene_ids), config)
    resumed_from = schedule.num_steps
    if not _is_finished(folder, about):
        _write_once(world, lambda: (folder / STUDENT_JSON).unlink(missing_ok=True))
        job = Job(scenes, data.classes, data.validation, folder, fingerprint, runtime)
        with _deterministic(world.device):
            resumed_from = Loop(network, job, schedule, world).run(on_step)
        _write_once(world, lambda: save_student(folder, network, about))
    _write_once(world, lambda: sweep(folder))
    num_parameters = sum(p.numel() for p in network.parameters())
    return _result(folder, schedule, resumed_from, skipped=skipped, num_parameters=num_parameters)


def _write_once(world: World, write: Callable[[], object]) -> None:
    if world.leads:
        write()
    world.wait()


def _about(
    config: DistillConfig, channels: int, fingerprint: str, extra: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "architecture": config.architecture,
        "planes": None if config.planes is None else list(config.planes),
        "channels": channels,
        "voxel_m": config.voxel_m,
        "fingerprint": fingerprint,
        "seed": config.seed,
        **extra,
    }


def _result(
    folder: Path, schedule: Schedule, resumed_from: int, *, skipped: tuple[str, ...], num_parameters: int
) -> DistillResult:
    lines = read_metrics(folder)
    steps = step_lines(lines)
    losses = tuple(float(line["loss"]) for line in steps)
    last = losses[-schedule.steps_per_epoch :]
    validated = [line for line in lines if line.get("kind") == "validation"]
    best = min(validated, key=lambda line: float(line["validation_loss"]), default=lines[-1])
    return DistillResult(
        student_file=folder / STUDENT_FILE,
        num_steps=schedule.num_steps,
        resumed_from=resumed_from,
        final_loss=sum(last) / len(last),
        losses=losses,
        skipped=skipped,
        num_parameters=num_parameters,
        seconds=sum(float(line["seconds"]) for line in steps),
        chosen_epoch=int(best["epoch"]),
    )


def _usable(scenes: TrainingScenes) -> tuple[TrainingScenes, tuple[str, ...]]:
    used, skipped = only_seen(scenes)
    if skipped:
        log.warning("no teacher saw any point of %s: not trained on", ", ".join(skipped))
    if not used.scene_ids:
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


@contextmanager
def _deterministic(device: str) -> Iterator[None]:
    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
