"""``teach3d status``: scene by stage, what is done, stale and why, running, failed or missing."""

from pathlib import Path
from typing import Any

from flows.console import console, print_json, print_table
from schema.stages import Plan

SIGNS = {"done": "done", "stale": "stale", "missing": "-", "running": "running", "failed": "FAILED"}


def status(recipe: Path | None = None, *, store: Path | None = None, json: bool = False) -> int:
    """Which stage of which scene is done, stale (and why), running, failed or missing.

    Args:
        recipe: compare the store with this recipe; by default with the one that was run last.
        store: the store to look at; by default the recipe's, or the one run into last.
        json: print the table as JSON (documented in docs/schemas).
    """
    from flows.plan import make_plan
    from storage.recipes import find_store, load_recipe, stored_recipe
    from storage.store import Store

    if recipe is not None:
        config = load_recipe(recipe, [f"store={store}"] if store else [])
        opened = Store(config.store, create=True)
    else:
        opened = find_store(store)
        config = stored_recipe(opened)
    print_plan(make_plan(config, opened), json=json)
    return 0


def print_plan(plan: Plan, *, json: bool) -> None:
    """A plan as a table of units by stages with the reasons below it, or as JSON."""
    if json:
        print_json(plan_json(plan))
        return
    stages = list(dict.fromkeys(job.stage for job in plan.jobs))
    units = list(dict.fromkeys(job.unit for job in plan.jobs))
    states = {(job.unit, job.stage): SIGNS[job.state] for job in plan.jobs}
    rows = [[unit, *(states.get((unit, stage), "") for stage in stages)] for unit in units]
    print_table(["scene", *stages], rows)
    for job in plan.jobs:
        if job.why:
            console.print(f"{job.label}: {job.state}: {job.why}", markup=False, soft_wrap=True)
    todo = len(plan.todo())
    console.print(f"{len(plan.jobs) - todo} done, {todo} to do", markup=False)


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON values: one entry a job."""
    return {
        "schema_version": 1,
        "scenes": list(plan.scene_ids),
        "jobs": [
            {
                "unit": job.unit,
                "stage": job.stage,
                "state": job.state,
                "why": job.why,
                "fingerprint": job.fingerprint,
            }
            for job in plan.jobs
        ],
    }
