"""The student against stored answers of MinkowskiEngine's own network; runs without MinkowskiEngine.

``tools/make_golden_vectors.py`` made the answers in float64: rows of the output, and of every tensor
(output, running statistics, gradient of every parameter) its norm and projections on random directions.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.sparse.catalog import load_engine
from models.student.minkunet import build_network
from tests.models.parity import STRIDES, digest, ratios, seeded_weights, training_pass

FILE = Path(__file__).parent / "golden" / "minkunet18a.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def weights(golden):
    network = build_network("MinkUNet18A", None, golden["output"].shape[1])
    drawn = seeded_weights(network, int(golden["seed"]))
    digests = np.stack([digest(drawn[name]) for name in sorted(drawn)])
    np.testing.assert_allclose(digests, golden["weights_digest"], rtol=1e-12, atol=1e-12)
    return drawn


def run(golden, weights, dtype, replay=None):
    coords = torch.from_numpy(golden["coords"].astype(np.int64))
    network = build_network("MinkUNet18A", None, golden["output"].shape[1])
    network.load_state_dict(weights, strict=True)
    network.to(dtype)
    grid = load_engine(network.engine).grid(coords)
    levels = [grid.voxel_coords(stride) for stride in STRIDES]
    return training_pass(network, lambda: network(coords), levels, replay)


@pytest.fixture(scope="module")
def exact(golden, weights):
    return run(golden, weights, torch.float64)


def apart(golden, found) -> dict[str, float]:
    """Distance of norm and projections, in norms of the stored tensor."""
    assert sorted(found.tensors) == golden["names"].tolist()
    return {
        name: float(np.abs(digest(found.tensors[name]) - stored).max() / stored[0])
        for name, stored in zip(golden["names"].tolist(), golden["digests"], strict=True)
    }


def test_float64_gives_minkowskiengines_output_statistics_and_gradients(golden, exact):
    rows = torch.from_numpy(golden["rows"])
    np.testing.assert_allclose(exact.tensors["output"][rows].numpy(), golden["output"], rtol=1e-9, atol=1e-9)
    assert max(apart(golden, exact).values()) < 1e-9


def test_float32_gives_them_to_four_digits_when_relus_decide_alike(golden, weights, exact):
    found = run(golden, weights, torch.float32, exact.decisions)
    assert max(apart(golden, found).values()) < 1e-4
    assert max(ratios(found, exact).values()) < 1e-4


def test_float32_output_needs_no_help(golden, weights):
    found = run(golden, weights, torch.float32)
    rows = torch.from_numpy(golden["rows"])
    np.testing.assert_allclose(found.tensors["output"][rows].numpy(), golden["output"], rtol=1e-3, atol=1e-4)
    distances = apart(golden, found)
    assert max(value for name, value in distances.items() if "gradient" not in name) < 1e-4


def test_another_kernel_order_would_be_noticed(golden, weights):
    mirrored = dict(weights)
    mirrored["block8.1.conv2.kernel"] = weights["block8.1.conv2.kernel"].flip(0)
    assert apart(golden, run(golden, mirrored, torch.float32))["output"] > 1e-2
