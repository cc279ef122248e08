"""Training: it learns, it resumes to the same bits, and what it leaves on disk."""

import dataclasses
import importlib.util
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from schema.errors import InputError
from training.checkpoint import RESUME_FILE, STUDENT_FILE, read_student
from training.distill import distill
from training.infer import load_student, student_features
from training.metrics_log import METRICS_FILE, read_metrics

_SPEC = importlib.util.spec_from_file_location(
    "student_scenes", Path(__file__).with_name("student_scenes.py")
)
student_scenes = importlib.util.module_from_spec(_SPEC)
sys.modules["student_scenes"] = student_scenes
_SPEC.loader.exec_module(student_scenes)
config, data, scene = student_scenes.config, student_scenes.data, student_scenes.scene


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slower on two threads; the jobs in processes of their own use two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


JOB = Path(__file__).with_name("student_job.py")


def job(folder: Path, kill_after: int = 0, **changes: object) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(JOB), str(folder), str(kill_after), json.dumps(changes)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    done = job(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_killed_training_ends_with_the_bits_of_an_uninterrupted_one(uninterrupted, tmp_path):
    steps = sorted(random.Random(0).sample(range(1, 11, 2), 2))  # odd: the job saves a state at every step
    for kill_after in steps:
        killed = job(tmp_path, kill_after)
        assert killed.returncode == -signal.SIGKILL
        assert (tmp_path / RESUME_FILE).exists()
    done = job(tmp_path)
    assert done.returncode == 0, done.stderr
    resumed_from, num_steps = map(int, done.stdout.split())
    assert (resumed_from, num_steps) == (steps[-1], 12)
    whole, resumed = read_student(uninterrupted)[1], read_student(tmp_path)[1]
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (uninterrupted / STUDENT_FILE).read_bytes() == (tmp_path / STUDENT_FILE).read_bytes()
    lines = read_metrics(tmp_path)
    assert [line["step"] for line in lines] == list(range(12))
    assert [line["loss"] for line in lines] == [line["loss"] for line in read_metrics(uninterrupted)]
    assert not (tmp_path / RESUME_FILE).exists()


def test_killed_before_the_first_state_starts_anew(uninterrupted, tmp_path):
    assert job(tmp_path, 4).returncode == -signal.SIGKILL  # even: the job never saves a state
    assert len(read_metrics(tmp_path)) == 4
    done = job(tmp_path)
    assert done.stdout.split() == ["0", "12"]
    assert [line["step"] for line in read_metrics(tmp_path)] == list(range(12))
    assert (uninterrupted / STUDENT_FILE).read_bytes() == (tmp_path / STUDENT_FILE).read_bytes()


class StopError(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int) -> None:
        if done == step:
            raise StopError

    return on_step


def test_a_damaged_or_foreign_state_is_ignored(tmp_path):
    scenes, recipe = [scene(0)], config(epochs=4, checkpoint_every_s=1e-6)
    for damage in ("cut", "flip", "foreign", "none"):
        folder = tmp_path / damage
        folder.mkdir()
        with pytest.raises(StopError):
            distill(data(scenes), recipe, folder, fingerprint="f", on_step=stop_at(3))
        state = folder / RESUME_FILE
        content = bytearray(state.read_bytes())
        if damage == "cut":
            content = content[: len(content) // 2]
        if damage == "flip":
            content[-100] ^= 1
        state.write_bytes(content)
        fingerprint = "g" if damage == "foreign" else "f"
        result = distill(data(scenes), recipe, folder, fingerprint=fingerprint)
        assert result.resumed_from == (3 if damage == "none" else 0)
        assert [line["step"] for line in read_metrics(folder)] == [0, 1, 2, 3]
    weights = [read_student(tmp_path / name)[1] for name in ("cut", "none")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_lines_of_lost_steps_and_torn_lines_are_dropped(tmp_path):
    scenes, recipe = [scene(0)], config(epochs=4, checkpoint_every_s=1e-6)
    with pytest.raises(StopError):
        distill(data(scenes), recipe, tmp_path, fingerprint="f", on_step=stop_at(2))
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write(json.dumps({"step": 2, "loss": 7.0, "seconds": 1.0}) + '\n{"step": 3, "lo')
    result = distill(data(scenes), recipe, tmp_path, fingerprint="f")
    lines = read_metrics(tmp_path)
    assert [line["step"] for line in lines] == [0, 1, 2, 3]
    assert 7.0 not in result.losses
    assert set(lines[0]) == {
        "step",
        "epoch",
        "stage",
        "loss",
        "loss_point",
        "loss_superpoint",
        "lr",
        "seconds",
    }
    assert lines[0]["loss"] == pytest.approx(lines[0]["loss_point"] + lines[0]["loss_superpoint"])


def test_a_finished_student_is_not_trained_again(tmp_path):
    scenes, recipe = [scene(0)], config(epochs=3)
    first = distill(data(scenes), recipe, tmp_path, fingerprint="f", extra={"text_space": "words:8:v1"})
    steps: list[int] = []
    again = distill(
        data(scenes),
        recipe,
        tmp_path,
        fingerprint="f",
        extra={"text_space": "words:8:v1"},
        on_step=steps.append,
    )
    assert steps == []
    assert again.losses == first.losses
    about = json.loads((tmp_path / "student.json").read_text())
    assert about["text_space"] == "words:8:v1"
    assert (about["architecture"], about["channels"], about["voxel_m"]) == ("MinkUNet14A", 8, 0.1)
    distill(data(scenes), recipe, tmp_path, fingerprint="other", on_step=steps.append)
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("variant", ["superpoint", "pixel_point"])
def test_overfits_a_small_scene_and_gives_it_back(variant, tmp_path):
    one = scene(0, pixel_point=variant == "pixel_point")
    recipe = config(targets=variant, epochs=60, augment=False, planes=(16, 16, 32, 32, 32, 32, 32, 32))
    result = distill(data([one]), recipe, tmp_path, fingerprint="f")
    assert result.final_loss < 0.2 * result.losses[0]
    feat = student_features(load_student(tmp_path), one.points_world, voxel_m=recipe.voxel_m)
    known = one.target_known if variant == "pixel_point" else one.target_known[one.superpoint_id]
    target = one.target if variant == "pixel_point" else one.target[one.superpoint_id]
    cosine = (feat * target).sum(1) / np.linalg.norm(feat, axis=1) / np.linalg.norm(target, axis=1)
    assert cosine[known].mean() > 0.95


def test_scenes_nobody_saw_are_skipped_by_name_and_none_at_all_is_refused(tmp_path):
    blind = scene(1)
    blind = dataclasses.replace(blind, target_known=np.zeros_like(blind.target_known))
    result = distill(data([scene(0), blind]), config(epochs=1), tmp_path, fingerprint="f")
    assert result.skipped == ("room1",)
    with pytest.raises(InputError, match="no training scene"):
        distill(data([blind]), config(epochs=1), tmp_path, fingerprint="f")
    with pytest.raises(InputError, match="no training scene"):
        distill(data([]), config(epochs=1), tmp_path, fingerprint="f")


def test_global_settings_are_left_as_they_were(tmp_path):
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(StopError):
        distill(data([scene(0)]), config(), tmp_path, fingerprint="f", on_step=stop_at(1))
    assert not torch.are_deterministic_algorithms_enabled()
