"""The student's files: a resumable state and the finished weights, both safetensors, never pickle.

A state is one file with its description in the header, so one rename commits both. What is trained and
when a state is written is ``distill``'s business.
"""

import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from schema.errors import WeightsError
from storage.disk import write_atomically
from training.metrics_log import METRICS_FILE

RESUME_FILE = "resume.safetensors"
STUDENT_FILE = "student.safetensors"
STUDENT_JSON = "student.json"
STATE_VERSION = 1

log = logging.getLogger(__name__)


def sweep_partials(folder: Path) -> None:
    """Delete what killed processes left half written (see ``storage.disk.write_atomically``)."""
    for name in (RESUME_FILE, STUDENT_FILE, STUDENT_JSON, METRICS_FILE):
        for path in folder.glob(f".{name}.*"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands: tensors by name and the number of finished steps."""

    step: int
    tensors: Mapping[str, Tensor]


def save_state(
    folder: Path, network: nn.Module, optimizer: torch.optim.Adam, *, step: int, fingerprint: str
) -> None:
    """Write the state after ``step`` finished steps in one commit."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in state.items()})
    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())}
    about = {"version": STATE_VERSION, "step": step, "fingerprint": fingerprint, "crc32": _checksum(tensors)}
    write_atomically(folder / RESUME_FILE, save(tensors, {"teach3d": json.dumps(about, sort_keys=True)}))


def load_state(folder: Path, fingerprint: str) -> TrainingState | None:
    """The state left in ``folder``; None if it is missing, damaged or of another training (logged)."""
    path = folder / RESUME_FILE
    if not path.exists():
        return None
    try:
        about, tensors = _read(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: unreadable training state (%s); training starts anew", path.name, error)
        return None
    if about.get("version") != STATE_VERSION or about.get("fingerprint") != fingerprint:
        log.info("%s: state of another training; training starts anew", path.name)
        return None
    if about.get("crc32") != _checksum(tensors):
        log.warning("%s: checksum differs; training starts anew", path.name)
        return None
    return TrainingState(int(about["step"]), tensors)


def restore(state: TrainingState, network: nn.Module, optimizer: torch.optim.Adam) -> None:
    """Put a state back into a network and its optimizer."""
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in state.tensors.items():
        part, _, rest = name.partition(".")
        if part == "network":
            weights[rest] = value
        else:
            index, _, key = rest.partition(".")
            moments.setdefault(int(index), {})[key] = value
    network.load_state_dict(weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})


def save_student(folder: Path, network: nn.Module, about: Mapping[str, Any]) -> Path:
    """Write the finished weights, then their description, which names the weights' checksum."""
    weights = sorted(network.state_dict().items())
    tensors = {name: value.detach().cpu().contiguous() for name, value in weights}
    checksum = _checksum(tensors)
    path = folder / STUDENT_FILE
    write_atomically(path, save(tensors, {"teach3d": json.dumps({"crc32": checksum})}))
    text = json.dumps({**about, "crc32": checksum}, indent=2, sort_keys=True) + "\n"
    write_atomically(folder / STUDENT_JSON, text.encode())
    return path


def read_student(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and weights of a finished student.

    Raises:
        WeightsError: a file is missing or damaged, or the two do not belong together.
    """
    remedy = "train the student again (teach3d run)"
    try:
        about = json.loads((folder / STUDENT_JSON).read_text())
        _, tensors = _read(folder / STUDENT_FILE)
    except FileNotFoundError as error:
        raise WeightsError("the student's file is missing", file=error.filename, remedy=remedy) from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"the student is unreadable: {error}", file=folder, remedy=remedy) from error
    if not isinstance(about, dict) or about.get("crc32") != _checksum(tensors):
        raise WeightsError("weights and description do not belong together", file=folder, remedy=remedy)
    return about, tensors


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["teach3d"])
        return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def _checksum(tensors: Mapping[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(name.encode(), total)
        total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, total)
    return total
