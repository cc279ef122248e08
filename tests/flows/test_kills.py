"""SIGKILL at random moments of a real run: the next run goes on from there, and the arrays are the same."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from storage.store import Store
from tests.flows.test_kitchen import overrides

NUM_KILLS = 10
SEED = 20


def start(recipe: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    return subprocess.Popen(
        [sys.executable, "-m", "flows", "run", str(recipe), "--json", *arguments],
        env=environment,
        cwd=recipe.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def finish(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Wait for the end; what each stage was in this run."""
    out, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    return {stage["stage"]: stage["status"] for stage in json.loads(out)["stages"]}


def servers(store: Path) -> list[psutil.Process]:
    """Prefect servers that belong to a store."""
    home = str(store.resolve() / "prefect")
    return [p for p in psutil.process_iter(["cmdline"]) if home in (p.info["cmdline"] or [])]


def commits(store: Path) -> dict[str, str]:
    if not (store / "store.json").exists():
        return {}
    return {entry.stage: entry.commit for unit in Store(store).units() for entry in unit.entries()}


def assert_same(store: Path, reference: Path) -> None:
    for unit, other in zip(Store(store).units(), Store(reference).units(), strict=True):
        assert unit.verify() == []
        for entry, known in zip(unit.entries(), other.entries(), strict=True):
            assert (entry.stage, entry.fingerprint) == (known.stage, known.fingerprint)
            assert set(entry.arrays) == set(known.arrays)
            for name in entry.arrays:
                mine, theirs = unit.array(entry.stage, name), other.array(known.stage, name)
                np.testing.assert_array_equal(mine, theirs, err_msg=f"{entry.stage}/{name}")
    name = "students/student/student.safetensors"
    assert (store / name).read_bytes() == (reference / name).read_bytes()


@pytest.mark.kitchen
@pytest.mark.slow
def test_ten_kills_at_random_moments(
    kitchen_root: Path, litert_root: Path, repository_root: Path, tmp_path: Path
) -> None:
    """All stages of the kitchen recipe on all frames; a coarser student trains for 26 epochs (8: stage two).

    Every kill hits a fresh store at a moment drawn uniformly over the length of the whole run; half of the
    time Prefect's database is deleted before the next run.
    """
    recipe = repository_root / "configs" / "kitchen.yaml"
    short = (
        "distill.epochs=18",
        "distill.self_distillation.epochs=8",
        "distill.voxel_m=0.06",
        "distill.checkpoint_every_s=0.5",
    )
    started = time.monotonic()
    finish(start(recipe, overrides(tmp_path / "reference", kitchen_root, litert_root, *short)))
    whole_s = time.monotonic() - started
    moments = random.Random(SEED)
    resumed = 0
    for kill in range(NUM_KILLS):
        store = tmp_path / "killed"
        shutil.rmtree(store, ignore_errors=True)
        arguments = overrides(store, kitchen_root, litert_root, *short)
        process = start(recipe, arguments)
        moment_s = moments.uniform(0.5, whole_s * 0.95)
        time.sleep(moment_s)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        deadline = time.monotonic() + 20
        while servers(store) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not servers(store), "the killed run's server goes on"
        before = commits(store)
        in_training = (store / "students/student/training/resume.safetensors").exists()
        if kill % 2:
            shutil.rmtree(store / "prefect", ignore_errors=True)
        status = finish(start(recipe, arguments))
        assert not servers(store), "a finished run's server goes on"
        after = commits(store)
        kept = {stage: commit for stage, commit in before.items() if after[stage] == commit}
        print(f"kill {kill} at {moment_s:.1f} s: {len(before)} stages kept, training {in_training}")
        assert kept == before
        assert {stage for stage, word in status.items() if word == "cached"} == set(before)
        resumed += in_training
        assert_same(store, tmp_path / "reference")
    assert resumed, "no kill hit the training; choose another seed"
