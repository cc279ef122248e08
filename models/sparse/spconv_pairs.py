"""Pairs of input and output rows as spconv finds them, and the two ways it multiplies along them.

Which voxels there are, which of the two ways is taken and what spconv must not be given is ``spconv``'s.
"""

import importlib
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from schema.errors import MissingPartError


@dataclass(frozen=True)
class Package:
    """The parts of spconv that are used: autograd functions, pair search, names of algorithms."""

    functional: Any
    ops: Any
    algorithms: Any


def import_package() -> Package:
    """Spconv, without the warnings its helpers give at import.

    Raises:
        MissingPartError: it cannot be imported, or was built without CUDA.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            functional = importlib.import_module("spconv.pytorch.functional")
            ops = importlib.import_module("spconv.pytorch.ops")
            core = importlib.import_module("spconv.core")
            cpu_only = importlib.import_module("spconv.cppconstants").CPU_ONLY_BUILD
    except ImportError as error:
        raise _missing(f"spconv cannot be imported ({error})") from error
    if cpu_only:
        raise _missing("this build of spconv has no CUDA")
    return Package(functional, ops, core.ConvAlgo)


def _missing(problem: str) -> MissingPartError:
    return MissingPartError(
        problem,
        field="runtime.engine",
        value="spconv",
        remedy="pip install spconv-cu126==2.3.8, or choose the engine torch",
    )


@dataclass(frozen=True)
class Level:
    """Voxels at one stride as spconv wants them: int32, from zero, within ``shape``."""

    index: Int[Tensor, "V 4"]
    shape: list[int]


def kernel_weight(kernel: Float[Tensor, "K Cin Cout"], size: int) -> Float[Tensor, "Cout k k k Cin"]:
    """The weight spconv expects, and PyTorch's dense convolution but for the place of Cin.

    In ``kernel`` the first coordinate axis runs fastest, in spconv's the last one.
    """
    cube = kernel.reshape(size, size, size, kernel.shape[1], kernel.shape[2])
    return cube.permute(4, 2, 1, 0, 3).contiguous()


@dataclass(frozen=True)
class GatherPairs:
    """Lists of (input row, output row) per offset: one product per offset."""

    package: Package
    lists: Int[Tensor, "2 K V"]
    counts: Int[Tensor, "K"]
    submanifold: bool

    @classmethod
    def find(
        cls, package: Package, level: Level, num_batches: int, size: int
    ) -> "tuple[GatherPairs, Tensor]":
        """The pairs and the output voxels."""
        shape = _geometry(level, num_batches, package.algorithms.Native, size)
        out, lists, counts = package.ops.get_indice_pairs(*shape, size != 2, False)
        return cls(package, lists, counts, size != 2), out

    def multiply(self, feat: Tensor, weight: Tensor, num_out: int, *, transposed: bool) -> Tensor:
        """Products of all pairs, added up per output row."""
        functional = self.package.functional
        function = functional.indice_subm_conv if self.submanifold else functional.indice_conv
        if transposed:
            function = functional.indice_inverse_conv
        algorithm = self.package.algorithms.Native
        result: Tensor = function(feat, weight, self.lists, self.counts, num_out, algorithm)
        return result


@dataclass(frozen=True)
class FusedPairs:
    """Tables of neighbours with bit masks, for kernels that gather, multiply and add up in one go.

    Attributes:
        package: spconv.
        out_to_in: input row of each output row at each offset; masks of the offsets that occur; their order.
        in_to_out: the same the other way round; a submanifold convolution has one set of masks.
        filters: which bits of a mask count.
        submanifold: whether input and output are the same voxels.
    """

    package: Package
    out_to_in: tuple[Tensor, list[Tensor], list[Tensor]]
    in_to_out: tuple[Tensor, list[Tensor], list[Tensor]]
    filters: list[Any]
    submanifold: bool

    @classmethod
    def find(cls, package: Package, level: Level, num_batches: int, size: int) -> "tuple[FusedPairs, Tensor]":
        """The pairs and the output voxels, which without ``direct_table`` come in ascending order."""
        shape = _geometry(level, num_batches, package.algorithms.MaskImplicitGemm, size)
        out, _, forward, backward, masks, masks_back, order, order_back, filters = (
            package.ops.get_indice_pairs_implicit_gemm(*shape, subm=size != 2, direct_table=False)
        )
        back = (backward, masks_back, order_back)
        return cls(package, (forward, masks, order), back, filters, size != 2), out

    def multiply(self, feat: Tensor, weight: Tensor, num_out: int, *, transposed: bool) -> Tensor:
        """Products of all pairs, added up per output row."""
        there, back = self.out_to_in, self.in_to_out
        if transposed:
            there, back = back, there
        tables = (there[0], back[0], there[1], back[1], there[2], back[2])
        result: Tensor = self.package.functional.implicit_gemm(
            feat, weight, *tables, num_out, self.filters, torch.is_grad_enabled(), self.submanifold
        )
        return result


def _geometry(level: Level, num_batches: int, algorithm: Any, size: int) -> tuple[Any, ...]:
    """Voxels, batches, extents, algorithm; kernel size, stride, padding, dilation, output padding."""
    stride, padding = (2, 0) if size == 2 else (1, size // 2)
    numbers = ([value] * 3 for value in (size, stride, padding, 1, 0))
    return (level.index, num_batches, level.shape, algorithm, *numbers)


def on_device_of(tensor: Tensor) -> AbstractContextManager[Any]:
    """Spconv launches on the current device's stream, whatever device its tensors are on."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()
