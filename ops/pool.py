"""Means over superpoints.

Where the superpoints come from is `ops.oversegment`'s business; what is taught with the means `training`'s.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.sparse import csr_matrix

_COLUMNS = 64  # channels summed at a time: 150k points take 77 MB in float64


def superpoint_mean(
    feat: Float[np.ndarray, "N C"],
    seen: Bool[np.ndarray, "N"],
    superpoint_id: Int[np.ndarray, "N"],
    num_superpoints: int | None = None,
) -> tuple[Float32[np.ndarray, "S C"], Bool[np.ndarray, "S"]]:
    """Mean feature of each superpoint over its seen points (SAS 4.1), and whether it has any.

    Sums run in float64 in the order of the points. Superpoints without a seen point are zero. Without
    ``num_superpoints`` there are as many as the largest id says.

    >>> feat = np.array([[1.0], [3.0], [50.0], [7.0]])
    >>> seen = np.array([True, True, False, False])
    >>> mean, known = superpoint_mean(feat, seen, np.array([0, 0, 0, 1]), 2)
    >>> mean.tolist(), known.tolist()
    ([[2.0], [0.0]], [True, False])
    """
    if num_superpoints is None:
        num_superpoints = int(superpoint_id.max(initial=-1)) + 1
    rows = np.flatnonzero(seen)
    ids = superpoint_id[rows]
    count = np.bincount(ids, minlength=num_superpoints)
    pick = csr_matrix(
        (np.ones(len(rows)), (ids, np.arange(len(rows)))),
        shape=(num_superpoints, len(rows)),
        dtype=np.float64,
    )
    mean = np.zeros((num_superpoints, feat.shape[1]), dtype=np.float32)
    for start in range(0, feat.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        mean[:, columns] = (pick @ feat[rows, columns].astype(np.float64)) / np.maximum(count, 1)[:, None]
    return mean, count > 0
