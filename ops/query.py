"""Scoring points by a text embedding, and what to say about the scores in a few numbers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped


@dataclass(frozen=True)
class Places:
    """R superpoints, the best first: what a person who asked would be led to.

    Attributes:
        superpoint: ids.
        relevance: mean over the superpoint's known points; the places stand in its order.
        score: the same of the cosines.
        num_points: how many of those it has.
        centre_m: middle of their box, world.
        size_m: edges of that box, along the world's axes.
    """

    superpoint: Int[np.ndarray, "R"]
    relevance: Float[np.ndarray, "R"]
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
    return _cosines(feat, embedding[None])[:, 0]


def _cosines(
    feat: Float[np.ndarray, "N C"], embeddings: Float[np.ndarray, "K C"]
) -> Float[np.ndarray, "N K"]:
    wide = feat.astype(np.float32)
    norm = np.linalg.norm(wide, axis=1, keepdims=True)
    dot = wide @ embeddings.astype(np.float32).T
    cosines: np.ndarray = np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0)
    return cosines


SAME_MEANING = 0.95
"""Cosine from which on a class's name means the same as a text, and is no other answer."""

_TEMPERATURE = 0.05


def relevance(
    scores: Float[np.ndarray, "N"],
    feat: Float[np.ndarray, "N C"],
    embedding: Float[np.ndarray, "C"],
    names: Float[np.ndarray, "K C"],
) -> Float[np.ndarray, "N"]:
    """How much a text rather than any class's name says what a point is: its share of a softmax.

    A cosine alone is high wherever a feature points somewhere near the text, for want of a better word as
    well; asking against the classes is what tells a chair from a table that is a little like one.

    Args:
        scores: cosines of the text, ``query_scores``.
        feat: features of any length.
        embedding: unit vector of the text.
        names: unit vectors of the vocabulary; those that mean the same as the text do not count against it.

    Returns:
        0..1, float32; 1 everywhere without other names.
    """
    others = _cosines(feat, names[names @ embedding < SAME_MEANING])
    shares: np.ndarray = 1 / (1 + np.exp((others - scores[:, None]) / _TEMPERATURE).sum(axis=1))
    return shares


def best_places(
    relevances: Float[np.ndarray, "N"],
    scores: Float[np.ndarray, "N"],
    known: Bool[np.ndarray, "N"],
    superpoint_id: Int[np.ndarray, "N"],
    points_world: Float[np.ndarray, "N 3"],
    *,
    count: int,
    min_points: int = MIN_POINTS,
) -> Places:
    """The superpoints whose points are most relevant on average; single points are mostly noise.

    Args:
        relevances: of each point.
        scores: cosine of each point.
        known: which points have a score; others are left out.
        superpoint_id: superpoint of each point.
        points_world: metres.
        count: places at most.
        min_points: smaller superpoints are not looked at, unless all are smaller.
    """
    ids, row, num_points = np.unique(superpoint_id[known], return_inverse=True, return_counts=True)
    relevant, score = (
        np.bincount(row, weights=values[known].astype(np.float64), minlength=len(ids)) / num_points
        for values in (relevances, scores)
    )
    if (num_points >= min_points).any():
        relevant[num_points < min_points] = -np.inf
    best = np.argsort(-relevant, kind="stable")[:count]
    best = best[np.isfinite(relevant[best])]
    low, high = np.full((len(ids), 3), np.inf), np.full((len(ids), 3), -np.inf)
    np.minimum.at(low, row, points_world[known])
    np.maximum.at(high, row, points_world[known])
    return Places(
        superpoint=ids[best],
        relevance=relevant[best],
        score=score[best],
        num_points=num_points[best],
        centre_m=(low + high)[best] / 2,
        size_m=(high - low)[best],
    )


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
