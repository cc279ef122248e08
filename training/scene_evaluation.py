"""What the evaluation of one scene gives: labels, scores, counts and notes, and their stored forms.

How it is computed is in ``training/evaluate.py``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float16, Int16, Int64

from ops.metrics import Agreement, counted_classes, json_number, scores_from_confusion


@dataclass(frozen=True)
class SceneEvaluation:
    """R rows on one scene.

    Attributes:
        rows: ``lift/<teacher>``, ``fuse/<control>``, ``fuse`` (the chosen one), ``student``.
        label: class of the label set, -1 where the row says nothing. Of the shuffled control: the first
            permutation's.
        score: cosine of that class, 0 where there is none.
        truth_label: ground truth in the label set's ids, -1 unlabelled; None without.
        confusion: true by predicted class on all labelled points; the last column is "predicted nothing",
            so leaving it out gives the counts on the points the row itself saw. The shuffled control's is the
            sum over its permutations.
        shuffles: per permutation of the shuffled control its confusion; empty without ground truth.
        agreement: between all pairs of rows.
        void: classes that are neither predicted nor counted.
        notes: what is not in the table and why.
    """

    rows: tuple[str, ...]
    label: Int16[np.ndarray, "N R"]
    score: Float16[np.ndarray, "N R"]
    truth_label: Int16[np.ndarray, "N"] | None
    confusion: Int64[np.ndarray, "R K K1"] | None
    shuffles: Int64[np.ndarray, "Q K K1"]
    agreement: Agreement
    void: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def coverage(self) -> Float[np.ndarray, "R"]:
        """Share of points each row says something about."""
        return self.agreement.coverage

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the store's ``evaluate`` group, except the student's features."""
        arrays: dict[str, np.ndarray] = {
            "label": self.label,
            "coverage": (self.label >= 0).astype(np.uint8),
            "score": self.score,
        }
        if self.truth_label is not None and self.confusion is not None:
            arrays |= {"truth_label": self.truth_label, "confusion": self.confusion}
        return arrays

    def metrics(self) -> dict[str, Any]:
        """Figures for a manifest, JSON without NaN; ``shuffles`` holds what adding up scenes needs."""
        share = self.agreement.share
        figures: dict[str, Any] = {
            "coverage": dict(zip(self.rows, map(json_number, self.coverage), strict=True)),
            "agreement": {
                row: dict(zip(self.rows, map(json_number, share[r]), strict=True))
                for r, row in enumerate(self.rows)
            },
            "void": list(self.void),
        }
        if self.confusion is not None:
            counted = counted_classes(self.confusion.shape[1], self.void)
            names = ("miou", "miou_all", "macc", "macc_all", "point_accuracy")
            figures["scores"] = {}
            for row, matrix in zip(self.rows, self.confusion, strict=True):
                scores = scores_from_confusion(matrix, counted=counted)
                figures["scores"][row] = {name: json_number(getattr(scores, name)) for name in names}
            figures["shuffles"] = [shuffle_counts(matrix) for matrix in self.shuffles]
        return figures


def shuffle_counts(matrix: Int64[np.ndarray, "K K1"]) -> dict[str, list[int]]:
    """What IoU needs of a confusion matrix, per class: hits, true points, predicted points."""
    hit = np.diagonal(matrix)
    return {"hit": hit.tolist(), "truth": matrix.sum(1).tolist(), "predicted": matrix[:, :-1].sum(0).tolist()}
