"""The pipeline as a Prefect flow: the plan's missing jobs as tasks, in order, failures gathered to the end.

What is missing is the plan's business, computing it the tasks'; the store alone says what is done.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from prefect import flow
from prefect.exceptions import UnfinishedRun
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner

from flows.plan import make_plan
from flows.runners import task_runner
from schema.config import PipelineConfig
from schema.errors import Teach3dError
from schema.records import StageRef
from schema.stages import STAGES, Plan, StageJob
from schema.summary import RunSummary, StageFailure, run_notes
from storage.recipes import save_recipe
from storage.store import Store
from storage.summary import write_summary
from tasks.distill import distill
from tasks.evaluate import evaluate
from tasks.fuse import fuse
from tasks.ingest import ingest
from tasks.lift import lift
from tasks.oversegment import oversegment
from tasks.render import render
from tasks.report import report
from tasks.stage import StageTask, committed, unit_of
from training.summarise import headline_table

STAGE_ORDER = tuple(STAGES)

logger = logging.getLogger(__name__)

TASKS: Mapping[str, StageTask] = {
    "render": render,
    "ingest": ingest,
    "oversegment": oversegment,
    "lift": lift,
    "fuse": fuse,
    "distill": distill,
    "evaluate": evaluate,
    "report": report,
}


class RunFailedError(RuntimeError):
    """Some stages failed; everything that did not depend on them is in the store.

    Attributes:
        summary: what was done and what failed.
    """

    def __init__(self, summary: RunSummary) -> None:
        self.summary = summary
        super().__init__("; ".join(failure.line() for failure in summary.failures))


@flow(  # type: ignore[untyped-decorator]  # Prefect is not analysed
    name="teach3d", flow_run_name="{config.name}", persist_result=False
)
def pipeline(config: PipelineConfig) -> RunSummary:
    """Everything a recipe asks for and the store does not hold.

    Args:
        config: the recipe.

    Returns:
        What was computed, what was found done, and the table.

    Raises:
        RunFailedError: a stage failed; the rest was still done.
    """
    store = Store(config.store, create=True)
    with store.lock():
        save_recipe(store, config)
        plan = make_plan(config, store)
        run = _Run(config, plan)
        runner = task_runner(config.runtime)
        with runner:
            run.submit(runner, (job for job in plan.jobs if job.word != "report"))
            run.gather()
            write_summary(store, run.summary(store))
            run.submit(runner, (job for job in plan.jobs if job.word == "report"))
            run.gather()
        summary = run.summary(store)
        write_summary(store, summary)
    if summary.failures:
        raise RunFailedError(summary)
    return summary


class _Run:
    """Jobs submitted so far and what became of them."""

    def __init__(self, config: PipelineConfig, plan: Plan) -> None:
        self._config = config
        self._plan = plan
        self._started = time.monotonic()
        self._when = datetime.now(UTC)
        self._futures: dict[StageJob, PrefectFuture[StageRef]] = {}
        # by the fingerprint of what they make, which two copies of one scene share
        self._made: dict[str, list[PrefectFuture[StageRef]]] = {}
        self._references: dict[StageJob, StageRef] = {}
        self._failures: list[StageFailure] = []

    def submit(self, runner: TaskRunner[PrefectFuture[StageRef]], jobs: Iterable[StageJob]) -> None:
        """Hand missing jobs to the runner, each behind the jobs it reads from; note the done ones.

        Stage by stage, not scene by scene: a worker that waits for what it reads from is idle.
        """
        for job in sorted(jobs, key=lambda job: STAGE_ORDER.index(job.word)):
            if job.state == "done":
                unit = unit_of(self._config, job)
                self._references[job] = committed(unit, job, status="cached", seconds=0.0)
                continue
            task = TASKS[job.word].with_options(retries=self._config.runtime.retries, retry_delay_seconds=1)
            upstream = [future for digest in job.inputs.values() for future in self._made.get(digest, ())]
            future = runner.submit(task, {"config": self._config, "job": job}, wait_for=upstream)
            self._futures[job] = future
            self._made.setdefault(job.fingerprint, []).append(future)

    def gather(self) -> None:
        """Wait for everything submitted; a failure is kept and does not stop the others."""
        for job, future in self._futures.items():
            if job in self._references or any(failure.of(job) for failure in self._failures):
                continue
            try:
                self._references[job] = future.result()
            except UnfinishedRun:
                self._failures.append(
                    StageFailure(job.unit, job.stage, "not run: what it reads from failed", "upstream")
                )
            except Teach3dError as error:
                self._failures.append(StageFailure(job.unit, job.stage, str(error), "user"))
            except Exception as error:
                logger.exception("%s failed", job.label)
                message = f"{type(error).__name__}: {error}"
                self._failures.append(StageFailure(job.unit, job.stage, message, "internal"))

    def summary(self, store: Store) -> RunSummary:
        """What is known so far, with the table of all scenes that are evaluated."""
        evaluated = [ref.unit for job, ref in self._references.items() if job.word == "evaluate"]
        return RunSummary(
            recipe=self._config.name,
            started=self._when.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._started, 2),
            stages=tuple(self._references[job] for job in self._plan.jobs if job in self._references),
            failures=tuple(self._failures),
            table=headline_table(store, evaluated, self._config.source.kind),
            report=str(store.report().path / "index.html"),
            notes=run_notes(self._references.values()),
        )
