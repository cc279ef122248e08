"""Small array bookkeeping over per-point masks; no arithmetic beyond that."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool


def stack_columns(columns: Sequence[Bool[np.ndarray, "N"]]) -> Bool[np.ndarray, "N T"]:
    """One column a teacher."""
    return np.stack(columns, axis=1)
