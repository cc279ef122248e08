import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from report.overlays import frame_pictures, label_overlay
from storage.store import Store
from tests import factories_report as factory


def decoded(address: str) -> np.ndarray:
    body = address.split(",", 1)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA"))


def test_an_overlay_has_the_classes_colours_and_is_clear_elsewhere() -> None:
    labels = np.array([[-1, 0, 0], [2, 0, -1]])
    known = {"chair": (10, 20, 30), "table": (40, 50, 60)}
    overlay = label_overlay(labels, ["chair", "bed", "table"], known)
    pixels = decoded(overlay["picture"])
    assert pixels[0, 0, 3] == 0
    assert pixels[1, 2, 3] == 0
    assert pixels[0, 1].tolist() == [10, 20, 30, 255]
    assert pixels[1, 0].tolist() == [40, 50, 60, 255]
    assert [item["name"] for item in overlay["legend"]] == ["chair", "table"]
    assert overlay["legend"][0]["share"] == 0.5


def test_an_image_without_any_label_is_clear() -> None:
    overlay = label_overlay(np.full((2, 3), -1), ["chair"], {})
    assert (decoded(overlay["picture"])[..., 3] == 0).all()
    assert overlay["legend"] == []


def test_frames_name_the_right_frame_and_each_teacher(tmp_path: Path) -> None:
    scene = factory.fill_scene(Store(tmp_path / "s", create=True), "room", points_per_m2=20)
    frames = frame_pictures(scene, teachers=factory.TEACHERS, known={})
    assert [frame["name"] for frame in frames] == [f"frame-{k:06d}" for k in (0, 3, 6, 9)]
    picture = decoded(frames[1]["picture"])[..., :3].astype(int)
    original = scene.array("ingest", "preview_color")[1].astype(int)
    assert np.abs(picture - original).mean() < 6
    assert [item["teacher"] for item in frames[0]["overlays"]] == list(factory.TEACHERS)
    label = scene.array(f"lift/{factory.TEACHERS[0]}", "preview_label")[2]
    np.testing.assert_array_equal(decoded(frames[2]["overlays"][0]["picture"])[..., 3] == 255, label >= 0)
