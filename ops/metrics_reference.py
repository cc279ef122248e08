"""Slow, obvious versions of ``ops/metrics.py``, point by point and class by class; tests compare the two.

Nothing else should use them.
"""

import numpy as np
from jaxtyping import Float, Int, Int64


def confusion_reference(
    pred: Int[np.ndarray, "N"], truth: Int[np.ndarray, "N"], K: int
) -> Int64[np.ndarray, "K K1"]:
    """``ops.metrics.confusion`` as a loop over points."""
    counts = np.zeros((K, K + 1), dtype=np.int64)
    for guess, label in zip(pred.tolist(), truth.tolist(), strict=True):
        if label == -1 or (label == 255 and K <= 255):
            continue
        counts[label, guess if guess >= 0 else K] += 1
    return counts


def iou_reference(
    pred: Int[np.ndarray, "N"], truth: Int[np.ndarray, "N"], K: int
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """IoU and accuracy per class from sets of point numbers; NaN for a class without ground truth."""
    labelled = {n for n, label in enumerate(truth.tolist()) if label not in (-1, 255)}
    iou, accuracy = np.full(K, np.nan), np.full(K, np.nan)
    for k in range(K):
        true = {n for n in labelled if truth[n] == k}
        guessed = {n for n in labelled if pred[n] == k}
        if true:
            iou[k] = len(true & guessed) / len(true | guessed)
            accuracy[k] = len(true & guessed) / len(true)
    return iou, accuracy


def agreement_reference(labels: Int[np.ndarray, "N R"]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of points that agree and points that both rows label, as a triple loop."""
    num_rows = labels.shape[1]
    agree = np.zeros((num_rows, num_rows), dtype=np.int64)
    both = np.zeros_like(agree)
    for point in labels.tolist():
        for a in range(num_rows):
            for b in range(num_rows):
                if point[a] >= 0 and point[b] >= 0:
                    both[a, b] += 1
                    agree[a, b] += point[a] == point[b]
    return agree, both
