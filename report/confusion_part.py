"""The part of a confusion matrix that fits a picture: which classes, what is lumped together, and in words.

Drawing it is left to ``report.confusion``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from report.tables import cell_text

MAX_CLASSES = 40
"""Classes drawn; with more of them names and cells would be too small to read."""
NOTHING, OTHERS = "(nothing)", "(other classes)"


@dataclass(frozen=True)
class Matrix:
    """What is drawn of a confusion matrix.

    Attributes:
        names: n true classes, each with points.
        columns: m predicted ones: the same classes, then classes that are never true, then all others
            together and nothing, where there are any.
        counts: points.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Int64[np.ndarray, "n m"]

    @property
    def truth(self) -> Int64[np.ndarray, "n"]:
        """True points per class."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def shares(self) -> Float[np.ndarray, "n m"]:
        """Shares of the true class's points."""
        return np.asarray(self.counts / self.truth[:, None])

    def said(self, i: int, j: int) -> str:
        """One cell in words."""
        share, points = percent_text(float(self.shares[i, j])), cell_text(int(self.counts[i, j]))
        return f"{self.names[i]} as {self.columns[j]}: {share} %, {points} points"

    def mistakes(self, num: int) -> list[str]:
        """The cells with most points beside the diagonal, in words."""
        wrong = self.counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:num]
        places = [divmod(int(place), len(self.columns)) for place in order]
        return [self.said(i, j) for i, j in places if wrong[i, j]]

    def in_words(self) -> str:
        """Per true class what most of its points are taken for."""
        lines = []
        for name, shares, count in zip(self.names, self.shares, self.truth.tolist(), strict=True):
            most = [j for j in np.argsort(-shares, kind="stable")[:3] if shares[j] >= 0.005]
            found = ", ".join(f"{self.columns[j]} {percent_text(float(shares[j]))} %" for j in most)
            lines.append(f"{name} ({count} points): {found}")
        return "; ".join(lines)


def drawn_part(
    matrix: Int64[np.ndarray, "K K1"], names: Sequence[str], *, limit: int = MAX_CLASSES
) -> Matrix | None:
    """The classes with ground truth, at most the ``limit`` commonest, in their order; None without any.

    Classes that are predicted but never true get columns behind them while there is room.

    Args:
        matrix: true by predicted class, last column "predicted nothing".
        names: K class names.
        limit: rows and named columns kept.
    """
    truth = matrix.sum(axis=1)
    commonest = np.argsort(-truth, kind="stable")[:limit]
    kept = np.sort(commonest[truth[commonest] > 0])
    if not len(kept):
        return None
    others = np.setdiff1d(np.arange(len(names)), kept)
    predicted = matrix[np.ix_(kept, others)].sum(axis=0)
    likely = np.argsort(-predicted, kind="stable")[: limit - len(kept)]
    extra = np.sort(others[likely[predicted[likely] > 0]])
    rest, across = np.setdiff1d(others, extra), np.append(kept, extra)
    parts, columns = [matrix[np.ix_(kept, across)]], [names[k] for k in across]
    for name, column in ((OTHERS, matrix[np.ix_(kept, rest)].sum(axis=1)), (NOTHING, matrix[kept, -1])):
        if column.any():
            parts.append(column[:, None])
            columns.append(name)
    return Matrix(tuple(names[k] for k in kept), tuple(columns), np.concatenate(parts, axis=1))


def percent_text(share: float) -> str:
    """Whole percent; one digit more below ten.

    >>> [percent_text(share) for share in (1.0, 0.123, 0.046, 0.05, 0.0001)]
    ['100', '12', '4.6', '5', '<0.1']
    """
    if 0 < share < 0.0005:
        return "<0.1"
    return f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.1f}".removesuffix(".0")
