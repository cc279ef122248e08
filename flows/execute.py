"""Carrying out ``teach3d run``: plan, say so if nothing is to do, else run the flow; then print the table."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.cached import cached_summary
from flows.commands.status import print_plan
from flows.console import RichProgress, console, error_console, print_json, print_table
from flows.plan import make_plan
from schema.config import PipelineConfig
from schema.summary import RunSummary
from storage.disk import full_disk_told
from storage.recipes import load_recipe
from storage.store import Store
from storage.summary import summary_json


def execute(recipe: Path, overrides: Sequence[str], *, dry_run: bool, json: bool) -> int:
    """Run a recipe and print what came out; returns the exit code.

    Args:
        recipe: YAML file.
        overrides: ``key.sub=value`` each.
        dry_run: print the plan instead.
        json: print JSON instead of tables.
    """
    config = load_recipe(recipe, overrides)
    _limit_threads(config.runtime.threads)
    store = Store(config.store, create=True)
    plan = make_plan(config, store)
    if dry_run:
        print_plan(plan, json=json)
        return 0
    with full_disk_told(store.root):
        summary = _run_flow(config, store) if plan.todo() else cached_summary(config, store, plan)
    if json:
        print_json(summary_json(summary))
    else:
        _print_summary(summary)
    return summary.exit_code()


def _limit_threads(threads: int) -> None:
    """What is imported from here on (numba, torch, Open3D) reads these when it is imported.

    cuBLAS computes the same bits twice only with a workspace that was set before its first call.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # the student's threads work while OpenMP's would spin
    if threads:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ[name] = str(threads)


def _run_flow(config: PipelineConfig, store: Store) -> RunSummary:
    former = signal.signal(signal.SIGINT, _stop_at_once)
    with _prefect(store), RichProgress() as progress:
        from flows.pipeline import RunFailedError, pipeline
        from schema.progress import show_progress_on

        show_progress_on(progress)
        summary: RunSummary
        try:
            summary = pipeline(config)
        except RunFailedError as error:
            summary = error.summary
        finally:
            show_progress_on(None)
            signal.signal(signal.SIGINT, former)
            _flush_logs()
    return summary


@contextlib.contextmanager
def _prefect(store: Store) -> Iterator[None]:
    """A Prefect API for this run: the one in ``PREFECT_API_URL``, else a private one that ends with it."""
    from flows.local_server import local_server, prepare_environment

    home = store.root / "prefect"
    own = "PREFECT_API_URL" not in os.environ
    if own:
        prepare_environment(home)
    with local_server(home) if own else contextlib.nullcontext() as address:
        if address is not None:
            os.environ["PREFECT_API_URL"] = address
        try:
            yield
        finally:
            if own:
                os.environ.pop("PREFECT_API_URL", None)


def _stop_at_once(_signal: int, _frame: object) -> None:
    """Ctrl-C: leave now. A task's thread cannot be interrupted, and the store is built to survive a kill."""
    error_console.show_cursor()
    sys.stderr.write("\nstopped; what is finished is kept, run again to go on\n")
    sys.stderr.flush()
    os._exit(130)


def _flush_logs() -> None:
    """Deliver what is still queued for the server, before the server goes."""
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()


def _print_summary(summary: RunSummary) -> None:
    rows: list[list[Any]] = [
        [ref.unit, ref.stage, ref.status, ref.seconds, _counts(ref.counts)] for ref in summary.stages
    ]
    print_table(["scene", "stage", "status", "seconds", "counts"], rows, title=f"recipe {summary.recipe}")
    if summary.table is not None:
        table = summary.table
        print_table(table["columns"], [row["cells"] for row in table["rows"]], title=table["title"])
        for note in table["notes"]:
            console.print(f"  {note}", style="dim", markup=False)
    for note in summary.notes:
        console.print(note, markup=False, soft_wrap=True)
    for failure in summary.failures:
        if failure.cause != "upstream":
            error_console.print(f"error: {failure.line()}", style="red", markup=False, soft_wrap=True)
    waiting = sum(failure.cause == "upstream" for failure in summary.failures)
    if waiting:
        error_console.print(f"{waiting} stages were not tried, they read from what failed", markup=False)
    if summary.failures:
        return
    computed = sum(ref.status == "computed" for ref in summary.stages)
    done = f"{computed} computed, {len(summary.stages) - computed} already done"
    console.print(f"{done}; {summary.seconds:.1f} s", markup=False)
    console.print(f"report: {summary.report}", markup=False, soft_wrap=True)


def _counts(counts: Any) -> str:
    return ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in counts.items() if value)
