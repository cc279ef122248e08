"""What surrounds spconv: its kernel order, what is refused, and, where the package is, its CPU path.

The engine itself runs on a GPU alone and is held to the contract in ``tests/contracts/test_sparse_engine``.
"""

import importlib.util

import pytest
import torch

from models.sparse.reference import ReferenceEngine
from models.sparse.spconv import SpconvEngine, SpconvGrid
from models.sparse.spconv_pairs import import_package, kernel_weight
from schema.errors import ConfigError, InputError, MissingPartError

INSTALLED = importlib.util.find_spec("spconv") is not None
CONVOLUTIONS = [(1, 1, 3), (1, 1, 5), (1, 2, 2), (2, 1, 2), (2, 2, 3), (2, 4, 2), (4, 2, 2), (8, 16, 2)]

needs_package = pytest.mark.skipif(not INSTALLED, reason="spconv is not installed")


def voxels(count: int = 250, seed: int = 0, reach: int = 6) -> torch.Tensor:
    """Distinct voxels of scenes 3 and 5 in random order, negative coordinates among them."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randint(0, 2, (count, 1), generator=generator) * 2 + 3
    spatial = torch.randint(-reach, reach + 1, (count, 3), generator=generator)
    coords = torch.unique(torch.cat([batch, spatial], 1), dim=0)
    return coords[torch.randperm(len(coords), generator=generator)]


def rows_of(first, second, stride):
    """Row in ``first`` of each voxel of ``second``."""
    row = {tuple(voxel): index for index, voxel in enumerate(first.voxel_coords(stride).tolist())}
    theirs = second.voxel_coords(stride).tolist()
    assert len(row) == len(theirs)
    return torch.tensor([row[tuple(voxel)] for voxel in theirs])


@pytest.mark.parametrize(("size", "stride_out"), [(2, 2), (3, 1), (5, 1)])
def test_the_weight_is_that_of_a_dense_convolution(size, stride_out):
    """spconv's weight differs from torch's dense one only by where the input channels stand."""
    edge = 8
    cells = torch.cartesian_prod(*(torch.arange(edge),) * 3)
    coords = torch.nn.functional.pad(cells, (1, 0))
    feat, kernel = torch.randn(edge**3, 2), torch.randn(size**3, 2, 3)
    weight = kernel_weight(kernel, size).permute(0, 4, 1, 2, 3)
    dense = torch.zeros(1, 2, edge, edge, edge)
    dense[0][:, *cells.T] = feat.T
    expected = torch.conv3d(dense, weight, stride=stride_out, padding=0 if size == 2 else size // 2)
    grid = ReferenceEngine().grid(coords)
    out = grid.convolve(feat, kernel, stride_in=1, stride_out=stride_out)
    at = grid.voxel_coords(stride_out)[:, 1:] // stride_out
    torch.testing.assert_close(out, expected[0][:, *at.T].T, rtol=1e-4, atol=1e-4)


def test_the_weight_passes_gradients_back_to_the_kernel():
    kernel = torch.randn(27, 2, 3, requires_grad=True)
    chosen = kernel_weight(kernel, 3)[1, 2, 1, 0]  # output channel 1, offset (1, 0, -1)
    chosen.sum().backward()
    assert kernel.grad.nonzero().tolist() == [[5, 0, 1], [5, 1, 1]]


@pytest.mark.skipif(INSTALLED, reason="spconv is installed")
def test_without_the_package_the_error_says_how_to_get_it():
    with pytest.raises(MissingPartError, match=r"pip install spconv-cu126==2\.3\.8"):
        SpconvEngine()


@needs_package
@pytest.mark.parametrize(("stride_in", "stride_out", "size"), CONVOLUTIONS)
def test_the_cpu_path_equals_the_reference(stride_in, stride_out, size):
    coords = voxels(reach=9)
    grid, plain = SpconvGrid(import_package(), coords), ReferenceEngine().grid(coords)
    into, out_of = rows_of(grid, plain, stride_in), rows_of(grid, plain, stride_out)
    feat, kernel = torch.randn(len(into), 6), torch.randn(size**3, 6, 5)
    weights = torch.randn(len(out_of), 5)
    results = []
    for engine, order_in, order_out in ((grid, into.argsort(), out_of), (plain, None, None)):
        x = (feat if order_in is None else feat[order_in]).clone().requires_grad_()
        k = kernel.clone().requires_grad_()
        out = engine.convolve(x, k, stride_in=stride_in, stride_out=stride_out)
        out = out if order_out is None else out[order_out]
        (out * weights).sum().backward()
        results.append((out.detach(), x.grad if order_in is None else x.grad[into], k.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@needs_package
def test_a_grid_shares_pairs_between_layers_and_directions():
    grid = SpconvGrid(import_package(), voxels())
    feat = torch.randn(len(voxels()), 2)
    coarse = grid.convolve(feat, torch.randn(8, 2, 2), stride_in=1, stride_out=2)
    found = grid._pairs[1, 2]
    grid.convolve(coarse, torch.randn(8, 2, 2), stride_in=2, stride_out=1)
    assert grid._pairs == {(1, 2): found}


@needs_package
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_bfloat16_is_computed_in_float32_and_autocast_is_followed(dtype):
    coords = voxels()
    grid = SpconvGrid(import_package(), coords)
    feat, kernel = torch.randn(len(coords), 4), torch.randn(27, 4, 4)
    exact = grid.convolve(feat, kernel, stride_in=1, stride_out=1)
    with torch.autocast("cpu", dtype=dtype):
        out = grid.convolve(feat, kernel, stride_in=1, stride_out=1)
    assert out.dtype == dtype
    if dtype == torch.bfloat16:
        assert torch.equal(out, exact.bfloat16())
    else:
        torch.testing.assert_close(out.float(), exact, rtol=0.05, atol=0.05)


@needs_package
@pytest.mark.parametrize(
    "coords",
    [
        torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]]),
        torch.tensor([[0, 0, 0, 0], [0, 2**31, 0, 0]]),
        torch.tensor([[0, -(2**62), 0, 0], [0, 2**62, 0, 0]]),
        torch.tensor([[0, -(2**21), -(2**21), -(2**21)], [0, 2**21, 2**21, 2**21]]),
        torch.zeros((0, 4), dtype=torch.long),
    ],
)
def test_repeated_overflowing_or_missing_voxels_are_refused(coords):
    with pytest.raises(InputError):
        SpconvGrid(import_package(), coords)


@needs_package
def test_the_engine_refuses_the_cpu():
    with pytest.raises(ConfigError, match=r"runtime\.device = 'cpu'.*set runtime\.device to cuda"):
        SpconvEngine().grid(voxels())


@needs_package
def test_what_32_bits_do_not_reach_is_refused():
    coords = voxels()
    grid = SpconvGrid(import_package(), coords)
    wide = 2**29 // len(coords) + 1
    feat = torch.zeros(1, 1).expand(len(coords), wide)
    with pytest.raises(InputError, match="2 GiB"):
        grid.convolve(feat, torch.zeros(1, 1, 1).expand(27, wide, 1), stride_in=1, stride_out=1)
    with pytest.raises(ConfigError, match="float64"):
        grid.convolve(feat[:, :1].double(), torch.zeros(27, 1, 1).double(), stride_in=1, stride_out=1)
