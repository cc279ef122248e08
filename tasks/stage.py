"""What every stage's task shares: skip what is done, time it, commit it, return a reference.

The store decides what is done; Prefect's own cache is not used, so that its database may be lost.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from schema.config import PipelineConfig
from schema.errors import Teach3dError
from schema.progress import Tracker
from schema.records import StageRef
from schema.stages import STAGES, StageJob
from storage.store import Store
from storage.unit import Unit
from storage.writer import StageWriter

logger = logging.getLogger(__name__)

StageWork = Callable[[PipelineConfig, StageJob, StageWriter], None]
StageTask: TypeAlias = "Task[[PipelineConfig, StageJob], StageRef]"


def unit_of(config: PipelineConfig, job: StageJob) -> Unit:
    """The part of the store that a job writes to."""
    return Store(config.store).unit(STAGES[job.word].unit, job.unit)


def stage_task(work: StageWork) -> StageTask:
    """Make a Prefect task of a stage's work: ``(config, job) -> StageRef``.

    The work reads, makes one call and puts the result into the writer; this wrapper skips it when the
    store already holds it, commits it, and logs how long it took.
    """

    @functools.wraps(work)
    def run(config: PipelineConfig, job: StageJob) -> StageRef:
        unit = unit_of(config, job)
        started = time.monotonic()
        if not unit.is_done(job.stage, job.fingerprint):
            writing = unit.writing(
                job.stage,
                job.fingerprint,
                version=STAGES[job.word].version,
                config=job.config,
                inputs=job.inputs,
            )
            with Tracker(job.label, None), writing as writer:
                work(config, job, writer)
            status = "computed"
        else:
            status = "cached"
        reference = committed(unit, job, status=status, seconds=time.monotonic() - started)
        logger.info("%s %s in %.1f s %s", job.label, status, reference.seconds, dict(reference.counts))
        return reference

    del run.__wrapped__  # Prefect would take the signature of the work
    made = task(
        run,
        name=work.__name__,
        task_run_name="{job.label}",
        cache_policy=NO_CACHE,
        persist_result=False,
        retry_condition_fn=_not_the_users_fault,
    )
    return cast("StageTask", made)


def committed(unit: Unit, job: StageJob, *, status: Any, seconds: float) -> StageRef:
    """The reference of a job whose result the store holds."""
    entry = unit.entry(job.stage)
    assert entry is not None, f"{job.label} was committed but has no manifest entry"
    return StageRef(
        job.unit, job.stage, entry.fingerprint, status, round(seconds, 3), entry.counts, entry.metrics
    )


def _not_the_users_fault(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what may pass by itself; a wrong input stays wrong."""
    try:
        state.result()
    except Teach3dError:
        return False
    except Exception:
        return True
    return False
