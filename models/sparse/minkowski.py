"""Sparse convolution by MinkowskiEngine 0.5.4, an optional package built by ``make minkowski``.

Kept for comparison and for those who have it installed on a GPU; the ``torch`` engine needs no build. The
package finds neighbours and multiplies; row order and error messages are settled here.
"""

import collections
import importlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from schema.errors import InputError, MissingPartError

REACH = 2**24
"""Beyond this the package, which divides coordinates as float32, would round them to wrong voxels."""


class MinkowskiEngine:
    """The package behind this project's engine protocol.

    Raises:
        MissingPartError: the package is not installed.
    """

    name = "minkowski"

    def __init__(self) -> None:
        self._package = import_package()

    def grid(self, voxel_coords: Int[Tensor, "V 4"]) -> "MinkowskiGrid":
        """A grid of distinct voxels; see ``protocol.SparseEngine``."""
        return MinkowskiGrid(self._package, voxel_coords)


def import_package() -> ModuleType:
    """MinkowskiEngine, imported without its warnings, which are about its own age and threads.

    Raises:
        MissingPartError: it is not installed, or was built for another PyTorch.
    """
    try:
        with warnings.catch_warnings(), _old_collections():
            warnings.simplefilter("ignore")
            return importlib.import_module("MinkowskiEngine")
    except ImportError as error:
        raise MissingPartError(
            f"MinkowskiEngine cannot be imported ({error})",
            field="runtime.engine",
            value="minkowski",
            remedy="build it with: make minkowski (or choose the engine torch)",
        ) from error


@contextmanager
def _old_collections() -> Iterator[None]:
    """The package of 2021 takes ``Sequence`` from ``collections``, where Python 3.10 dropped it."""
    module = vars(collections)
    module["Sequence"] = Sequence
    try:
        yield
    finally:
        del module["Sequence"]


class MinkowskiGrid:
    """The package's coordinate manager for one batch."""

    def __init__(self, package: ModuleType, voxel_coords: Int[Tensor, "V 4"]) -> None:
        coords = _checked(voxel_coords)
        if coords.is_cuda and not package.is_cuda_available():
            raise MissingPartError(
                "this MinkowskiEngine was built without CUDA",
                field="runtime.device",
                value=coords.device.type,
                remedy="build it with --force_cuda, or choose the engine torch or spconv",
            )
        self._package = package
        kind = package.CoordinateMapType.CUDA if coords.is_cuda else package.CoordinateMapType.CPU
        self._manager = package.CoordinateManager(D=3, coordinate_map_type=kind)
        self._mode = importlib.import_module("MinkowskiEngineBackend._C").ConvolutionMode.DEFAULT
        key, (unique, inverse) = self._manager.insert_and_map(coords, 1)
        if len(unique) != len(coords):
            raise InputError("a voxel occurs twice in a batch", remedy="voxelize the points first")
        self._keys = {1: key}
        self._coords = {1: voxel_coords}
        rows = torch.arange(len(coords), device=coords.device)
        reordered = not torch.equal(unique.to(rows), rows)
        self._from_caller = unique.to(rows) if reordered else None
        self._to_caller = inverse.to(rows) if reordered else None

    def voxel_coords(self, stride: int) -> Int[Tensor, "V 4"]:
        """Coordinates of each row at ``stride``; see ``protocol.SparseGrid``."""
        if stride not in self._coords:
            self._coords[stride] = self._manager.get_coordinates(self._key(stride)).long()
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

        The output has the type of the input, or autocast's; the package multiplies in float32 and float64.
        """
        kind = feat.device.type
        asked = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else feat.dtype
        computed = torch.promote_types(asked, torch.float32)
        if stride_in == 1 and self._from_caller is not None:
            feat = feat[self._from_caller]
        out: Tensor = self._function(up=stride_out < stride_in).apply(
            feat.to(computed),
            kernel.to(computed).contiguous(),
            self._generator(round(kernel.shape[0] ** (1 / 3)), 1 if stride_in == stride_out else 2),
            self._mode,
            self._key(stride_in),
            self._key(stride_out),
            self._manager,
        )
        if stride_out == 1 and self._to_caller is not None:
            out = out[self._to_caller]
        return out.to(asked)

    def _function(self, *, up: bool) -> Any:
        package = self._package
        return package.MinkowskiConvolutionTransposeFunction if up else package.MinkowskiConvolutionFunction

    def _generator(self, kernel_size: int, factor: int) -> Any:
        return self._package.KernelGenerator(kernel_size=kernel_size, stride=factor, dimension=3)

    def _key(self, stride: int) -> Any:
        if stride not in self._keys:
            self._keys[stride] = self._manager.stride(self._key(stride // 2), 2)
        return self._keys[stride]


def _checked(voxel_coords: Int[Tensor, "V 4"]) -> Int[Tensor, "V 4"]:
    """The package's int32 coordinates; an error where it would compute something else."""
    if voxel_coords.ndim != 2 or voxel_coords.shape[1] != 4 or voxel_coords.shape[0] == 0:
        raise InputError(
            "voxel coordinates need the shape [V, 4] with at least one row",
            value=list(voxel_coords.shape),
            remedy="pass batch index, x, y, z per voxel",
        )
    far = max(torch.stack(torch.aminmax(voxel_coords)).tolist(), key=abs)
    if abs(far) >= REACH:
        raise InputError(
            f"MinkowskiEngine tells voxels apart only within {REACH} of the origin",
            value=far,
            remedy="move the scene to the origin or choose the engine torch",
        )
    return voxel_coords.int().contiguous()
