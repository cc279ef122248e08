import numpy as np
import pytest

from report.curves import thinned


def test_few_values_stay_as_they_are() -> None:
    curve = thinned("loss", np.arange(3.0), np.array([2.0, 1.0, 3.0]))
    assert curve.x.tolist() == [0, 1, 2]
    assert curve.y.tolist() == [2, 1, 3]
    assert not curve.spreads


def test_many_values_become_means_with_their_range() -> None:
    y = np.array([1.0, 3.0, 2.0, 8.0, 4.0, 6.0])
    curve = thinned("loss", np.arange(6.0), y, limit=3)
    assert curve.x.tolist() == [0.5, 2.5, 4.5]
    assert curve.y.tolist() == [2, 5, 5]
    assert curve.low.tolist() == [1, 2, 4]
    assert curve.high.tolist() == [3, 8, 6]
    assert curve.spreads


@pytest.mark.parametrize("num", [301, 599, 600, 10_007])
def test_a_spike_of_one_step_is_still_seen_and_the_mean_stays(num: int) -> None:
    y = np.ones(num)
    y[num // 3] = 50
    curve = thinned("loss", np.arange(num, dtype=float), y, limit=300)
    assert len(curve.x) == 300
    assert (np.diff(curve.x) > 0).all()
    assert curve.high.max() == 50
    assert curve.low.min() == 1
    sizes = np.diff(np.append(np.linspace(0, num, 300, endpoint=False).astype(int), num))
    assert (curve.y * sizes).sum() == pytest.approx(y.sum())


def test_what_is_not_finite_is_left_out() -> None:
    y = np.array([1.0, np.nan, 2.0, np.inf])
    assert thinned("loss", np.arange(4.0), y).x.tolist() == [0, 2]
    assert len(thinned("loss", np.array([]), np.array([])).x) == 0
