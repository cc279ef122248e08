"""Which devices networks can run on, and the choice of one."""

from typing import Literal


def device_names() -> tuple[str, ...]:
    """The CPU and every CUDA device, by name."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ("cpu", *(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(count)))


def choose_device(wanted: Literal["auto", "cpu", "cuda"] | str) -> str:
    """``auto`` is CUDA where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted
