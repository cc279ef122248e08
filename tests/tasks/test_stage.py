"""What all stages share: who is tried again, and what a plan says of a stage that runs or has failed."""

import logging
from pathlib import Path

import pytest
from prefect.states import Completed, Failed

from flows.plan import make_plan
from schema.errors import InputError
from storage.recipes import check_recipe
from storage.store import Store
from tasks.ingest import ingest
from tasks.stage import _not_the_users_fault
from tests.recipes import small_values


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (Failed(data=OSError("the disk was away")), True),
        (Failed(data=InputError("the depth is empty", remedy="export it again")), False),
        (Completed(data=1), False),
    ],
)
def test_only_what_may_pass_by_itself_is_tried_again(state: object, again: bool) -> None:
    condition = ingest.retry_condition_fn
    assert condition is _not_the_users_fault
    assert condition(ingest, None, state) is again


def test_a_task_has_a_name_a_person_can_read_and_says_when_it_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = check_recipe(small_values(tmp_path))
    job = make_plan(config, Store(config.store, create=True)).jobs[0]
    assert ingest.name == "ingest"
    assert ingest.task_run_name.format(job=job) == "ingest room_3"
    with caplog.at_level(logging.INFO, logger="tasks.stage"):
        ingest.fn(config, job)
    assert "ingest room_3 computed in" in caplog.text


def test_a_plan_names_what_runs_and_what_failed_and_why(tmp_path: Path) -> None:
    config = check_recipe(small_values(tmp_path))
    store = Store(config.store, create=True)
    job = make_plan(config, store).job("room_3", "ingest")
    unit = store.scene("room_3")
    states = {}

    def fail() -> None:
        with unit.writing(job.stage, job.fingerprint, version=1, config={}, inputs={}):
            states["during"] = make_plan(config, store).job("room_3", "ingest").state
            raise InputError("the depth is empty", file="d.png", remedy="export it again")

    with pytest.raises(InputError):
        fail()
    after = make_plan(config, store).job("room_3", "ingest")
    assert states == {"during": "running"}
    assert after.state == "failed"
    assert "the depth is empty" in after.why
    assert make_plan(config, store).job("room_3", "oversegment").state == "missing"
