"""Reading a segmentation network's output tensor: a label map as it is, or scores per class to argmax.

Running the network is its adapter's business, putting the result onto the image that of ``framing``.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped

from schema.errors import WeightsError

REMEDY = "use a semantic segmentation network that gives a label map or scores per class"


def is_label_map(shape: tuple[int, ...]) -> bool:
    """Whether an output of this shape holds one number per pixel ([1,h,w], [h,w], [1,h,w,1] or [1,1,h,w])."""
    return len(shape) in (2, 3) or (len(shape) == 4 and (shape[1] == 1) != (shape[3] == 1))


def class_axis(shape: tuple[int, ...], num_labels: int, *, channels_first: bool, weights: Path) -> int:
    """The axis of a [1,h,w,K] or [1,K,h,w] output that runs over classes.

    The axis as long as the label file; if both or neither are, the layout of the network's input.

    Raises:
        WeightsError: the output has not four axes.
    """
    if len(shape) != 4:
        raise WeightsError(
            f"the output has shape {list(shape)}, expected [1,h,w], [1,h,w,K] or [1,K,h,w]",
            file=weights,
            remedy=REMEDY,
        )
    fits = [axis for axis in (1, 3) if shape[axis] == num_labels]
    if len(fits) == 1:
        return fits[0]
    return 1 if channels_first else 3


def read_label_map(
    output: Shaped[np.ndarray, "..."], num_labels: int, *, weights: Path, labels: Path
) -> Int[np.ndarray, "h w"]:
    """A label per cell.

    Raises:
        WeightsError: an id has no label.
    """
    label_map = output.reshape([n for n in output.shape if n != 1] or [1, 1]).astype(np.int64)
    if label_map.ndim != 2:
        raise WeightsError(
            f"the output has shape {list(output.shape)}, expected [1,h,w]", file=weights, remedy=REMEDY
        )
    low, high = int(label_map.min()), int(label_map.max())
    if low < 0 or high >= num_labels:
        raise WeightsError(
            f"the label file has {num_labels} labels but {weights.name} gave id {low if low < 0 else high}",
            file=labels,
            remedy="give one label for each of the network's outputs, in their order",
        )
    return label_map


def read_scores(
    scores: Float[np.ndarray, "1 a b c"], axis: int
) -> tuple[Int[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """The best class per cell and how sure the network is of it (softmax, 0..1).

    Scores that already are probabilities (none negative, sums of one) are taken as they are. Of equal
    scores the first class wins.
    """
    values = np.moveaxis(scores[0], axis - 1, 0).astype(np.float32, copy=False)
    label_map = np.argmax(values, axis=0)
    top = np.take_along_axis(values, label_map[None], axis=0)[0]
    sums = values.sum(axis=0)
    if values.min() >= 0.0 and np.abs(sums - 1.0).max() < 1e-2:
        return label_map, np.minimum(top, 1.0)
    return label_map, 1.0 / np.exp(values - top).sum(axis=0)
