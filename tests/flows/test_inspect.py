"""``teach3d inspect student``: the training in a few lines, or as JSON."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from storage.store import Store
from tests import factories_report as factory


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["inspect", *(str(argument) for argument in arguments)])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s", create=True)


def test_the_training_is_told_stage_by_stage(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    factory.fill_student(store, factory.training_lines(10, (14, 6)))
    code, out, _ = call(capsys, "student", "--store", store.root)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("distill: ")
    assert lines[1].startswith("stage one, distillation: 14 epochs, 140 steps, 35 s; mean loss ")
    assert lines[2].startswith("stage two, self-distillation: 6 epochs, 60 steps, 15 s; mean loss ")
    assert lines[3].startswith("validation: distillation loss ")
    code, out, _ = call(capsys, "student", "--store", store.root, "--json")
    assert code == 0
    told = json.loads(out)
    assert [stage["steps"] for stage in told["training"]["stages"]] == [140, 60]
    assert told["training"]["stages"][0]["first_lr"] == pytest.approx(1e-4)
    assert len(told["training"]["validation"]) == 20
    assert told["student"]["stage"] == "distill"


def test_without_a_student_it_says_what_to_do(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "student", "--store", store.root)
    assert code == 2
    assert "distill" in err
    assert "run it first" in err


def test_a_scene_of_that_name_comes_first(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    factory.fill_scene(store, "student", points_per_m2=10)
    factory.fill_student(store)
    code, out, _ = call(capsys, "student", "--store", store.root, "--json")
    assert code == 0
    assert json.loads(out)["scene"] == "student"
