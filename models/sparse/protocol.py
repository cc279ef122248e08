"""What a sparse convolution engine promises, and the order of kernel offsets that every engine keeps to.

Engines hold coordinates and kernel maps; parameters and layers belong to ``models.student.blocks``.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor


def kernel_offsets(kernel_size: int) -> list[tuple[int, int, int]]:
    """Offsets (dx, dy, dz) of a cubic kernel in the order of its weights, in units of the tensor stride.

    MinkowskiEngine's convention: the first axis runs fastest; odd kernels are centred, even ones start at
    0. A weight of shape [K^3, Cin, Cout] holds one matrix per offset in this order, and a convolution is
    ``out[c] = sum_i in[c + offset_i] @ weight[i]``. A transposed convolution uses the same pairs with the
    roles of input and output exchanged: ``out[c + offset_i] += in[c] @ weight[i]``.

    >>> kernel_offsets(2)[:3]
    [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
    """
    low = -(kernel_size // 2) if kernel_size % 2 else 0
    steps = range(low, low + kernel_size)
    return [(dx, dy, dz) for dz in steps for dy in steps for dx in steps]


@runtime_checkable
class SparseGrid(Protocol):
    """The voxels of one batch at every tensor stride, with their kernel maps.

    Rows of features at stride 1 stand in the order of the coordinates the grid was made from; at coarser
    strides in the engine's own order, told by ``voxel_coords``.
    """

    def voxel_coords(self, stride: int) -> Int[Tensor, "V 4"]:
        """Batch index and integer coordinates (multiples of ``stride``, in stride-1 units) of each row."""
        ...

    def convolve(
        self,
        feat: Float[Tensor, "Vin Cin"],
        kernel: Float[Tensor, "K Cin Cout"],
        *,
        stride_in: int,
        stride_out: int,
    ) -> Float[Tensor, "Vout Cout"]:
        """Convolve; differentiable in ``feat`` and ``kernel``.

        ``stride_out`` equal to ``stride_in`` is a submanifold convolution (K = 27 or 125, centred), twice
        ``stride_in`` a strided one and half of it its transpose (both K = 8).
        """
        ...


@runtime_checkable
class SparseEngine(Protocol):
    """A way to compute sparse convolutions."""

    name: str

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> SparseGrid:
        """A grid of distinct voxels: batch index first, then integer coordinates of any sign.

        Raises:
            InputError: a voxel repeats, or the coordinates span more than 64-bit keys can tell apart.
        """
        ...
