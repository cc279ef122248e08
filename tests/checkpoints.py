"""Checkpoints as OpenScene's and SAS's training code saves them, made from networks of this project."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.student.minkunet import MinkUNet, build_student
from schema.config_stages import DistillConfig

PLANES = (4, 4, 8, 8, 8, 8, 4, 4)


def network(architecture: str = "MinkUNet14A", channels: int = 512, planes: Any = PLANES) -> MinkUNet:
    """A small network whose batch statistics are not the initial ones."""
    student = build_student(DistillConfig(architecture=architecture, planes=planes), channels, 0)
    cells = np.random.default_rng(0).integers(0, 12, (300, 3))
    cells = np.insert(np.unique(cells, axis=0), 0, 0, axis=1)
    student.train()(torch.from_numpy(cells))
    return student.eval()


def released_state(student: MinkUNet, prefix: str = "module.net3d.") -> dict[str, torch.Tensor]:
    """The state dict with a wrapper's prefix and matrices as kernels [1, in, out]."""
    state = {}
    for name, tensor in student.state_dict().items():
        matrix = name.endswith("kernel") and tensor.ndim == 2
        state[prefix + name] = tensor[None].clone() if matrix else tensor.clone()
    return state


def released_file(path: Path, state: dict[str, Any], *, legacy: bool = False, **extras: Any) -> Path:
    """What ``save_checkpoint`` of the released code writes: the weights, and where training stood."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    content = {
        "epoch": 100,
        "state_dict": state,
        "optimizer": optimizer.state_dict(),
        "best_iou": np.float64(0.4217),
        **extras,
    }
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path
