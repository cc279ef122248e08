"""The PyTorch engine against the dictionary loop, forward and backward, and its own invariances."""

import pytest
import torch

from models.sparse.catalog import load_engine
from models.sparse.kernel_map import build_map
from models.sparse.protocol import kernel_offsets
from models.sparse.reference import ReferenceEngine
from models.sparse.torch_engine import TorchEngine
from schema.errors import ConfigError, InputError

CONVOLUTIONS = [(1, 1, 3), (1, 1, 5), (1, 2, 2), (2, 1, 2), (2, 2, 3), (2, 4, 2), (4, 2, 2), (4, 4, 5)]


def voxels(count: int = 250, seed: int = 0, reach: int = 6) -> torch.Tensor:
    """Distinct voxels of two scenes in random order, negative coordinates among them."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randint(0, 2, (count, 1), generator=generator)
    spatial = torch.randint(-reach, reach + 1, (count, 3), generator=generator)
    coords = torch.unique(torch.cat([batch, spatial], 1), dim=0)
    return coords[torch.randperm(len(coords), generator=generator)]


def rows_of(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Row in ``first`` of each voxel of ``second``."""
    row = {tuple(voxel): index for index, voxel in enumerate(first.tolist())}
    return torch.tensor([row[tuple(voxel)] for voxel in second.tolist()])


@pytest.mark.parametrize(("stride_in", "stride_out", "size"), CONVOLUTIONS)
@pytest.mark.parametrize("channels_in", [2, 6])
def test_equals_the_reference_forward_and_backward(stride_in, stride_out, size, channels_in):
    coords = voxels()
    grids = TorchEngine().grid(coords), ReferenceEngine().grid(coords)
    into = rows_of(*(grid.voxel_coords(stride_in) for grid in grids))
    out_of = rows_of(*(grid.voxel_coords(stride_out) for grid in grids))
    torch.manual_seed(1)
    feat = torch.randn(len(into), channels_in, dtype=torch.float64)
    kernel = torch.randn(size**3, channels_in, 5, dtype=torch.float64)
    weights = torch.randn(len(out_of), 5, dtype=torch.float64)
    results = []
    for grid, first, second in ((grids[0], None, out_of), (grids[1], into, None)):
        x = (feat if first is None else feat[first]).clone().requires_grad_()
        k = kernel.clone().requires_grad_()
        out = grid.convolve(x, k, stride_in=stride_in, stride_out=stride_out)
        out = out if second is None else out[second]
        (out * weights).sum().backward()
        results.append((out.detach(), x.grad[into] if first is None else x.grad, k.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("channels_in", [1, 3, 4])
def test_few_channels_without_gradient_equal_the_general_way(channels_in):
    coords = voxels(400)
    grid = TorchEngine().grid(coords)
    feat = torch.randn(len(coords), channels_in, dtype=torch.float64)
    kernel = torch.randn(125, channels_in, 4, dtype=torch.float64)
    stem_kernel, kernel = kernel.clone().requires_grad_(), kernel.clone().requires_grad_()
    stem = grid.convolve(feat, stem_kernel, stride_in=1, stride_out=1)
    general = grid.convolve(feat.clone().requires_grad_(), kernel, stride_in=1, stride_out=1)
    torch.testing.assert_close(stem, general)
    weights = torch.randn_like(stem)
    (stem * weights).sum().backward()
    (general * weights).sum().backward()
    torch.testing.assert_close(stem_kernel.grad, kernel.grad)


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


def test_one_voxel_meets_only_itself():
    grid = TorchEngine().grid(torch.tensor([[0, -3, 5, 7]]))
    kernel = torch.arange(27.0).reshape(27, 1, 1)
    out = grid.convolve(torch.ones(1, 1, requires_grad=True), kernel, stride_in=1, stride_out=1)
    assert out.item() == 13.0
    assert grid.voxel_coords(16).tolist() == [[0, -16, 0, 0]]


def test_first_axis_runs_fastest_and_offsets_point_at_the_input():
    assert kernel_offsets(3)[0] == (-1, -1, -1)
    assert kernel_offsets(3)[14] == (1, 0, 0)
    assert kernel_offsets(2)[1] == (1, 0, 0)
    grid = TorchEngine().grid(torch.tensor([[0, 0, 0, 0], [0, 1, 0, 0]]))
    kernel = torch.zeros(27, 1, 1)
    kernel[14] = 1
    feat = torch.tensor([[2.0], [5.0]], requires_grad=True)
    assert grid.convolve(feat, kernel, stride_in=1, stride_out=1).flatten().tolist() == [5.0, 0.0]


def test_scenes_of_a_batch_do_not_meet():
    coords = voxels()
    kernel = torch.randn(27, 5, 5)
    feat = torch.randn(len(coords), 5)
    both = TorchEngine().grid(coords).convolve(feat, kernel, stride_in=1, stride_out=1)
    for batch in (0, 1):
        mine = coords[:, 0] == batch
        alone = TorchEngine().grid(coords[mine]).convolve(feat[mine], kernel, stride_in=1, stride_out=1)
        torch.testing.assert_close(both[mine], alone)


def test_far_apart_voxels_are_told_apart():
    far = 2**19
    coords = torch.tensor([[0, -far, -far, -far], [0, far, far, far], [0, far, far, far - 1]])
    table = TorchEngine().grid(coords).table(1, 1, 3)
    assert (table >= 0).sum(0).tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    "coords",
    [
        torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]]),
        torch.tensor([[0, -(2**40), 0, 0], [0, 2**40, 2**30, 2**30]]),
        torch.zeros((0, 4), dtype=torch.long),
    ],
)
def test_repeated_overflowing_or_missing_voxels_are_refused(coords):
    with pytest.raises(InputError):
        TorchEngine().grid(coords)


def test_unknown_engine_is_named_and_the_nearest_suggested():
    with pytest.raises(ConfigError, match="did you mean 'torch'"):
        load_engine("torhc")


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
