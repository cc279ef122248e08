"""The loop of a training: steps in order, log, validation, and a state from time to time.

What a step learns is ``steps``'s business, what comes before and after the loop ``distill``'s.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from schema.config import RuntimeConfig
from schema.progress import Tracker
from storage.ensemble import EnsembleFolder
from training.checkpoint import ENSEMBLE_FOLDER, TrainingState, load_state, restore, save_state, sweep
from training.data import BatchMaker, StudentBatch
from training.metrics_log import MetricsLog
from training.parallel import World
from training.prefetch import prefetch
from training.scalars import Scalars
from training.scenes import TrainingScenes
from training.schedule import Schedule, micro_batches, rngs_of, share_of
from training.self_distillation import Classes, Ensemble
from training.steps import Learner, StepPlan
from training.validation import Best, Validation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What is trained on, and where.

    Attributes:
        scenes: all of them with a seen point.
        classes: words of stage two.
        validation: scenes that choose the weights.
        folder: of the training.
        fingerprint: names the training.
        runtime: how it is carried out.
    """

    scenes: TrainingScenes
    classes: Classes | None
    validation: TrainingScenes | None
    folder: Path
    fingerprint: str
    runtime: RuntimeConfig


@dataclass(frozen=True)
class _Prepared:
    """The batches of this process in a step, and which of them are real."""

    batches: tuple[StudentBatch, ...]
    counted: tuple[bool, ...]


class Loop:
    """One training from wherever it stands to its end."""

    def __init__(self, network: nn.Module, job: Job, schedule: Schedule, world: World) -> None:
        self._job = job
        self._schedule = schedule
        self._world = world
        self._batches = BatchMaker(job.scenes, schedule.config)
        self._ensemble = self._make_ensemble()
        self._learner = Learner(network, schedule.config, world, self._ensemble)
        self._validation = self._make_validation()
        self._saved_at = time.monotonic()

    def _make_ensemble(self) -> Ensemble | None:
        stage_two = self._schedule.config.self_distillation
        if stage_two.epochs == 0:
            return None
        assert self._job.classes is not None, "stage two needs classes"
        files = EnsembleFolder(self._job.folder / ENSEMBLE_FOLDER, self._job.fingerprint)
        return Ensemble(files, self._job.classes, stage_two)

    def _make_validation(self) -> Validation | None:
        job = self._job
        if job.validation is None:
            return None
        ahead = job.runtime.prefetch_batches
        config = self._schedule.config
        return Validation(job.validation, config, job.folder, fingerprint=job.fingerprint, ahead=ahead)

    def run(self, on_step: Callable[[int], None] | None) -> int:
        """Train to the end; the network then holds the chosen weights.

        Returns:
            The step it went on from.
        """
        first, total = self._resume(), self._schedule.num_steps
        self._learner.network.train()
        ahead = self._job.runtime.prefetch_batches
        with ExitStack() as stack:
            tracker = stack.enter_context(Tracker("distill", total))
            tracker.advance(first)
            book = stack.enter_context(_Book(self._job.folder, first)) if self._world.leads else None
            self._saved_at = time.monotonic()
            for step, prepared in prefetch(self._prepare, range(first, total), ahead=ahead):
                note = self._take(step, prepared, book)
                tracker.advance(1, note)
                if on_step is not None:
                    on_step(step + 1)
        if self._validation is not None:
            self._validation.restore_best(self._learner.network)
        self._learner.network.eval()
        return first

    def _prepare(self, step: int) -> _Prepared:
        """The batches of this process; as many in every process, so that none waits for another in vain."""
        config, world = self._schedule.config, self._world
        chosen = self._schedule.scenes(step)
        groups = micro_batches(share_of(chosen, world.rank, world.size), config.micro_batch_scenes)
        wanted = len(micro_batches(share_of(chosen, 0, world.size), config.micro_batch_scenes))
        counted = (True,) * len(groups) + (False,) * (wanted - len(groups))
        groups += (chosen[:1],) * (wanted - len(groups))
        stage_two = self._schedule.stage(step) == 2
        batches = tuple(
            self._batches.batch(group, rngs_of(step, group, config), stage_two=stage_two) for group in groups
        )
        return _Prepared(batches, counted)

    def _take(self, step: int, prepared: _Prepared, book: "_Book | None") -> str:
        """One step with all that follows it; returns a note for the progress bar."""
        schedule = self._schedule
        began = time.monotonic()
        if step == schedule.steps_of_stage_one:
            self._enter_stage_two()
        stage = schedule.stage(step)
        generation = schedule.generation(step) if stage == 2 else 0
        plan = StepPlan(schedule.learning_rate(step), stage, generation)
        values = self._learner.step(prepared.batches, prepared.counted, plan)
        if stage == 2:
            self._world.wait()  # the next step may read what another process has written
        seconds = time.monotonic() - began
        epoch = schedule.epoch(step)
        if book is not None:
            book.step(step, epoch=epoch, stage=stage, **values, lr=plan.rate, seconds=round(seconds, 4))
        if self._validation is not None and (step + 1) % schedule.steps_per_epoch == 0:
            self._world.same_buffers(self._learner.network)
            loss = self._validation.consider(epoch, self._learner)
            if book is not None:
                book.validation(step, epoch=epoch, validation_loss=loss)
        if book is not None and step + 1 < schedule.num_steps and self._is_due():
            book.sync()
            self._save(step + 1)
        rate = len(schedule.scenes(step)) / max(seconds, 1e-9)
        return f"stage {stage}, loss {values['loss']:.4f}, lr {plan.rate:.1e}, {rate:.2g} scenes/s"

    def _enter_stage_two(self) -> None:
        """The ensemble starts as the student's answers now; a fresh start forgets the optimizer's state."""
        assert self._ensemble is not None
        world, learner = self._world, self._learner
        world.same_buffers(learner.network)
        if self._schedule.config.self_distillation.fresh_start:
            learner.optimizer = learner.new_optimizer()
        mine = range(len(self._job.scenes.scene_ids))[world.rank :: world.size]
        precision = self._schedule.config.precision
        self._ensemble.begin(learner.network, self._batches, mine, world.device, precision=precision)
        world.wait()

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._schedule.config.checkpoint_every_s

    def _save(self, step: int) -> None:
        """Commit the state after ``step`` finished steps, then delete what only older states needed."""
        learner, best = self._learner, self._validation.best if self._validation else None
        extras: dict[str, Any] = {"scaler": learner.scaler.state_dict()}
        if best is not None:
            extras["best"] = [best.epoch, best.loss]
        save_state(
            self._job.folder,
            learner.network,
            learner.optimizer,
            step=step,
            fingerprint=self._job.fingerprint,
            extras=extras,
        )
        if self._ensemble is not None and self._schedule.stage(step) == 2:
            self._ensemble.forget(self._schedule.generation(step))
        if self._validation is not None:
            self._validation.forget()
        self._saved_at = time.monotonic()

    def _resume(self) -> int:
        state = load_state(self._job.folder, self._job.fingerprint)
        if state is None or not self._is_whole(state):
            self._world.wait()  # everyone has looked
            if self._world.leads:
                sweep(self._job.folder)  # of another training, or of no use
            self._world.wait()
            return 0
        restore(state, self._learner.network, self._learner.optimizer)
        self._learner.scaler.load_state_dict(dict(state.extras["scaler"]))
        if self._validation is not None and "best" in state.extras:
            epoch, loss = state.extras["best"]
            self._validation.best = Best(int(epoch), float(loss))
        log.info("training goes on after step %d", state.step)
        return state.step

    def _is_whole(self, state: TrainingState) -> bool:
        """Whether the ensemble that the state needs is there, too."""
        if self._ensemble is None or state.step <= self._schedule.steps_of_stage_one:
            return True
        generation = self._schedule.generation(state.step)
        missing = self._ensemble.missing(self._job.scenes.scene_ids, generation)
        if missing:
            log.warning("the ensemble of %s is missing; training starts anew", ", ".join(missing[:8]))
        return not missing


class _Book:
    """What process 0 writes down: the log and TensorBoard's scalars."""

    def __init__(self, folder: Path, first: int) -> None:
        self._log = MetricsLog(folder, first)
        self._scalars = Scalars(folder, first)

    def step(self, step: int, **values: float) -> None:
        """One line of the log; the numbers of the step as scalars."""
        self._log.add(step=step, **values)
        self._scalars.add(step, **{name: value for name, value in values.items() if name != "stage"})

    def validation(self, step: int, **values: float) -> None:
        """A line of its own."""
        self._log.add(kind="validation", step=step, **values)
        self._scalars.add(step, validation_loss=values["validation_loss"])

    def sync(self) -> None:
        """Make the log survive a power failure."""
        self._log.sync()

    def __enter__(self) -> "_Book":
        self._log.__enter__()
        self._scalars.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._log.__exit__(*_)
        self._scalars.__exit__(*_)
