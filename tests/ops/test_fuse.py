"""Fusion strategies on cases computed by hand, and what a fusion may not depend on.

Classes are the axes: text is the identity. Teacher 0 is good at class 0, teacher 1 at class 1.
"""

from typing import Any

import numpy as np
import pytest

from ops import fuse as fuse_module
from ops.fuse import Fusion, fuse, mask_features, oracle_capability
from schema.config_stages import FuseConfig
from schema.errors import ConfigError, SpaceMismatchError
from schema.records import MaskLift

TEXT = np.eye(3)
TABLE = np.array([[0.8, 0.2, 0.5], [0.4, 0.6, 0.3]])
A, B, C = np.eye(3)


def _fuse(
    rows: list[tuple[Any, ...]], *, table: np.ndarray | None = TABLE, other: int | None = None, **config: Any
) -> Fusion:
    """Rows are points, columns teachers; None: the teacher did not see the point."""
    seen = np.array([[vector is not None for vector in row] for row in rows])
    features = [
        np.array([np.full(3, 9.0) if row[t] is None else row[t] for row in rows]) for t in range(len(rows[0]))
    ]
    return fuse(features, seen, text=TEXT, capability=table, config=FuseConfig(**config), other_index=other)


def _softmax(*scores: float) -> np.ndarray:
    raised = np.exp(np.array(scores))
    return raised / raised.sum()


def test_capability_by_hand() -> None:
    # labels 0 and 1: P_0 = (0.8 + 0.2) / 2 = 0.5, P_1 = (0.4 + 0.6) / 2 = 0.5
    # labels 0 and 2: P_0 = (0.8 + 0.5) / 2 = 0.65, P_1 = (0.4 + 0.3) / 2 = 0.35
    fusion = _fuse([(2 * A, 5 * B), (A, C)], temperature=0.1)
    w = _softmax(6.5, 3.5)
    np.testing.assert_allclose(fusion.weight, [[0.5, 0.5], w], rtol=1e-6)
    np.testing.assert_allclose(fusion.feat, [0.5 * A + 0.5 * B, w[0] * A + w[1] * C], rtol=1e-6)
    assert fusion.teacher_label.tolist() == [[0, 1], [0, 2]]
    assert fusion.label.tolist() == [0, 0]
    assert fusion.feat.dtype == fusion.weight.dtype == np.float32


def test_sum_normalised_by_hand() -> None:
    # P = 0.65, 0.35 sums to 1 already; labels 0, 0 give P = 0.8, 0.4 -> 2/3, 1/3
    fusion = _fuse([(A, C), (A, A)], temperature=0.1, sum_normalised=True)
    np.testing.assert_allclose(fusion.weight, [_softmax(6.5, 3.5), _softmax(20 / 3, 10 / 3)], rtol=1e-6)


def test_one_teacher_alone_is_used_as_it_is() -> None:
    for strategy in (
        "capability",
        "best_teacher",
        "winner_takes_all",
        "add",
        "linear",
        "shuffled_capability",
    ):
        fusion = _fuse([(None, 3 * B), (A, None), (None, None)], strategy=strategy)
        assert fusion.weight.tolist() == [[0, 1], [1, 0], [0, 0]]
        assert fusion.feat.tolist() == [B.tolist(), A.tolist(), [0, 0, 0]]
        assert fusion.seen.tolist() == [True, True, False]
        assert fusion.teacher_label.tolist() == [[-1, 1], [0, -1], [-1, -1]]
        assert fusion.label.tolist() == [1, 0, -1]


def test_a_feature_without_length_is_not_seen() -> None:
    fusion = _fuse([(0 * A, B), (0 * A, 0 * A)])
    assert fusion.weight.tolist() == [[0, 1], [0, 0]]
    assert fusion.seen.tolist() == [True, False]
    assert fusion.teacher_label[0].tolist() == [-1, 1]


def test_winner_takes_all_by_hand() -> None:
    # labels 1, 1: P = 0.2, 0.6; labels 0, 2: P = 0.65, 0.35; labels 0, 1: a tie, which goes to the first
    fusion = _fuse([(B, B), (A, C), (A, B)], strategy="winner_takes_all")
    assert fusion.weight.tolist() == [[0, 1], [1, 0], [1, 0]]


def test_best_teacher_by_hand() -> None:
    # mean capabilities 0.5 and 0.4333: the first wins wherever it saw the point
    assert _fuse([(B, B), (None, B)], strategy="best_teacher").weight.tolist() == [[1, 0], [0, 1]]
    # with class 0 unknown to the first: 0.35 against 0.4333
    table = TABLE.copy()
    table[0, 0] = np.nan
    assert _fuse([(B, B)], table=table, strategy="best_teacher").weight.tolist() == [[0, 1]]


def test_add_by_hand() -> None:
    fusion = _fuse([(3 * A, B)], table=None, strategy="add")
    assert fusion.feat.tolist() == [[0.5, 0.5, 0]]  # unit features first: lengths do not count


def test_linear_by_hand() -> None:
    # highest similarities: 1 and 0.8; (0, -1, 0) is nearest to class 0 or 2 with similarity 0
    fusion = _fuse([(A, [0.6, 0.8, 0]), (A, -B), (-(A + B + C), -(A + B + C))], strategy="linear")
    np.testing.assert_allclose(fusion.weight, [[1 / 1.8, 0.8 / 1.8], [1, 0], [0.5, 0.5]], rtol=1e-6)


def test_unknown_capability() -> None:
    table = np.array([[0.8, np.nan, np.nan], [0.4, np.nan, 0.3]])
    fusion = _fuse([(A, B), (B, B), (C, B), (A, C)], table=table, temperature=0.1)
    # class 1 has no capability: of labels 0, 1 only class 0 counts
    np.testing.assert_allclose(fusion.weight[0], _softmax(8, 4), rtol=1e-6)
    # nothing known, or not for both teachers: alike
    np.testing.assert_allclose(fusion.weight[1:3], 0.5)
    # P_0 knows class 0 alone: 0.8; P_1 = (0.4 + 0.3) / 2
    np.testing.assert_allclose(fusion.weight[3], _softmax(8, 3.5), rtol=1e-6)


def test_other_has_no_capability() -> None:
    known = _fuse([(A, C)], temperature=0.1, other=2)
    np.testing.assert_allclose(
        known.weight[0], _softmax(8, 4), rtol=1e-6
    )  # class 2's 0.5 and 0.3 do not count


def test_keep_first_on_other() -> None:
    rows = [(C, B), (B, C), (None, C)]
    kept = _fuse(rows, other=2, keep_first_on_other=True)
    assert kept.weight[[0, 2]].tolist() == [[1, 0], [0, 1]]
    np.testing.assert_array_equal(kept.weight[1], _fuse(rows, other=2).weight[1])  # no symmetric rule
    assert kept.feat[0].tolist() == C.tolist()


def test_without_a_table_all_count_alike() -> None:
    assert _fuse([(A, B)], table=None).weight.tolist() == [[0.5, 0.5]]


def test_three_teachers_by_hand() -> None:
    table = np.array([[0.9, 0.1, 0.0], [0.3, 0.5, 0.0], [0.6, 0.6, 0.0]])
    fusion = _fuse([(A, B, A), (A, None, B)], table=table, temperature=0.5)
    third = [(0.9 + 0.1 + 0.9) / 3, (0.3 + 0.5 + 0.3) / 3, 0.6]
    np.testing.assert_allclose(fusion.weight[0], _softmax(*np.array(third) / 0.5), rtol=1e-6)
    two = _softmax(0.5 / 0.5, 0.6 / 0.5)
    np.testing.assert_allclose(fusion.weight[1], [two[0], 0, two[1]], rtol=1e-6)
    np.testing.assert_allclose(fusion.feat[1], two[0] * A + two[1] * B, rtol=1e-6)


def _random(num_points: int = 500) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((num_points, 16)).astype(np.float16) for _ in range(3)]
    text = rng.standard_normal((7, 16))
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    return features, rng.random((num_points, 3)) < 0.7, text, rng.random((3, 7))


def _equal(one: Fusion, two: Fusion) -> None:
    for name in ("feat", "seen", "weight", "teacher_label", "label"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_shuffling_is_seeded_and_moves_only_known_scores() -> None:
    features, seen, text, table = _random()
    table[1, 2] = np.nan

    def run(strategy: str, seed: int) -> Fusion:
        config = FuseConfig(strategy=strategy, shuffle_seed=seed)
        return fuse(features, seen, text=text, capability=table, config=config)

    _equal(run("shuffled_capability", 1), run("shuffled_capability", 1))
    assert (run("shuffled_capability", 1).weight != run("shuffled_capability", 2).weight).any()
    assert (run("shuffled_capability", 1).weight != run("capability", 1).weight).any()
    shuffled = fuse_module.shuffle_classes(table, 1)
    np.testing.assert_array_equal(np.isnan(shuffled), np.isnan(table))
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), np.sort(table, axis=1))
    moved = [
        tuple(np.argsort(row)) for row in fuse_module.shuffle_classes(np.tile(np.arange(7.0), (3, 1)), 1)
    ]
    assert len(set(moved)) == 3  # each teacher has a permutation of its own


def test_rows_are_independent(monkeypatch: pytest.MonkeyPatch) -> None:
    features, seen, text, table = _random()
    whole = fuse(features, seen, text=text, capability=table, config=FuseConfig())
    order = np.random.default_rng(1).permutation(len(seen))
    turned = fuse([f[order] for f in features], seen[order], text=text, capability=table, config=FuseConfig())
    np.testing.assert_allclose(whole.feat[order], turned.feat, atol=1e-6)
    np.testing.assert_array_equal(whole.label[order], turned.label)
    monkeypatch.setattr(fuse_module, "_ROWS", 64)
    blocks = fuse(features, seen, text=text, capability=table, config=FuseConfig())
    np.testing.assert_allclose(whole.feat, blocks.feat, atol=1e-6)
    np.testing.assert_array_equal(whole.teacher_label, blocks.teacher_label)


def test_order_of_teachers_is_carried_through() -> None:
    features, seen, text, table = _random()
    one = fuse(features, seen, text=text, capability=table, config=FuseConfig())
    two = fuse(features[::-1], seen[:, ::-1], text=text, capability=table[::-1], config=FuseConfig())
    np.testing.assert_allclose(one.weight, two.weight[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(one.feat, two.feat, atol=1e-6)


def test_weights_sum_to_one_where_seen() -> None:
    features, seen, text, table = _random()
    for strategy in (
        "capability",
        "best_teacher",
        "winner_takes_all",
        "add",
        "linear",
        "shuffled_capability",
    ):
        fusion = fuse(features, seen, text=text, capability=table, config=FuseConfig(strategy=strategy))
        np.testing.assert_allclose(fusion.weight.sum(axis=1), seen.any(axis=1), atol=1e-6)
        assert not fusion.weight[~seen].any()


def test_mask_features_by_hand() -> None:
    lift = MaskLift(
        row_start=np.array([0, 2, 2, 3]),
        caption_id=np.array([0, 1, 1], dtype=np.int32),
        count=np.array([3, 1, 2], dtype=np.int32),
        captions=("a chair", "a table"),
        caption_labels=("chair", "table"),
        num_views=np.array([4, 0, 2], dtype=np.int32),
    )
    feat = mask_features(lift, np.array([[1.0, 0], [0, 1]], dtype=np.float32))
    assert feat.tolist() == [[0.75, 0.25], [0, 0], [0, 1]]
    with pytest.raises(SpaceMismatchError, match="2 captions but 3"):
        mask_features(lift, np.eye(3))


def test_oracle_capability_by_hand() -> None:
    predicted = np.array([0, 0, 1, 1, -1, 2])
    truth = np.array([0, 1, 1, 1, 1, -1])
    np.testing.assert_allclose(oracle_capability(predicted, truth, 4), [1 / 2, 2 / 3, np.nan, np.nan])


def test_what_is_refused() -> None:
    for strategy in ("best_teacher", "winner_takes_all"):
        with pytest.raises(
            ConfigError, match=r"fuse\.strategy.*needs a capability table; set fuse\.capability"
        ):
            _fuse([(A, B)], table=None, strategy=strategy)
    with pytest.raises(ConfigError, match="has no class 'other'"):
        _fuse([(A, B)], keep_first_on_other=True)
    with pytest.raises(ConfigError, match="not 2 teachers x 3 classes"):
        _fuse([(A, B)], table=TABLE[:, :2])
    with pytest.raises(SpaceMismatchError, match=r"teacher 0.*3 channels, the texts 4"):
        fuse(
            [np.ones((1, 3))],
            np.ones((1, 1), dtype=bool),
            text=np.eye(4),
            capability=None,
            config=FuseConfig(),
        )
