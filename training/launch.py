"""Starting the processes of a training: this one alone, or several under torchrun.

What each of them does is ``worker``'s business; what is trained ``from_store``'s.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import torch

from models.devices import choose_device
from schema import errors
from schema.config import RuntimeConfig
from schema.errors import ConfigError, Teach3dError
from schema.progress import Tracker
from storage.disk import read_json, write_json
from training.distill import DistillResult
from training.from_store import TrainingOrder, train_from_store
from training.metrics_log import last_step
from training.schedule import Schedule

ORDER_FILE = "order.json"
ERROR_FILE = "order-error.json"
LOG_FILE = "torchrun.log"
LEAVE_WITH_PARENT = "TEACH3D_LEAVE_WITH_PARENT"
"""Environment variable: standard input is a pipe that closes when the process that gave the order ends."""
POLL_S = 0.5
LOG_TAIL = 2000


def train(order: TrainingOrder) -> DistillResult:
    """Carry out an order with as many processes as its recipe's ``runtime.processes`` says.

    Raises:
        Teach3dError: see ``training.distill.distill``; also when raised in another process.
        RuntimeError: a process died; the message has the end of its log.
    """
    write_order(order)
    processes = num_processes(order.config.runtime)
    if processes > 1:
        _run_processes(order, processes)
    return train_from_store(order)  # finds the student that the processes made


def num_processes(runtime: RuntimeConfig) -> int:
    """How many processes a recipe asks for on this machine.

    Raises:
        ConfigError: more than one, and not as many GPUs.
    """
    gpus = torch.cuda.device_count() if choose_device(runtime.device) == "cuda" else None
    wanted = runtime.processes or gpus or 1
    if gpus is not None and wanted > gpus > 0:
        raise ConfigError(
            f"this machine has {gpus} GPU(s)",
            field="runtime.processes",
            value=wanted,
            remedy="use 0 (one process a GPU), or runtime.device cpu",
        )
    return wanted


def write_order(order: TrainingOrder) -> str:
    """Write an order to its folder; returns the file's path."""
    path = order.folder / ORDER_FILE
    write_json(
        path,
        {
            "config": order.config.model_dump(mode="json"),
            "train": list(order.train),
            "validate": list(order.validate),
            "fingerprint": order.fingerprint,
        },
    )
    return str(path)


def _run_processes(order: TrainingOrder, processes: int) -> None:
    """Run ``training.worker`` under torchrun until it ends; it ends, too, when this process does."""
    with contextlib.suppress(FileNotFoundError):
        (order.folder / ERROR_FILE).unlink()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command = [*torchrun, str(processes), "-m", "training.worker", write_order(order)]
    threads = order.config.runtime.threads or max((os.cpu_count() or 1) // processes, 1)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "GLOO_SOCKET_IFNAME": "lo",
        LEAVE_WITH_PARENT: "1",
    }
    log = order.folder / LOG_FILE
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - torch's own launcher, by this very interpreter
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment
        )
        try:
            _watch(process, order, processes)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # the workers leave when this pipe closes
            process.wait()
    if process.returncode == 0:
        return
    told = read_json(order.folder / ERROR_FILE)
    if isinstance(told, dict):
        raise rebuilt(told)
    raise RuntimeError(f"a process of the training died; {log.name} ends with:\n{_tail(log.read_bytes())}")


def told_error(error: Teach3dError) -> dict[str, str | None]:
    """An error as JSON values, for another process."""
    names = ("problem", "remedy", "file", "field", "value")
    return {"kind": type(error).__name__, **{name: getattr(error, name) for name in names}}


def rebuilt(told: Mapping[str, Any]) -> Teach3dError:
    """The error that ``told_error`` wrote down."""
    kind: type[Teach3dError] = getattr(errors, str(told["kind"]), Teach3dError)
    error = kind(told["problem"], remedy=told["remedy"], file=told["file"], field=told["field"])
    error.value = told["value"]
    return error


def _watch(process: "subprocess.Popen[bytes]", order: TrainingOrder, processes: int) -> None:
    total = Schedule(len(order.train), order.config.distill).num_steps
    done = 0
    with Tracker(f"distill, {processes} processes", total) as tracker:
        while process.poll() is None:
            time.sleep(POLL_S)
            last = last_step(order.folder)
            if last is not None and last["step"] + 1 != done:
                tracker.advance(last["step"] + 1 - done, f"loss {last['loss']:.4f}")
                done = last["step"] + 1


def _tail(text: bytes) -> str:
    return json.dumps(text[-LOG_TAIL:].decode(errors="replace"))[1:-1].replace("\\n", "\n")
