"""Several processes that train one student: who they are, what they share.

Starting them is ``launch``'s business; one process alone passes through here without any cost.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.parallel import DistributedDataParallel

from models.student.blocks import BatchNorm


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: number of this process; 0 writes the files.
        size: number of processes.
        device: where this process computes.
    """

    rank: int
    size: int
    device: str

    @property
    def leads(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def total(self, *values: float) -> list[float]:
        """Sums over all processes."""
        if self.size == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(summed)
        return [float(value) for value in summed]

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            dist.barrier()

    def wrap(self, network: nn.Module, *, sync_batch_norm: bool) -> nn.Module:
        """The network with gradients averaged over processes, and batch statistics shared if wanted."""
        if self.size == 1:
            return network
        if sync_batch_norm:
            # a group of its own: its sums must not be mixed up with the gradients'
            share = _sum_over(dist.new_group())
            for module in network.modules():
                if isinstance(module, BatchNorm):
                    module.share = share
        return DistributedDataParallel(network)

    def same_buffers(self, network: nn.Module) -> None:
        """Give every process the running statistics of process 0."""
        if self.size > 1:
            for buffer in network.buffers():
                dist.broadcast(buffer, 0)

    def without_exchange(self, network: nn.Module, wanted: bool) -> AbstractContextManager[None]:
        """Gradients stay in this process, where more are to be added before the step."""
        if wanted and isinstance(network, DistributedDataParallel):
            return cast("AbstractContextManager[None]", network.no_sync())
        return nullcontext()


def plain(network: nn.Module) -> nn.Module:
    """The network inside its wrapper."""
    return cast("nn.Module", network.module) if isinstance(network, DistributedDataParallel) else network


def join_world(device: str) -> World:
    """The processes torchrun started, this one among them; alone without torchrun.

    Args:
        device: ``cpu`` or ``cuda``; with several processes each takes the GPU of its local rank.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return World(0, 1, device)
    if device.startswith("cuda"):
        device = f"cuda:{int(os.environ['LOCAL_RANK'])}"
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return World(dist.get_rank(), dist.get_world_size(), device)


def leave_world() -> None:
    """Close what ``join_world`` opened."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _sum_over(group: Any) -> Callable[[Tensor], Tensor]:
    def share(values: Tensor) -> Tensor:
        result: Tensor = _SharedSum.apply(values, group)  # type: ignore[no-untyped-call]
        return result

    return share


class _SharedSum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of the gradients, for every process uses it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Any) -> Tensor:
        ctx.group = group
        summed = values.clone()
        dist.all_reduce(summed, group=group)
        return summed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        summed = grad.clone()
        dist.all_reduce(summed, group=ctx.group)
        return summed, None
