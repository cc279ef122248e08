"""The student against the same network made of MinkowskiEngine's own modules, weights exchanged.

Three questions per size. Are output, running statistics and every gradient the same in float64? In float32,
are output and statistics? And every float32 gradient, once ReLUs decide alike (see ``parity``)? What float32
does when they decide for themselves is printed: both engines are equally far from float64 then.
"""

import os

import pytest
import torch

from models.sparse.catalog import load_engine
from models.sparse.minkowski import import_package
from models.student.minkunet import build_network
from schema.errors import MissingPartError
from tests.models import minkowski_network
from tests.models.parity import STRIDES, flips, ratios, seeded_weights, training_pass
from tests.surfaces import surface_batch

CHANNELS = 512
SIZES = [3000, pytest.param(15000, marks=pytest.mark.slow), pytest.param(60000, marks=pytest.mark.slow)]
EXACT = 1e-9
CLOSE = 1e-4


@pytest.fixture(scope="module")
def package():
    try:
        return import_package()
    except MissingPartError as error:
        if os.environ.get("TEACH3D_REQUIRE_MINKOWSKI") == "1":
            raise
        pytest.skip(str(error))


def theirs(package, coords, weights, dtype, replay=None):
    """A pass of the network made of MinkowskiEngine's modules."""
    network = minkowski_network.build(package, CHANNELS)
    network.load_state_dict(weights)
    network.to(dtype)
    x, levels = minkowski_network.sparse_tensor(package, coords, dtype)
    return training_pass(network, lambda: minkowski_network.in_order(network(x), coords), levels, replay)


def ours(engine, coords, weights, dtype, replay=None):
    """A pass of the student."""
    network = build_network("MinkUNet18A", None, CHANNELS)
    network.engine = engine
    network.load_state_dict(weights)
    network.to(dtype)
    grid = load_engine(engine).grid(coords)
    levels = [grid.voxel_coords(stride) for stride in STRIDES]
    return training_pass(network, lambda: network(coords), levels, replay)


def worst(found: dict[str, float], only: str = "") -> str:
    name, value = max(((n, v) for n, v in found.items() if only in n), key=lambda item: item[1])
    return f"{value:.1e} ({name})"


def test_weights_of_either_network_load_in_the_other(package):
    first = build_network("MinkUNet18A", None, CHANNELS)
    second = minkowski_network.build(package, CHANNELS)
    assert first.state_dict().keys() == second.state_dict().keys()
    weights = seeded_weights(first, 5)
    for source, target in ((first, second), (second, first)):
        source.load_state_dict(weights, strict=True)
        target.load_state_dict(source.state_dict(), strict=True)
        loaded = target.state_dict()
        assert all(torch.equal(loaded[name], weights[name].to(loaded[name])) for name in weights)
        weights = seeded_weights(first, 6)


@pytest.mark.parametrize("num_voxels", SIZES)
def test_output_and_every_gradient_are_minkowskiengines(package, num_voxels):
    coords = surface_batch(num_voxels, num_voxels)
    weights = seeded_weights(build_network("MinkUNet18A", None, CHANNELS), num_voxels)
    exact = theirs(package, coords, weights, torch.float64)
    norms = [float(tensor.norm()) for name, tensor in exact.tensors.items() if "gradient" in name]
    assert min(norms) > 1e-4 * max(norms)  # no gradient is zero but for rounding: ratios mean something
    in_float64 = ratios(ours("torch", coords, weights, torch.float64), exact)
    print(f"\n2 x {num_voxels} voxels, float64: worst {worst(in_float64)}")
    assert max(in_float64.values()) < EXACT

    free = ours("torch", coords, weights, torch.float32), theirs(package, coords, weights, torch.float32)
    between = ratios(*free)
    print(f"  float32: output {between['output']:.1e}, statistics {worst(between, 'running')}")
    for name, found in zip(("torch", "MinkowskiEngine"), free, strict=True):
        gradients = worst(ratios(found, exact), "gradient")
        print(f"  float32 {name} to float64: {flips(found, exact)} activations flip, {gradients}")
    assert max(value for name, value in between.items() if "gradient" not in name) < CLOSE

    replay = exact.decisions
    fixed = (
        ours("torch", coords, weights, torch.float32, replay),
        theirs(package, coords, weights, torch.float32, replay),
    )
    between = ratios(*fixed)
    print(f"  float32, ReLUs deciding alike: worst {worst(between)}")
    for name, found in zip(("torch", "MinkowskiEngine"), fixed, strict=True):
        print(f"  {name} to float64: {worst(ratios(found, exact))}")
    assert max(between.values()) < CLOSE


def test_the_minkowski_engine_gives_the_same_network(package):
    coords = surface_batch(1000, 1)
    weights = seeded_weights(build_network("MinkUNet18A", None, CHANNELS), 1)
    exact = theirs(package, coords, weights, torch.float64)
    assert max(ratios(ours("minkowski", coords, weights, torch.float64), exact).values()) < EXACT
