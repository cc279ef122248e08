"""The student's files: a resumable state and the finished weights, both safetensors, never pickle.

A state is one file with its description in the header, so one rename commits both. What is trained and
when a state is written is ``distill``'s business.
"""

import json
import logging
import shutil
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
from storage.layout import STUDENT_FILE, STUDENT_JSON
from training.metrics_log import METRICS_FILE

RESUME_FILE = "resume.safetensors"
ENSEMBLE_FOLDER = "ensemble"
BEST_FILE = "best-{epoch}.safetensors"
STATE_VERSION = 2

log = logging.getLogger(__name__)


def sweep_partials(folder: Path) -> None:
    """Delete what killed processes left half written (see ``storage.disk.write_atomically``)."""
    names = (RESUME_FILE, STUDENT_FILE, STUDENT_JSON, METRICS_FILE, BEST_FILE.format(epoch="*"))
    for place, name in (*((folder, name) for name in names), (folder / ENSEMBLE_FOLDER, "*~*.safetensors")):
        for path in place.glob(f".{name}.*"):
            path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete what only an unfinished training needs: its state, ensemble and other epochs' weights."""
    (folder / RESUME_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder / ENSEMBLE_FOLDER, ignore_errors=True)
    sweep_best(folder, None)


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands.

    There is no sampler and no generator in it: the scenes and random numbers of a step are functions of its
    number (``training.schedule``).

    Attributes:
        step: number of finished steps.
        tensors: of the network and the optimizer, by name.
        extras: JSON values: the gradient scaler's state, the best epoch so far.
    """

    step: int
    tensors: Mapping[str, Tensor]
    extras: Mapping[str, Any]


def save_state(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Adam,
    *,
    step: int,
    fingerprint: str,
    extras: Mapping[str, Any],
) -> None:
    """Write the state after ``step`` finished steps in one commit; floats in ``extras`` come back exactly."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in state.items()})
    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())}
    about = {
        "version": STATE_VERSION,
        "step": step,
        "fingerprint": fingerprint,
        "crc32": _checksum(tensors),
        "extras": dict(extras),
    }
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
    return TrainingState(int(about["step"]), tensors, about["extras"])


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


def save_best(folder: Path, network: nn.Module, *, epoch: int, fingerprint: str) -> None:
    """Write the weights after an epoch, beside those of other epochs."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    about = {"fingerprint": fingerprint, "crc32": _checksum(tensors)}
    path = folder / BEST_FILE.format(epoch=epoch)
    write_atomically(path, save(tensors, {"teach3d": json.dumps(about)}))


def load_best(folder: Path, *, epoch: int, fingerprint: str) -> dict[str, Tensor]:
    """The weights of an epoch.

    Raises:
        WeightsError: the file is missing, damaged or of another training.
    """
    path = folder / BEST_FILE.format(epoch=epoch)
    try:
        about, tensors = _read(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        about, tensors = {"error": str(error)}, {}
    if about.get("fingerprint") != fingerprint or about.get("crc32") != _checksum(tensors):
        raise WeightsError(
            "the weights of the best epoch are missing or damaged",
            file=path,
            remedy="delete the folder `training` of the student in the store and run again",
        )
    return tensors


def sweep_best(folder: Path, keep: int | None) -> None:
    """Delete the weights of all epochs but one."""
    kept = BEST_FILE.format(epoch=keep)
    for path in folder.glob(BEST_FILE.format(epoch="*")):
        if path.name != kept:
            path.unlink(missing_ok=True)


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


def load_initial(folder: Path, network: nn.Module) -> None:
    """Put the weights of a finished student into a network that is to be trained further.

    Raises:
        WeightsError: the student is missing or damaged, or its weights have other names or shapes.
    """
    about, tensors = read_student(folder)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"a {about.get('architecture')} with {about.get('channels')} channels is not what is trained",
            file=folder / STUDENT_FILE,
            field="distill.initial_weights",
            remedy="set distill.architecture, distill.planes and the text space as in its student.json",
        ) from error


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
