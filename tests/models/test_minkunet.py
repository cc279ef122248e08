"""The student: size, names, and what must not change its output."""

import numpy as np
import pytest
import torch

from models.student.minkunet import ARCHITECTURES, build_network, build_student
from schema.config_stages import DistillConfig
from schema.errors import ConfigError

SMALL = (4, 4, 8, 8, 8, 8, 4, 4)


def surface(side: int = 20, seed: int = 0) -> torch.Tensor:
    """Voxels of a bumpy floor and a wall."""
    rng = np.random.default_rng(seed)
    a, b = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    floor = np.stack([a, b, rng.integers(0, 2, a.size)], 1)
    wall = np.stack([a, np.zeros_like(a), b + 2], 1)
    cells = np.unique(np.concatenate([floor, wall]), axis=0)
    return torch.from_numpy(np.insert(cells, 0, 0, axis=1))


@pytest.fixture(scope="module")
def small():
    network = build_student(DistillConfig(planes=SMALL), 6, 0)
    network.train()
    network(surface())  # running statistics other than the initial ones
    return network.eval()


@pytest.mark.parametrize(("channels", "count"), [(512, 15_540_384), (768, 15_564_960), (20, 15_493_152)])
def test_number_of_parameters(channels, count):
    network = build_network("MinkUNet18A", None, channels)
    assert sum(p.numel() for p in network.parameters()) == count


def test_names_and_layouts_are_those_of_minkowskiengine():
    shapes = {
        name: tuple(p.shape) for name, p in build_network("MinkUNet18A", None, 512).state_dict().items()
    }
    expected = {
        "conv0p1s1.kernel": (125, 3, 32),
        "bn0.bn.running_var": (32,),
        "conv1p1s2.kernel": (8, 32, 32),
        "block1.0.conv1.kernel": (27, 32, 32),
        "block1.0.norm1.bn.weight": (32,),
        "block2.0.downsample.0.kernel": (32, 64),
        "block2.0.downsample.1.bn.bias": (64,),
        "convtr4p16s2.kernel": (8, 256, 128),
        "block5.0.conv1.kernel": (27, 256, 128),
        "bntr7.bn.weight": (96,),
        "final.kernel": (96, 512),
    }
    assert {name: shapes[name] for name in expected} == expected
    assert "final.bias" not in shapes


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_runs(name):
    network = build_student(DistillConfig(planes=SMALL), 5, 0) if name == "MinkUNet18A" else None
    network = network or build_network(name, SMALL, 5)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.1)
    assert network(surface(8)).shape == (len(surface(8)), 5)


def test_the_configuration_names_only_architectures_that_exist():
    for name in DistillConfig.model_fields["architecture"].annotation.__args__:
        assert name in ARCHITECTURES
    with pytest.raises(ConfigError, match="MinkUNet18A"):
        build_network("MinkUNet18", None, 5)


def test_initial_weights_depend_on_the_seed_alone():
    first, again, other = (
        build_student(DistillConfig(planes=SMALL), 6, seed).state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["final.kernel"], other["final.kernel"])
    assert all(bool(value.isfinite().all()) for value in first.values())


def test_initial_spread_is_kaimings():
    kernels = build_student(DistillConfig(), 512, 0).state_dict()
    assert kernels["block8.1.conv1.kernel"].std() == pytest.approx((2 / (27 * 96)) ** 0.5, rel=0.02)
    assert kernels["final.kernel"].std() == pytest.approx((2 / 96) ** 0.5, rel=0.02)
    bound = 1 / (8 * 128) ** 0.5
    assert kernels["convtr4p16s2.kernel"].abs().max() == pytest.approx(bound, rel=0.01)


def test_order_of_voxels_does_not_matter(small):
    coords = surface()
    order = torch.randperm(len(coords), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(small(coords[order]), small(coords)[order], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shift", [(16, 0, 0), (-32, 160, -16), (-1600, -16, 48)])
def test_shift_by_whole_coarsest_voxels_changes_nothing(small, shift):
    coords = surface()
    with torch.no_grad():
        moved = small(coords + torch.tensor([0, *shift]))
        assert torch.equal(moved, small(coords))


def test_a_batch_gives_what_its_scenes_give(small):
    first, second = surface(16, 1), surface(12, 2) + torch.tensor([1, 0, 0, 0])
    with torch.no_grad():
        both = small(torch.cat([first, second]))
        alone = torch.cat([small(first), small(second)])
    torch.testing.assert_close(both, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_single_voxel_does_not_break_batch_norm(training):
    network = build_student(DistillConfig(planes=SMALL), 6, 0).train(training)
    out = network(torch.tensor([[0, -5, 3, 9]]))
    assert bool(out.isfinite().all())
    out.sum().backward()


def test_reference_engine_gives_the_same_network(small):
    coords = surface(7)
    with torch.no_grad():
        fast = small(coords)
        small.engine = "reference"
        slow = small(coords)
        small.engine = "torch"
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)
