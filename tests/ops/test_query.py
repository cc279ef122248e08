"""Scores of points for a text, and the numbers that describe them, by hand."""

import numpy as np

from ops.query import histogram, query_scores, score_column, statistics, top_points


def test_scores_are_cosines_and_unseen_points_score_nothing() -> None:
    feat = np.array([[3.0, 4.0], [-2.0, 0.0], [0.0, 0.0], [0.0, 0.5]], dtype=np.float16)
    scores = query_scores(feat, np.array([1.0, 0.0], dtype=np.float32))
    np.testing.assert_allclose(scores, [0.6, -1, 0, 0], atol=1e-6)
    assert scores.dtype == np.float32
    assert score_column(scores, 1) == -1.0


def test_lengths_near_the_end_of_float16_do_not_overflow() -> None:
    feat = np.full((2, 4), 60_000, dtype=np.float16)
    assert np.allclose(query_scores(feat, np.full(4, 0.5, dtype=np.float32)), 1)


def test_the_best_points_come_first_and_ties_in_their_order() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.9], dtype=np.float32)
    assert top_points(scores, 3).tolist() == [1, 3, 2]
    assert top_points(scores, 10).tolist() == [1, 3, 2, 0]


def test_every_point_is_in_one_bin() -> None:
    counts, edges = histogram(np.array([0.0, 0.1, 0.6, 1.0], dtype=np.float32), 2)
    assert counts == [2, 2]
    assert edges == [0.0, 0.5, 1.0]


def test_statistics_by_hand() -> None:
    assert statistics(np.array([0, 1, 5])) == {"min": 0, "mean": 2, "max": 5, "zeros": 1 / 3}
    assert statistics(np.array([np.nan, 2.0, np.inf, 0.0])) == {"min": 0, "mean": 1, "max": 2, "zeros": 0.25}
    assert statistics(np.array([True, False]))["mean"] == 0.5
    assert statistics(np.array([np.nan])) == {"not_finite": 1.0}
    assert statistics(np.zeros((0, 3))) == statistics(np.array(["a"])) == {}
