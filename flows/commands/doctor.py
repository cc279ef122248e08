"""``teach3d doctor``: what this machine has, what is missing, and how to get it."""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
from typing import Any, get_args

from flows.console import console, print_json, print_table
from schema.config import RuntimeConfig

REQUIRED = (
    "numpy",
    "scipy",
    "numba",
    "torch",
    "open3d",
    "zarr",
    "prefect",
    "dask",
    "pydantic",
    "safetensors",
    "open_clip",
    "transformers",
    "diffusers",
    "segment_anything",
    "tensorboard",
)
DISTRIBUTIONS = {"open_clip": "open_clip_torch", "segment_anything": "segment-anything"}
OPTIONAL = {
    "ai_edge_litert": ("ai-edge-litert", "litert", "LiteRT / TFLite teachers"),
    "onnxruntime": ("onnxruntime", "onnx", "ONNX teachers"),
    "viser": ("viser", "view", "teach3d view"),
    "laspy": ("laspy", "las", "export to LAS"),
}


def doctor(*, json: bool = False) -> int:
    """Versions, devices, which optional parts and sparse engines there are and how to get the others.

    Args:
        json: print it as JSON.
    """
    report: dict[str, Any] = {
        "teach3d": importlib.metadata.version("teach3d"),
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "required": [_required(name) for name in REQUIRED],
        "optional": [_optional(module, *about) for module, about in OPTIONAL.items()],
        "devices": _devices(),
        "engines": _engines(),
    }
    if json:
        print_json(report)
    else:
        _print(report)
    return 0 if all(row["problem"] is None for row in report["required"]) else 2


def _required(name: str) -> dict[str, Any]:
    problem = None
    try:
        if name in DISTRIBUTIONS:
            importlib.import_module("models.torchvision_operators").ensure()
        importlib.import_module(name)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return {"name": name, "version": _version(DISTRIBUTIONS.get(name, name)), "problem": problem}


def _optional(module: str, distribution: str, extra: str, purpose: str) -> dict[str, Any]:
    there = importlib.util.find_spec(module) is not None
    get = None if there else f'pip install "teach3d[{extra}]"'
    return {"name": distribution, "version": _version(distribution), "for": purpose, "get": get}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    try:
        from models.devices import device_names
    except ImportError as error:
        return [f"unknown ({error})"]
    return list(device_names())


def _engines() -> list[dict[str, Any]]:
    """Each sparse engine a recipe can name, tried on the device that ``auto`` stands for."""
    names = get_args(RuntimeConfig.model_fields["engine"].annotation)
    try:
        from models.devices import choose_device
        from models.sparse.probe import engine_problem
    except ImportError as error:
        return [{"name": name, "device": None, "problem": str(error), "get": None} for name in names]
    device = choose_device("auto")
    rows = []
    for name in names:
        problem, get = engine_problem(name, device) or (None, None)
        rows.append({"name": name, "device": device, "problem": problem, "get": get})
    return rows


def _print(report: dict[str, Any]) -> None:
    console.print(f"teach3d {report['teach3d']}, Python {report['python']}, {report['cores']} cores")
    console.print(f"devices: {', '.join(report['devices'])}", markup=False)
    rows = [[row["name"], row["version"], row["problem"] or "ok"] for row in report["required"]]
    print_table(["required", "version", ""], rows)
    rows = [[row["name"], row["version"], row["for"], row["get"] or "ok"] for row in report["optional"]]
    print_table(["optional", "version", "for", ""], rows)
    rows = [[row["name"], row["device"], _state(row)] for row in report["engines"]]
    print_table(["sparse engine", "device", ""], rows)


def _state(row: dict[str, Any]) -> str:
    return "; ".join(text for text in (row["problem"], row["get"]) if text) or "ok"
