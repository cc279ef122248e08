import re
from pathlib import Path

import pytest

from report.training import training
from storage.store import Store
from tests import factories_report as factory


def page(tmp_path: Path, lines: list[dict]) -> str:
    store = Store(tmp_path / "s", create=True)
    factory.fill_student(store, lines)
    return training(store)


def titles(text: str) -> list[str]:
    return re.findall(r"<figcaption><h3>(.*?)</h3>", text)


def curves(text: str) -> list[str]:
    return re.findall(r'data-name="(.*?)"', text)


def test_both_stages_are_drawn(tmp_path: Path) -> None:
    text = page(tmp_path, factory.training_lines())
    assert titles(text) == [
        "Loss, all that is minimised",
        "Distance to the fused features",
        "Pseudo labels of stage two",
        "Pseudo labels changed by the ensemble",
        "Learning rate",
    ]
    assert curves(text)[:6] == ["stage one", "stage two", "sum", "points", "superpoints", "validation (sum)"]
    assert text.count('class="mark"') == 3
    assert "step (10 steps an epoch)" in text
    assert "stage one, distillation: 14 epochs, 140 steps" in text
    assert "stage two, self-distillation: 6 epochs, 60 steps" in text


def test_stage_one_alone_has_its_loss_drawn_once(tmp_path: Path) -> None:
    text = page(tmp_path, factory.training_lines(epochs=(5, 0), validated=False))
    assert titles(text) == ["Distance to the fused features", "Learning rate"]
    assert curves(text) == ["sum", "points", "superpoints", "learning rate"]
    assert 'class="mark"' not in text
    assert "validation" not in text


def test_targets_without_superpoints_have_one_curve(tmp_path: Path) -> None:
    lines = factory.training_lines(epochs=(5, 0))
    for line in lines:
        if "kind" not in line:
            line |= {"loss": line["loss_point"], "loss_superpoint": 0.0}
    assert curves(page(tmp_path, lines)) == ["points", "validation", "learning rate"]


def test_pseudo_labels_alone_leave_the_distance_out_of_stage_two(tmp_path: Path) -> None:
    lines = factory.training_lines(validated=False)
    for line in lines:
        if line["stage"] == 2:
            line["loss"] -= line.pop("loss_point") + line.pop("loss_superpoint")
    text = page(tmp_path, lines)
    assert "Loss, all that is minimised" in titles(text)
    sums = re.search(r'data-name="sum" points="(.*?)"', text)
    assert sums is not None
    assert len(sums[1].split()) == 140


def test_a_log_of_nothing_but_losses_is_drawn(tmp_path: Path) -> None:
    text = page(tmp_path, [{"step": k, "epoch": 0, "loss": 2.0 - k} for k in range(3)])
    assert "loss" in curves(text)


def test_one_step_is_told_but_not_drawn(tmp_path: Path) -> None:
    text = page(tmp_path, factory.training_lines(per_epoch=1, epochs=(1, 0), validated=False))
    assert "1 epoch, 1 step" in text
    assert titles(text) == []


def test_no_student_is_no_section(tmp_path: Path) -> None:
    assert training(Store(tmp_path / "s", create=True)) == ""


@pytest.mark.parametrize("per_epoch", [1200])
def test_a_long_training_stays_light(tmp_path: Path, per_epoch: int) -> None:
    text = page(tmp_path, factory.training_lines(per_epoch=per_epoch, epochs=(20, 10)))
    print(f"{30 * per_epoch} steps: {len(text)} bytes of page")
    assert len(text) < 150_000
