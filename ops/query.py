"""Scoring points by a text embedding, and what to say about the scores in a few numbers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped


@dataclass(frozen=True)
class Places:
    """R superpoints, the best first: what a person who asked would be led to.

    Attributes:
        superpoint: ids.
        score: mean over the superpoint's known points.
        num_points: how many of those it has.
        centre_m: middle of their box, world.
        size_m: edges of that box, along the world's axes.
    """

    superpoint: Int[np.ndarray, "R"]
    score: Float[np.ndarray, "R"]
    num_points: Int[np.ndarray, "R"]
    centre_m: Float[np.ndarray, "R 3"]
    size_m: Float[np.ndarray, "R 3"]


MIN_POINTS = 20
"""A place has at least as many points."""


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


def best_places(
    scores: Float[np.ndarray, "N"],
    known: Bool[np.ndarray, "N"],
    superpoint_id: Int[np.ndarray, "N"],
    points_world: Float[np.ndarray, "N 3"],
    *,
    count: int,
    min_points: int = MIN_POINTS,
) -> Places:
    """The superpoints whose points score best on average; single points are mostly noise.

    Args:
        scores: of each point.
        known: which points have a score; others are left out.
        superpoint_id: superpoint of each point.
        points_world: metres.
        count: places at most.
        min_points: smaller superpoints are not looked at, unless all are smaller.
    """
    ids, row, num_points = np.unique(superpoint_id[known], return_inverse=True, return_counts=True)
    total = np.bincount(row, weights=scores[known].astype(np.float64), minlength=len(ids))
    mean = total / np.maximum(num_points, 1)
    if (num_points >= min_points).any():
        mean[num_points < min_points] = -np.inf
    best = np.argsort(-mean, kind="stable")[:count]
    best = best[np.isfinite(mean[best])]
    low, high = np.full((len(ids), 3), np.inf), np.full((len(ids), 3), -np.inf)
    np.minimum.at(low, row, points_world[known])
    np.maximum.at(high, row, points_world[known])
    return Places(ids[best], mean[best], num_points[best], (low + high)[best] / 2, (high - low)[best])


def histogram(scores: Float[np.ndarray, "N"], bins: int) -> tuple[list[int], list[float]]:
    """Counts per bin and the bins' edges, over the range of the scores."""
    counts, edges = np.histogram(scores, bins=bins)
    return counts.tolist(), edges.tolist()


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
