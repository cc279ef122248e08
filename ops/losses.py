"""Stage-one distillation losses (METHOD, SAS Eq. 10) on voxel features, with means over points.

``losses_reference`` holds the plain version they are compared with; batches are made by ``training.data``.
Points of one voxel share its feature, so sums over points become sums over distinct (voxel, target row)
pairs with counts, and nothing of size N x C is ever made.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag, normalize

from ops.pool import superpoint_mean
from schema.config_stages import Targets

SMALL_NORM = 1e-8
"""A feature shorter than this has cosine 0 with everything, and no gradient."""
BLOCK_ROWS = 8192


def supervised_rows(
    targets: Targets,
    superpoint_id: Int[np.ndarray, "N"],
    target_known: Bool[np.ndarray, "R"],
    point_seen: Bool[np.ndarray, "N"],
) -> Int[np.ndarray, "N"]:
    """The target row each point learns, -1 where it learns nothing.

    ``superpoint``: every point of a superpoint some point of which was seen (the paper);
    ``superpoint_seen_only``: only the seen points of it (the released code); ``pixel_point``: each seen
    point its own row (OpenScene). ``superpoint_sample`` (the released code) starts from rows of points and
    samples: see ``sampled_superpoints``.
    """
    if targets in ("pixel_point", "superpoint_sample"):
        rows = np.arange(len(superpoint_id), dtype=np.int64)
        return np.where(target_known & point_seen, rows, -1)
    learns = target_known[superpoint_id]
    if targets == "superpoint_seen_only":
        learns = learns & point_seen
    return np.where(learns, superpoint_id.astype(np.int64), -1)


def sampled_superpoints(
    feat: Float[np.ndarray, "n C"], superpoint_id: Int[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "R C"], Int[np.ndarray, "n"]]:
    """Targets of the released code: the mean feature of a superpoint's *sampled* points, and their rows.

    Args:
        feat: features of the sampled points, none of them unknown.
        superpoint_id: of the sampled points, any values.
    """
    _, row = np.unique(superpoint_id, return_inverse=True)
    row = row.reshape(-1)
    mean, _ = superpoint_mean(feat, np.ones(len(row), dtype=bool), row)
    return mean, row


@dataclass(frozen=True)
class Links:
    """Distinct pairs (voxel, target row) and how many points each stands for, in both groupings.

    Attributes:
        num_points: supervised points, the sum of counts.
        rows: target rows that have points (U of them); pairs name rows by their position here.
        voxel_start: where each voxel's pairs begin in ``voxel_row``.
        voxel_row: row of each pair, grouped by voxel.
        voxel_count: points of each pair, grouped by voxel.
        row_start: where each row's pairs begin in ``row_voxel``.
        row_voxel: voxel of each pair, grouped by row.
        row_count: points of each pair, grouped by row.
        row_points: points of each row.
    """

    num_points: int
    rows: Int[Tensor, "U"]
    voxel_start: Int[Tensor, "V"]
    voxel_row: Int[Tensor, "L"]
    voxel_count: Float[Tensor, "L"]
    row_start: Int[Tensor, "U"]
    row_voxel: Int[Tensor, "L"]
    row_count: Float[Tensor, "L"]
    row_points: Float[Tensor, "U"]

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "Links":
        """The same links on another device, counts in another floating type."""
        moved = {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return Links(num_points=self.num_points, **moved)


def link_points(point_to_voxel: Int[np.ndarray, "N"], row: Int[np.ndarray, "N"], num_voxels: int) -> Links:
    """Count points per (voxel, target row); points with row -1 are left out."""
    learns = row >= 0
    rows, position = np.unique(row[learns], return_inverse=True)
    keys = point_to_voxel[learns].astype(np.int64) * max(len(rows), 1) + position.reshape(-1)
    pairs, count = np.unique(keys, return_counts=True)
    voxel, pair_row = np.divmod(pairs, max(len(rows), 1))
    by_row = np.argsort(pair_row, kind="stable")
    arrays: dict[str, Any] = {
        "rows": rows.astype(np.int64),
        "voxel_start": np.searchsorted(voxel, np.arange(num_voxels)),
        "voxel_row": pair_row,
        "voxel_count": count.astype(np.float32),
        "row_start": np.searchsorted(pair_row[by_row], np.arange(len(rows))),
        "row_voxel": voxel[by_row],
        "row_count": count[by_row].astype(np.float32),
        "row_points": np.bincount(pair_row, weights=count, minlength=len(rows)).astype(np.float32),
    }
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return Links(num_points=int(learns.sum()), **tensors)


def distillation_losses(
    feat: Float[Tensor, "V C"], target: Float[Tensor, "R C"], links: Links, *, superpoints: bool = True
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """``L_p`` and ``L_sp`` of Eq. 10: one minus cosine, per supervised point and per superpoint mean.

    Args:
        feat: the student's voxel features, any length; differentiable.
        target: rows to learn, any length; not differentiated.
        links: which voxel learns which row, for how many points; without a point both losses are zero.
        superpoints: whether to compute ``L_sp``; it is zero otherwise.

    Returns:
        The mean over points, and the mean over the rows that have points.
    """
    if links.num_points == 0:
        nothing = feat.sum() * 0
        return nothing, nothing
    unit = normalize(target.index_select(0, links.rows), eps=SMALL_NORM)
    loss_point: Tensor = _PointLoss.apply(feat, unit, links)  # type: ignore[no-untyped-call]
    if not superpoints:
        return loss_point, loss_point.new_zeros(())
    mean = row_mean(feat, links)
    cosine = (mean * unit).sum(1) * _inverse(torch.linalg.vector_norm(mean, dim=1))
    return loss_point, (1 - cosine).mean()


def row_mean(feat: Float[Tensor, "V C"], links: Links) -> Float[Tensor, "U C"]:
    """Mean over the points of each row of ``links.rows`` of their voxels' features; differentiable."""
    mean: Tensor = _RowMean.apply(feat, links)  # type: ignore[no-untyped-call]
    return mean


def _inverse(norm: Tensor) -> Tensor:
    return torch.where(norm > SMALL_NORM, 1 / norm.clamp_min(SMALL_NORM), 0)


def _voxel_sums(per_row: Tensor, weight: Tensor, links: Links, start: int) -> Tensor:
    """Weighted sum of ``per_row`` over the pairs of the voxels from ``start`` on, one block of them."""
    starts = links.voxel_start[start : start + BLOCK_ROWS]
    stop = start + BLOCK_ROWS
    a = int(starts[0])
    b = int(links.voxel_start[stop]) if stop < len(links.voxel_start) else len(links.voxel_row)
    if a == b:
        return per_row.new_zeros((len(starts), per_row.shape[1]))
    return embedding_bag(
        links.voxel_row[a:b], per_row, starts - a, mode="sum", per_sample_weights=weight[a:b]
    )


class _PointLoss(torch.autograd.Function):
    """``1 - mean of cos``, as ``1 - sum_v <feat_v / |feat_v|, A_v>``; ``A_v`` weighs the targets of v."""

    @staticmethod
    def forward(ctx: Any, feat: Tensor, unit: Tensor, links: Links) -> Tensor:
        weight = links.voxel_count / links.num_points
        norm = torch.linalg.vector_norm(feat, dim=1)
        dot = torch.empty_like(norm)
        for start in range(0, len(feat), BLOCK_ROWS):
            sums = _voxel_sums(unit, weight, links, start)
            dot[start : start + BLOCK_ROWS] = sums.mul_(feat[start : start + BLOCK_ROWS]).sum(1)
        inverse = _inverse(norm)
        ctx.save_for_backward(feat, unit, weight, dot, inverse)
        ctx.links = links
        return 1 - (dot * inverse).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        feat, unit, weight, dot, inverse = ctx.saved_tensors
        result = torch.empty_like(feat)
        along = grad * dot * inverse**3
        across = -grad * inverse
        for start in range(0, len(feat), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            sums = _voxel_sums(unit, weight, ctx.links, start)
            torch.mul(feat[rows], along[rows, None], out=result[rows])
            result[rows].addcmul_(sums, across[rows, None])
        return result, None, None


class _RowMean(torch.autograd.Function):
    """Mean over the points of each target row of their voxels' features."""

    @staticmethod
    def forward(ctx: Any, feat: Tensor, links: Links) -> Tensor:
        ctx.links = links
        ctx.shape = feat.shape
        sums = embedding_bag(
            links.row_voxel, feat, links.row_start, mode="sum", per_sample_weights=links.row_count
        )
        return sums / links.row_points[:, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        links: Links = ctx.links
        result = grad.new_empty(ctx.shape)
        per_row = (grad / links.row_points[:, None]).contiguous()
        for start in range(0, len(result), BLOCK_ROWS):
            result[start : start + BLOCK_ROWS] = _voxel_sums(per_row, links.voxel_count, links, start)
        return result, None
