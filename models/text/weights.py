"""Weight files without pickle: safetensors, or PyTorch files that hold tensors and nothing else.

Whether the tensors fit a network is checked by whoever fills it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from schema.errors import WeightsError


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weight file by name; a ``state_dict`` wrapper and ``module.`` prefixes are taken off.

    Args:
        path: ``.safetensors``, or anything that ``torch.load(weights_only=True)`` reads.

    Raises:
        WeightsError: the file is missing, damaged, or would need pickle.
    """
    if not path.is_file():
        raise WeightsError("the weight file does not exist", file=path, remedy="download it or fix 'weights'")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise WeightsError(
            "the weight file holds no tensor", file=path, remedy="save the model's state dict in it"
        )
    return tensors


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"the weight file is not a readable safetensors file ({error})",
            file=path,
            remedy="download it again, it is damaged or another format",
        ) from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling errors have no common base class
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"the weight file cannot be read without running code in it ({reason})",
            file=path,
            remedy="convert it to safetensors, or download it again",
        ) from error
