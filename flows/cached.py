"""The summary of a run that has nothing to do, read from the store without Prefect or torch."""

import time
from datetime import UTC, datetime

from schema.config import PipelineConfig
from schema.records import StageRef
from schema.stages import STAGES, Plan, StageJob
from schema.summary import RunSummary, run_notes
from storage.recipes import save_recipe
from storage.store import Store
from storage.summary import read_summary, write_summary


def cached_summary(config: PipelineConfig, store: Store, plan: Plan) -> RunSummary:
    """Every stage as found done; the table is the one of the run that computed it.

    Args:
        config: a recipe.
        store: its store.
        plan: its plan, all done.
    """
    started = time.monotonic()
    references = tuple(_reference(store, job) for job in plan.jobs)
    summary = RunSummary(
        recipe=config.name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 2),
        stages=references,
        failures=(),
        table=read_summary(store).get("table"),
        report=str(store.report().path / "index.html"),
        notes=run_notes(references),
    )
    with store.lock():
        save_recipe(store, config)
        write_summary(store, summary)
    return summary


def _reference(store: Store, job: StageJob) -> StageRef:
    entry = store.unit(STAGES[job.word].unit, job.unit).entry(job.stage)
    assert entry is not None, f"{job.label} is done but has no manifest entry"
    return StageRef(job.unit, job.stage, entry.fingerprint, "cached", 0.0, entry.counts, entry.metrics)
