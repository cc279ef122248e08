"""The shared loop: what it learns, what it averages, and that a killed training ends with the same bits."""

import importlib.util
import itertools
import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.checkpoint import RESUME_FILE
from training.metrics_log import read_metrics
from training.scale.loop import fit, generator_of, rate_share, rng_of, seconds_trained, sweep

JOB = Path(__file__).with_name("loop_job.py")
_spec = importlib.util.spec_from_file_location("loop_job", JOB)
loop_job = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(loop_job)


def train(folder, steps=30, **changes):
    recipe = loop_job.Blobs(steps)
    fit(recipe, folder, **{**loop_job.SETTINGS, "save_every_s": 1e9, **changes})
    return recipe


def job(folder, kill_after=0, save_every_s="1e-9"):
    command = [sys.executable, str(JOB), str(folder), str(kill_after), "30", save_every_s]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def without_times(folder):
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_metrics(folder)]


def test_the_loss_falls_and_every_step_is_logged(tmp_path):
    recipe = train(tmp_path, steps=60)
    lines = read_metrics(tmp_path)
    assert [line["step"] for line in lines] == list(range(60))
    assert sum(line["loss"] for line in lines[-10:]) < 0.85 * sum(line["loss"] for line in lines[:10])
    assert {"right", "lr", "norm"} <= lines[0].keys()
    assert seconds_trained(tmp_path) > 0
    assert not recipe.net.training


def test_killed_trainings_end_with_the_bits_of_one_that_was_not(tmp_path):
    whole = job(tmp_path / "whole", save_every_s="1e9")
    assert whole.returncode == 0, whole.stderr
    folder = tmp_path / "killed"
    for kill_after in (4, 5, 17):
        killed = job(folder, kill_after)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert (folder / RESUME_FILE).exists()
    done = job(folder)
    assert done.returncode == 0, done.stderr
    one, other = ((place / "net.safetensors").read_bytes() for place in (tmp_path / "whole", folder))
    assert one == other
    assert without_times(tmp_path / "whole") == without_times(folder)


def test_a_finished_training_is_not_repeated_until_its_state_is_swept(tmp_path):
    first = train(tmp_path).net.state_dict()
    again = loop_job.Blobs()
    called = []
    fit(again, tmp_path, **loop_job.SETTINGS, save_every_s=1e9, on_step=called.append)
    assert called == []
    assert all(torch.equal(first[name], value) for name, value in again.net.state_dict().items())
    sweep(tmp_path)
    fit(loop_job.Blobs(), tmp_path, **loop_job.SETTINGS, save_every_s=1e9, on_step=called.append)
    assert called == list(range(1, 31))


def test_a_state_of_another_training_is_left_alone(tmp_path):
    train(tmp_path)
    other, called = loop_job.Blobs(), []
    other.fingerprint = "blobs 2"
    fit(other, tmp_path, **loop_job.SETTINGS, save_every_s=1e9, on_step=called.append)
    assert len(called) == 30


def test_without_averaging_the_weights_are_the_last_ones(tmp_path):
    last = train(tmp_path / "a", ema=0.0).net[0].weight
    averaged = train(tmp_path / "b", ema=0.9).net[0].weight
    assert not torch.equal(last, averaged)
    # One step by hand: AdamW's first step moves every weight by the rate, and with ema 0 that is what stays.
    before = loop_job.Blobs(1).net[4].weight.detach().clone()
    after = train(tmp_path / "c", steps=1, ema=0.0, weight_decay=0.0).net[4].weight
    torch.testing.assert_close((after - before).abs(), torch.full_like(before, 0.02), rtol=1e-3, atol=1e-5)


def test_the_global_generator_is_left_as_it_was(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    recipe = loop_job.Blobs()
    torch.manual_seed(7)
    fit(recipe, tmp_path, **loop_job.SETTINGS, save_every_s=1e9)
    assert torch.equal(torch.rand(3), expected)


def test_a_loss_that_is_not_finite_is_an_error(tmp_path):
    recipe = loop_job.Blobs()
    recipe.loss = lambda step: (recipe.net(torch.ones(2, 4)).sum() * math.nan, {})
    with pytest.raises(FloatingPointError, match="blobs"):
        fit(recipe, tmp_path, **loop_job.SETTINGS, save_every_s=1e9)


def test_rates_rise_and_fall():
    shares = [rate_share(step, 200) for step in range(200)]
    assert shares[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert all(a >= b for a, b in itertools.pairwise(shares[9:]))
    assert shares[-1] == pytest.approx(0.01)
    assert rate_share(0, 1) == 1.0


def test_generators_are_functions_of_seed_step_and_purpose():
    assert rng_of(1, 2).integers(2**60) == rng_of(1, 2).integers(2**60)
    draws = {int(rng_of(*key).integers(2**60)) for key in ((1, 2), (1, 3), (2, 2), (1, 2, 0), (1, 2, 1))}
    assert len(draws) == 5
    assert torch.equal(
        torch.rand(3, generator=generator_of(1, 2)), torch.rand(3, generator=generator_of(1, 2))
    )
