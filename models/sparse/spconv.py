"""Sparse convolution by spconv 2.3, an optional package for NVIDIA GPUs.

The package finds neighbours and multiplies; where its coordinates begin, in which order its kernels lie,
which arithmetic it is given and what it would get wrong silently is settled here.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.sparse.spconv_pairs import (
    FusedPairs,
    GatherPairs,
    Level,
    Package,
    import_package,
    kernel_weight,
    on_device_of,
)
from schema.errors import ConfigError, InputError

COARSEST = 64
"""Largest tensor stride: coordinates are counted from a multiple of it, so that cells at every stride are
those of floor(coordinate / stride), and extents are multiples of it, since spconv drops an odd last cell."""

FUSED_OFFSETS = 32
"""Kernels of more offsets (size 5) take spconv's gather and scatter path, as its own layers do. The fused
kernels of a larger one share a cache of chosen algorithms with size 3 and would pick one made for that."""

LARGEST_INT32 = 2**31
"""spconv keeps coordinates, pair tables and byte offsets into features in 32 bits."""


Pairs = GatherPairs | FusedPairs


class SpconvEngine:
    """The package behind this project's engine protocol.

    Raises:
        MissingPartError: the package is not installed, or in a build without CUDA.
    """

    name = "spconv"

    def __init__(self) -> None:
        self._package = import_package()

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> "SpconvGrid":
        """A grid of distinct voxels on a GPU; see ``protocol.SparseEngine``.

        Raises:
            ConfigError: the voxels are not on a CUDA device.
        """
        if not voxel_coords.is_cuda:
            raise ConfigError(
                "the engine spconv computes on CUDA devices only",
                field="runtime.device",
                value=voxel_coords.device.type,
                remedy="set runtime.device to cuda or runtime.engine to torch",
            )
        return SpconvGrid(self._package, voxel_coords)


class SpconvGrid:
    """Voxels and pair tables of one batch, each table built when first needed and shared by all layers.

    On the CPU the gather and scatter path is taken for every size, which serves to test what is around it.
    """

    def __init__(self, package: Package, voxel_coords: Int[Tensor, "V 4"]) -> None:
        low, high = _bounds(voxel_coords)
        corner = [low[0], *(v // COARSEST * COARSEST for v in low[1:])]
        shape = [(b - a) // COARSEST * COARSEST + COARSEST for a, b in zip(corner[1:], high[1:], strict=True)]
        # on the CPU spconv's own keys are 32 bits wide, and overflow silently
        _check_span(shape, high[0] - low[0] + 1, 2**62 if voxel_coords.is_cuda else LARGEST_INT32)
        self._package = package
        self._num_batches = high[0] - low[0] + 1
        self._corner = torch.tensor(corner, device=voxel_coords.device)
        index = voxel_coords.long() - self._corner
        _check_distinct(index, shape)
        self._levels = {1: Level(index.int().contiguous(), shape)}
        self._coords = {1: voxel_coords}
        self._pairs: dict[tuple[int, int], Pairs] = {}

    def voxel_coords(self, stride: int) -> Int[Tensor, "V 4"]:
        """Coordinates of each row at ``stride``; see ``protocol.SparseGrid``."""
        if stride not in self._coords:
            scale = torch.tensor([1, stride, stride, stride], device=self._corner.device)
            self._coords[stride] = self._level(stride).index.long() * scale + self._corner
        return self._coords[stride]

    def convolve(
        self,
        feat: Float[Tensor, "Vin Cin"],
        kernel: Float[Tensor, "K Cin Cout"],
        *,
        stride_in: int,
        stride_out: int,
    ) -> Float[Tensor, "Vout Cout"]:
        """Convolve; see ``protocol.SparseGrid``.

        spconv multiplies in float32 and float16: bfloat16 is computed in float32 and rounded, autocast's
        choice is followed, and TF32 stays off.

        Raises:
            ConfigError: another type of number.
            InputError: more features or pairs than 32-bit offsets reach.
        """
        size = round(kernel.shape[0] ** (1 / 3))
        num_out = len(self._level(stride_out).index)
        asked, computed = _arithmetic(feat)
        _check_size(feat.shape, (num_out, kernel.shape[2]), computed.itemsize)
        pairs = self._pairs_of(min(stride_in, stride_out), size)
        with on_device_of(feat), torch.autocast(feat.device.type, enabled=False):
            weight = kernel_weight(kernel.to(computed), size)
            out: Tensor = pairs.multiply(
                feat.to(computed).contiguous(), weight, num_out, transposed=stride_out < stride_in
            )
        return out.to(asked)

    def _level(self, stride: int) -> Level:
        if stride not in self._levels:
            assert 1 < stride <= COARSEST
            self._pairs_of(stride // 2, 2)
        return self._levels[stride]

    def _pairs_of(self, fine: int, size: int) -> Pairs:
        """Pairs between a stride and itself, or for size 2 between it and the next coarser one."""
        if (fine, size) not in self._pairs:
            level = self._level(fine)
            _check_pairs(len(level.index), size)
            kind = FusedPairs if level.index.is_cuda and size**3 <= FUSED_OFFSETS else GatherPairs
            with on_device_of(level.index):
                pairs, coarse = kind.find(self._package, level, self._num_batches, size)
            self._pairs[fine, size] = pairs
            if size == 2:
                self._levels[2 * fine] = Level(coarse, [extent // 2 for extent in level.shape])
        return self._pairs[fine, size]


def _arithmetic(feat: Float[Tensor, "V C"]) -> tuple[torch.dtype, torch.dtype]:
    """The type asked for, by autocast or by the features, and the one to compute in."""
    kind = feat.device.type
    asked = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else feat.dtype
    if asked not in (torch.float32, torch.float16, torch.bfloat16):
        raise ConfigError(
            "spconv multiplies float32 and float16 only",
            value=str(asked),
            remedy="use float32 features or the engine torch",
        )
    return asked, torch.float32 if asked == torch.bfloat16 else asked


def _bounds(voxel_coords: Int[Tensor, "V 4"]) -> tuple[list[int], list[int]]:
    """Smallest and largest batch index and coordinates."""
    if voxel_coords.ndim != 2 or voxel_coords.shape[1] != 4 or voxel_coords.shape[0] == 0:
        raise InputError(
            "voxel coordinates need the shape [V, 4] with at least one row",
            value=list(voxel_coords.shape),
            remedy="pass batch index, x, y, z per voxel",
        )
    low, high = torch.stack(torch.aminmax(voxel_coords, dim=0)).tolist()
    return low, high


def _check_span(shape: list[int], num_batches: int, most_cells: int) -> None:
    cells = num_batches * shape[0] * shape[1] * shape[2]
    if max(shape) >= LARGEST_INT32 or cells >= most_cells:
        raise InputError(
            "the voxels span more cells than spconv can tell apart",
            value=[num_batches, *shape],
            remedy="use larger voxels, smaller batches, or remove stray points",
        )


def _check_distinct(index: Int[Tensor, "V 4"], shape: list[int]) -> None:
    batch, x, y, z = index.unbind(1)
    keys = torch.sort(((batch * shape[0] + x) * shape[1] + y) * shape[2] + z).values
    if bool((keys[1:] == keys[:-1]).any()):
        raise InputError("a voxel occurs twice in a batch", remedy="voxelize the points first")


def _check_size(rows_in: torch.Size, rows_out: tuple[int, int], itemsize: int) -> None:
    largest = max(rows_in[0] * rows_in[1], rows_out[0] * rows_out[1]) * itemsize
    if largest >= LARGEST_INT32:
        raise InputError(
            "spconv reaches 2 GiB of features per layer",
            value=largest,
            remedy="lower runtime.max_voxels or the batch, or choose the engine torch",
        )


def _check_pairs(num_voxels: int, size: int) -> None:
    if 2 * size**3 * num_voxels >= LARGEST_INT32:
        raise InputError(
            f"more voxels than spconv's pair table of kernel size {size} can hold",
            value=num_voxels,
            remedy="lower runtime.max_voxels or the batch, or choose the engine torch",
        )
