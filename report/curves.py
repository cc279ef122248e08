"""Long series made short enough to draw: means of neighbouring values, and how far the values reach.

Drawing them is left to ``report.charts``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MAX_POINTS = 300
"""Points drawn of one series: one for about two pixels of a chart."""


@dataclass(frozen=True)
class Curve:
    """One series of a chart.

    Attributes:
        name: what a person reads.
        x: positions, ascending.
        y: values; means where several values became one.
        low: smallest of those values.
        high: largest of those values.
        dots: whether each point is marked, for few points.
    """

    name: str
    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    low: Float[np.ndarray, "n"]
    high: Float[np.ndarray, "n"]
    dots: bool = False

    @property
    def spreads(self) -> bool:
        """Whether any point stands for different values."""
        return bool((self.low < self.high).any())


def thinned(
    name: str,
    x: Float[np.ndarray, "N"],
    y: Float[np.ndarray, "N"],
    *,
    limit: int = MAX_POINTS,
    dots: bool = False,
) -> Curve:
    """A curve of at most ``limit`` points through the finite values; each is a mean over as many neighbours.

    >>> curve = thinned("loss", np.arange(4.0), np.array([1.0, 3.0, 2.0, 0.0]), limit=2)
    >>> curve.x.tolist(), curve.y.tolist(), curve.low.tolist(), curve.high.tolist()
    ([0.5, 2.5], [2.0, 1.0], [1.0, 0.0], [3.0, 2.0])
    """
    fine = np.isfinite(x) & np.isfinite(y)
    x, y = x[fine].astype(np.float64), y[fine].astype(np.float64)
    if len(x) <= limit:
        return Curve(name, x, y, y, y, dots)
    starts = np.unique(np.linspace(0, len(x), limit, endpoint=False).astype(np.int64))
    counts = np.diff(np.append(starts, len(x)))
    return Curve(
        name,
        np.add.reduceat(x, starts) / counts,
        np.add.reduceat(y, starts) / counts,
        np.minimum.reduceat(y, starts),
        np.maximum.reduceat(y, starts),
        dots,
    )
