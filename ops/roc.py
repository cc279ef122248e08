"""Area under the ROC curve of scores against a mask.

What the scores are, and what an empty mask means, is the caller's business.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata


def roc_auc(score: Float[np.ndarray, "N"], positive: Bool[np.ndarray, "N"]) -> float:
    """How often a positive has a higher score than a negative; ties count half (Mann-Whitney).

    >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True]))
    0.875

    Returns:
        0..1; NaN if either kind is missing.
    """
    num_positive = int(positive.sum())
    num_negative = positive.size - num_positive
    if num_positive == 0 or num_negative == 0:
        return float("nan")
    ranks = float(rankdata(score)[positive].sum())
    return (ranks - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative)
