"""Scoring points by a text embedding, and what to say about the scores in a few numbers."""

import numpy as np
from jaxtyping import Float, Int, Shaped


def query_scores(feat: Float[np.ndarray, "N C"], embedding: Float[np.ndarray, "C"]) -> Float[np.ndarray, "N"]:
    """Cosine between every point's feature and a text.

    Args:
        feat: features of any length; a zero row (an unseen point) scores 0.
        embedding: unit vector in the same text space.

    Returns:
        -1..1, float32.
    """
    norm = np.linalg.norm(feat.astype(np.float32), axis=1)
    dot = feat.astype(np.float32) @ embedding.astype(np.float32)
    scores: np.ndarray = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0)
    return scores


def top_points(scores: Float[np.ndarray, "N"], count: int) -> Int[np.ndarray, "k"]:
    """The ``count`` best points, best first; ties in order of the points."""
    return np.argsort(-scores, kind="stable")[:count]


def histogram(scores: Float[np.ndarray, "N"], bins: int) -> tuple[list[int], list[float]]:
    """Counts per bin and the bins' edges, over the range of the scores."""
    counts, edges = np.histogram(scores, bins=bins)
    return counts.tolist(), edges.tolist()


def score_column(scores: Float[np.ndarray, "N"], row: int) -> float:
    """One score as a plain number."""
    return float(scores[row])


def statistics(array: Shaped[np.ndarray, "..."]) -> dict[str, float]:
    """Smallest, mean and largest finite value, and the share of zeros; empty for an empty array."""
    if array.size == 0 or array.dtype.kind not in "biuf":
        return {}
    values = array.astype(np.float64, copy=False)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return {"not_finite": 1.0}
    found = {"min": float(finite.min()), "mean": float(finite.mean()), "max": float(finite.max())}
    found["zeros"] = float((values == 0).mean())
    return found
