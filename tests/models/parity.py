"""One training pass of a network, taken down so that two networks can be compared tensor by tensor.

Gradients of a network with ReLUs jump where an activation crosses zero: in float32 some activation out of
millions always lands on the other side than in float64, in MinkowskiEngine as here, and moves gradients by
1e-3. ``Decisions`` takes down which activations are positive and replays it, so that what is compared is
arithmetic and not luck.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

STRIDES = (1, 2, 4, 8, 16)
RELUS = (torch.relu, torch.relu_, nn.functional.relu, torch.Tensor.relu, torch.Tensor.relu_)
PROJECTIONS = 4
LONGEST = 2**21


def seeded_weights(network: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """A state dict in float64, drawn name by name, the same on every machine.

    Kernels keep activations at about one size; batch norm's scales, shifts and running statistics are
    random too.
    """
    rng = np.random.default_rng(seed)
    state = {}
    for name, tensor in sorted(network.state_dict().items()):
        shape = tuple(tensor.shape)
        values = 2 * rng.random(shape) - 1
        if name.endswith("num_batches_tracked"):
            values = np.array(0)
        elif name.endswith("kernel"):
            present = np.prod(shape[:-1]) / (
                3 if len(shape) == 3 else 1
            )  # a third of the offsets on a surface
            values *= (6 / present) ** 0.5
        elif name.endswith(("running_mean", "bias")):
            values *= 0.3
        else:
            values = 1 + 0.3 * values
        state[name] = torch.from_numpy(values)
    return state


def directions(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Random numbers of variance one, float64, the same on every machine."""
    return torch.from_numpy((np.random.default_rng(seed).random(shape) * 2 - 1) * 3**0.5)


class Decisions(TorchFunctionMode):
    """Takes down for every ReLU which inputs are positive, or decides so itself.

    Args:
        coords: the voxels of each stride in the order of a network's rows; a ReLU's stride is told by its
            number of rows.
        replay: what another network's ReLUs decided, in the order of the calls; None to let ReLUs decide.
    """

    def __init__(self, coords: list[torch.Tensor], replay: list[torch.Tensor] | None = None) -> None:
        super().__init__()
        self._order = {len(rows): torch.from_numpy(np.lexsort(rows.numpy().T)) for rows in coords}
        assert len(self._order) == len(coords), "two strides have equally many voxels"
        self._replay = replay
        self.taken: list[torch.Tensor] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func not in RELUS:
            return func(*args, **(kwargs or {}))
        x = args[0]
        order = self._order[len(x)]
        if self._replay is None:
            self.taken.append((x.detach() > 0)[order])
            return func(*args, **(kwargs or {}))
        positive = torch.empty_like(x, dtype=torch.bool)
        positive[order] = self._replay[len(self.taken)]
        self.taken.append(positive[order])
        return x * positive


@dataclass(frozen=True)
class Pass:
    """What one forward and backward pass in training mode gives, by name, and what its ReLUs decided."""

    tensors: dict[str, torch.Tensor]
    decisions: list[torch.Tensor]


def training_pass(
    network: nn.Module,
    forward: Callable[[], torch.Tensor],
    coords: list[torch.Tensor],
    replay: list[torch.Tensor] | None = None,
) -> Pass:
    """Output, running statistics and the gradients of a random weighting of the output."""
    network.train()
    with Decisions(coords, replay) as mode:
        out = forward()
    assert replay is None or len(mode.taken) == len(replay)
    weights = directions(tuple(out.shape), 1).to(out.dtype)
    (out * weights).mean().backward()
    tensors = {"output": out.detach()}
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        tensors[f"gradient of {name}"] = parameter.grad
    tensors |= {name: b.clone() for name, b in network.named_buffers() if "running" in name}
    return Pass(tensors, mode.taken)


def ratios(ours: Pass, theirs: Pass) -> dict[str, float]:
    """Norm of the difference over the norm, per tensor."""
    assert ours.tensors.keys() == theirs.tensors.keys()
    result = {}
    for name, tensor in theirs.tensors.items():
        exact = tensor.double()
        result[name] = float((ours.tensors[name].double() - exact).norm() / exact.norm())
    return result


def flips(ours: Pass, theirs: Pass) -> int:
    """How many activations are positive in one pass and not in the other."""
    pairs = zip(ours.decisions, theirs.decisions, strict=True)
    return sum(int((first != second).sum()) for first, second in pairs)


@cache
def _long_directions() -> torch.Tensor:
    return directions((PROJECTIONS, LONGEST), 2)


def digest(tensor: torch.Tensor) -> np.ndarray:
    """Norm of a tensor and its projections on random directions, float64."""
    flat = tensor.double().flatten()
    assert len(flat) <= LONGEST
    return torch.cat([flat.norm()[None], _long_directions()[:, : len(flat)] @ flat]).numpy()
