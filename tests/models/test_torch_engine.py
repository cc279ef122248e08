"""What the PyTorch engine does beyond the contract in ``tests/contracts/test_sparse_engine.py``."""

import pytest
import torch

from models.sparse.kernel_map import build_map
from models.sparse.torch_engine import TorchEngine
from schema.errors import InputError


def voxels(count: int = 250, seed: int = 0, reach: int = 6) -> torch.Tensor:
    """Distinct voxels of two scenes in random order, negative coordinates among them."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randint(0, 2, (count, 1), generator=generator)
    spatial = torch.randint(-reach, reach + 1, (count, 3), generator=generator)
    coords = torch.unique(torch.cat([batch, spatial], 1), dim=0)
    return coords[torch.randperm(len(coords), generator=generator)]


@pytest.mark.parametrize(("stride_in", "stride_out", "size"), [(1, 1, 3), (1, 2, 2), (2, 1, 2)])
def test_gradients_match_finite_differences(stride_in, stride_out, size):
    grid = TorchEngine().grid(voxels(40, reach=2))
    feat = torch.randn(len(grid.voxel_coords(stride_in)), 2, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(size**3, 2, 3, dtype=torch.float64, requires_grad=True)

    def convolve(x, k):
        return grid.convolve(x, k, stride_in=stride_in, stride_out=stride_out)

    assert torch.autograd.gradcheck(convolve, (feat, kernel))


def test_blocks_do_not_change_the_result(monkeypatch):
    coords = voxels(600)
    feat, kernel = torch.randn(len(coords), 8), torch.randn(27, 8, 8)
    whole = TorchEngine().grid(coords).convolve(feat, kernel, stride_in=1, stride_out=1)
    monkeypatch.setattr("models.sparse.torch_engine.build_map", lambda t, i: build_map(t, i, 64))
    blocks = TorchEngine().grid(coords)
    assert len(blocks.kernel_map(1, 1, 3).blocks) > 5
    torch.testing.assert_close(blocks.convolve(feat, kernel, stride_in=1, stride_out=1), whole)


def test_voxels_that_span_more_than_64_bits_are_refused():
    with pytest.raises(InputError, match="64-bit"):
        TorchEngine().grid(torch.tensor([[0, -(2**40), 0, 0], [0, 2**40, 2**30, 2**30]]))


def test_repeated_runs_give_the_same_bits():
    coords = voxels(3000, reach=12)
    feat, kernel = torch.randn(len(coords), 32), torch.randn(27, 32, 32)
    results = []
    for _ in range(3):
        x, k = feat.clone().requires_grad_(), kernel.clone().requires_grad_()
        out = TorchEngine().grid(coords).convolve(x, k, stride_in=1, stride_out=1)
        (out**2).sum().backward()
        results.append((out.detach(), x.grad, k.grad))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))
