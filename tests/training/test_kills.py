"""Trainings that are killed again and again, in both stages, end with the bits of one that never was."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.checkpoint import ENSEMBLE_FOLDER, RESUME_FILE, read_student
from training.metrics_log import read_metrics

JOB = Path(__file__).with_name("student_job.py")
STAGES = {"epochs": 5, "self_distillation": {"epochs": 4, "alpha": 0.5}}
VARIANTS = {
    "both stages, validation": {
        **STAGES,
        "validate": True,
        "choose": "lowest_validation_loss",
        "micro_batch_scenes": 1,
    },
    "float16 with its scaler": {**STAGES, "precision": "float16"},
    "released": {
        "variant": "released",
        "repeats": 2,
        "batch_scenes": 2,
        "epochs": 2,
        "sample_voxels": 200,
        "targets": "superpoint_seen_only",
        "self_distillation": {**STAGES["self_distillation"], "epochs": 2, "fresh_start": True},
    },
}


def job(folder: Path, kill_after: int, changes: dict[str, object]) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(JOB), str(folder), str(kill_after), json.dumps(changes)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def without_times(folder: Path) -> list[dict[str, object]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_metrics(folder)]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_ten_kills_at_random_steps(variant, tmp_path):
    changes = {**VARIANTS[variant], "checkpoint_every_s": 1e-3}
    whole = job(tmp_path / "whole", 0, changes)
    assert whole.returncode == 0, whole.stderr
    total = int(whole.stdout.split()[1])
    folder = tmp_path / "killed"
    steps = sorted(random.Random(variant).sample(range(1, total), 10))
    for kill_after in steps:
        killed = job(folder, kill_after, changes)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert (folder / RESUME_FILE).exists()
    done = job(folder, 0, changes)
    assert done.returncode == 0, done.stderr
    print(f"{variant}: killed after steps {steps} of {total}")
    one, other = read_student(tmp_path / "whole")[1], read_student(folder)[1]
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert without_times(tmp_path / "whole") == without_times(folder)
    assert not (folder / RESUME_FILE).exists()
    assert not (folder / ENSEMBLE_FOLDER).exists()
    assert not list(folder.glob("best-*"))
