"""Stage two: the ensemble of class scores, its pseudo labels, and the cross-entropies (SAS, Eq. 11-13).

Where scores are kept is ``storage.ensemble``'s business, when they are updated ``training``'s.

The ensemble of features ``E`` enters only as ``E . text``, which is linear in ``E``: averaging scores over
epochs and over superpoints gives what averaging features and scoring them would, so N x K numbers are kept
instead of N x C.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from ops.losses import Links, row_mean
from ops.pool import superpoint_mean


@dataclass(frozen=True)
class PseudoLabels:
    """What the ensemble says: a class per point and per superpoint.

    Attributes:
        point: of each point.
        superpoint: of each superpoint; -1 for one without points.
    """

    point: Int[np.ndarray, "N"]
    superpoint: Int[np.ndarray, "S"]


def update_scores(
    kept: Float32[np.ndarray, "N K"], new: Float32[np.ndarray, "N K"], alpha: float
) -> Float32[np.ndarray, "N K"]:
    """``alpha * kept + (1 - alpha) * new`` (Eq. 11), float32."""
    blend: Float32[np.ndarray, "N K"] = np.float32(alpha) * kept + np.float32(1 - alpha) * new
    return blend


def pooled(
    scores: Float32[np.ndarray, "N K"], superpoint_id: Int[np.ndarray, "N"]
) -> Float32[np.ndarray, "N K"]:
    """Every point's scores replaced by the mean of its superpoint."""
    mean, _ = superpoint_mean(scores, np.ones(len(scores), dtype=bool), superpoint_id)
    of_points: Float32[np.ndarray, "N K"] = mean[superpoint_id]
    return of_points


def pseudo_labels(
    scores: Float32[np.ndarray, "N K"],
    superpoint_id: Int[np.ndarray, "N"],
    used: Bool[np.ndarray, "N"],
    *,
    counted: Bool[np.ndarray, "K"],
    of_superpoint: bool,
) -> PseudoLabels:
    """The best class per point and of the mean score of each superpoint (Eq. 12).

    Args:
        scores: the ensemble.
        superpoint_id: 0..S-1.
        used: points that enter the superpoints' means.
        counted: classes that may be a label; void classes may not.
        of_superpoint: whether a point's label is its superpoint's (the released code).
    """
    allowed = np.where(counted, np.float32(0), np.float32(-np.inf))
    mean, known = superpoint_mean(scores, used, superpoint_id)
    superpoint = np.where(known, (mean + allowed).argmax(axis=1), -1)
    own = (scores + allowed).argmax(axis=1)
    point = np.where(known[superpoint_id], superpoint[superpoint_id], own) if of_superpoint else own
    return PseudoLabels(point, superpoint)


def label_counts(
    voxel: Int[np.ndarray, "n"], label: Int[np.ndarray, "n"], *, num_voxels: int, num_classes: int
) -> Float32[np.ndarray, "V K"]:
    """How many of a voxel's points have each label."""
    cell = voxel.astype(np.int64) * num_classes + label
    counts = np.bincount(cell, minlength=num_voxels * num_classes)
    return counts.reshape(num_voxels, num_classes).astype(np.float32)


def pseudo_label_losses(
    logit: Float[Tensor, "V K"],
    counts: Float[Tensor, "V K"],
    links: Links,
    superpoint_label: Int[Tensor, "U"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Cross-entropies of raw dot products against pseudo labels (Eq. 13), float32.

    Args:
        logit: ``F3d . text`` per voxel, not normalised, no temperature; differentiable.
        counts: points of each voxel by pseudo label, at least one point.
        links: which voxel's points belong to which superpoint.
        superpoint_label: of the superpoints that ``links.rows`` names, in that order.

    Returns:
        The mean over points, and the mean over superpoints of the cross-entropy of their mean logits.
    """
    point = -(counts * log_softmax(logit, dim=1)).sum() / counts.sum()
    return point, cross_entropy(row_mean(logit, links), superpoint_label)


def class_scores(feat: Float[Tensor, "V C"], text: Float[Tensor, "K C"]) -> Float[Tensor, "V K"]:
    """Raw dot products, float32 whatever autocast says."""
    with torch.autocast(feat.device.type, enabled=False):
        return feat.float() @ text.t()
