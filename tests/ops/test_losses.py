"""Stage-one losses: by hand, against the plain version, and their gradients."""

import numpy as np
import pytest
import torch

from ops.losses import distillation_losses, link_points, supervised_rows
from ops.losses_reference import distillation_losses_reference

VARIANTS = ("superpoint", "superpoint_seen_only", "pixel_point")


def test_rows_of_each_variant_by_hand():
    superpoint = np.array([0, 0, 1, 1, 2])
    seen = np.array([True, False, False, False, True])
    known = np.array([True, False, True])
    assert supervised_rows("superpoint", superpoint, known, seen).tolist() == [0, 0, -1, -1, 2]
    assert supervised_rows("superpoint_seen_only", superpoint, known, seen).tolist() == [0, -1, -1, -1, 2]
    assert supervised_rows("pixel_point", superpoint, seen, seen).tolist() == [0, -1, -1, -1, 4]


def test_losses_by_hand():
    # Superpoint 0 (target +x): three points, two in voxel 0 (feature +x), one in voxel 1 (+y).
    # Superpoint 1 (target +y): one point in voxel 1.
    feat = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    target = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    links = link_points(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), 2)
    point, superpoint = distillation_losses(feat, target, links)
    assert point.item() == pytest.approx((0 + 0 + 1 + 0) / 4)
    mean = np.array([2 / 3, 1.0])  # (x + x + 3 y) / 3
    assert superpoint.item() == pytest.approx((1 - mean[0] / np.linalg.norm(mean) + 0) / 2)
    assert links.num_points == 4
    assert distillation_losses(feat, target, links, superpoints=False)[1].item() == 0


def test_points_without_a_row_count_nowhere():
    feat = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    links = link_points(np.array([0, 1]), np.array([1, -1]), 2)
    point, superpoint = distillation_losses(feat, torch.tensor([[9.0, 9.0], [1.0, 0.0]]), links)
    assert (point.item(), superpoint.item()) == (0, 0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("block", [16, 8192])
def test_equal_to_the_plain_version_with_gradients(variant, block, monkeypatch):
    monkeypatch.setattr("ops.losses.BLOCK_ROWS", block)
    rng = np.random.default_rng(0)
    num_voxels, num_points, num_superpoints = 50, 300, 9
    voxel = rng.integers(0, num_voxels - 5, num_points)
    superpoint = rng.integers(0, num_superpoints, num_points)
    num_rows = num_points if variant == "pixel_point" else num_superpoints
    row = supervised_rows(variant, superpoint, rng.random(num_rows) < 0.7, rng.random(num_points) < 0.6)
    torch.manual_seed(0)
    feat = torch.randn(num_voxels, 7, dtype=torch.float64)
    target = torch.randn(num_rows, 7, dtype=torch.float64)
    links = link_points(voxel, row, num_voxels).to("cpu", torch.float64)
    ours, plain = feat.clone().requires_grad_(), feat.clone().requires_grad_()
    fast = distillation_losses(ours, target, links)
    slow = distillation_losses_reference(plain, target, torch.from_numpy(voxel), torch.from_numpy(row))
    (2 * fast[0] + 3 * fast[1]).backward()
    (2 * slow[0] + 3 * slow[1]).backward()
    torch.testing.assert_close(torch.stack(fast), torch.stack(slow))
    torch.testing.assert_close(ours.grad, plain.grad)


def test_gradients_match_finite_differences():
    links = link_points(np.array([0, 0, 1, 2, 2, 3]), np.array([0, 1, 1, 0, 0, -1]), 5).to(
        "cpu", torch.float64
    )
    torch.manual_seed(0)
    target = torch.randn(2, 4, dtype=torch.float64)
    feat = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: sum(distillation_losses(x, target, links)), (feat,))


def test_a_zero_feature_has_cosine_zero_and_no_gradient():
    feat = torch.zeros(1, 3, requires_grad=True)
    links = link_points(np.array([0]), np.array([0]), 1)
    point, superpoint = distillation_losses(feat, torch.tensor([[1.0, 0.0, 0.0]]), links)
    (point + superpoint).backward()
    assert (point.item(), superpoint.item()) == (1, 1)
    assert feat.grad.abs().max() == 0


def test_order_and_length_of_targets_do_not_matter():
    rng = np.random.default_rng(3)
    voxel, row = rng.integers(0, 20, 100), rng.integers(-1, 6, 100)
    feat, target = torch.randn(20, 5), torch.randn(6, 5)
    order = rng.permutation(100)
    first = distillation_losses(feat, target, link_points(voxel, row, 20))
    again = distillation_losses(3 * feat, 0.1 * target, link_points(voxel[order], row[order], 20))
    torch.testing.assert_close(torch.stack(first), torch.stack(again))
