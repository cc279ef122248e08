"""The LiteRT and ONNX adapters on tiny networks whose answer is known, and their files being wrong."""

import re
import sys

import numpy as np
import pytest

from models.teachers.litert import LitertTeacher
from models.teachers.onnx import OnnxTeacher
from models.teachers.outputs import read_scores
from models.teachers.pixels import fill_colour, to_tensor
from schema.config_models import LitertTeacherConfig, OnnxTeacherConfig
from schema.errors import MissingPartError, WeightsError
from tests.factories_networks import LABELS, PALETTE, picture, write_labels, write_litert, write_onnx

ALIASES = {"diningtable": "dining table", "bluething": "blue thing"}
NAMES = ("red thing", "dining table", "blue thing")
FORMATS = {
    "litert": (LitertTeacher, LitertTeacherConfig, write_litert),
    "onnx": (OnnxTeacher, OnnxTeacherConfig, write_onnx),
}
VARIANTS = [
    ("litert", {}),
    ("litert", {"label_map": True}),
    ("litert", {"quantised": True}),
    ("litert", {"quantised": True, "label_map": True}),
    ("onnx", {}),
    ("onnx", {"label_map": True}),
    ("onnx", {"channels_last": True}),
    ("onnx", {"hw": None}),
    ("onnx", {"hw": None, "label_map": True}),
    ("onnx", {"hw": (32, 32)}),
]


def teacher(tmp_path, kind, *, labels=LABELS, config=None, **network):
    build, config_type, write = FORMATS[kind]
    weights = write(tmp_path / f"net.{kind}", **network)
    files = {"weights": weights, "labels": write_labels(tmp_path / "labels.txt", labels)}
    return build(config_type(**files, min_mask_px=8, **(config or {})), aliases=ALIASES, device="cpu")


@pytest.mark.parametrize(("kind", "network"), VARIANTS)
def test_the_known_answer(tmp_path, kind, network):
    image, truth = picture()
    network_teacher = teacher(tmp_path, kind, **network)
    found = network_teacher.segment(image)
    assert network_teacher.labels == NAMES
    assert found.labels == NAMES
    np.testing.assert_array_equal(found.mask_map + 1, truth)
    sure = (1.0, 1.0) if network.get("label_map") else (0.9, 1.0 - 1e-4)
    assert ((found.confidence >= sure[0]) & (found.confidence <= sure[1])).all()


@pytest.mark.parametrize("kind", FORMATS)
def test_mean_and_std_reach_the_network(tmp_path, kind):
    image, truth = picture()
    wrong = teacher(tmp_path, kind, config={"mean": (0.0, 0.0, 0.0), "std": (3.0, 3.0, 3.0)}).segment(image)
    assert (wrong.mask_map + 1 != truth).mean() > 0.2


SHORT, LONG = LABELS[:3], (*LABELS, "more")
WRONG_COUNTS = [
    *((kind, label_map, SHORT) for kind in FORMATS for label_map in (False, True)),
    *((kind, False, LONG) for kind in FORMATS),
    ("litert", True, LONG),  # ONNX Runtime does not show how many classes an ArgMax chose from
]


@pytest.mark.parametrize(("kind", "label_map", "labels"), WRONG_COUNTS)
def test_label_file_of_another_length(tmp_path, kind, label_map, labels):
    image = np.broadcast_to(PALETTE[3], (48, 64, 3)).copy()  # the class a short file has no label for
    with pytest.raises(WeightsError) as caught:
        teacher(tmp_path, kind, labels=labels, label_map=label_map).segment(image)
    line = str(caught.value)
    assert str(tmp_path / "labels.txt") in line
    assert f"has {len(labels)} labels" in line
    if not (kind == "onnx" and label_map):
        assert f"net.{kind} has 4 outputs" in line


@pytest.mark.parametrize("label_map", [False, True])
def test_litert_counts_outputs_before_any_image(tmp_path, label_map):
    with pytest.raises(WeightsError, match=r"has 3 labels but net\.litert has 4 outputs"):
        teacher(tmp_path, "litert", labels=LABELS[:3], label_map=label_map)


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_corrupt_and_truncated_weights(tmp_path, kind):
    build, config_type, write = FORMATS[kind]
    labels = write_labels(tmp_path / "labels.txt")
    weights = tmp_path / "net"
    config = config_type(weights=weights, labels=labels)
    with pytest.raises(WeightsError, match=re.escape(str(weights)) + ".*does not exist"):
        build(config, aliases={}, device="cpu")
    weights.write_bytes(b"this is no network at all" * 10)
    with pytest.raises(
        WeightsError, match=re.escape(str(weights)) + r".*is not an? .* network.*download it again"
    ):
        build(config, aliases={}, device="cpu")
    write(weights)
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(WeightsError, match=re.escape(str(weights))) as caught:
        build(config, aliases={}, device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"", "it is empty"),
        (b"background\n\nchair\ntable\n", "line 2 is blank"),
        (b"\xff\xfe\x00garbage\xff", "not UTF-8"),
    ],
)
def test_label_files_that_cannot_be_used(tmp_path, content, problem):
    labels = tmp_path / "labels.txt"
    if content is not None:
        labels.write_bytes(content)
    config = OnnxTeacherConfig(weights=write_onnx(tmp_path / "net.onnx"), labels=labels)
    with pytest.raises(WeightsError, match=re.escape(str(labels)) + f".*{problem}"):
        OnnxTeacher(config, aliases={}, device="cpu")


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("litert", "ai_edge_litert.interpreter", "litert"), ("onnx", "onnxruntime", "onnx")],
)
def test_missing_library(tmp_path, monkeypatch, kind, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    build, config_type, _ = FORMATS[kind]
    config = config_type(weights=tmp_path / "x", labels=tmp_path / "y")
    with pytest.raises(MissingPartError, match=re.escape(f'pip install "teach3d[{extra}]"')):
        build(config, aliases={}, device="cpu")


def test_pixels_to_tensors():
    image = np.array([[[0, 128, 255]]], dtype=np.uint8)
    scaling = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.25)}
    last = to_tensor(image, np.dtype(np.float32), channels_first=False, **scaling)
    np.testing.assert_allclose(last, [[[[-1.0, 1 / 255, 2.0]]]], atol=1e-6)
    assert last.dtype == np.float32
    first = to_tensor(image, np.dtype(np.float32), channels_first=True, **scaling)
    assert first.shape == (1, 3, 1, 1)
    assert to_tensor(image, np.dtype(np.uint8), channels_first=False, **scaling).tolist() == [
        [[[0, 128, 255]]]
    ]
    assert to_tensor(image, np.dtype(np.int8), channels_first=False, **scaling).tolist() == [
        [[[-128, 0, 127]]]
    ]
    assert fill_colour((0.5, 0.0, 1.0)) == (128, 0, 255)


def test_confidence_is_a_softmax_unless_the_scores_are_probabilities_already():
    scores = np.array([[1.0, 3.0, 0.0], [2.0, 2.0, -1.0]], dtype=np.float32).reshape(1, 1, 2, 3)
    labels, sure = read_scores(scores, 3)
    softmax = np.exp(scores[0]) / np.exp(scores[0]).sum(axis=-1, keepdims=True)
    np.testing.assert_array_equal(labels, [[1, 0]])
    np.testing.assert_allclose(sure, softmax.max(axis=-1), rtol=1e-6)
    labels, again = read_scores(softmax[None].astype(np.float32), 3)
    np.testing.assert_array_equal(labels, [[1, 0]])
    np.testing.assert_allclose(again, sure, rtol=1e-6)
