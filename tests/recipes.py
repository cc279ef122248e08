"""Recipes for tests: a small procedural room, one tiny real network, everything in a temporary folder."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.factories_networks import write_labels, write_onnx


def small_values(folder: Path, **changes: Any) -> dict[str, Any]:
    """Values of a recipe that runs in seconds; ``a__b=value`` sets ``a.b``."""
    weights, labels = folder / "teacher.onnx", folder / "labels.txt"
    if not weights.exists():
        write_onnx(weights)
        write_labels(labels)
    values: dict[str, Any] = {
        "name": "small",
        "store": str(folder / "store"),
        "source": {"kind": "synthetic", "seeds": [3], "num_frames": 4, "image_hw": [60, 80]},
        "ingest": {"voxel_m": 0.08, "depth_max_m": 8.0, "min_weight": 1.0, "num_previews": 2},
        "teachers": {
            "tiny": {"kind": "onnx", "weights": str(weights), "labels": str(labels), "min_mask_px": 4}
        },
        "lift": {"border_px": 2},
        "text": {"kind": "words", "dim": 32},
        "fuse": {"vocabulary": "scannet20"},
        "distill": {
            "architecture": "MinkUNet14A",
            "planes": [8, 8, 8, 8, 8, 8, 8, 8],
            "voxel_m": 0.2,
            "epochs": 2,
            "self_distillation": {"epochs": 1},
            "lr_start": 1e-3,
        },
        "evaluate": {"label_set": "scannet20", "num_shuffles": 2},
        "report": {"queries": ["a chair"]},
    }
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return values


def small_recipe(folder: Path, **changes: Any) -> Path:
    """The recipe as a file."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(small_values(folder, **changes)), encoding="utf-8")
    return path


def run_recipe(recipe: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """``teach3d run`` as a person runs it, in a process of its own with its own server; its summary."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    done = subprocess.run(
        [sys.executable, "-m", "flows", "run", str(recipe), "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=recipe.parent.parent,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert isinstance(summary, dict)
    return summary
