"""A recipe that asks for two training processes gets them, and the same student within rounding."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from flows.plan import make_plan
from schema.errors import Teach3dError, WeightsError
from storage.recipes import check_recipe
from storage.store import Store
from tests.recipes import small_values
from training.from_store import TrainingOrder
from training.launch import ORDER_FILE, train

STAGES = ("ingest", "oversegment", "lift", "fuse", "distill")


def train_it(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    values = small_values(
        folder, source__seeds=[3, 4], distill__batch_scenes=2, distill__lr_start=1e-4, **changes
    )
    config = check_recipe(values)
    plan = make_plan(config, Store(config.store, create=True))
    for job in plan.jobs:
        if job.word in STAGES:
            getattr(importlib.import_module(f"tasks.{job.word}"), job.word).fn(config, job)
    return Store(config.store).student().path


def losses(student: Path) -> list[float]:
    text = (student / "training" / "metrics.jsonl").read_text()
    return [json.loads(line)["loss"] for line in text.splitlines()]


def test_two_processes_train_the_student_of_one(tmp_path: Path) -> None:
    one = train_it(tmp_path / "one")
    two = train_it(tmp_path / "two", runtime__processes=2, runtime__device="cpu")
    assert (one / "training" / ORDER_FILE).exists()  # for whoever starts processes by hand
    assert losses(two)[:2] == pytest.approx(losses(one)[:2], rel=1e-4)
    # stage two: points whose two best words tie may get the other one
    assert losses(two)[2:] == pytest.approx(losses(one)[2:], rel=5e-3)
    assert list((two / "training" / "tensorboard").glob("events.*"))


def test_a_users_error_comes_back_from_the_processes(tmp_path: Path) -> None:
    student = train_it(tmp_path / "one")
    values = small_values(
        tmp_path / "one", distill__initial_weights=str(tmp_path), runtime__processes=2, runtime__device="cpu"
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    assert student.is_dir()
    with pytest.raises(WeightsError, match=r"file is missing") as caught:
        train(TrainingOrder(check_recipe(values), ("room_3",), (), folder, "f"))
    assert isinstance(caught.value, Teach3dError)
