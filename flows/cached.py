"""The summary of a run that has nothing to do, read from the store without Prefect or torch."""

import time
from datetime import UTC, datetime

from flows.plan import make_plan
from schema.config import PipelineConfig
from schema.records import StageRef
from schema.stages import STAGES, StageJob
from schema.summary import RunSummary
from storage.store import Store
from storage.summary import read_summary, write_summary


def cached_summary(config: PipelineConfig, store: Store) -> RunSummary:
    """Every stage as found done; the table is the one of the run that computed it.

    Args:
        config: a recipe whose plan is done.
        store: its store.
    """
    started = time.monotonic()
    plan = make_plan(config, store)
    summary = RunSummary(
        recipe=config.name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 2),
        stages=tuple(_reference(store, job) for job in plan.jobs),
        failures=(),
        table=read_summary(store).get("table"),
        report=str(store.report().path / "index.html"),
    )
    write_summary(store, summary)
    return summary


def _reference(store: Store, job: StageJob) -> StageRef:
    kind = STAGES[job.word].unit
    unit = (
        store.scene(job.unit) if kind == "scene" else store.student() if kind == "student" else store.report()
    )
    entry = unit.entry(job.stage)
    assert entry is not None, f"{job.label} is done but has no manifest entry"
    return StageRef(job.unit, job.stage, entry.fingerprint, "cached", 0.0, entry.counts, entry.metrics)
