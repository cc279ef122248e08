"""Confusion matrices, the scores made of them, agreement between label rows and coverage.

Which rows are compared and on which points is evaluation's business (``training/evaluate.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int64

IGNORED = 255
"""Truth value that means unlabelled in byte-sized label files; -1 means it everywhere."""


def confusion(pred: Int[np.ndarray, "N"], truth: Int[np.ndarray, "_"], K: int) -> Int64[np.ndarray, "K K1"]:
    """Count points by true class (row) and predicted class (column).

    Args:
        pred: class id, any negative value where nothing is predicted.
        truth: class id; -1 is ignored, and 255 too unless it is a class (K > 255).
        K: number of classes.

    Returns:
        K x (K + 1) counts; the last column counts labelled points without a prediction.

    Raises:
        ValueError: If the lengths differ, or a value is neither a class nor one of the markers above.
    """
    if pred.shape != truth.shape:
        raise ValueError(f"{pred.shape} predictions for {truth.shape} labels")
    known = _known(truth, K)
    rows, columns = truth[known].astype(np.int64), pred[known].astype(np.int64)
    if columns.size and columns.max() >= K:
        raise ValueError(f"prediction {columns.max()} in a label set of {K} classes")
    cell = rows * (K + 1) + np.where(columns < 0, K, columns)
    return np.bincount(cell, minlength=K * (K + 1)).astype(np.int64).reshape(K, K + 1)


def _known(truth: Int[np.ndarray, "N"], K: int) -> Bool[np.ndarray, "N"]:
    ignored: np.ndarray = np.isin(truth, (-1, IGNORED) if K <= IGNORED else (-1,))
    wrong = ~ignored & ((truth < 0) | (truth >= K))
    if wrong.any():
        raise ValueError(f"truth {truth[wrong][0]} in a label set of {K} classes")
    return np.asarray(~ignored)


@dataclass(frozen=True)
class Scores:
    """Scores of one confusion matrix. NaN marks what is undefined; ``to_json`` writes it as null.

    Attributes:
        iou: per class TP / (TP + FP + FN); NaN for a class without ground truth.
        accuracy: per class TP / ground truth; NaN for a class without ground truth.
        num_truth: labelled points per class.
        miou: mean IoU over classes with ground truth.
        miou_all: the same sum divided by the number of all counted classes: a class without ground
            truth contributes 0 (the convention of OpenScene's and SAS's released code).
        macc: mean accuracy over classes with ground truth.
        macc_all: the same sum divided by the number of all counted classes.
        point_accuracy: correct points / labelled points.
    """

    iou: Float[np.ndarray, "K"]
    accuracy: Float[np.ndarray, "K"]
    num_truth: Int64[np.ndarray, "K"]
    miou: float
    miou_all: float
    macc: float
    macc_all: float
    point_accuracy: float

    def to_json(self) -> dict[str, Any]:
        """All values as JSON without NaN."""
        lists = {"iou": self.iou, "accuracy": self.accuracy}
        single = {name: getattr(self, name) for name in ("miou", "miou_all", "macc", "macc_all")}
        return {
            **{name: json_number(value) for name, value in single.items()},
            "point_accuracy": json_number(self.point_accuracy),
            **{name: [json_number(value) for value in values] for name, values in lists.items()},
            "num_truth": [int(count) for count in self.num_truth],
        }


def counted_classes(num_classes: int, void: Sequence[int]) -> Bool[np.ndarray, "K"]:
    """Which classes enter the scores."""
    counted = np.ones(num_classes, dtype=bool)
    counted[list(void)] = False
    return counted


def scores_from_confusion(
    matrix: Int[np.ndarray, "K K1"], *, counted: Bool[np.ndarray, "K"] | None = None
) -> Scores:
    """Per-class IoU and accuracy and their means, from ``confusion``'s counts.

    A labelled point without a prediction is a miss: it lowers its class's IoU and accuracy.

    Args:
        matrix: counts, true class by predicted class, last column: nothing predicted.
        counted: classes that enter the scores (void classes do not); None: all.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    counted = np.ones(len(counts), dtype=bool) if counted is None else counted
    counts = np.where(counted[:, None], counts, 0)
    truth, hit = counts.sum(axis=1), np.diagonal(counts)
    union = truth + counts[:, :-1].sum(axis=0) - hit
    has_truth = truth > 0
    iou = _ratio(hit, union, has_truth)
    accuracy = _ratio(hit, truth, has_truth)
    return Scores(
        iou=iou,
        accuracy=accuracy,
        num_truth=truth,
        miou=_mean(iou[has_truth], int(has_truth.sum())),
        miou_all=_mean(iou[has_truth], int(counted.sum())),
        macc=_mean(accuracy[has_truth], int(has_truth.sum())),
        macc_all=_mean(accuracy[has_truth], int(counted.sum())),
        point_accuracy=_mean(hit, int(truth.sum())),
    )


def _ratio(
    above: Int64[np.ndarray, "K"], below: Int64[np.ndarray, "K"], defined: Bool[np.ndarray, "K"]
) -> Float[np.ndarray, "K"]:
    return np.where(defined, above / np.maximum(below, 1), np.nan)


def _mean(values: np.ndarray, count: int) -> float:
    return float(values.sum() / count) if count else float("nan")


def json_number(value: float) -> float | None:
    """The value, or None (JSON null) where it is NaN."""
    return None if np.isnan(value) else float(value)


@dataclass(frozen=True)
class Agreement:
    """How often pairs of label rows say the same. Counts, so that scenes can be added up.

    Attributes:
        agree: points where both rows have a label and it is the same.
        both: points where both rows have a label; the diagonal counts the row's own labels.
        num_points: all points.
    """

    agree: Int64[np.ndarray, "R R"]
    both: Int64[np.ndarray, "R R"]
    num_points: int

    @property
    def share(self) -> Float[np.ndarray, "R R"]:
        """Of the points where both rows have a label, the share where it is the same; NaN without any."""
        return np.where(self.both > 0, self.agree / np.maximum(self.both, 1), np.nan)

    @property
    def both_share(self) -> Float[np.ndarray, "R R"]:
        """Share of all points where both rows have a label; NaN for no points."""
        return self.both / self.num_points if self.num_points else np.full(self.both.shape, np.nan)

    @property
    def coverage(self) -> Float[np.ndarray, "R"]:
        """Share of all points where a row has a label; NaN for no points."""
        return np.diagonal(self.both_share).copy()


def agreement(labels: Int[np.ndarray, "N R"], *, block: int = 65536) -> Agreement:
    """Compare every pair of label rows point by point.

    Args:
        labels: class ids, negative where a row has none; rows stand in columns.
        block: points compared at a time; bounds the memory, changes nothing.
    """
    num_points, num_rows = labels.shape
    agree = np.zeros((num_rows, num_rows), dtype=np.int64)
    both = np.zeros_like(agree)
    for start in range(0, num_points, block):
        part = np.ascontiguousarray(labels[start : start + block].T)
        known = part >= 0
        for row in range(num_rows):
            shared = known & known[row]
            both[row] += shared.sum(axis=1)
            agree[row] += (shared & (part == part[row])).sum(axis=1)
    return Agreement(agree=agree, both=both, num_points=num_points)


def coverage(labels: Int[np.ndarray, "N R"]) -> Float[np.ndarray, "R"]:
    """Share of points that have a label, per row; NaN for no points."""
    if not len(labels):
        return np.full(labels.shape[1], np.nan)
    return np.asarray((labels >= 0).mean(axis=0))
