"""MinkUNet18A once more, out of MinkowskiEngine's own modules: what this project's network is compared with.

Nothing of ``models`` is used here. Parameter names are those of the published checkpoints.
"""

import warnings
from types import ModuleType
from typing import Any

import torch
from torch import nn

STEM = 32
DOWN = (32, 64, 128, 256)
UP = (128, 128, 96, 96)
BLOCKS = 2
STRIDES_DOWN = ("conv1p1s2", "conv2p2s2", "conv3p4s2", "conv4p8s2")
STRIDES_UP = ("convtr4p16s2", "convtr5p8s2", "convtr6p4s2", "convtr7p2s2")


class Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, package: ModuleType, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = _convolution(package, before, after, 3)
        self.norm1 = package.MinkowskiBatchNorm(after)
        self.conv2 = _convolution(package, after, after, 3)
        self.norm2 = package.MinkowskiBatchNorm(after)
        self.relu = package.MinkowskiReLU()
        self.downsample = None
        if before != after:
            self.downsample = nn.Sequential(
                _convolution(package, before, after, 1), package.MinkowskiBatchNorm(after)
            )

    def forward(self, x: Any) -> Any:
        out = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Network(nn.Module):
    """Four levels down, four up, skips joined by concatenation."""

    def __init__(self, package: ModuleType, channels: int) -> None:
        super().__init__()
        self.join = package.cat
        self.relu = package.MinkowskiReLU()
        self.conv0p1s1 = _convolution(package, 3, STEM, 5)
        self.bn0 = package.MinkowskiBatchNorm(STEM)
        width, skips = STEM, [STEM]
        for index, (name, after) in enumerate(zip(STRIDES_DOWN, DOWN, strict=True), 1):
            self.add_module(name, _convolution(package, width, width, 2, 2))
            self.add_module(f"bn{index}", package.MinkowskiBatchNorm(width))
            self.add_module(f"block{index}", _level(package, width, after))
            width = after
            skips.append(after)
        for index, (name, after) in enumerate(zip(STRIDES_UP, UP, strict=True), 4):
            up = package.MinkowskiConvolutionTranspose(width, after, kernel_size=2, stride=2, dimension=3)
            self.add_module(name, up)
            self.add_module(f"bntr{index}", package.MinkowskiBatchNorm(after))
            self.add_module(f"block{index + 1}", _level(package, after + skips[7 - index], after))
            width = after
        self.final = _convolution(package, width, channels, 1)

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn0(self.conv0p1s1(x)))
        skips = [out]
        for index, name in enumerate(STRIDES_DOWN, 1):
            out = self.relu(getattr(self, f"bn{index}")(getattr(self, name)(out)))
            out = getattr(self, f"block{index}")(out)
            skips.append(out)
        for index, name in enumerate(STRIDES_UP, 4):
            out = self.relu(getattr(self, f"bntr{index}")(getattr(self, name)(out)))
            out = getattr(self, f"block{index + 1}")(self.join(out, skips[7 - index]))
        return self.final(out)


def _convolution(package: ModuleType, before: int, after: int, size: int, stride: int = 1) -> nn.Module:
    return package.MinkowskiConvolution(before, after, kernel_size=size, stride=stride, dimension=3)


def _level(package: ModuleType, before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        Block(package, before, after), *(Block(package, after, after) for _ in range(BLOCKS - 1))
    )


def build(package: ModuleType, channels: int) -> Network:
    """A MinkUNet18A of ``package`` (MinkowskiEngine) with ``channels`` outputs."""
    with warnings.catch_warnings():  # the package makes an object of a class that is only called
        warnings.filterwarnings("ignore", ".* should not be instantiated", DeprecationWarning)
        return Network(package, channels)


def sparse_tensor(package: ModuleType, coords: torch.Tensor, dtype: torch.dtype) -> tuple[Any, list]:
    """The input, ones on distinct voxels [V, 4], and the voxels of strides 1 to 16 in the package's order."""
    x = package.SparseTensor(torch.ones((len(coords), 3), dtype=dtype), coords.int())
    manager, key = x.coordinate_manager, x.coordinate_map_key
    levels = [x.C]
    for _ in STRIDES_DOWN:
        key = manager.stride(key, 2)
        levels.append(manager.get_coordinates(key))
    return x, levels


def in_order(out: Any, coords: torch.Tensor) -> torch.Tensor:
    """Features of an output in the order of ``coords``."""
    row = {tuple(voxel): index for index, voxel in enumerate(out.C.tolist())}
    return out.F[torch.tensor([row[tuple(voxel)] for voxel in coords.tolist()])]
