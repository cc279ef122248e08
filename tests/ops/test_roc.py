"""Area under the ROC curve, against counting pairs."""

import numpy as np
import pytest

from ops.roc import roc_auc


@pytest.mark.parametrize("seed", range(4))
def test_it_counts_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 6, 60).astype(np.float64)  # many ties
    positive = rng.random(60) < 0.3
    high, low = score[positive][:, None], score[~positive][None]
    assert roc_auc(score, positive) == pytest.approx(((high > low) + 0.5 * (high == low)).mean())


def test_the_ends() -> None:
    positive = np.array([True, True, False, False])
    assert roc_auc(np.array([4.0, 3.0, 2.0, 1.0]), positive) == 1.0
    assert roc_auc(np.array([1.0, 2.0, 3.0, 4.0]), positive) == 0.0
    assert roc_auc(np.zeros(4), positive) == 0.5
    assert np.isnan(roc_auc(np.zeros(4), np.ones(4, dtype=bool)))
