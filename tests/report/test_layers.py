from pathlib import Path

import numpy as np
import pytest

from report.layers import collect_layers, cosine_scores, lifted_teachers, query_layers
from storage.store import Store, Unit
from tests import factories_report as factory


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    store = Store(tmp_path_factory.mktemp("layers") / "s", create=True)
    return factory.fill_scene(store, "room", points_per_m2=40)


def by_key(scene: Unit, keep: np.ndarray) -> dict:
    return {layer.key: layer for layer in collect_layers(scene, keep, teachers=factory.TEACHERS, known={})}


def test_every_stage_has_its_layer_in_reading_order(scene: Unit) -> None:
    keep = np.arange(0, 500, 7)
    layers = by_key(scene, keep)
    teachers = [f"teacher:{name}" for name in factory.TEACHERS]
    rest = ["fused", "student", "student-score", "truth"]
    assert list(layers) == ["colour", "superpoints", "views", *teachers, *rest]
    assert all(len(layer.values) == len(keep) for layer in layers.values())


def test_values_are_those_of_the_kept_points(scene: Unit) -> None:
    keep = np.arange(3, 900, 11)
    layers = by_key(scene, keep)
    np.testing.assert_array_equal(layers["fused"].values, scene.array("fuse", "label")[keep])
    np.testing.assert_array_equal(layers["student"].values, scene.array("evaluate", "label")[keep, 3])
    views = np.maximum(*(scene.array(f"lift/{name}", "num_views")[keep] for name in factory.TEACHERS))
    np.testing.assert_array_equal(layers["views"].values, views)
    np.testing.assert_array_equal(layers["truth"].values, scene.array("evaluate", "truth_label")[keep])


def test_a_class_has_one_colour_in_all_layers(scene: Unit) -> None:
    layers = by_key(scene, np.arange(10))
    np.testing.assert_array_equal(layers["fused"].colors, layers["student"].colors)


def test_missing_stages_only_lose_their_layers(tmp_path: Path) -> None:
    scene = factory.fill_scene(Store(tmp_path / "s", create=True), "room", points_per_m2=20, truth=False)
    scene.discard("evaluate")
    scene.discard(f"lift/{factory.TEACHERS[0]}")
    keys = list(by_key(scene, np.arange(5)))
    assert keys[-1] == "fused"
    assert "student" not in keys
    assert lifted_teachers(scene, factory.TEACHERS) == [factory.TEACHERS[1]]
    scene.discard("fuse")
    scene.discard("oversegment")
    assert list(by_key(scene, np.arange(5))) == ["colour", "views"]
    assert query_layers(scene, np.arange(5), ["chair"], factory.encode) == []


def test_queries_find_their_class(scene: Unit) -> None:
    keep = np.arange(0, len(scene.array("fuse", "label")), 3)
    chair, table, *fused = query_layers(scene, keep, ["a red chair", "table"], factory.encode)
    student = scene.array("evaluate", "label")[keep, 3]
    assert chair.key == "query-student:a red chair"
    assert [layer.key for layer in fused] == ["query-fused:a red chair", "query-fused:table"]
    for layer, name in ((chair, "chair"), (table, "table")):
        is_it = student == factory.NAMES.index(name)
        assert layer.values[is_it].min() > layer.values[~is_it].max()


def test_without_a_student_the_fused_features_answer_and_unseen_points_do_not(tmp_path: Path) -> None:
    scene = factory.fill_scene(Store(tmp_path / "s", create=True), "room", points_per_m2=20)
    scene.discard("evaluate")
    seen = scene.array("fuse", "seen")
    (layer,) = query_layers(scene, np.arange(len(seen)), ["chair"], factory.encode)
    np.testing.assert_array_equal(np.isfinite(layer.values), seen)
    assert "fused" in layer.note


def test_cosine_by_hand() -> None:
    feat = np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]], np.float16)
    scores = cosine_scores(feat, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(scores[[0, 2], 0], [0.6, -1.0], rtol=1e-6)
    assert np.isnan(scores[1, 0])
