import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from report.training_log import TrainingLog, parse_log, read_training_log
from storage.store import Store
from tests import factories_report as factory


def log(lines: Sequence[Mapping[str, Any]]) -> TrainingLog:
    found = parse_log("".join(json.dumps(line) + "\n" for line in lines))
    assert found is not None
    return found


def line(step: int, epoch: int, loss: float, **more: object) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "loss": loss, "lr": 0.1 / (step + 1), "seconds": 0.5, **more}


TWO_STAGES = [
    line(0, 0, 3.0, stage=1, loss_point=1.0, loss_superpoint=2.0),
    line(1, 0, 1.0, stage=1, loss_point=0.5, loss_superpoint=0.5),
    {"kind": "validation", "epoch": 0, "step": 1, "validation_loss": 2.0},
    line(2, 1, 0.5, stage=1, loss_point=0.2, loss_superpoint=0.3),
    {"kind": "validation", "epoch": 1, "step": 2, "validation_loss": 1.5},
    line(3, 2, 4.0, stage=2, loss_pseudo_point=1.0),
    {"kind": "validation", "epoch": 2, "step": 3, "validation_loss": 1.75},
]


def test_stages_by_hand() -> None:
    found = log(TWO_STAGES)
    one, two = found.stages()
    assert (one.stage, one.epochs, one.steps, one.first_loss, one.last_loss) == (1, 2, 3, 2.0, 0.5)
    assert (one.first_lr, one.last_lr, one.seconds) == (0.1, 0.1 / 3, 1.5)
    assert (two.stage, two.epochs, two.steps, two.first_loss, two.last_loss) == (2, 1, 1, 4.0, 4.0)
    assert found.boundary == 2.5
    assert found.steps_per_epoch == 2


def test_columns_are_the_steps_that_have_them() -> None:
    found = log(TWO_STAGES)
    x, y = found.column("loss_point", "loss_superpoint")
    assert (x.tolist(), y.tolist()) == ([0, 1, 2], [3, 1, 0.5])
    x, y = found.column("loss_pseudo_point")
    assert (x.tolist(), y.tolist()) == ([3], [1])
    assert [values.tolist() for values in found.validation()] == [[1, 2, 3], [2, 1.5, 1.75]]
    assert found.column("no such")[0].tolist() == []


def test_it_is_told_in_a_line_a_stage() -> None:
    first, second, third = log(TWO_STAGES).lines()
    assert first.startswith(
        "stage one, distillation: 2 epochs, 3 steps, 1.5 s; mean loss 2.0000 in the first"
    )
    assert second.startswith("stage two, self-distillation: 1 epoch, 1 step, ")
    assert "2.0000 at first, 1.7500 at the end; lowest 1.5000 after epoch 2" in third


def test_a_log_without_stages_is_one_stage() -> None:
    found = log([line(0, 0, 2.0), line(1, 1, 1.0)])
    assert found.boundary is None
    assert [facts.stage for facts in found.stages()] == [1]
    assert len(found.lines()) == 1


def test_torn_and_strange_lines_are_passed_over() -> None:
    text = '{"step": 0, "loss": 2.0}\n[1]\nnull\n{"loss": 1}\n\n{"step": 2, "loss": 1.5}\n{"step": 3, "lo'
    found = parse_log(text)
    assert found is not None
    assert [line["step"] for line in found.steps] == [0, 2]
    assert parse_log("") is None
    assert parse_log('{"kind": "validation", "step": 1, "validation_loss": 2}') is None


def test_losses_that_are_not_finite_leave_valid_json() -> None:
    found = log([line(0, 0, math.nan), {"kind": "validation", "step": 0, "validation_loss": math.inf}])
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["stages"][0]["first_loss"] is None
    assert json.loads(text)["validation"] == [{"step": 0, "loss": None}]


def test_only_a_committed_log_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    assert read_training_log(store.student()) is None
    store.student().path.mkdir(parents=True)
    (store.student().path / "metrics.jsonl").write_text('{"step": 0, "loss": 2.0}\n')
    assert read_training_log(store.student()) is None
    factory.fill_student(store, TWO_STAGES)
    found = read_training_log(store.student())
    assert found is not None
    assert len(found.steps) == 4


@pytest.mark.parametrize("kind", ["validation", "something new"])
def test_lines_of_a_kind_are_no_steps(kind: str) -> None:
    assert len(log([line(0, 0, 1.0), {"kind": kind, "step": 0, "loss": 9.0}]).steps) == 1
