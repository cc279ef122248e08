"""Superpoint means against a plain loop."""

import numpy as np

from ops.pool import superpoint_mean


def test_equals_a_loop_for_any_channel_count_and_type() -> None:
    rng = np.random.default_rng(0)
    for channels in (1, 64, 130):
        feat = rng.standard_normal((300, channels)).astype(np.float16)
        seen, ids = rng.random(300) < 0.6, rng.integers(0, 40, 300)
        ids[ids == 7] = 8
        mean, known = superpoint_mean(feat, seen, ids, 41)
        assert mean.dtype == np.float32
        for s in range(41):
            rows = seen & (ids == s)
            assert known[s] == rows.any()
            expected = feat[rows].astype(np.float64).mean(axis=0) if rows.any() else np.zeros(channels)
            np.testing.assert_allclose(mean[s], expected, atol=1e-6)
        assert not known[7]
        assert not known[40]


def test_order_of_points_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    feat, seen, ids = rng.standard_normal((200, 5)), rng.random(200) < 0.5, rng.integers(0, 9, 200)
    order = rng.permutation(200)
    one, two = superpoint_mean(feat, seen, ids, 9), superpoint_mean(feat[order], seen[order], ids[order], 9)
    np.testing.assert_allclose(one[0], two[0], atol=1e-6)
    np.testing.assert_array_equal(one[1], two[1])


def test_nothing_seen() -> None:
    mean, known = superpoint_mean(np.ones((3, 2)), np.zeros(3, dtype=bool), np.array([0, 1, 1]), 2)
    assert not mean.any()
    assert not known.any()
