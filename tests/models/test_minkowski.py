"""What the engine ``minkowski`` does beyond the contract, with and without its package.

Its answers are held to the contract in ``tests/contracts/test_sparse_engine.py`` and, for whole networks, in
``test_minkowski_parity.py``.
"""

import collections
import os
import sys

import pytest
import torch

from models.sparse.minkowski import MinkowskiEngine, import_package
from schema.errors import InputError, MissingPartError


@pytest.fixture
def engine():
    try:
        return MinkowskiEngine()
    except MissingPartError as error:
        if os.environ.get("TEACH3D_REQUIRE_MINKOWSKI") == "1":
            raise
        pytest.skip(str(error))


def test_a_missing_package_is_one_line_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "MinkowskiEngine", None)
    with pytest.raises(MissingPartError, match="make minkowski") as caught:
        MinkowskiEngine()
    assert "\n" not in str(caught.value)


def test_python_is_left_as_it_was(engine):
    import_package()
    assert not hasattr(collections, "Sequence")


def test_voxels_that_float32_would_round_are_refused(engine):
    engine.grid(torch.tensor([[0, 2**24 - 1, 0, 1 - 2**24]]))
    for far in (2**24, -(2**24), 2**40, -(2**63)):
        with pytest.raises(InputError, match="engine torch"):
            engine.grid(torch.tensor([[0, 0, far, 0]]))


@pytest.mark.parametrize("autocast", [False, True])
def test_bfloat16_is_computed_in_float32_and_rounded(engine, autocast):
    coords = torch.cartesian_prod(torch.tensor([0]), *(torch.arange(4),) * 3)
    generator = torch.Generator().manual_seed(0)
    feat = torch.randn(64, 8, generator=generator).bfloat16().requires_grad_()
    kernel = torch.randn(27, 8, 8, generator=generator).requires_grad_()
    grid = engine.grid(coords)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = grid.convolve(feat.float() if autocast else feat, kernel, stride_in=1, stride_out=1)
    exact = grid.convolve(feat.float(), kernel, stride_in=1, stride_out=1)
    assert torch.equal(out, exact.bfloat16())
    out.float().sum().backward()
    assert feat.grad.dtype == torch.bfloat16
    assert kernel.grad.dtype == torch.float32


@pytest.mark.parametrize(("stride_in", "stride_out", "size"), [(1, 1, 3), (1, 2, 2), (2, 1, 2)])
def test_a_reordering_package_is_put_right(engine, stride_in, stride_out, size):
    """Its GPU build inserts voxels in an order of its own; here the voxels are given so."""
    coords = torch.cartesian_prod(torch.tensor([0]), *(torch.arange(5),) * 3)
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(coords), generator=generator)
    plain, reordered = engine.grid(coords), engine.grid(coords[order])
    reordered._from_caller, reordered._to_caller = order, order.argsort()
    kernel = torch.randn(size**3, 2, 3, generator=generator)
    fine = torch.randn(len(coords), 2, generator=generator)
    coarse = torch.randn(64, 2, generator=generator)
    results = []
    for grid in (plain, reordered):
        level = grid.voxel_coords(2)[:, 1:] // 2
        feat = fine if stride_in == 1 else coarse[level @ torch.tensor([16, 4, 1])]
        out = grid.convolve(feat, kernel, stride_in=stride_in, stride_out=stride_out)
        results.append(out if stride_out == 1 else out[(level @ torch.tensor([16, 4, 1])).argsort()])
    torch.testing.assert_close(*results)
