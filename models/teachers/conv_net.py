"""A small fully convolutional network: an image to numbers per pixel on a grid of half its size.

What the numbers mean (text-space vectors, class scores) is decided in ``models/teachers/conv.py``.
"""

import torch
from jaxtyping import Float, UInt8
from torch import nn
from torch.nn import functional

STRIDE = 2
"""Pixels of the image per cell of the output, along each axis."""

_FINEST = 4  # stride of the finest level
_COARSEST = 16  # input sizes are padded to a multiple of the coarsest level's stride


class ConvNet(nn.Module):
    """A U-Net of three levels (strides 4, 8, 16) with dilated convolutions at the coarsest.

    A cell of the finest level gets all its 4 x 4 pixels as channels and answers for 2 x 2 cells of the
    output: all the work is done on small grids, which makes training on a CPU a matter of seconds.
    Dilations up to 8 at stride 16 see the whole of a 240 x 320 image from every cell: what a surface is often
    shows only in what stands around it.

    Args:
        num_outputs: numbers per cell of the output.
        width: channels at the finest level.
    """

    def __init__(self, num_outputs: int, width: int) -> None:
        super().__init__()
        self.num_outputs = num_outputs
        w2, w3 = width * 3 // 2, width * 2
        self.down1 = nn.Sequential(_block(3 * _FINEST * _FINEST + 2, width), _block(width, width))
        self.down2 = nn.Sequential(_block(width, w2, stride=2), _block(w2, w2))
        self.down3 = nn.Sequential(_block(w2, w3, stride=2), _block(w3, w3))
        self.context = nn.ModuleList([_block(w3, w3, dilation=d) for d in (2, 4, 8)])
        self.up2 = _block(w3 + w2, w2)
        self.up1 = _block(w2 + width, width)
        self.head = nn.Conv2d(width, num_outputs * (_FINEST // STRIDE) ** 2, kernel_size=1)

    def forward(self, image: Float[torch.Tensor, "B H W 3"]) -> Float[torch.Tensor, "B O h w"]:
        """Numbers per cell, h = ceil(H / 2), w = ceil(W / 2); ``image`` as ``to_input`` gives it."""
        height, width = image.shape[1:3]
        cells = _cells(_padded(image))
        fine1 = self.down1(torch.cat([cells, _places(cells)], dim=1))
        fine2 = self.down2(fine1)
        x = self.down3(fine2)
        for layer in self.context:
            x = x + layer(x)
        x = self.up2(torch.cat([_twice(x), fine2], dim=1))
        x = self.up1(torch.cat([_twice(x), fine1], dim=1))
        numbers = functional.pixel_shuffle(self.head(x), _FINEST // STRIDE)
        return numbers[:, :, : -(-height // STRIDE), : -(-width // STRIDE)]


def to_input(images: UInt8[torch.Tensor, "B H W 3"]) -> Float[torch.Tensor, "B H W 3"]:
    """RGB bytes as the network takes them, in -1..1."""
    return images.to(torch.float32) / 127.5 - 1.0


def build_conv_net(num_outputs: int, width: int, seed: int) -> ConvNet:
    """A network with fresh weights from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConvNet(num_outputs, width)


def _padded(image: Float[torch.Tensor, "B H W 3"]) -> Float[torch.Tensor, "B H1 W1 3"]:
    """The image with its last row and column repeated until the coarsest level's stride divides its size."""
    height, width = image.shape[1:3]
    padding = (0, -width % _COARSEST, 0, -height % _COARSEST)
    if not any(padding):
        return image
    return functional.pad(image.permute(0, 3, 1, 2), padding, mode="replicate").permute(0, 2, 3, 1)


def _cells(image: Float[torch.Tensor, "B H W 3"]) -> Float[torch.Tensor, "B D h w"]:
    """The pixels of each cell of the finest level as its channels, in channels-last memory."""
    batch, height, width, _ = image.shape
    split = image.reshape(batch, height // _FINEST, _FINEST, width // _FINEST, _FINEST, 3)
    cells = split.permute(0, 1, 3, 2, 4, 5).reshape(batch, height // _FINEST, width // _FINEST, -1)
    return cells.permute(0, 3, 1, 2)


def _places(cells: Float[torch.Tensor, "B D h w"]) -> Float[torch.Tensor, "B 2 h w"]:
    """Row and column of each cell, -1..1: floors are low in images, and convolutions cannot know that."""
    batch, _, height, width = cells.shape
    rows = torch.linspace(-1.0, 1.0, height, device=cells.device)[:, None].expand(height, width)
    columns = torch.linspace(-1.0, 1.0, width, device=cells.device)[None, :].expand(height, width)
    return torch.stack([rows, columns]).expand(batch, 2, height, width)


def _block(channels_in: int, channels_out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def _twice(x: Float[torch.Tensor, "B C h w"]) -> Float[torch.Tensor, "B C H W"]:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
