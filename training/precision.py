"""In which arithmetic a network computes; weights and losses stay float32 whatever it is."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]


def autocast(precision: Precision, device: str) -> AbstractContextManager[Any]:
    """The context of a forward pass on a device."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=getattr(torch, precision))
