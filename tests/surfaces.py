"""Random scenes made of surfaces, as scans are."""

import numpy as np
import torch

SPACING = 0.5
SHEETS = 3


def surface_scene(num_voxels: int, seed: int) -> np.ndarray:
    """Exactly ``num_voxels`` distinct voxels [V, 3] of bumpy sheets that cross at a random place."""
    rng = np.random.default_rng(seed)
    side = np.arange(-(num_voxels**0.5), num_voxels**0.5, SPACING)
    sheets = []
    for _ in range(SHEETS):
        u, v = (axis.ravel() for axis in np.meshgrid(side, side))
        phase, length = rng.uniform(0, 2 * np.pi, 2), rng.uniform(4, 12, 2)
        bump = 1.5 * np.sin(u / length[0] + phase[0]) * np.sin(v / length[1] + phase[1])
        rotation = np.linalg.qr(rng.uniform(-1, 1, (3, 3)))[0]
        sheets.append(np.stack([u, v, bump], axis=1) @ rotation.T)
    voxels = np.unique(np.floor(np.concatenate(sheets)).astype(np.int64), axis=0)
    near = np.argsort((voxels**2).sum(1), kind="stable")[:num_voxels]
    assert len(near) == num_voxels
    return voxels[near] + rng.integers(-50, 50, 3)


def surface_batch(num_voxels: int, seed: int, num_scenes: int = 2) -> torch.Tensor:
    """Voxels [V, 4] of several such scenes, batch index first, in random order."""
    scenes = [np.insert(surface_scene(num_voxels, seed + i), 0, i, axis=1) for i in range(num_scenes)]
    rows = np.concatenate(scenes)
    return torch.from_numpy(rows[np.random.default_rng(seed).permutation(len(rows))])
