"""Weight files without pickle: safetensors and nothing else.

Whether the tensors fit a network is checked by whoever fills it.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from schema.errors import WeightsError


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file by name; ``module.`` prefixes are taken off.

    Args:
        path: a safetensors file, whatever its name.

    Raises:
        WeightsError: the file is missing, damaged, of another format, or holds no tensor.
    """
    if not path.is_file():
        raise WeightsError("the weight file does not exist", file=path, remedy="download it or fix 'weights'")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"the weight file is not a readable safetensors file ({error})",
            file=path,
            remedy="take the model's safetensors file (.pt and .bin files are pickles and are not read), "
            "or download it again if it is damaged",
        ) from error
    if not tensors:
        raise WeightsError(
            "the weight file holds no tensor", file=path, remedy="save the model's state dict in it"
        )
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
