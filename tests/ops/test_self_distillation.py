"""Stage two's arithmetic against hand-computed cases and a plain version."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from ops.losses import link_points
from ops.self_distillation import (
    class_scores,
    label_counts,
    pooled,
    pseudo_label_losses,
    pseudo_labels,
    update_scores,
)

SCORES = np.array([[3, 1, 0], [0, 2, 9], [1, 5, 0], [2, 1, 0]], dtype=np.float32)
SUPERPOINT = np.array([0, 0, 0, 2])
ALL = np.ones(4, dtype=bool)
COUNTED = np.array([True, True, False])  # the third class is void


def test_the_ensemble_moves_by_one_minus_alpha():
    kept, new = np.float32([[1, 2]]), np.float32([[3, -2]])
    moved = update_scores(kept, new, 0.75)
    assert moved.tolist() == [[1.5, 1.0]]
    assert moved.dtype == np.float32


def test_labels_of_points_and_of_superpoint_means():
    found = pseudo_labels(SCORES, SUPERPOINT, ALL, counted=COUNTED, of_superpoint=False)
    assert found.point.tolist() == [0, 1, 1, 0]  # point 1 would be void
    # the mean of superpoint 0 is (4/3, 8/3, 3), its best counted class 1; superpoint 1 has no point
    assert found.superpoint.tolist() == [1, -1, 0]


def test_released_labels_of_points_are_their_superpoints():
    found = pseudo_labels(SCORES, SUPERPOINT, ALL, counted=COUNTED, of_superpoint=True)
    assert found.point.tolist() == [1, 1, 1, 0]


def test_points_that_are_not_used_do_not_enter_means():
    used = np.array([True, False, False, False])
    found = pseudo_labels(SCORES, SUPERPOINT, used, counted=COUNTED, of_superpoint=True)
    assert found.superpoint.tolist() == [0, -1, -1]
    assert found.point.tolist() == [0, 0, 0, 0]  # superpoint 2 has no used point: the point's own label


def test_pooled_scores_are_the_superpoints_means():
    assert pooled(SCORES, SUPERPOINT)[:, 1].tolist() == pytest.approx([8 / 3, 8 / 3, 8 / 3, 1])


def test_counts_of_labels_per_voxel():
    counts = label_counts(np.array([1, 1, 0, 1]), np.array([0, 0, 2, 1]), num_voxels=3, num_classes=3)
    assert counts.tolist() == [[0, 0, 1], [2, 1, 0], [0, 0, 0]]


def test_losses_and_gradients_are_those_of_plain_cross_entropies():
    rng = np.random.default_rng(0)
    num_points, num_voxels, num_rows, K = 200, 40, 7, 5
    voxel, row = rng.integers(0, num_voxels, num_points), rng.integers(0, num_rows, num_points)
    label, of_row = rng.integers(0, K, num_points), torch.from_numpy(rng.integers(0, K, num_rows))
    feat = torch.from_numpy(rng.standard_normal((num_voxels, 6))).float().requires_grad_()
    text = torch.from_numpy(rng.standard_normal((K, 6))).float()
    counts = torch.from_numpy(label_counts(voxel, label, num_voxels=num_voxels, num_classes=K))
    links = link_points(voxel, row, num_voxels)
    fast = pseudo_label_losses(class_scores(feat, text), counts, links, of_row)
    fast_gradient = torch.autograd.grad(fast[0] + 2 * fast[1], feat)[0]
    points = feat[torch.from_numpy(voxel)]
    means = torch.stack([points[torch.from_numpy(row == r)].mean(0) for r in range(num_rows)])
    plain = (
        cross_entropy(points @ text.t(), torch.from_numpy(label)),
        cross_entropy(means @ text.t(), of_row),
    )
    plain_gradient = torch.autograd.grad(plain[0] + 2 * plain[1], feat)[0]
    assert [v.item() for v in fast] == pytest.approx([v.item() for v in plain], rel=1e-5)
    assert torch.allclose(fast_gradient, plain_gradient, atol=1e-6)


def test_logits_are_raw_dot_products_without_normalisation():
    feat, text = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = class_scores(feat, text)
    assert scores.tolist() == [[3.0, 8.0]]
    assert scores.dtype == torch.float32
