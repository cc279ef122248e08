import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.layers import Layer, collect_layers
from report.scene_payload import (
    choose_points,
    layer_json,
    pack,
    payload_script,
    quantise,
    scene_payload,
    script_json,
    unpack,
)
from storage.store import Store
from tests import factories_report as factory


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "uint32", "float32"])
@pytest.mark.parametrize("width", [1, 3])
def test_packing_is_undone(kind: str, width: int) -> None:
    values = (np.random.default_rng(0).random((1000, width)) * 255 - (100 if kind == "int8" else 0)).astype(
        kind
    )
    np.testing.assert_array_equal(unpack(pack(values), width), values)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 65535)] * 3), min_size=1, max_size=50))
def test_positions_survive_wrapped_differences(rows: list[tuple[int, int, int]]) -> None:
    values = np.array(rows, np.uint16)
    np.testing.assert_array_equal(unpack(pack(values), 3), values)


def test_quantised_positions_are_within_half_a_step() -> None:
    points = np.random.default_rng(0).normal(0, 3, (5000, 3)).astype(np.float32)
    values, origin, step = quantise(points)
    back = np.array(origin) + step * values
    assert np.abs(back - points).max() <= 0.5 * step * 1.001
    assert step < 0.0004


def test_one_point_can_be_quantised() -> None:
    values, origin, _ = quantise(np.array([[1.0, 2.0, 3.0]], np.float32))
    assert values.tolist() == [[0, 0, 0]]
    assert origin == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("num", "limit"), [(10, 100), (100, 100), (101, 100), (1_000_000, 1000)])
def test_points_are_chosen_evenly_and_once(num: int, limit: int) -> None:
    keep = choose_points(num, limit)
    assert len(keep) == min(num, limit)
    assert len(np.unique(keep)) == len(keep)
    assert keep[-1] < num
    steps = np.diff(keep)
    assert steps.max() - steps.min() <= 1


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "\u2028", "&amp;", "チェア"])
def test_text_cannot_leave_its_script(text: str) -> None:
    written = script_json({text: text})
    assert written.isascii()
    assert not set("<>&") & set(written)
    assert json.loads(written) == {text: text}


def test_values_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        script_json({"x": float("nan")})


def test_label_counts_and_unlabelled() -> None:
    layer = Layer(
        "k", "n", "g", "labels", np.array([0, 2, 2, -1]), ("a", "b", "c"), np.zeros((3, 3), np.uint8)
    )
    body = layer_json(layer)
    assert body["counts"] == [1, 0, 2]
    assert body["unlabelled"] == 1
    assert unpack(body["packed"]).ravel().tolist() == [0, 2, 2, 255]


@pytest.mark.parametrize(
    ("top", "type_", "none"), [(254, "u1", 255), (255, "u2", 65535), (70000, "u4", 2**32 - 1)]
)
def test_ids_take_the_bytes_they_need(top: int, type_: str, none: int) -> None:
    body = layer_json(Layer("k", "n", "g", "ids", np.array([0, top, -1])))
    assert body["packed"]["type"] == type_
    assert unpack(body["packed"]).ravel().tolist() == [0, top, none]


def test_scalars_keep_zero_for_unknown() -> None:
    body = layer_json(Layer("k", "n", "g", "scalar", np.array([0.0, 0.5, 1.0, np.nan], np.float32)))
    low, high = body["range"]
    values = unpack(body["packed"]).ravel()
    assert values[3] == 0
    assert body["unlabelled"] == 1
    back = low + (values[:3].astype(float) - 1) / 254 * (high - low)
    np.testing.assert_allclose(back, np.clip([0.0, 0.5, 1.0], low, high), atol=(high - low) / 254)


def test_view_counts_use_their_whole_range() -> None:
    body = layer_json(Layer("k", "n", "g", "scalar", np.array([0, 3, 9], np.float32)))
    assert body["range"] == [0.0, 9.0]


def test_a_scene_whose_scores_are_all_unknown_can_be_shown() -> None:
    body = layer_json(Layer("k", "n", "g", "scalar", np.full(3, np.nan, np.float32)))
    assert body["unlabelled"] == 3
    script_json(body)


def test_a_payload_holds_the_scene(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", create=True)
    scene = factory.fill_scene(store, "room", points_per_m2=40)
    points = scene.array("ingest", "points_world")
    keep = choose_points(len(points), 1000)
    layers = collect_layers(scene, keep, teachers=factory.TEACHERS, known={})
    payload = scene_payload("room", scene, keep, layers=layers, frames=[])
    assert payload["shown"] == 1000
    assert payload["numPoints"] == len(points)
    back = np.array(payload["origin"]) + payload["step"] * unpack(payload["positions"], 3)
    np.testing.assert_allclose(back, points[keep], atol=payload["step"])
    assert unpack(payload["cameras"], 15).shape == (12, 15)
    corners = unpack(payload["cameras"], 15)[0].reshape(5, 3)
    pose = scene.array("ingest", "world_from_cam")[0]
    np.testing.assert_allclose(corners[0], pose[:3, 3], atol=1e-5)
    assert ((corners[1:] - corners[0]) @ pose[:3, 2] > 0).all()  # the picture is in front of the camera
    assert payload_script(payload) == payload_script(
        scene_payload("room", scene, keep, layers=layers, frames=[])
    )
