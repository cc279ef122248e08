"""Finished scale models: their files, the figures beside them, and whether they are up to date.

What the figures are is each training's business; cards are made from them by ``tools/make_cards.py``.
"""

import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from schema.errors import WeightsError
from storage.disk import read_json, write_atomically, write_json
from storage.fingerprint import file_digest

FIGURES_FILE = "figures.json"
REMEDY = "train it again: teach3d train-scale-models"


def publish(
    folder: Path, files: Mapping[str, bytes], *, fingerprint: str, figures: Mapping[str, Any]
) -> None:
    """Write a model's files, then the figures, which hold the files' digests and make them valid.

    Args:
        folder: of the model; made if missing.
        files: content by path below the folder.
        fingerprint: of the training.
        figures: JSON values: what it was trained on, for how long, and how good it is.
    """
    for name, content in files.items():
        write_atomically(folder / name, content)
    values = {
        "fingerprint": fingerprint,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "bytes": sum(map(len, files.values())),
        **figures,
    }
    write_json(folder / FIGURES_FILE, values)


def publish_figures(folder: Path, held_out: Mapping[str, Any], *, fingerprint: str | None = None) -> None:
    """Write how good a published model is into its figures; its files stay.

    Args:
        folder: of the model.
        held_out: JSON values.
        fingerprint: of the training and of how it was judged; None: as it is.
    """
    figures = read_json(folder / FIGURES_FILE)
    own = figures["fingerprint"] if fingerprint is None else fingerprint
    write_json(folder / FIGURES_FILE, {**figures, "fingerprint": own, "held_out": dict(held_out)})


def is_current(folder: Path, fingerprint: str) -> bool:
    """Whether the folder holds a whole model of that fingerprint."""
    figures = read_json(folder / FIGURES_FILE)
    return (
        isinstance(figures, dict)
        and figures.get("fingerprint") == fingerprint
        and not damaged(folder, figures)
    )


def damaged(folder: Path, figures: Mapping[str, Any]) -> list[str]:
    """Files that are missing or not what the figures say."""
    return [
        name
        for name, digest in figures["files"].items()
        if not (folder / name).is_file() or file_digest(folder / name) != digest
    ]


def read_figures(folder: Path) -> dict[str, Any]:
    """The figures of a published model.

    Raises:
        WeightsError: there are none, or a file is missing or is not the one they describe.
    """
    figures = read_json(folder / FIGURES_FILE)
    if not isinstance(figures, dict) or "files" not in figures:
        raise WeightsError("this folder holds no scale model", file=folder, remedy=REMEDY)
    wrong = damaged(folder, figures)
    if wrong:
        raise WeightsError("it is not the file its figures describe", file=folder / wrong[0], remedy=REMEDY)
    if "held_out" not in figures:
        raise WeightsError("this model has not been measured yet", file=folder, remedy=REMEDY)
    return figures


def ship(folder: Path, target: Path, name: str) -> None:
    """Copy a model's files to where recipes look, the figures last.

    Args:
        folder: of all models, as they were made.
        target: of all shipped models.
        name: of the model.

    Raises:
        WeightsError: it is not there, damaged or not measured.
    """
    for file in (*read_figures(folder / name)["files"], FIGURES_FILE):
        write_atomically(target / name / file, (folder / name / file).read_bytes())


def machine() -> dict[str, Any]:
    """What a training ran on."""
    on_gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if on_gpu else platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.partition("+")[0],
    }


def half(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as a file keeps it: floats in 16 bits."""
    kept = tensor.detach().cpu().contiguous()
    return kept.to(torch.float16) if kept.is_floating_point() else kept


def round_to_half(module: nn.Module) -> None:
    """Give the module the weights that a file will hold, so that what is measured is what is shipped."""
    state = module.state_dict()
    module.load_state_dict({name: half(value).to(value.dtype) for name, value in state.items()})
