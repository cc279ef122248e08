"""Confusion, scores and agreement: hand-computed cases, and random ones against the slow versions."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ops.metrics import agreement, confusion, counted_classes, coverage, scores_from_confusion
from ops.metrics_reference import agreement_reference, confusion_reference, iou_reference


def test_confusion_counts_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2, -1, 255])
    pred = np.array([0, 1, -1, 1, 1, 0, 2, 2])
    expected = [[1, 1, 0, 1], [0, 2, 0, 0], [1, 0, 0, 0]]
    assert confusion(pred, truth, 3).tolist() == expected
    assert confusion(pred, truth, 3).dtype == np.int64


def test_scores_by_hand_in_both_conventions() -> None:
    # Class 0: TP 1, FP 1, FN 2 -> 1/4; class 1: TP 2, FP 1 -> 2/3; class 2: 0/1; class 3 has no truth.
    matrix = np.array([[1, 1, 0, 0, 1], [0, 2, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    scores = scores_from_confusion(matrix)
    np.testing.assert_allclose(scores.iou, [1 / 4, 2 / 3, 0, np.nan])
    np.testing.assert_allclose(scores.accuracy, [1 / 3, 1, 0, np.nan])
    assert scores.miou == pytest.approx((1 / 4 + 2 / 3) / 3)
    assert scores.miou_all == pytest.approx((1 / 4 + 2 / 3) / 4)
    assert scores.macc == pytest.approx((1 / 3 + 1) / 3)
    assert scores.macc_all == pytest.approx((1 / 3 + 1) / 4)
    assert scores.point_accuracy == pytest.approx(3 / 6)
    assert scores.num_truth.tolist() == [3, 2, 1, 0]


TRUE = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, -1, -1, 255]
SAID = [0, 0, 0, 1, -1, 1, 1, 0, 4, -1, -1, 3, 3, -1, 0]
"""Class 2 gets no prediction, class 4 has no ground truth, three points are unlabelled."""


def test_the_whole_way_by_hand() -> None:
    matrix = confusion(np.array(SAID), np.array(TRUE), 5)
    assert matrix.tolist() == [
        [3, 1, 0, 0, 0, 1],
        [1, 2, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 2],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    scores = scores_from_confusion(matrix)
    np.testing.assert_allclose(scores.iou, [0.5, 0.4, 0.0, 1.0, np.nan])
    np.testing.assert_allclose(scores.accuracy, [0.6, 0.5, 0.0, 1.0, np.nan])
    assert scores.num_truth.tolist() == [5, 4, 2, 1, 0]
    assert scores.miou == pytest.approx(0.475)
    assert scores.miou_all == pytest.approx(0.38)
    assert scores.macc == pytest.approx(0.525)
    assert scores.macc_all == pytest.approx(0.42)
    assert scores.point_accuracy == pytest.approx(0.5)


def test_points_without_a_prediction_left_out_by_hand() -> None:
    matrix = confusion(np.array(SAID), np.array(TRUE), 5)
    matrix[:, -1] = 0
    scores = scores_from_confusion(matrix)
    np.testing.assert_allclose(scores.iou, [0.6, 0.4, np.nan, 1.0, np.nan])
    np.testing.assert_allclose(scores.accuracy, [0.75, 0.5, np.nan, 1.0, np.nan])
    assert scores.miou == pytest.approx(2 / 3)
    assert scores.miou_all == pytest.approx(0.4)
    assert scores.macc == pytest.approx(0.75)
    assert scores.macc_all == pytest.approx(0.45)
    assert scores.point_accuracy == pytest.approx(2 / 3)


def test_void_classes_shrink_both_divisors_by_hand() -> None:
    matrix = confusion(np.array(SAID), np.array(TRUE), 5)
    scores = scores_from_confusion(matrix, counted=counted_classes(5, [3]))
    np.testing.assert_allclose(scores.iou, [0.5, 0.4, 0.0, np.nan, np.nan])
    assert scores.miou == pytest.approx(0.3)
    assert scores.miou_all == pytest.approx(0.225)
    assert scores.point_accuracy == pytest.approx(5 / 11)


@pytest.mark.parametrize("marker", [-1, 255])
def test_unlabelled_points_change_nothing(marker: int) -> None:
    labelled = confusion(np.array(SAID[:12]), np.array(TRUE[:12]), 5)
    extra = np.array(TRUE[:12] + [marker] * 6)
    said = np.array([*SAID[:12], -1, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(confusion(said, extra, 5), labelled)


def test_a_row_that_says_nothing_scores_zero_not_nan() -> None:
    scores = scores_from_confusion(confusion(np.full(3, -1), np.array([0, 1, 1]), 3))
    assert scores.iou[:2].tolist() == [0, 0]
    assert (scores.miou, scores.miou_all, scores.macc, scores.point_accuracy) == (0, 0, 0, 0)


def test_a_class_predicted_but_never_true_lowers_the_others_only() -> None:
    scores = scores_from_confusion(confusion(np.array([0, 1]), np.array([0, 0]), 2))
    assert scores.iou[0] == pytest.approx(0.5)
    assert np.isnan(scores.iou[1])
    assert scores.miou == pytest.approx(0.5)
    assert scores.miou_all == pytest.approx(0.25)


def test_void_classes_are_not_counted() -> None:
    matrix = np.array([[4, 0, 0], [4, 0, 0]])
    scores = scores_from_confusion(matrix, counted=np.array([True, False]))
    assert scores.miou == scores.miou_all == 1.0
    assert scores.num_truth.tolist() == [4, 0]


def test_json_has_no_nan() -> None:
    empty = scores_from_confusion(np.zeros((3, 4), dtype=np.int64)).to_json()
    text = json.dumps(empty, allow_nan=False)
    assert json.loads(text)["miou"] is None
    assert json.loads(text)["iou"] == [None, None, None]


@pytest.mark.parametrize(("pred", "truth"), [([3], [0]), ([0], [3]), ([0], [-2]), ([0, 1], [0])])
def test_values_that_are_no_class_are_refused(pred: list[int], truth: list[int]) -> None:
    with pytest.raises(ValueError, match=r"label set of 3|predictions for"):
        confusion(np.array(pred), np.array(truth), 3)


def test_255_is_a_class_where_there_are_that_many() -> None:
    matrix = confusion(np.array([255, 255]), np.array([255, -1]), 300)
    assert matrix[255, 255] == 1
    assert matrix.sum() == 1


LABELS = hnp.arrays(np.int16, st.tuples(st.integers(0, 40), st.just(4)), elements=st.integers(-1, 4))


@given(LABELS)
def test_fast_equals_slow(labels: np.ndarray) -> None:
    pred, truth = labels[:, 0], labels[:, 1]
    matrix = confusion(pred, truth, 5)
    np.testing.assert_array_equal(matrix, confusion_reference(pred, truth, 5))
    scores = scores_from_confusion(matrix)
    iou, accuracy = iou_reference(pred, truth, 5)
    np.testing.assert_allclose(scores.iou, iou)
    np.testing.assert_allclose(scores.accuracy, accuracy)
    agree, both = agreement_reference(labels)
    for block in (3, 65536):
        counted = agreement(labels, block=block)
        np.testing.assert_array_equal(counted.agree, agree)
        np.testing.assert_array_equal(counted.both, both)


@given(LABELS, st.integers(0, 40))
def test_confusions_of_parts_add_up(labels: np.ndarray, cut: int) -> None:
    whole = confusion(labels[:, 0], labels[:, 1], 5)
    parts = [confusion(part[:, 0], part[:, 1], 5) for part in (labels[:cut], labels[cut:])]
    np.testing.assert_array_equal(whole, parts[0] + parts[1])


def test_agreement_and_coverage_by_hand() -> None:
    labels = np.array([[0, 0, -1], [1, 2, -1], [-1, 1, -1], [3, 3, -1]])
    result = agreement(labels)
    np.testing.assert_allclose(result.share[0], [1, 2 / 3, np.nan])
    np.testing.assert_allclose(result.both_share, [[0.75, 0.75, 0], [0.75, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(result.coverage, [0.75, 1, 0])
    np.testing.assert_allclose(coverage(labels), [0.75, 1, 0])


def test_no_points_is_undefined_not_zero() -> None:
    labels = np.zeros((0, 2), dtype=np.int16)
    assert np.isnan(coverage(labels)).all()
    assert np.isnan(agreement(labels).share).all()
    assert np.isnan(agreement(labels).coverage).all()
