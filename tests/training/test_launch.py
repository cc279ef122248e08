"""Orders, errors from other processes, and how many processes there are."""

import json

import pytest

from schema.config import RuntimeConfig
from schema.errors import ConfigError, WeightsError
from training.launch import num_processes, rebuilt, told_error
from training.metrics_log import METRICS_FILE, last_step
from training.worker import read_order


def test_an_error_survives_the_way_between_processes():
    error = WeightsError("does not fit", file="a/b", field="distill.planes", value=[1, 2], remedy="change it")
    back = rebuilt(json.loads(json.dumps(told_error(error))))
    assert type(back) is WeightsError
    assert str(back) == str(error)


def test_a_cpu_gets_as_many_processes_as_are_asked_for():
    assert num_processes(RuntimeConfig(processes=3, device="cpu")) == 3
    assert num_processes(RuntimeConfig(processes=0, device="cpu")) == 1


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr("training.launch.choose_device", lambda _: "cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert num_processes(RuntimeConfig(processes=0)) == 2
    with pytest.raises(ConfigError, match=r"runtime\.processes = 3: this machine has 2"):
        num_processes(RuntimeConfig(processes=3))


def test_a_file_that_is_no_order_is_refused(tmp_path):
    path = tmp_path / "order.json"
    path.write_text("{}")
    with pytest.raises(ConfigError, match="not a training order"):
        read_order(path)


def test_the_last_step_is_found_without_reading_the_log(tmp_path):
    assert last_step(tmp_path) is None
    lines = [{"step": k, "loss": 1.0, "epoch": 0} for k in range(5000)]
    lines.append({"kind": "validation", "step": 4999, "validation_loss": 1.0})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / METRICS_FILE).write_text(text + '{"step": 5000, "lo')
    assert last_step(tmp_path) == lines[-2]
