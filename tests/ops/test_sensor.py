import numpy as np
import pytest

from ops.sensor import Exposure, develop, exposures, sensor_depth

HW = (120, 160)


def _flat(depth_m: float, facing: float = 1.0):
    return sensor_depth(np.full(HW, depth_m), np.full(HW, facing), np.random.default_rng(0))


@pytest.mark.parametrize(("depth_m", "sigma_m"), [(1.0, 0.0019), (2.0, 0.0061), (4.0, 0.0258)])
def test_noise_grows_with_the_square_of_the_depth(depth_m, sigma_m):
    """0.0012 + 0.0019 (z - 0.4)^2, and whole millimetres."""
    measured = _flat(depth_m)
    seen = measured[measured > 0]
    assert len(seen) > 0.99 * measured.size
    assert seen.mean() == pytest.approx(depth_m, abs=sigma_m / 20)
    assert seen.std() == pytest.approx(sigma_m, rel=0.05)
    assert np.allclose(seen * 1000, np.round(seen * 1000), atol=1e-3)


def test_depth_is_lost_at_grazing_angles_edges_and_out_of_range():
    assert (_flat(2.0, facing=0.05) == 0).all()
    assert 0.3 < (_flat(2.0, facing=0.17) == 0).mean() < 0.7
    assert (_flat(0.2) == 0).all()
    assert (_flat(9.0) == 0).all()
    step = np.full(HW, 1.0)
    step[:, 80:] = 2.0
    lost = sensor_depth(step, np.ones(HW), np.random.default_rng(0)) == 0
    assert lost[:, 78:82].mean() > 0.1
    assert lost[:, :70].mean() < 0.01
    assert lost[:, 90:].mean() < 0.01


def test_no_depth_stays_no_depth():
    hole = np.full(HW, 2.0)
    hole[40:60, 40:60] = 0
    assert (sensor_depth(hole, np.ones(HW), np.random.default_rng(0))[44:56, 44:56] == 0).all()


def test_exposures_drift_step_by_step_and_differ_between_walks():
    walk = exposures(3, 200)
    stops = np.array([exposure.stops for exposure in walk])
    assert np.ptp(stops) > 0.3
    assert np.abs(stops).max() < 1.2
    assert (np.abs(np.diff(stops)) > 0.05).sum() <= 5
    white = np.array([exposure.white for exposure in walk])
    assert np.ptp(white[:, 0] / white[:, 2]) > 0.05
    assert exposures(3, 200) == walk
    assert exposures(4, 200) != walk
    assert len(exposures(3, 1)) == 1


def test_development_is_sharp_enough_and_rolls_off():
    light = np.zeros((*HW, 3), np.float32)
    light[:, 80:] = 0.5
    image = develop(light, Exposure(), np.random.default_rng(0))
    assert image[:, :78].mean() < 15
    assert image[:, 82:].mean() > 120
    bright = develop(np.full((*HW, 3), 5.0, np.float32), Exposure(2.0), np.random.default_rng(0))
    assert bright.min() > 240
    again = develop(light, Exposure(), np.random.default_rng(0))
    assert np.array_equal(image, again)
    assert not np.array_equal(image, develop(light, Exposure(), np.random.default_rng(1)))
