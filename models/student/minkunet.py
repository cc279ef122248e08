"""The student: MinkUNet, a sparse 3D U-Net, in the sizes the field uses.

Layers are in ``blocks``, the convolution itself in ``models.sparse``; training it is ``training``'s business.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from models.sparse.catalog import load_engine
from models.student.blocks import BasicBlock, BatchNorm, Convolution, SparseFeatures, concatenate, relu
from schema.config_stages import DistillConfig
from schema.errors import unknown_name

Planes = tuple[int, int, int, int, int, int, int, int]

STEM_PLANES = 32
INPUT_CHANNELS = 3
"""The input is a constant one in three channels, as in the released checkpoints."""


@dataclass(frozen=True)
class Layout:
    """Blocks and channels of the eight levels: four down (strides 2 to 16), four up (8 to 1)."""

    num_blocks: Planes
    planes: Planes


_A: Planes = (32, 64, 128, 256, 128, 128, 96, 96)
_ONE: Planes = (1,) * 8
_TWO: Planes = (2,) * 8
_34: Planes = (2, 3, 4, 6, 2, 2, 2, 2)

ARCHITECTURES: dict[str, Layout] = {
    "MinkUNet14A": Layout(_ONE, _A),
    "MinkUNet18A": Layout(_TWO, _A),
    "MinkUNet18B": Layout(_TWO, (32, 64, 128, 256, 128, 128, 128, 128)),
    "MinkUNet18D": Layout(_TWO, (32, 64, 128, 256, 384, 384, 384, 384)),
    "MinkUNet34A": Layout(_34, (32, 64, 128, 256, 256, 128, 64, 64)),
    "MinkUNet34B": Layout(_34, (32, 64, 128, 256, 256, 128, 64, 32)),
    "MinkUNet34C": Layout(_34, (32, 64, 128, 256, 256, 128, 96, 96)),
}


class MinkUNet(nn.Module):
    """A sparse U-Net from voxel coordinates to one feature per voxel.

    Args:
        layout: blocks and channels per level.
        channels: length of an output feature.
        engine: name of the sparse engine; a run-time choice, not part of the weights.
    """

    def __init__(self, layout: Layout, channels: int, *, engine: str = "torch") -> None:
        super().__init__()
        self.channels = channels
        self.engine = engine
        planes, blocks = layout.planes, layout.num_blocks
        stem = STEM_PLANES
        self.conv0p1s1 = Convolution(INPUT_CHANNELS, stem, 5)
        self.bn0 = BatchNorm(stem)
        self.conv1p1s2, self.bn1 = Convolution(stem, stem, 2), BatchNorm(stem)
        self.block1 = _level(stem, planes[0], blocks[0])
        self.conv2p2s2, self.bn2 = Convolution(planes[0], planes[0], 2), BatchNorm(planes[0])
        self.block2 = _level(planes[0], planes[1], blocks[1])
        self.conv3p4s2, self.bn3 = Convolution(planes[1], planes[1], 2), BatchNorm(planes[1])
        self.block3 = _level(planes[1], planes[2], blocks[2])
        self.conv4p8s2, self.bn4 = Convolution(planes[2], planes[2], 2), BatchNorm(planes[2])
        self.block4 = _level(planes[2], planes[3], blocks[3])
        self.convtr4p16s2, self.bntr4 = Convolution(planes[3], planes[4], 2, up=True), BatchNorm(planes[4])
        self.block5 = _level(planes[4] + planes[2], planes[4], blocks[4])
        self.convtr5p8s2, self.bntr5 = Convolution(planes[4], planes[5], 2, up=True), BatchNorm(planes[5])
        self.block6 = _level(planes[5] + planes[1], planes[5], blocks[5])
        self.convtr6p4s2, self.bntr6 = Convolution(planes[5], planes[6], 2, up=True), BatchNorm(planes[6])
        self.block7 = _level(planes[6] + planes[0], planes[6], blocks[6])
        self.convtr7p2s2, self.bntr7 = Convolution(planes[6], planes[7], 2, up=True), BatchNorm(planes[7])
        self.block8 = _level(planes[7] + stem, planes[7], blocks[7])
        self.final = Convolution(planes[7], channels, 1)

    def forward(self, voxel_coords: Int[Tensor, "V 4"], counted: bool = True) -> Float[Tensor, "V C"]:
        """Features of distinct voxels (batch index, x, y, z), in their order, not normalised.

        Args:
            voxel_coords: distinct voxels.
            counted: whether they enter batch statistics that processes share; a process that has nothing
                left to do passes False.

        Raises:
            InputError: a voxel repeats or the coordinates span too much.
        """
        grid = load_engine(self.engine).grid(voxel_coords)
        # one row, expanded: an engine may see that all rows are alike
        ones = self.final.kernel.new_ones((1, INPUT_CHANNELS)).expand(voxel_coords.shape[0], -1)
        stem = relu(self.bn0(self.conv0p1s1(SparseFeatures(ones, 1, grid, counted))))
        level1 = self.block1(relu(self.bn1(self.conv1p1s2(stem))))
        level2 = self.block2(relu(self.bn2(self.conv2p2s2(level1))))
        level3 = self.block3(relu(self.bn3(self.conv3p4s2(level2))))
        out = self.block4(relu(self.bn4(self.conv4p8s2(level3))))
        out = self.block5(concatenate(relu(self.bntr4(self.convtr4p16s2(out))), level3))
        out = self.block6(concatenate(relu(self.bntr5(self.convtr5p8s2(out))), level2))
        out = self.block7(concatenate(relu(self.bntr6(self.convtr6p4s2(out))), level1))
        out = self.block8(concatenate(relu(self.bntr7(self.convtr7p2s2(out))), stem))
        features: Tensor = self.final(out).feat
        return features


def _level(channels_in: int, channels_out: int, num_blocks: int) -> nn.Sequential:
    first = BasicBlock(channels_in, channels_out)
    return nn.Sequential(first, *(BasicBlock(channels_out, channels_out) for _ in range(num_blocks - 1)))


def build_network(
    architecture: str, planes: Planes | None, channels: int, *, engine: str = "torch"
) -> MinkUNet:
    """A network with uninitialised kernels.

    Args:
        architecture: a key of ``ARCHITECTURES``.
        planes: channels of the eight levels; None for the architecture's own.
        channels: length of an output feature.
        engine: name of the sparse engine.

    Raises:
        ConfigError: no architecture has that name.
    """
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES, field="distill.architecture")
    layout = ARCHITECTURES[architecture]
    return MinkUNet(Layout(layout.num_blocks, planes or layout.planes), channels, engine=engine)


def build_student(config: DistillConfig, channels: int, seed: int, *, engine: str = "torch") -> MinkUNet:
    """A student with initial weights that depend on ``seed`` alone."""
    network = build_network(config.architecture, config.planes, channels, engine=engine)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, Convolution):
            module.initialise(generator)
    return network
