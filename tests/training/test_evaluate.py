"""Evaluation of a scene and the sum over scenes, on a world small enough to check by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ops.metrics_reference import confusion_reference
from ops.tally import Summary, summarise, tally_scene
from schema.config_stages import EvaluateConfig, FuseConfig
from schema.errors import StoreError
from schema.labels import LabelSet
from schema.records import Truth
from training import evaluate as module
from training.evaluate import EvaluationInputs, evaluate_scene
from training.scene_evaluation import SceneEvaluation
from training.summarise import table_of

NAMES = ("chair", "table", "wall", "other")
TEXT = np.eye(4, 6, dtype=np.float32)


def label_set(names: Sequence[str] = NAMES, void: Sequence[str] = ()) -> LabelSet:
    return LabelSet(name="tiny", names=tuple(names), colors=((0, 0, 0),) * len(names), void=tuple(void))


def features(labels: Sequence[int]) -> np.ndarray:
    """The text vector of each label, at some length; zero for -1."""
    feat = 3.0 * TEXT[np.maximum(labels, 0)]
    return np.where(np.array(labels)[:, None] >= 0, feat, 0).astype(np.float16)


TRUE = [0, 0, 1, 1, 2, 2, -1, 0]
ONE = [0, 0, 0, 0, 2, -1, 2, 0]  # good at chairs, calls tables chairs
TWO = [2, 0, 1, 1, 2, 2, 2, -1]  # good at tables and walls
FUSED = [0, 0, 1, 1, 2, 2, 2, -1]
STUDENT = [0, 0, 1, 2, 2, 2, 2, 0]


def inputs(truth: bool = True, capability: np.ndarray | None = None) -> EvaluationInputs:
    labels = [ONE, TWO]
    return EvaluationInputs(
        teacher_names=("one", "two"),
        teacher_features=[features(row) for row in labels],
        seen=np.array(labels).T >= 0,
        fused=features(FUSED),
        fused_seen=np.array(FUSED) >= 0,
        student=features(STUDENT),
        capability=capability,
        truth=Truth(np.array(TRUE), np.zeros(8, int), NAMES) if truth else None,
    )


TABLE = np.array([[0.9, 0.1, 0.5, np.nan], [0.2, 0.9, 0.6, np.nan]])


def evaluated(
    given: EvaluationInputs,
    *,
    strategy: str = "capability",
    labels: LabelSet | None = None,
    shuffles: int = 10,
) -> SceneEvaluation:
    return evaluate_scene(
        given,
        text=TEXT[: len((labels or label_set()).names)],
        vocabulary_text=TEXT,
        label_set=labels or label_set(),
        vocabulary=label_set(),
        fuse_config=FuseConfig(strategy=strategy),
        config=EvaluateConfig(num_shuffles=shuffles),
    )


def test_rows_labels_and_confusions_are_those_of_the_features() -> None:
    result = evaluated(inputs(capability=TABLE))
    assert result.rows[:2] == ("lift/one", "lift/two")
    assert result.rows[-2:] == ("fuse", "student")
    for row, expected in (("lift/one", ONE), ("lift/two", TWO), ("fuse", FUSED), ("student", STUDENT)):
        r = result.rows.index(row)
        assert result.label[:, r].tolist() == expected
        np.testing.assert_array_equal(
            result.confusion[r], confusion_reference(np.array(expected), np.array(TRUE), 4)
        )
    assert result.truth_label.tolist() == TRUE
    np.testing.assert_allclose(result.coverage[[0, 1, -1]], [7 / 8, 7 / 8, 1])
    assert result.score[:, 0].tolist() == [1, 1, 1, 1, 1, 0, 1, 1]


def test_every_control_is_a_row_or_a_note() -> None:
    for capability, truth in ((None, False), (None, True), (TABLE, False), (TABLE, True)):
        result = evaluated(inputs(truth=truth, capability=capability))
        weighted = "capability" if capability is not None else "uniform"
        named = ("add", "linear", weighted, "best_teacher", "winner_takes_all", "shuffled_capability")
        for control in (*named, "oracle_capability"):
            row = f"fuse/{control}"
            noted = [
                note for note in result.notes if note.startswith(f"{row}: not") or "is the chosen" in note
            ]
            noted = [note for note in noted if note.startswith(f"{row}:")]
            assert (row in result.rows) != bool(noted), (row, result.notes)
        assert ("fuse/oracle_capability" in result.rows) == truth
        assert ("fuse/best_teacher" in result.rows) == (capability is not None)


def test_capability_and_oracle_choose_the_better_teacher() -> None:
    result = evaluated(inputs(capability=TABLE), strategy="add")
    weighed = result.label[:, result.rows.index("fuse/capability")].tolist()
    # Point 2: one says chair, two says table; two is the better one on average of the two classes.
    by_hand = [(TABLE[:, ONE[n]] + TABLE[:, TWO[n]]).argmax() for n in range(5)]
    assert weighed[:5] == [(ONE, TWO)[t][n] for n, t in enumerate(by_hand)]
    oracle = result.label[:, result.rows.index("fuse/oracle_capability")].tolist()
    assert oracle[2:4] == [1, 1]


def test_the_shuffled_control_is_counted_per_permutation() -> None:
    result = evaluated(inputs(capability=TABLE), shuffles=10)
    assert result.shuffles.shape == (10, 4, 5)
    assert (result.shuffles.sum(axis=(1, 2)) == 7).all()
    row = result.rows.index("fuse/shuffled_capability")
    np.testing.assert_array_equal(result.confusion[row], result.shuffles.sum(axis=0))
    first = confusion_reference(result.label[:, row], np.array(TRUE), 4)
    np.testing.assert_array_equal(result.shuffles[0], first)
    assert len({matrix.tobytes() for matrix in result.shuffles}) > 1


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluated(inputs(capability=TABLE))
    monkeypatch.setattr(module, "BLOCK", 3)
    parts = evaluated(inputs(capability=TABLE))
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, parts.arrays()[name], err_msg=name)
    np.testing.assert_array_equal(whole.shuffles, parts.shuffles)


def test_void_classes_are_neither_predicted_nor_counted() -> None:
    result = evaluated(inputs(), labels=label_set(void=["wall"]))
    assert not (result.label == 2).any()
    assert result.void == (2,)
    assert result.confusion[0].sum() == 5
    assert "2 points of classes tiny does not count" in "".join(result.notes)


def test_truth_is_matched_by_name() -> None:
    given = inputs()
    order = ("wall", "ghost", "chair", "table")
    shuffled = {0: 2, 1: 3, 2: 0, -1: -1}
    truth = Truth(np.array([shuffled[k] for k in TRUE[:7]] + [1]), np.zeros(8, int), order)
    result = evaluated(replace(given, truth=truth))
    assert result.truth_label.tolist() == [*TRUE[:7], -1]
    assert any("ghost" in note for note in result.notes)


def test_features_without_length_say_nothing_and_nan_is_refused() -> None:
    given = inputs(truth=False)
    student = given.student.copy()
    student[3] = 0
    result = evaluated(replace(given, student=student))
    assert result.label[3, -1] == -1
    assert result.confusion is None
    student[3] = np.nan
    with pytest.raises(StoreError, match="not finite"):
        evaluated(replace(given, student=student))


def test_one_teacher_needs_no_controls() -> None:
    given = inputs()
    alone = replace(
        given, teacher_names=("one",), teacher_features=given.teacher_features[:1], seen=given.seen[:, :1]
    )
    result = evaluated(alone)
    assert result.rows == ("lift/one", "fuse", "student")
    assert any("one teacher" in note for note in result.notes)


def summary_of(results: Sequence[SceneEvaluation]) -> Summary:
    tallies = []
    for result in results:
        attrs = {"rows": list(result.rows), "names": list(NAMES), "notes": list(result.notes)}
        metrics = json.loads(json.dumps(result.metrics(), allow_nan=False))
        arrays = result.arrays()
        tallies.append(
            tally_scene(
                arrays["label"],
                attrs=attrs,
                metrics=metrics,
                truth=arrays.get("truth_label"),
                matrices=arrays.get("confusion"),
            )
        )
    return summarise(tallies)


def test_summary_by_hand() -> None:
    summary = summary_of([evaluated(inputs(capability=TABLE))] * 2)
    one = summary.rows[0]
    # Labelled points: 7. one: chair TP 3, FP 2; table 0 of 2; wall TP 1, FN 1 (unseen).
    assert one.everywhere.miou == pytest.approx((3 / 5 + 0 + 1 / 2) / 3)
    assert one.everywhere.miou_all == pytest.approx((3 / 5 + 0 + 1 / 2) / 4)
    assert one.on_seen.miou == pytest.approx((3 / 5 + 0 + 1) / 3)
    assert one.on_seen.macc == pytest.approx((1 + 0 + 1) / 3)
    assert one.everywhere.num_truth.tolist() == [6, 4, 4, 0]
    student = next(row for row in summary.rows if row.row == "student")
    assert student.coverage == 1
    assert student.everywhere.num_truth.tolist() == [6, 4, 4, 0]
    assert student.on_seen.num_truth.tolist() == [4, 4, 4, 0]  # no teacher saw the last point
    assert one.agreement["lift/two"] == pytest.approx(3 / 6)
    shuffled = next(row for row in summary.rows if row.row == "fuse/shuffled_capability")
    assert len(shuffled.shuffle_miou) == 10
    json.dumps(summary.to_json(), allow_nan=False)


def test_tables_with_and_without_truth() -> None:
    scored = table_of(summary_of([evaluated(inputs(capability=TABLE)), evaluated(inputs(truth=False))]))
    assert all(len(row["cells"]) == len(scored["columns"]) for row in scored["rows"])
    assert "mIoU all classes" in scored["columns"]
    assert any("permutations" in note for note in scored["notes"])
    bare = table_of(summary_of([evaluated(inputs(truth=False))]))
    assert [row["name"] for row in bare["rows"]] == [
        "lift/one",
        "lift/two",
        "fuse/add",
        "fuse/linear",
        "fuse",
        "student",
    ]
    assert bare["columns"] == ["row", "coverage", "= lift/one", "= lift/two", "= fuse", "= student"]
    cells = bare["rows"][0]["cells"]
    assert cells[1:4] == [pytest.approx(7 / 8), 1.0, 0.5]
    json.dumps([scored, bare], allow_nan=False)
