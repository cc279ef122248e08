import numpy as np
import pytest

from ops.finishes import PATTERNS, Finish
from ops.textures import albedo_at, linear_from_srgb, look_table

DARK, BRIGHT = (0.1, 0.1, 0.1), (0.9, 0.9, 0.9)
SCALE_M = 0.2


def _wall(pattern: str, *, pixel_m: float = 0.002, turned: bool = False) -> np.ndarray:
    """Colours of 1 m x 1 m of a wall that looks along y, [v, u], sampled every 5 mm."""
    u, v = np.meshgrid(np.arange(200) * 0.005, np.arange(200) * 0.005)
    x, z, zero = u.ravel(), v.ravel(), np.zeros(u.size)
    frame = np.array([[1, 0, 0, 0, 0]], np.float32)
    points, normals = np.stack([x, zero, z], axis=1), np.stack([zero, zero + 1, zero], axis=1)
    if turned:  # the same object, turned by 90 degrees and moved
        frame = np.array([[0, 1, 3, 4, 5]], np.float32)
        points, normals = np.stack([zero + 3, x + 4, z + 5], axis=1), np.stack([zero - 1, zero, zero], axis=1)
    looks = look_table((Finish("x", DARK, BRIGHT, pattern, SCALE_M),), np.array([0]))
    ids = (np.zeros(len(x), np.int32), np.zeros(len(x), np.int32), frame)
    surface = (points.astype(np.float32), normals.astype(np.float32), np.ones(len(x), np.float32))
    return albedo_at(surface, ids, looks, pixel_m)[:, 0].reshape(u.shape)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_lies_between_its_colours_and_varies(pattern):
    colors = _wall(pattern)
    low, high = linear_from_srgb(np.array([[*DARK], [*BRIGHT]]))[:, 0]
    assert colors.min() > 0.6 * low
    assert colors.max() < 1.3 * high
    assert (np.ptp(colors) < 1e-6) == (pattern == "plain")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_belong_to_the_object(pattern):
    assert (
        np.allclose(_wall(pattern), _wall(pattern, turned=True), atol=0.05)
        or (np.abs(_wall(pattern) - _wall(pattern, turned=True)) > 0.05).mean() < 0.06
    )  # float32 moves edges of a pattern by a sample


def test_tiles_repeat_and_their_joints_are_lines():
    colors = _wall("tiles")
    joint = colors > 0.5 * colors.max()
    assert joint.mean() == pytest.approx(2 * 0.007 / SCALE_M, rel=0.5)
    assert np.array_equal(joint[:, :160], joint[:, 40:])
    assert joint.any(axis=1).all()


def test_stripes_run_along_one_direction():
    colors = _wall("stripes")
    assert np.ptp(colors, axis=0).max() < 1e-6
    assert np.ptp(colors, axis=1).min() > 0.3


@pytest.mark.parametrize("pattern", ["stripes", "checks", "dots", "tiles"])
def test_patterns_finer_than_a_pixel_fade_to_their_mean(pattern):
    near, far = _wall(pattern), _wall(pattern, pixel_m=1.0)
    assert far.std() < 0.1 * near.std()
    assert far.mean() == pytest.approx(near.mean(), abs=0.08)
