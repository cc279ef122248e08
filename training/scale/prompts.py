"""Point prompts for training a segmenter: on objects, and where a mask was wrong.

Networks and losses are ``sam.py``'s business.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

NO_POINT = -1
"""Label that Sam's prompt encoder takes for a slot without a point."""


@dataclass(frozen=True)
class Points:
    """P prompts of up to n points.

    Attributes:
        at_px: (column, row), px of the network's input.
        label: 1 on the object, 0 off it, ``NO_POINT`` nothing.
    """

    at_px: Float[Tensor, "P n 2"]
    label: Int[Tensor, "P n"]

    def joined(self, more: "Points") -> "Points":
        """Both points of each prompt."""
        return Points(torch.cat([self.at_px, more.at_px], dim=1), torch.cat([self.label, more.label], dim=1))


def points_on(masks: Bool[np.ndarray, "P H W"], most: int, rng: np.random.Generator) -> Points:
    """One to ``most`` random points on each object."""
    at, label = np.zeros((len(masks), most, 2)), np.full((len(masks), most), NO_POINT)
    for prompt, mask in enumerate(masks):
        rows, columns = np.nonzero(mask)
        chosen = rng.integers(len(rows), size=int(rng.integers(1, most + 1)))
        at[prompt, : len(chosen)] = np.stack([columns[chosen], rows[chosen]], axis=1)
        label[prompt, : len(chosen)] = 1
    return Points(torch.from_numpy(at).float(), torch.from_numpy(label))


def correcting_points(
    wanted: Bool[np.ndarray, "P H W"], given: Bool[np.ndarray, "P H W"], rng: np.random.Generator
) -> Points:
    """For each prompt a random pixel where the mask was wrong, labelled as it should be, if there is one."""
    at, label = np.zeros((len(wanted), 1, 2)), np.full((len(wanted), 1), NO_POINT)
    for prompt, (should, does) in enumerate(zip(wanted, given, strict=True)):
        rows, columns = np.nonzero(should != does)
        if len(rows):
            i = int(rng.integers(len(rows)))
            at[prompt, 0] = columns[i], rows[i]
            label[prompt, 0] = int(should[rows[i], columns[i]])
    return Points(torch.from_numpy(at).float(), torch.from_numpy(label))


def innermost_point(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "2"]:
    """(column, row) of the pixel farthest from everything that is not the object, the border included."""
    from scipy import ndimage

    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(distance)), mask.shape)
    return np.array([float(column), float(row)])
