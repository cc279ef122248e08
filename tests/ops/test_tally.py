"""Adding scenes up: counts, not scores, are summed; what does not belong together is left out and said."""

import json
from typing import Any

import numpy as np
import pytest

from ops.metrics import confusion
from ops.tally import SceneTally, Summary, summarise, tally_scene

ROWS = ("lift/one", "fuse", "student")
NAMES = ("chair", "table", "wall")

TRUE_A = np.array([0, 0, 0, 1, -1], dtype=np.int16)
LABEL_A = np.array([[0, -1, 1, -1, 0], [0, 0, -1, 1, 0], [0, 0, 1, 1, 2]], dtype=np.int16).T
TRUE_B = np.array([1, 1, 0], dtype=np.int16)
LABEL_B = np.array([[1, 0, -1], [1, 1, 1], [1, 1, 0]], dtype=np.int16).T


def tally(
    label: np.ndarray, truth: np.ndarray | None, *, attrs: dict[str, Any] | None = None, **metrics: Any
) -> SceneTally:
    matrices = None if truth is None else np.stack([confusion(column, truth, 3) for column in label.T])
    return tally_scene(
        label,
        attrs={"rows": list(ROWS), "names": list(NAMES), "protocol": "single", **(attrs or {})},
        metrics=metrics,
        truth=truth,
        matrices=matrices,
    )


def row(summary: Summary, name: str) -> Any:
    return next(found for found in summary.rows if found.row == name)


def test_two_scenes_by_hand() -> None:
    summary = summarise([tally(LABEL_A, TRUE_A), tally(LABEL_B, TRUE_B)])
    assert (summary.num_scenes, summary.num_labelled) == (2, 2)
    fuse = row(summary, "fuse")
    # chair: 2 right, 1 nothing, 1 as table; table: 3 right
    assert fuse.confusion.tolist() == [[2, 1, 0, 1], [0, 3, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(fuse.everywhere.iou, [0.5, 0.75, np.nan])
    assert fuse.everywhere.miou == pytest.approx(0.625)
    assert fuse.everywhere.miou_all == pytest.approx(1.25 / 3)
    assert fuse.on_seen.macc == pytest.approx((2 / 3 + 1) / 2)
    assert fuse.coverage == pytest.approx(7 / 8)
    student = row(summary, "student")
    assert student.confusion.tolist() == [[3, 1, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0]]
    # on the seven points that the fusion says something about, the last of scene a unlabelled
    assert student.on_seen.num_truth.tolist() == [3, 3, 0]
    assert student.on_seen.miou == pytest.approx(1.0)


def test_it_is_not_the_mean_over_scenes() -> None:
    scenes = [tally(LABEL_A, TRUE_A), tally(LABEL_B, TRUE_B)]
    together = row(summarise(scenes), "lift/one").everywhere.miou
    alone = [row(summarise([scene]), "lift/one").everywhere.miou for scene in scenes]
    assert together == pytest.approx((1 / 5 + 1 / 4) / 2)
    assert together != pytest.approx(np.mean(alone))


def test_order_and_grouping_change_nothing() -> None:
    scenes = [tally(LABEL_A, TRUE_A), tally(LABEL_B, TRUE_B), tally(LABEL_B, None)]
    forward, backward = summarise(scenes).to_json(), summarise(scenes[::-1]).to_json()
    assert forward == backward
    json.dumps(forward, allow_nan=False)


def test_scenes_without_truth_count_for_coverage_and_agreement_alone() -> None:
    summary = summarise([tally(LABEL_A, TRUE_A), tally(LABEL_B, None)])
    assert (summary.num_scenes, summary.num_labelled) == (2, 1)
    one = row(summary, "lift/one")
    assert one.coverage == pytest.approx(5 / 8)
    assert one.agreement["fuse"] == pytest.approx(3 / 4)
    assert one.everywhere.num_truth.tolist() == [3, 1, 0]
    alone = row(summarise([tally(LABEL_B, None)]), "lift/one")
    assert alone.everywhere is alone.on_seen is alone.confusion is None


def test_void_classes_are_those_of_the_run() -> None:
    summary = summarise([tally(LABEL_A, TRUE_A, void=[1])])
    assert row(summary, "fuse").everywhere.num_truth.tolist() == [3, 0, 0]
    assert row(summary, "fuse").everywhere.miou_all == pytest.approx((2 / 3) / 2)


@pytest.mark.parametrize(
    "other",
    [
        {"attrs": {"names": ["bed", "table", "wall"]}},
        {"attrs": {"protocol": "openscene (5 turned passes, seed 0)"}},
        {"void": [2]},
    ],
)
def test_scenes_of_another_kind_are_left_out_and_said(other: dict[str, Any]) -> None:
    summary = summarise([tally(LABEL_A, TRUE_A), tally(LABEL_B, TRUE_B, **other)])
    assert summary.to_json()["rows"] == summarise([tally(LABEL_A, TRUE_A)]).to_json()["rows"]
    assert summary.num_scenes == 1
    assert summary.notes[-1].startswith("1 scene(s) of another")


def test_a_row_that_a_scene_lacks_is_summed_over_the_others() -> None:
    more = np.c_[LABEL_A, np.array([0, 0, 0, 1, 1], dtype=np.int16)]
    rows = [*ROWS, "fuse/oracle_capability"]
    summary = summarise([tally(more, TRUE_A, attrs={"rows": rows}), tally(LABEL_B, None)])
    oracle = row(summary, "fuse/oracle_capability")
    assert (oracle.num_scenes, oracle.coverage) == (1, 1.0)
    assert oracle.everywhere.miou == pytest.approx(1.0)
