"""Finished students: loading refuses what does not fit, features do not depend on order or company."""

import json

import numpy as np
import pytest

from models.student.minkunet import build_student
from schema.config_stages import DistillConfig
from schema.errors import InputError, WeightsError
from training.checkpoint import STUDENT_FILE, STUDENT_JSON, save_student
from training.infer import load_student, student_features

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
