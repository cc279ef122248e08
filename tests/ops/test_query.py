"""Scores of points for a text, and the numbers that describe them, by hand."""

import numpy as np

from ops.query import best_places, histogram, query_scores, relevance, statistics


def test_scores_are_cosines_and_unseen_points_score_nothing() -> None:
    feat = np.array([[3.0, 4.0], [-2.0, 0.0], [0.0, 0.0], [0.0, 0.5]], dtype=np.float16)
    scores = query_scores(feat, np.array([1.0, 0.0], dtype=np.float32))
    np.testing.assert_allclose(scores, [0.6, -1, 0, 0], atol=1e-6)
    assert scores.dtype == np.float32


def test_lengths_near_the_end_of_float16_do_not_overflow() -> None:
    feat = np.full((2, 4), 60_000, dtype=np.float16)
    assert np.allclose(query_scores(feat, np.full(4, 0.5, dtype=np.float32)), 1)


def test_the_best_places_come_first_by_the_mean_of_their_known_points() -> None:
    scores = np.array([0.2, 0.4, 0.9, 0.3, 1.0, 0.5, 0.5], dtype=np.float32)
    known = np.array([1, 1, 1, 1, 0, 1, 1], dtype=bool)
    place = np.array([4, 4, 2, 2, 2, 7, 7])
    points = np.arange(21, dtype=np.float64).reshape(7, 3)
    found = best_places(scores, scores / 2, known, place, points, count=2, min_points=2)
    assert found.superpoint.tolist() == [2, 7]
    np.testing.assert_allclose(found.relevance, [0.6, 0.5], atol=1e-6)
    np.testing.assert_allclose(found.score, [0.3, 0.25], atol=1e-6)
    assert found.num_points.tolist() == [2, 2]
    assert found.centre_m.tolist() == [[7.5, 8.5, 9.5], [16.5, 17.5, 18.5]]
    assert found.size_m.tolist() == [[3, 3, 3], [3, 3, 3]]


def test_small_places_count_only_where_all_are_small() -> None:
    scores, place = np.array([0.9, 0.1, 0.2], dtype=np.float32), np.array([0, 1, 1])
    everywhere, points = np.ones(3, dtype=bool), np.zeros((3, 3))

    def found(known: np.ndarray, min_points: int) -> list[int]:
        places = best_places(scores, scores, known, place, points, count=9, min_points=min_points)
        ids: list[int] = places.superpoint.tolist()
        return ids

    assert found(everywhere, 2) == [1]
    assert found(everywhere, 3) == [0, 1]
    assert found(~everywhere, 2) == []


def test_relevance_is_the_share_of_a_text_among_the_names_that_mean_something_else() -> None:
    text, same, other = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    feat = np.array([[1.0, 0, 0], [1, 1, 0], [0, 2, 0]], dtype=np.float32)
    scores = query_scores(feat, text)
    found = relevance(scores, feat, text, np.stack([same, other]))
    np.testing.assert_allclose(found, [1 / (1 + np.exp(-20)), 0.5, 1 / (1 + np.exp(20))], rtol=1e-4)
    np.testing.assert_array_equal(relevance(scores, feat, text, same[None]), 1)


def test_an_unlike_thing_that_is_named_better_otherwise_is_less_relevant() -> None:
    seat, table = np.array([1.0, 0.0]), np.array([0.8, 0.6])
    feat = np.array(
        [[0.8, 0.6], [0.6, -0.8]]
    )  # a table; something a little like a seat and like nothing else
    scores = query_scores(feat, seat)
    assert scores[0] > scores[1]
    found = relevance(scores, feat, seat, table[None])
    assert found[0] < found[1]


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
