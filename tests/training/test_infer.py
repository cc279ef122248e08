"""Finished students: loading refuses what does not fit, features do not depend on order, company or tiles."""

import json

import numpy as np
import pytest
import torch

from models.student.blocks import Convolution
from models.student.minkunet import Layout, MinkUNet, build_student
from schema.config_stages import DistillConfig
from schema.errors import ConfigError, InputError, WeightsError
from schema.progress import show_progress_on
from storage.layout import STUDENT_FILE, STUDENT_JSON
from training.checkpoint import save_student
from training.infer import feature_tiles, load_student, open_student, student_features
from training.tiles import cut, layout_of

PLANES = (4, 4, 8, 8, 8, 8, 4, 4)
ABOUT = {"architecture": "MinkUNet14A", "planes": list(PLANES), "channels": 6, "voxel_m": 0.1}


@pytest.fixture
def folder(tmp_path):
    config = DistillConfig(architecture="MinkUNet14A", planes=PLANES)
    save_student(tmp_path, build_student(config, 6, 0), ABOUT)
    return tmp_path


def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (500, 3)) * [1, 1, 0.05]


def test_features_per_point_in_any_order(folder):
    student = load_student(folder)
    assert not student.training
    feat = student_features(student, points(), voxel_m=0.1)
    assert feat.shape == (500, 6)
    assert feat.dtype == np.float32
    order = np.random.default_rng(1).permutation(500)
    assert np.array_equal(student_features(student, points()[order], voxel_m=0.1), feat[order])
    cells = np.floor(points() / 0.1)
    first = (cells == cells[0]).all(axis=1)
    assert np.ptp(feat[first], axis=0).max() == 0


def test_bad_points_are_refused(folder):
    with pytest.raises(InputError, match="not finite"):
        student_features(load_student(folder), np.full((3, 3), np.nan), voxel_m=0.1)


def test_missing_damaged_or_mismatched_files_are_refused(folder):
    weights, about = folder / STUDENT_FILE, folder / STUDENT_JSON
    whole, text = weights.read_bytes(), about.read_text()
    flipped = bytearray(whole)
    flipped[-9] ^= 4

    def check(match: str) -> None:
        with pytest.raises(WeightsError, match=match):
            load_student(folder)
        weights.write_bytes(whole)
        about.write_text(text)
        load_student(folder)

    weights.unlink()
    check("missing")
    about.unlink()
    check("missing")
    weights.write_bytes(whole[:-50])
    check("unreadable")
    weights.write_bytes(bytes(flipped))
    check("do not belong together")
    about.write_text("{")
    check("unreadable")
    about.write_text(json.dumps({**json.loads(text), "channels": 7}))
    check("do not fit")
    about.write_text(json.dumps({**json.loads(text), "architecture": "MinkUNet99"}))
    check("architecture")
    about.write_text(json.dumps({**json.loads(text), "planes": [1, 2]}))
    check("planes")
    about.write_text(json.dumps({**json.loads(text), "voxel_m": 0}))
    check("voxel_m")


def test_what_the_files_say(folder):
    student = open_student(folder)
    assert (student.voxel_m, student.text_space) == (0.1, None)
    save_student(folder, student.network, {**ABOUT, "text_space": "words:6:v1:x"})
    assert open_student(folder).text_space == "words:6:v1:x"


def test_the_engine_is_chosen_when_loading(folder):
    assert load_student(folder).engine == "torch"
    slow = load_student(folder, engine="reference")
    assert slow.engine == "reference"
    few = points()[:60]
    expected = student_features(load_student(folder), few, voxel_m=0.3)
    np.testing.assert_allclose(student_features(slow, few, voxel_m=0.3), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ConfigError, match=r"known are: .*torch"):
        load_student(folder, engine="troch")
    with pytest.raises(ConfigError, match="choose auto or cpu"):
        load_student(folder, device="cuda:99")


MAX_VOXELS = 12_000
"""Of a tile; the corridor has about three times as many."""


class Bars:
    """Counts what a progress bar would be told."""

    def __init__(self):
        self.total, self.done = None, 0

    def start(self, label, total):
        assert label == "student"
        self.total = total
        return 0

    def advance(self, handle, done, note=""):
        self.done = done

    def finish(self, handle):
        pass


def corridor(num_points: int = 60_000) -> np.ndarray:
    """Points on the walls of a corridor of 1500 x 8 x 6 voxels of 0.1 m, and a tower at its end."""
    rng = np.random.default_rng(2)
    walls = rng.uniform(0, 1, (num_points, 3)) * [150, 0.8, 0.6] - [75, 0.4, 0]
    side = rng.integers(0, 4, num_points)
    walls[side == 0, 1], walls[side == 1, 1] = -0.35, 0.35
    walls[side == 2, 2], walls[side == 3, 2] = 0.02, 0.55
    tower = rng.uniform(0, 1, (num_points // 10, 3)) * [0.5, 0.5, 30] + [74, 0, 0]
    return np.concatenate([walls, tower])


@pytest.fixture(scope="module")
def lively():
    """A student whose far voxels matter: initial kernels, batch norm with statistics of the corridor.

    The scene's first pass is in training mode, the features then have a spread of about one.
    """
    network = MinkUNet(Layout((1, 1, 2, 1, 1, 1, 1, 1), (8, 8, 12, 12, 12, 8, 8, 8)), 16)
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, Convolution):
            module.initialise(generator)
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
    cells = np.unique(np.floor(corridor() / 0.1).astype(np.int64), axis=0)
    network.train()(torch.from_numpy(np.insert(cells, 0, 0, axis=1)))
    return network.eval()


def test_tiled_equals_whole(lively):
    cloud = corridor()
    bars = Bars()
    whole = student_features(lively, cloud, voxel_m=0.1)
    show_progress_on(bars)
    tiled = student_features(lively, cloud, voxel_m=0.1, max_voxels=MAX_VOXELS)
    show_progress_on(None)
    assert bars.total == bars.done >= 5
    scale = np.abs(whole).max()
    print(f"{bars.total} tiles, largest difference {np.abs(tiled - whole).max() / scale:.1e} of {scale:.2f}")
    assert np.abs(tiled - whole).max() < 1e-5 * scale
    assert np.ptp(whole, axis=0).min() > 0.05 * scale  # a constant answer would be equal too


def test_less_context_would_not_do(lively, monkeypatch):
    """The comparison above fails with a third of the context, so it tests the context."""
    import training.tiles

    cloud = corridor()
    whole = student_features(lively, cloud, voxel_m=0.1)
    exact = training.tiles.receptive_box

    def too_small(layout, low, high):
        outer_low, outer_high = exact(layout, low, high)
        return low - (low - outer_low) // 3, high + (outer_high - high) // 3

    monkeypatch.setattr(training.tiles, "receptive_box", too_small)
    tiled = student_features(lively, cloud, voxel_m=0.1, max_voxels=MAX_VOXELS)
    print(f"largest difference {np.abs(tiled - whole).max() / np.abs(whole).max():.1e}")
    assert np.abs(tiled - whole).max() > 1e-4 * np.abs(whole).max()


def test_every_voxel_comes_once(lively):
    cells = np.unique(np.floor(corridor() / 0.1).astype(np.int32), axis=0)
    parts = list(feature_tiles(lively, cells, max_voxels=MAX_VOXELS))
    assert len(parts) == len(cut(cells, layout_of(lively), MAX_VOXELS))
    assert np.array_equal(np.sort(np.concatenate([rows for rows, _ in parts])), np.arange(len(cells)))
    assert all(feat.dtype == np.float32 and feat.shape == (len(rows), 16) for rows, feat in parts)


def test_tiles_that_are_mostly_context_are_told(lively, caplog):
    cells = np.unique(np.floor(corridor() / 0.1).astype(np.int32), axis=0)
    next(feature_tiles(lively, cells, max_voxels=MAX_VOXELS))
    assert caplog.text == ""
    next(feature_tiles(lively, cells, max_voxels=7500))
    assert "a larger max_voxels is faster" in caplog.text


def test_too_small_tiles_are_refused(lively):
    with pytest.raises(InputError, match=r"runtime\.max_voxels = 1000: .*raise it to \d+ "):
        student_features(lively, corridor(), voxel_m=0.1, max_voxels=1000)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_near_and_not_equal(lively, precision):
    cloud = corridor(3000)
    exact = student_features(lively, cloud, voxel_m=0.1)
    half = student_features(lively, cloud, voxel_m=0.1, precision=precision)
    assert half.dtype == np.float32
    difference = np.abs(half - exact).max() / np.abs(exact).max()
    assert 1e-6 < difference < {"bfloat16": 0.1, "float16": 0.02}[precision]


def test_half_precision_of_the_result(lively):
    cloud = corridor(3000)
    exact = student_features(lively, cloud, voxel_m=0.1)
    half = student_features(lively, cloud, voxel_m=0.1, dtype=np.float16)
    assert half.dtype == np.float16
    assert np.array_equal(half, exact.astype(np.float16))


class Exhausted(MinkUNet):
    """A student on a device without memory."""

    def forward(self, voxel_coords, counted=True):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_device_without_memory_is_told(lively):
    cells = np.zeros((1000, 3), dtype=np.int32)
    student = Exhausted(layout_of(lively), 4).eval()
    with pytest.raises(InputError, match=r"1,000 voxels; set it to 500"):
        next(feature_tiles(student, cells))


def test_a_training_student_is_not_asked(lively):
    cells = np.zeros((1, 3), dtype=np.int32)
    with pytest.raises(AssertionError, match="batch statistics"):
        next(feature_tiles(MinkUNet(layout_of(lively), 4).train(), cells))
