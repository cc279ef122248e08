import io
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PIL import Image

from report.layers import Layer
from report.live import LiveView, open_view, png_bytes, serve_scene
from report.live_scene import LiveScene, facing, layer_colors, load_live_scene, query_layer, seen_points
from report.palette import UNLABELLED
from schema.errors import SpaceMismatchError, StoreError, Teach3dError
from storage.store import Store, Unit
from tests import factories_report as factory
from tests.browser import Page, find_chromium


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    store = Store(tmp_path_factory.mktemp("live") / "s", create=True)
    return factory.fill_scene(store, "room", points_per_m2=40)


@pytest.fixture(scope="module")
def scene(unit: Unit) -> LiveScene:
    return load_live_scene(unit, teachers=factory.TEACHERS, known={})


def encode(text: str) -> tuple[np.ndarray, list[str]]:
    if text == "forbidden":
        raise Teach3dError("the text cannot be encoded", remedy="use other words")
    return factory.encode([text])[0], [word for word in text.split() if word == "foo"]


@pytest.fixture
def view(scene: LiveScene) -> Iterator[LiveView]:
    view = open_view(scene, port=18517, encode=encode)
    yield view
    view.stop()


def test_layers_and_features_come_from_the_store(scene: LiveScene, unit: Unit) -> None:
    assert scene.layers[0].key == "colour"
    assert {"student", "fused", "views"} <= {layer.key for layer in scene.layers}
    np.testing.assert_array_equal(scene.feat, unit.array("evaluate", "student_feat"))
    assert scene.text_space == "words:16:v1"


def test_label_colours_and_unlabelled() -> None:
    palette = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    layer = Layer("k", "n", "g", "labels", np.array([1, -1, 0]), ("a", "b"), palette)
    assert layer_colors(layer).tolist() == [[4, 5, 6], list(UNLABELLED), [1, 2, 3]]


def test_points_below_the_threshold_turn_grey() -> None:
    layer = Layer("k", "n", "g", "scalar", np.linspace(0, 1, 101, dtype=np.float32))
    everything, upper = layer_colors(layer), layer_colors(layer, threshold=0.5)
    changed = (everything != upper).any(axis=1)
    assert changed[:48].all()
    assert not changed[55:].any()


def test_a_closed_room_is_looked_into_from_outside(scene: LiveScene) -> None:
    above = np.array([2.5, 2.0, 9.0])
    front = facing(scene, above)
    z = scene.points_world[:, 2]
    assert not front[z > 2.4].all()  # the ceiling
    assert front[(z < 0.05) & (scene.normals[:, 2] > 0.9)].all()  # the floor
    moved = seen_points(scene, above)
    np.testing.assert_array_equal(moved[front], scene.points_world[front])
    assert moved[:, 2].max() < z.max()
    assert seen_points(scene, None) is scene.points_world


def test_a_query_scores_its_class_highest(scene: LiveScene, unit: Unit) -> None:
    layer = query_layer(scene, "chair", encode("chair")[0])
    is_chair = unit.array("evaluate", "label")[:, 3] == factory.NAMES.index("chair")
    assert layer.values[is_chair].min() > layer.values[~is_chair].max()


def test_the_view_serves_recolours_and_says_what_it_shows(view: LiveView) -> None:
    with urllib.request.urlopen(view.url, timeout=20) as answer:
        assert b"<html" in answer.read().lower()
    assert view.url.startswith("http://127.0.0.1:")
    plain = np.array(view._cloud.colors)
    view.show_layer("student")
    labelled = np.array(view._cloud.colors)
    view.show_query("foo chair")
    asked = np.array(view._cloud.colors)
    assert (plain != labelled).any()
    assert (labelled != asked).any()
    assert view.layer.key == "query:foo chair"
    assert "'foo'" in view.message
    view.show_query("  ")
    np.testing.assert_array_equal(view._cloud.colors, plain)


def test_it_listens_on_the_loopback_address_alone(view: LiveView) -> None:
    port = view.server.get_port()
    listening = [
        connection.laddr
        for connection in psutil.Process().net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    outside = {
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    }
    for address in outside:
        with socket.socket() as other:
            other.settimeout(5)
            assert other.connect_ex((address, port)) != 0


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
def test_a_picture_of_what_a_browser_shows_is_saved(scene: LiveScene, tmp_path: Path) -> None:
    view = open_view(scene, port=18540, encode=encode, pictures=tmp_path / "pictures")
    try:
        with Page(size=(400, 300)) as page:
            page.open(view.url)
            limit = time.monotonic() + 60
            while not view.server.get_clients() and time.monotonic() < limit:
                time.sleep(0.1)
            (client,) = view.server.get_clients().values()
            view.show_query("chair")
            time.sleep(1)
            view._save(SimpleNamespace(client=client))
            outside = [a for a in page.requests if a.startswith("http") and "//127.0.0.1" not in a]
        assert outside == []
    finally:
        view.stop()
    (saved,) = (tmp_path / "pictures").iterdir()
    assert saved.name == "room-query-chair.png"
    pixels = np.asarray(Image.open(saved))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    assert str(saved) in view.message


def test_a_refused_query_is_said_and_changes_nothing(view: LiveView) -> None:
    before = np.array(view._cloud.colors)
    view.show_query("forbidden")
    assert "cannot be encoded" in view.message
    np.testing.assert_array_equal(view._cloud.colors, before)


def test_another_text_space_is_refused(unit: Unit) -> None:
    with pytest.raises(SpaceMismatchError, match="words:16:v1"):
        serve_scene(unit, encode=encode, space="open_clip:other:12345678", port=18530)


def test_a_scene_without_a_cloud_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no cloud"):
        serve_scene(Store(tmp_path / "s", create=True).scene("none"), encode=None, space="", port=18531)


def test_pictures_are_png_without_alpha() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, 4), dtype=np.uint8)
    read = np.asarray(Image.open(io.BytesIO(png_bytes(pixels))))
    np.testing.assert_array_equal(read, pixels[..., :3])
