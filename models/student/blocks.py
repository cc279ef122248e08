"""Layers on sparse features, with the parameter names and kernel layouts of MinkowskiEngine.

How a convolution is computed is the engine's business (``models.sparse``), the network ``minkunet``'s.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.sparse.protocol import SparseGrid


@dataclass(frozen=True)
class SparseFeatures:
    """Features on the voxels of one tensor stride of a grid.

    ``counted`` says whether they enter batch statistics shared by several processes.
    """

    feat: Float[Tensor, "V C"]
    stride: int
    grid: SparseGrid
    counted: bool = True

    def with_feat(self, feat: Float[Tensor, "V C"]) -> "SparseFeatures":
        """Other features on the same voxels."""
        return replace(self, feat=feat)


class Convolution(nn.Module):
    """A convolution without bias; ``kernel`` is [K^3, Cin, Cout], or [Cin, Cout] for kernel size 1.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        kernel_size: 1, 2, 3 or 5.
        up: whether the convolution is transposed (kernel size 2 only); kernel size 2 changes the stride
            by a factor of two, the others keep it.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, *, up: bool = False) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.up = up
        shape = (
            (channels_in, channels_out) if kernel_size == 1 else (kernel_size**3, channels_in, channels_out)
        )
        self.kernel = nn.Parameter(torch.empty(shape))

    def forward(self, x: SparseFeatures) -> SparseFeatures:
        """Convolve."""
        if self.kernel_size == 1:
            return x.with_feat(x.feat @ self.kernel)
        stride = x.stride
        if self.kernel_size == 2:
            stride = stride // 2 if self.up else stride * 2
        feat = x.grid.convolve(x.feat, self.kernel, stride_in=x.stride, stride_out=stride)
        return replace(x, feat=feat, stride=stride)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the kernel: normal, Kaiming fan-out for ReLU; transposed ones uniform by fan-out.

        The released code's choice, with MinkowskiEngine's reading of fan-out: K^3 * Cout, but Cin for the
        matrix of kernel size 1.
        """
        fan = self.kernel.shape[0] if self.kernel_size == 1 else self.kernel.shape[0] * self.kernel.shape[2]
        with torch.no_grad():
            if self.up:
                self.kernel.uniform_(-1 / math.sqrt(fan), 1 / math.sqrt(fan), generator=generator)
            else:
                self.kernel.normal_(0, math.sqrt(2 / fan), generator=generator)


class BatchNorm(nn.Module):
    """Batch normalisation over all voxels of the batch, or of all processes' batches.

    A batch of a single voxel has no variance: it is normalised by the running statistics, which stay.
    ``share`` is the sum over all processes, differentiable; None: every process for itself.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(channels)
        self.share: Callable[[Tensor], Tensor] | None = None

    def forward(self, x: SparseFeatures) -> SparseFeatures:
        """Normalise, then scale and shift per channel."""
        bn = self.bn
        if self.training and self.share is not None:
            return x.with_feat(self._over_processes(x.feat, x.counted, self.share))
        if self.training and x.feat.shape[0] == 1:
            feat = nn.functional.batch_norm(
                x.feat, bn.running_mean, bn.running_var, bn.weight, bn.bias, training=False, eps=bn.eps
            )
            return x.with_feat(feat)
        return x.with_feat(bn(x.feat))

    def _over_processes(
        self, feat: Float[Tensor, "V C"], counted: bool, share: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "V C"]:
        """Normalise by the mean and variance over the voxels of all processes."""
        bn, wide = self.bn, feat.float()
        weight = float(counted)
        total = share(torch.cat([weight * wide.sum(0), wide.new_full((1,), weight * len(wide))]))
        count = total[-1].detach().clamp_min(1)
        mean = total[:-1] / count
        centred = wide - mean
        variance = share(weight * centred.square().sum(0)) / count
        assert bn.running_mean is not None
        assert bn.running_var is not None
        assert bn.num_batches_tracked is not None
        momentum = float(bn.momentum or 0.0)
        with torch.no_grad():
            bn.running_mean.lerp_(mean, momentum)
            bn.running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), momentum)
            bn.num_batches_tracked.add_(1)
        out = centred * (torch.rsqrt(variance + bn.eps) * bn.weight) + bn.bias
        return out.to(feat.dtype)


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions around a shortcut, which gets a 1x1x1 convolution where channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = Convolution(channels_in, channels_out, 3)
        self.norm1 = BatchNorm(channels_out)
        self.conv2 = Convolution(channels_out, channels_out, 3)
        self.norm2 = BatchNorm(channels_out)
        self.downsample: nn.Sequential | None = None
        if channels_in != channels_out:
            self.downsample = nn.Sequential(
                Convolution(channels_in, channels_out, 1), BatchNorm(channels_out)
            )

    def forward(self, x: SparseFeatures) -> SparseFeatures:
        """Add the convolved input to the shortcut."""
        out = self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))
        shortcut = x if self.downsample is None else self.downsample(x)
        return relu(out.with_feat(out.feat + shortcut.feat))


def relu(x: SparseFeatures) -> SparseFeatures:
    """Rectify, in place where autograd allows (the input is a fresh tensor at every call here)."""
    return x.with_feat(torch.relu(x.feat))


def concatenate(first: SparseFeatures, second: SparseFeatures) -> SparseFeatures:
    """Join the channels of two features on the same voxels."""
    return first.with_feat(torch.cat([first.feat, second.feat], dim=1))
