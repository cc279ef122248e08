"""What every sparse engine of the catalog must do: what the dictionary loop does, forward and backward."""

import os
from dataclasses import dataclass

import pytest
import torch

from models.sparse.catalog import ENGINES, load_engine
from models.sparse.protocol import SparseEngine, SparseGrid, kernel_offsets
from models.sparse.reference import ReferenceEngine
from schema.errors import ConfigError, InputError, MissingPartError


@dataclass(frozen=True)
class Example:
    """Where and how exactly an engine computes, and how far from the origin it must at least."""

    dtype: torch.dtype = torch.float64
    tolerance: float = 1e-10
    device: str = "cpu"
    reach: int = 2**19


EXAMPLES = {
    "torch": Example(),
    "torch on a GPU": Example(device="cuda"),
    "reference": Example(),
    "minkowski": Example(reach=2**24 - 1),
    "spconv": Example(torch.float32, 1e-3, "cuda"),
}
CONVOLUTIONS = [(1, 1, 3), (1, 1, 5), (1, 2, 2), (2, 1, 2), (2, 2, 3), (2, 4, 2), (4, 2, 2), (4, 4, 5)]


def engine_or_skip(name: str) -> SparseEngine:
    """The engine, a skipped test where its package is absent, a failed one where it must not be."""
    try:
        return load_engine(name)
    except MissingPartError as error:
        if os.environ.get(f"TEACH3D_REQUIRE_{name.upper()}") == "1":
            raise
        pytest.skip(str(error))


@dataclass(frozen=True)
class Case:
    """An engine and its example; tensors are made on the CPU in float64 and come back so."""

    engine: SparseEngine
    example: Example

    def grid(self, coords: torch.Tensor) -> SparseGrid:
        return self.engine.grid(coords.to(self.example.device))

    def put(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.example.device, self.example.dtype)

    def convolve(self, grid, feat, kernel, stride_in=1, stride_out=1) -> torch.Tensor:
        out = grid.convolve(self.put(feat), self.put(kernel), stride_in=stride_in, stride_out=stride_out)
        return out.cpu().double()

    def equal(self, ours: torch.Tensor, theirs: torch.Tensor) -> None:
        tolerance = self.example.tolerance
        torch.testing.assert_close(ours.cpu().double(), theirs.double(), rtol=tolerance, atol=tolerance)


@pytest.fixture(params=sorted(EXAMPLES))
def case(request) -> Case:
    example = EXAMPLES[request.param]
    if example.device == "cuda" and not torch.cuda.is_available():
        pytest.skip(f"{request.param} needs a GPU")
    return Case(engine_or_skip(request.param.split()[0]), example)


def voxels(count: int = 250, seed: int = 0, reach: int = 6) -> torch.Tensor:
    """Distinct voxels of two scenes in random order, negative coordinates among them."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randint(0, 2, (count, 1), generator=generator)
    spatial = torch.randint(-reach, reach + 1, (count, 3), generator=generator)
    coords = torch.unique(torch.cat([batch, spatial], 1), dim=0)
    return coords[torch.randperm(len(coords), generator=generator)]


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rows_of(first: SparseGrid, second: SparseGrid, stride: int) -> torch.Tensor:
    """Row in ``first`` of each voxel of ``second``."""
    row = {tuple(voxel): index for index, voxel in enumerate(first.voxel_coords(stride).tolist())}
    theirs = second.voxel_coords(stride).tolist()
    assert len(row) == len(theirs)
    return torch.tensor([row[tuple(voxel)] for voxel in theirs])


def assert_equals_reference(case: Case, coords, stride_in, stride_out, size, channels_in=3, channels_out=5):
    """Outputs and both gradients of one convolution against the dictionary loop's."""
    grid, plain = case.grid(coords), ReferenceEngine().grid(coords)
    into, out_of = rows_of(grid, plain, stride_in), rows_of(grid, plain, stride_out)
    feat, kernel = random(len(into), channels_in), random(size**3, channels_in, channels_out, seed=2)
    weights = random(len(out_of), channels_out, seed=3)
    x, k = feat[into.argsort()], kernel.clone()
    x, k = case.put(x).requires_grad_(), case.put(k).requires_grad_()
    out = grid.convolve(x, k, stride_in=stride_in, stride_out=stride_out)
    (out * case.put(weights[out_of.argsort()])).sum().backward()
    feat.requires_grad_()
    kernel.requires_grad_()
    expected = plain.convolve(feat, kernel, stride_in=stride_in, stride_out=stride_out)
    (expected * weights).sum().backward()
    case.equal(out.detach()[out_of.to(out.device)], expected.detach())
    case.equal(x.grad[into.to(out.device)], feat.grad)
    case.equal(k.grad, kernel.grad)


def test_every_engine_has_an_example():
    assert {name.split()[0] for name in EXAMPLES} == ENGINES.keys()


def test_unknown_engine_is_named_and_the_nearest_suggested():
    with pytest.raises(ConfigError, match="did you mean 'torch'"):
        load_engine("torhc")


def test_the_first_axis_runs_fastest():
    assert kernel_offsets(3)[0] == (-1, -1, -1)
    assert kernel_offsets(3)[14] == (1, 0, 0)
    assert kernel_offsets(2)[1] == (1, 0, 0)


def test_the_engine_knows_its_name(case):
    assert load_engine(case.engine.name) is case.engine


@pytest.mark.parametrize(("stride_in", "stride_out", "size"), CONVOLUTIONS)
@pytest.mark.parametrize("channels_in", [2, 6])
def test_equals_the_reference_forward_and_backward(case, stride_in, stride_out, size, channels_in):
    assert_equals_reference(case, voxels(), stride_in, stride_out, size, channels_in)


@pytest.mark.parametrize(("stride_in", "stride_out", "size"), [(1, 1, 3), (1, 2, 2), (2, 1, 2)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_the_reference_on_sparse_and_on_full_space(case, stride_in, stride_out, size, seed):
    sparse = voxels(40, seed, reach=30)
    full = torch.cartesian_prod(torch.tensor([3]), *(torch.arange(-3, 3),) * 3)
    assert_equals_reference(case, sparse, stride_in, stride_out, size)
    assert_equals_reference(case, full, stride_in, stride_out, size)


@pytest.mark.parametrize("channels_in", [1, 3, 4])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("size", [3, 5])
def test_inputs_without_gradient_change_neither_output_nor_kernel_gradient(case, channels_in, constant, size):
    grid = case.grid(voxels(400))
    feat = random(len(voxels(400)), channels_in)
    feat = case.put(feat[:1].expand_as(feat) if constant else feat)
    kernel = case.put(random(size**3, channels_in, 4, seed=2))
    results = []
    for wanted in (False, True):
        k = kernel.clone().requires_grad_()
        x = feat.clone().requires_grad_() if wanted else feat
        out = grid.convolve(x, k, stride_in=1, stride_out=1)
        out.square().sum().backward()
        results.append((out.detach(), k.grad / k.grad.norm()))
    for stem, general in zip(*results, strict=True):
        case.equal(stem, general)


@pytest.mark.parametrize("sizes", [(5, 3), (3, 5)])
def test_kernels_of_both_sizes_share_a_grid(case, sizes):
    coords = voxels()
    grid, feat = case.grid(coords), random(len(coords), 3)
    for size in sizes:
        kernel = random(size**3, 3, 2)
        alone = case.grid(coords)
        case.equal(case.convolve(grid, feat, kernel), case.convolve(alone, feat, kernel))


@pytest.mark.parametrize("index", range(27))
def test_each_offset_points_at_its_input(case, index):
    offset = kernel_offsets(3)[index]
    coords = torch.tensor([[0, 4, -7, 2], [0, 4 + offset[0], -7 + offset[1], 2 + offset[2]]])
    if offset == (0, 0, 0):
        coords = coords[:1]
    kernel = torch.zeros(27, 1, 1, dtype=torch.float64)
    kernel[index] = 1
    feat = torch.tensor([[2.0], [5.0]])[: len(coords)]
    out = case.convolve(case.grid(coords), feat, kernel)
    assert out.flatten().tolist() == ([2.0] if len(coords) == 1 else [5.0, 0.0])


@pytest.mark.parametrize("index", range(8))
def test_each_offset_of_the_strided_convolution_takes_its_child(case, index):
    dx, dy, dz = kernel_offsets(2)[index]
    grid = case.grid(torch.tensor([[0, -4 + dx, 6 + dy, -2 + dz]]))
    kernel = torch.zeros(8, 1, 1, dtype=torch.float64)
    kernel[index] = 1
    assert grid.voxel_coords(2).tolist() == [[0, -4, 6, -2]]
    assert case.convolve(grid, torch.tensor([[3.0]]), kernel, 1, 2).tolist() == [[3.0]]
    assert case.convolve(grid, torch.tensor([[3.0]]), kernel, 2, 1).tolist() == [[3.0]]
    assert case.convolve(grid, torch.tensor([[3.0]]), kernel.flip(0), 1, 2).tolist() == [[0.0]]


def test_a_voxel_without_neighbours_meets_only_itself(case):
    grid = case.grid(torch.tensor([[0, -3, 5, 7]]))
    kernel = torch.arange(27.0).reshape(27, 1, 1)
    assert case.convolve(grid, torch.ones(1, 1), kernel).item() == 13.0
    assert grid.voxel_coords(16).tolist() == [[0, -16, 0, 0]]


def test_an_offset_without_pairs_gets_no_gradient(case):
    grid = case.grid(torch.tensor([[0, 0, 0, 0], [0, 1, 0, 0]]))
    kernel = case.put(torch.ones(27, 2, 2)).requires_grad_()
    feat = case.put(torch.ones(2, 2)).requires_grad_()
    grid.convolve(feat, kernel, stride_in=1, stride_out=1).sum().backward()
    assert kernel.grad.sum((1, 2)).nonzero().flatten().tolist() == [12, 13, 14]


def test_rows_stand_in_the_callers_order(case):
    coords = voxels()
    order = torch.randperm(len(coords), generator=torch.Generator().manual_seed(5))
    feat, kernel = random(len(coords), 4), random(27, 4, 3)
    grid, other = case.grid(coords), case.grid(coords[order])
    assert torch.equal(other.voxel_coords(1).cpu(), coords[order])
    case.equal(case.convolve(other, feat[order], kernel), case.convolve(grid, feat, kernel)[order])


def test_scenes_of_a_batch_do_not_meet(case):
    coords = voxels()
    kernel, feat = random(27, 5, 5), random(len(coords), 5, seed=2)
    both = case.convolve(case.grid(coords), feat, kernel)
    for batch in (0, 1):
        mine = coords[:, 0] == batch
        alone = case.convolve(case.grid(coords[mine]), feat[mine], kernel)
        case.equal(both[mine], alone)


def test_batch_indices_may_have_gaps(case):
    coords = voxels()
    gaps = coords.clone()
    gaps[:, 0] = torch.tensor([2, 9])[coords[:, 0]]
    feat, kernel = random(len(coords), 3), random(8, 3, 3)
    ours, theirs = case.grid(gaps), case.grid(coords)
    assert sorted({int(b) for b in ours.voxel_coords(2)[:, 0]}) == [2, 9]
    down = case.convolve(ours, feat, kernel, 1, 2), case.convolve(theirs, feat, kernel, 1, 2)
    up = case.convolve(ours, down[0], kernel, 2, 1), case.convolve(theirs, down[1], kernel, 2, 1)
    case.equal(*up)


def test_coarse_coordinates_are_rounded_down(case):
    coords = voxels(reach=40)
    for stride in (2, 4, 8, 16):
        spatial = torch.div(coords[:, 1:], stride, rounding_mode="floor") * stride
        expected = {tuple(row) for row in torch.cat([coords[:, :1], spatial], 1).tolist()}
        found = [tuple(row) for row in case.grid(coords).voxel_coords(stride).tolist()]
        assert len(found) == len(expected)
        assert set(found) == expected


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_coordinates_may_have_either_width(case, dtype):
    coords = voxels().to(dtype)
    feat, kernel = random(len(coords), 3), random(27, 3, 3)
    case.equal(
        case.convolve(case.grid(coords), feat, kernel), case.convolve(case.grid(coords.long()), feat, kernel)
    )


@pytest.mark.parametrize(
    "coords",
    [
        torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]]),
        torch.tensor([[1, -5, 0, 2], [0, -5, 0, 2], [1, -5, 0, 2]]),
        torch.zeros((0, 4), dtype=torch.long),
    ],
)
def test_repeated_or_missing_voxels_are_refused(case, coords):
    with pytest.raises(InputError):
        case.grid(coords)


@pytest.mark.parametrize("far", [2**14, 2**19, 2**24 - 1, 2**24, 2**25, 2**30, 2**31, 2**40, 2**62])
def test_far_voxels_are_told_apart_or_refused(case, far):
    coords = torch.tensor([[0, -far, -far, -far], [0, far, far, far], [0, far, far, far - 1]])
    try:
        case.grid(coords)
    except InputError:
        assert far > case.example.reach
        return
    assert_equals_reference(case, coords, 1, 1, 3)
    assert_equals_reference(case, coords, 1, 2, 2)
    assert_equals_reference(case, coords, 2, 1, 2)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("far", [2**25 + 1, 2**31 + 5, 2**61])
def test_far_voxels_along_one_axis_are_told_apart_or_refused(case, axis, far):
    coords = torch.zeros((4, 4), dtype=torch.long)
    coords[:, axis] = torch.tensor([-far, 0, far, far + 1])
    try:
        case.grid(coords)
    except InputError:
        return
    assert_equals_reference(case, coords, 1, 1, 3)
    assert_equals_reference(case, coords, 1, 2, 2)
