"""Whether a sparse engine computes on a device, found out by letting it.

How engines are called is ``catalog``'s; telling the user is the command line's business.
"""

import torch

from models.sparse.catalog import load_engine
from schema.errors import Teach3dError


def engine_problem(name: str, device: str) -> tuple[str, str] | None:
    """Convolve one voxel and pass its gradient back.

    Args:
        name: of the sparse engine.
        device: for example "cpu" or "cuda".

    Returns:
        None where it works; else what is wrong and what to do about it, in a line each.
    """
    coords = torch.tensor([[0, 1, -2, 3]], device=device)
    feat = torch.ones((1, 2), device=device, requires_grad=True)
    kernel = torch.ones((27, 2, 2), device=device, requires_grad=True)
    try:
        grid = load_engine(name).grid(coords)
        grid.convolve(feat, kernel, stride_in=1, stride_out=1).sum().backward()  # type: ignore[no-untyped-call]
    except Teach3dError as error:
        return error.problem, error.remedy
    except Exception as error:  # an engine built for other hardware or another PyTorch fails in its own way
        line = " ".join(str(error).split())
        return (
            f"{type(error).__name__}: {line[:200]}",
            "reinstall it for this PyTorch, or use the engine torch",
        )
    return None
