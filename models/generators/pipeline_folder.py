"""The folder of a Stable Diffusion pipeline: which files it must have, and its parts loaded from them.

Only diffusers' and transformers' own classes are made, only from safetensors, nothing is looked up on any
network. Running the pipeline is ``stable_diffusion``'s business.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.parts import require
from models.torchvision_operators import ensure
from schema.config_synthesis import StableDiffusionConfig
from schema.errors import WeightsError

INDEX = "model_index.json"
_PARTS: Mapping[str, tuple[str, str, str]] = {
    "vae": ("diffusers", "AutoencoderKL", "diffusion_pytorch_model"),
    "unet": ("diffusers", "UNet2DConditionModel", "diffusion_pytorch_model"),
    "text_encoder": ("transformers", "CLIPTextModel", "model"),
}
_NEEDED_BY = "generator kind 'stable_diffusion'"
_REMEDY = "save it again with diffusers' save_pretrained(..., safe_serialization=True)"
_BUFFERS = ("position_ids",)  # counters that older files hold beside the weights


def pipeline_files(config: StableDiffusionConfig) -> dict[str, Path]:
    """The files whose content decides what the pipeline computes, by role; they need not exist."""
    folder = config.folder
    files = {"index": folder / INDEX, "scheduler": folder / "scheduler" / "scheduler_config.json"}
    for part, (_, _, stem) in _PARTS.items():
        files[f"{part}_config"] = folder / part / "config.json"
        files |= {
            (part if number == 0 else f"{part}_{number}"): path
            for number, path in enumerate(_weight_files(folder / part, stem, config.variant))
        }
    for name in ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"):
        if (folder / "tokenizer" / name).is_file():
            files[f"tokenizer_{name}"] = folder / "tokenizer" / name
    return files


def load_pipeline(config: StableDiffusionConfig) -> Any:
    """The ``StableDiffusionPipeline`` of a folder, in float32, without safety checker.

    Raises:
        WeightsError: a file is missing or damaged, the pipeline is of another kind, or weights do not fit.
        MissingPartError: diffusers or transformers is not installed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read by huggingface_hub when it is imported
    ensure()
    diffusers = require("diffusers", needed_by=_NEEDED_BY)
    transformers = require("transformers", needed_by=_NEEDED_BY)
    index = _read_index(config.folder)
    parts = {part: _load_part(part, config) for part in _PARTS}
    try:
        tokenizer = transformers.CLIPTokenizer.from_pretrained(
            str(config.folder / "tokenizer"), local_files_only=True
        )
        kind = _scheduler_class(diffusers, index, config.folder)
        scheduler = kind.from_pretrained(str(config.folder / "scheduler"), local_files_only=True)
    except (OSError, ValueError) as error:
        raise _unreadable(config.folder, error) from error
    return diffusers.StableDiffusionPipeline(
        **parts,
        tokenizer=tokenizer,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        index = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(
            "it cannot be read as JSON: no folder of a diffusers pipeline",
            file=path,
            remedy="point 'folder' at the folder that holds model_index.json",
        ) from error
    kind = index.get("_class_name") if isinstance(index, dict) else None
    if kind != "StableDiffusionPipeline":
        raise WeightsError(
            "the pipeline is of another kind",
            file=path,
            field="_class_name",
            value=kind,
            remedy="take a StableDiffusionPipeline",
        )
    for part, (library, name, _) in _PARTS.items():
        if index.get(part) != [library, name]:
            raise WeightsError(
                f"only {library}'s {name} is known here",
                file=path,
                field=part,
                value=index.get(part),
                remedy="take a pipeline with this part",
            )
    return dict(index)


def _weight_files(folder: Path, stem: str, variant: str | None) -> list[Path]:
    """The one file, or the shards, of a part; the one file's name when there is neither."""
    whole = folder / (f"{stem}.{variant}.safetensors" if variant else f"{stem}.safetensors")
    shards = sorted(folder.glob(f"{stem}.{variant}-*.safetensors" if variant else f"{stem}-*.safetensors"))
    return [whole] if whole.is_file() or not shards else shards


def _load_part(part: str, config: StableDiffusionConfig) -> Any:
    import torch

    library, name, stem = _PARTS[part]
    folder = config.folder / part
    for path in (folder / "config.json", *_weight_files(folder, stem, config.variant)):
        if not path.is_file():
            raise _missing(path, folder, stem)
    dtype = {"torch_dtype": torch.float32} if library == "diffusers" else {"dtype": torch.float32}
    kind = getattr(require(library, needed_by=_NEEDED_BY), name)
    offline = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True}
    if library == "diffusers":
        offline["low_cpu_mem_usage"] = False
    try:
        model, info = kind.from_pretrained(str(folder), variant=config.variant, **dtype, **offline)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise _unreadable(folder, error) from error
    except Exception as error:  # safetensors' own error is no subclass of any of these
        if type(error).__name__ != "SafetensorError":
            raise
        raise _unreadable(folder, error) from error
    _check_keys(folder, info)
    return model


def _missing(path: Path, folder: Path, stem: str) -> WeightsError:
    others = sorted(found.name for found in folder.glob(f"{stem}*")) if folder.is_dir() else []
    variants = [name for name in others if name.endswith(".safetensors")]
    remedy = f"set 'variant' to read {variants[0]}" if variants else _REMEDY
    held = f"; the folder holds {', '.join(others)}" if others else ""
    return WeightsError(f"the file does not exist{held}", file=path, remedy=remedy)


def _check_keys(folder: Path, info: Mapping[str, Any]) -> None:
    """Refuse what the libraries only warn of: tensors made up for want of weights, or left unused."""
    facts = []
    for kind, what in (("missing_keys", "missing"), ("unexpected_keys", "unknown")):
        names = sorted(name for name in info.get(kind, ()) if not name.endswith(_BUFFERS))
        if names:
            facts.append(f"{len(names)} tensors {what}: {', '.join(names[:3])}{' ...' * (len(names) > 3)}")
    if info.get("mismatched_keys"):
        facts.append(f"{len(info['mismatched_keys'])} tensors of another shape")
    if facts:
        raise WeightsError(
            f"the weights do not fit config.json ({'; '.join(facts)})", file=folder, remedy=_REMEDY
        )


def _scheduler_class(diffusers: Any, index: Mapping[str, Any], folder: Path) -> Any:
    library, name = index.get("scheduler") or (None, None)
    kind = getattr(diffusers, str(name), None)
    if library != "diffusers" or not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise WeightsError(
            "no scheduler of diffusers",
            file=folder / INDEX,
            field="scheduler",
            value=index.get("scheduler"),
            remedy="name one of diffusers' schedulers",
        )
    return kind


def _unreadable(folder: Path, error: Exception) -> WeightsError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return WeightsError(f"a part of the pipeline cannot be loaded ({first})", file=folder, remedy=_REMEDY)
