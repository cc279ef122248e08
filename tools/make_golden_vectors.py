"""Writes what MinkowskiEngine's MinkUNet18A answers in float64, for tests on machines without the package.

    python -m tools.make_golden_vectors        (needs: make minkowski)

Weights and the random weighting of the output are drawn from seeds and not stored; their digests are, so
that a generator that changed is told from a network that did. Read by tests/models/test_golden_vectors.py.
"""

from pathlib import Path

import numpy as np
import torch

from models.sparse.minkowski import import_package
from tests.models import minkowski_network
from tests.models.parity import digest, seeded_weights, training_pass
from tests.surfaces import surface_batch

OUT = Path("tests/models/golden/minkunet18a.npz")
CHANNELS = 512
NUM_VOXELS = 1500
SEED = 20
NUM_ROWS = 24


def main() -> None:
    """Compute and write the vectors."""
    package = import_package()
    coords = surface_batch(NUM_VOXELS, SEED)
    network = minkowski_network.build(package, CHANNELS)
    weights = seeded_weights(network, SEED)
    network.load_state_dict(weights)
    network.double()
    x, levels = minkowski_network.sparse_tensor(package, coords, torch.float64)
    found = training_pass(network, lambda: minkowski_network.in_order(network(x), coords), levels)
    rows = np.linspace(0, len(coords) - 1, NUM_ROWS).astype(np.int64)
    names = sorted(found.tensors)
    arrays = {
        "seed": np.array(SEED),
        "coords": coords.numpy().astype(np.int16),
        "rows": rows,
        "output": found.tensors["output"][torch.from_numpy(rows)].numpy(),
        "weights_digest": np.stack([digest(weights[name]) for name in sorted(weights)]),
        "names": np.array(names),
        "digests": np.stack([digest(found.tensors[name]) for name in names]),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUT, **arrays)
    print(f"{OUT}: {OUT.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
