"""The stage-one losses written point by point: slow, obvious, what ``losses`` is compared with.

It makes arrays of size N x C and leaves gradients to autograd.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cosine_similarity


def distillation_losses_reference(
    feat: Float[Tensor, "V C"],
    target: Float[Tensor, "R C"],
    point_to_voxel: Int[Tensor, "N"],
    row: Int[Tensor, "N"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """``L_p`` and ``L_sp`` of Eq. 10; ``row`` is the target row of each point, -1 for none."""
    learns = row >= 0
    point_feat, row = feat[point_to_voxel[learns]], row[learns]
    loss_point = (1 - cosine_similarity(point_feat, target[row], dim=1)).mean()
    per_row = []
    for r in torch.unique(row).tolist():
        mean = point_feat[row == r].mean(0)
        per_row.append(1 - cosine_similarity(mean, target[r], dim=0))
    return loss_point, torch.stack(per_row).mean()
