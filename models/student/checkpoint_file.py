"""PyTorch checkpoint files of other projects, read as tensors and plain values and nothing else.

What the tensors mean is left to ``imported``.
"""

import re
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from schema.errors import WeightsError

STATE = "state_dict"
_FORMATS = {
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "b1": "?",
    **{
        f"{kind}{size}": code
        for kind, codes in (("i", "bhiq"), ("u", "BHIQ"))
        for size, code in zip((1, 2, 4, 8), codes, strict=True)
    },
}
_SHOWN = 40


@dataclass(frozen=True)
class CheckpointFile:
    """What a file holds.

    Attributes:
        tensors: the state dict, names as in the file.
        extras: whatever else is in it (epoch, optimizer), in words.
    """

    tensors: Mapping[str, Tensor]
    extras: Mapping[str, str]


class _NumberType:
    """Stands for ``numpy.dtype`` in a file: knows plain numbers only and runs nothing of NumPy's."""

    def __init__(self, code: str, _align: bool = False, _copy: bool = False) -> None:
        self.code, self.order = _FORMATS[code], "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = {"<": "<", ">": ">", "|": "<"}[state[1]]


def _number(kind: _NumberType, data: bytes) -> Any:
    """Stands for NumPy's function that makes a scalar."""
    return struct.unpack(kind.order + kind.code, data)[0]


_STAND_INS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_NumberType, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
]


def read_checkpoint(path: Path) -> CheckpointFile:
    """Read a file that ``torch.save`` wrote, new or old format: a state dict, or a dictionary that has one.

    Only tensors, containers and plain values are made; NumPy scalars (a best score beside the weights)
    become Python numbers. Anything that would call other code is refused before it does.

    Raises:
        WeightsError: the file is missing or damaged, holds more than weights, or no state dict.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_STAND_INS):
            warnings.simplefilter("ignore")  # about protocols of old files
            value = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(
            f"cannot be read ({(error.strerror or 'unknown reason').lower()})",
            file=path,
            remedy="check the path",
        ) from error
    except Exception as error:  # a damaged file makes torch raise nearly anything
        raise _refusal(path, error) from error
    return _split(path, value)


def _refusal(path: Path, error: Exception) -> WeightsError:
    call = re.search(r"GLOBAL (\S+)", str(error))
    if call is not None:
        return WeightsError(
            f"refused: reading it would call {call[1]}, and a checkpoint needs weights only",
            file=path,
            remedy="if you trust the file, load it where it was made and save its state dict alone",
        )
    told = re.sub(r"\s+", " ", str(error).partition("\n")[0])[:120]
    return WeightsError(
        f"is no readable checkpoint ({type(error).__name__}: {told})".replace(": )", ")"),
        file=path,
        remedy="give a file that torch.save wrote; if it is one, it is damaged: fetch it again",
    )


def _split(path: Path, value: Any) -> CheckpointFile:
    """The state dict, and the rest in words."""
    if not isinstance(value, Mapping):
        raise _no_state(path, f"a {type(value).__name__}")
    state, extras = value, {}
    if isinstance(value.get(STATE), Mapping):
        state = value[STATE]
        extras = {str(name): _describe(item) for name, item in value.items() if name != STATE}
    foreign = [str(name) for name, item in state.items() if not _is_plain_tensor(item)]
    if not state or foreign:
        what = (
            f"{', '.join(foreign[:8])} ({len(foreign)} entries that are no tensors)" if foreign else "nothing"
        )
        raise _no_state(path, what)
    return CheckpointFile({str(name): tensor.detach() for name, tensor in state.items()}, extras)


def _is_plain_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized


def _no_state(path: Path, what: str) -> WeightsError:
    return WeightsError(
        f"holds {what} where a state dict (names to tensors) should be",
        file=path,
        field=STATE,
        remedy="save the network's state_dict(), bare or under the key 'state_dict'",
    )


def _describe(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple | set):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, Tensor):
        return f"tensor {list(value.shape)}"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
