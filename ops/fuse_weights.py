"""Weights of teachers at points: the strategies of fusion, each a few lines.

Features, texts and the table are prepared in `ops.fuse`.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from schema.config_stages import FuseConfig
from schema.errors import unknown_name

NEEDS_TABLE = frozenset({"best_teacher", "winner_takes_all"})
"""Strategies that choose by capability and mean nothing without one."""


def point_weights(
    active: Bool[np.ndarray, "N T"],
    label: Int[np.ndarray, "N T"],
    similarity: Float[np.ndarray, "N T"],
    table: Float[np.ndarray, "T K"] | None,
    config: FuseConfig,
) -> Float[np.ndarray, "N T"]:
    """How much each teacher counts at each point; rows sum to 1 where a teacher is active, else to 0.

    - ``capability``, ``shuffled_capability``: softmax over the active teachers of ``P_t / temperature``
      (SAS, Eq. 8), P of `mutual_capability`; with ``sum_normalised`` P is first divided by its sum.
    - ``winner_takes_all``: the active teacher with the largest P.
    - ``best_teacher``: the active teacher with the largest mean capability over its known classes.
    - ``linear``: in proportion to the similarity to the nearest text; negative ones count as none.
    - ``add``: all alike. This is the sum up to its length, so directions and labels are the sum's.

    Points where a needed capability is unknown weigh all active teachers alike. Ties go to the first.

    Args:
        active: the teacher has a feature here.
        label: its nearest class, -1 where not active.
        similarity: cosine to that class.
        table: capability, NaN unknown.
        config: strategy and temperature.
    """
    uniform = _normalised(active.astype(np.float64), active)
    match config.strategy:
        case "add":
            return uniform
        case "linear":
            return _normalised(np.where(active, np.maximum(similarity, 0.0), 0.0), active)
        case "best_teacher" if table is not None:
            return _one_hot(np.broadcast_to(mean_known(table), active.shape), active)
        case "capability" | "shuffled_capability" | "winner_takes_all":
            if table is None:
                return uniform
        case _:
            raise unknown_name("fusion strategy", config.strategy, STRATEGIES, field="fuse.strategy")
    score = mutual_capability(active, label, table)
    if config.sum_normalised:
        score = _share_of_sum(score, active)
    if config.strategy == "winner_takes_all":
        weight = _one_hot(score, active)
    else:
        weight = _softmax(score / config.temperature, active)
    known = (np.isfinite(score) | ~active).all(axis=1, keepdims=True)
    return np.where(known, weight, uniform)


STRATEGIES = ("add", "best_teacher", "capability", "linear", "shuffled_capability", "winner_takes_all")


def mutual_capability(
    active: Bool[np.ndarray, "N T"], label: Int[np.ndarray, "N T"], table: Float[np.ndarray, "T K"]
) -> Float[np.ndarray, "N T"]:
    """``P_t``: mean over active teachers s of ``table[t, label_s]``, of those that are known (SAS, Eq. 7).

    NaN where none is known.

    >>> table = np.array([[0.8, 0.2], [0.4, np.nan]])
    >>> mutual_capability(np.ones((1, 2), dtype=bool), np.array([[0, 1]]), table)
    array([[0.5, 0.4]])
    """
    scores = table.T[np.where(active, label, 0)]  # N, s, t
    known = np.isfinite(scores) & active[:, :, None]
    total = np.where(known, scores, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return ratio(total, count, otherwise=np.full(total.shape, np.nan))


def mean_known(table: Float[np.ndarray, "T K"]) -> Float[np.ndarray, "T"]:
    """Mean of each row over its known entries; -1 where none is known, so that any other is better."""
    known = np.isfinite(table)
    count = known.sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    return ratio(total, count, otherwise=np.full(len(table), -1.0))


def shuffle_classes(table: Float[np.ndarray, "T K"], seed: int) -> Float[np.ndarray, "T K"]:
    """The ``shuffled_capability`` control: known scores of each teacher permuted over its known classes.

    Permutations of teachers are independent. Mean capabilities stay what they are; which class they belong
    to is lost.
    """
    rng = np.random.default_rng(seed)
    shuffled = table.copy()
    for row in shuffled:
        known = np.flatnonzero(np.isfinite(row))
        row[known] = row[rng.permutation(known)]
    return shuffled


def ratio(
    top: Float[np.ndarray, "..."], bottom: Num[np.ndarray, "..."], *, otherwise: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """``top / bottom`` where ``bottom`` is above 0, ``otherwise`` elsewhere."""
    quotient: np.ndarray = np.divide(top, bottom, out=otherwise.copy(), where=bottom > 0)
    return quotient


def _normalised(raw: Float[np.ndarray, "N T"], active: Bool[np.ndarray, "N T"]) -> Float[np.ndarray, "N T"]:
    raw = np.where(raw.sum(axis=1, keepdims=True) > 0, raw, active)
    total = raw.sum(axis=1, keepdims=True)
    weight: np.ndarray = raw / np.where(total > 0, total, 1.0)
    return weight


def _share_of_sum(
    score: Float[np.ndarray, "N T"], active: Bool[np.ndarray, "N T"]
) -> Float[np.ndarray, "N T"]:
    total = np.where(active, score, 0.0).sum(axis=1, keepdims=True)
    return ratio(score, total, otherwise=score)


def _one_hot(score: Float[np.ndarray, "N T"], active: Bool[np.ndarray, "N T"]) -> Float[np.ndarray, "N T"]:
    chosen = np.where(active & np.isfinite(score), score, -np.inf).argmax(axis=1)
    return np.where(active.any(axis=1, keepdims=True), np.eye(active.shape[1])[chosen], 0.0)


def _softmax(logit: Float[np.ndarray, "N T"], active: Bool[np.ndarray, "N T"]) -> Float[np.ndarray, "N T"]:
    logit = np.where(active & np.isfinite(logit), logit, -np.inf)
    peak = logit.max(axis=1, keepdims=True)
    raised = np.exp(logit - np.where(np.isfinite(peak), peak, 0.0))
    total = raised.sum(axis=1, keepdims=True)
    weight: np.ndarray = raised / np.where(total > 0, total, 1.0)
    return weight
