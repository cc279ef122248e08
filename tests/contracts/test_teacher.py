"""What every teacher of the catalog must do, whatever it is made of."""

import numpy as np
import pytest

from models.cache import load_teacher, weights_files
from models.catalog import TEACHERS
from models.teachers.protocol import DenseTeacher, MaskTeacher
from schema.config_models import (
    ConvDenseTeacherConfig,
    ConvMaskTeacherConfig,
    LitertTeacherConfig,
    OnnxTeacherConfig,
)
from schema.errors import WeightsError
from tests.factories_networks import picture, write_conv, write_labels, write_litert, write_onnx

ALIASES = {"diningtable": "dining table"}
SIZES = [(48, 64), (64, 48), (37, 91)]


def _litert(folder):
    return LitertTeacherConfig(
        weights=write_litert(folder / "net.tflite"), labels=write_labels(folder / "l.txt")
    )


def _onnx(folder):
    return OnnxTeacherConfig(weights=write_onnx(folder / "net.onnx"), labels=write_labels(folder / "l.txt"))


def _conv_mask(folder):
    return ConvMaskTeacherConfig(weights=write_conv(folder / "mask.safetensors"))


def _conv_dense(folder):
    text = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0][:4]
    weights = write_conv(folder / "dense.safetensors", text=text, space="tiny:8")
    return ConvDenseTeacherConfig(weights=weights)


EXAMPLES = {"litert": _litert, "onnx": _onnx, "conv_mask": _conv_mask, "conv_dense": _conv_dense}


def test_every_teacher_has_an_example():
    assert EXAMPLES.keys() == TEACHERS.keys()


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def config(request, tmp_path_factory):
    return EXAMPLES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def teacher(config):
    return load_teacher(config, aliases=ALIASES)


def answer(teacher, image):
    """The arrays and labels a teacher gives for an image."""
    if isinstance(teacher, DenseTeacher):
        return (teacher.encode(image), ())
    masks = teacher.segment(image)
    return (masks.mask_map, masks.labels, masks.confidence)


def test_it_is_either_dense_or_a_mask_teacher(teacher):
    assert isinstance(teacher, DenseTeacher) != isinstance(teacher, MaskTeacher)


@pytest.mark.parametrize("hw", SIZES)
def test_shapes_and_types(teacher, hw):
    image, _ = picture(hw)
    if isinstance(teacher, DenseTeacher):
        feat = teacher.encode(image)
        assert feat.ndim == 3
        assert feat.shape[2] == teacher.channels
        assert feat.dtype == np.float32
        assert np.isfinite(feat).all()
        assert teacher.text_space
        return
    masks = teacher.segment(image)
    assert masks.mask_map.shape == hw
    assert masks.mask_map.dtype == np.int32
    assert masks.confidence.dtype == np.float32
    assert masks.confidence.shape == (len(masks.labels),)
    assert ((masks.confidence >= 0) & (masks.confidence <= 1)).all()
    ids, size_px = np.unique(masks.mask_map[masks.mask_map >= 0], return_counts=True)
    assert ids.tolist() == list(range(len(masks.labels)))
    assert set(masks.labels) <= set(teacher.labels)
    assert (size_px >= 64).all()


def test_labels_are_resolved_and_without_void(teacher):
    if isinstance(teacher, MaskTeacher):
        assert "background" not in teacher.labels
        assert len(set(teacher.labels)) == len(teacher.labels)
        assert not set(ALIASES) & set(teacher.labels)


def test_same_image_same_answer_whatever_came_between(config, teacher):
    image, _ = picture()
    once = answer(teacher, image)
    answer(teacher, picture((30, 50))[0])
    fresh = type(teacher)(config, aliases=ALIASES, device="cpu")
    for again in (answer(teacher, image), answer(fresh, image)):
        for a, b in zip(once, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_image_is_left_as_it_was(teacher):
    image, _ = picture()
    before = image.copy()
    answer(teacher, image)
    np.testing.assert_array_equal(image, before)


def test_read_only_and_strided_images(teacher):
    image, _ = picture()
    frozen = np.repeat(image, 2, axis=1)[:, ::2]
    frozen.flags.writeable = False
    for a, b in zip(answer(teacher, image), answer(teacher, frozen), strict=True):
        np.testing.assert_array_equal(a, b)


def test_missing_weights_name_the_file(config, tmp_path):
    gone = config.model_copy(update={"weights": tmp_path / "gone.bin"})
    with pytest.raises(WeightsError, match=r"gone\.bin"):
        load_teacher(gone, aliases=ALIASES)


def test_files_that_decide_results_exist(config):
    files = weights_files(config)
    assert files["weights"] == config.weights
    assert all(path.is_file() for path in files.values())
