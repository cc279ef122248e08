"""Features on their way into and out of a store."""

from pathlib import Path

import numpy as np
import pytest

from schema.errors import StoreError
from schema.records import DenseLift
from storage.scene_io import read_lift, write_dense_lift
from storage.store import Store
from storage.unit import Unit


def _write(unit: Unit, feat: np.ndarray) -> None:
    lift = DenseLift(feat, np.ones(len(feat), dtype=np.int32))
    preview = np.zeros((1, 2, 2), dtype=np.int16)
    with unit.writing("lift/a", "f" * 64, version=1, config={}, inputs={}) as writer:
        write_dense_lift(writer, lift, preview, ("chair",), text_space="words")


def test_features_come_back_as_they_are_stored(tmp_path: Path) -> None:
    unit = Store(tmp_path / "store", create=True).scene("room")
    feat = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    _write(unit, feat)
    lift = read_lift(unit, "a")
    assert isinstance(lift, DenseLift)
    assert lift.feat.dtype == np.float16
    assert np.array_equal(lift.feat, feat.astype(np.float16))


@pytest.mark.parametrize("bad", [1e6, np.nan, np.inf])
def test_a_feature_that_float16_cannot_hold_is_refused(tmp_path: Path, bad: float) -> None:
    unit = Store(tmp_path / "store", create=True).scene("room")
    feat = np.ones((4, 3), dtype=np.float32)
    feat[2, 1] = bad
    with pytest.raises(StoreError, match=r"do not fit float16 on 1 of 4 points"):
        _write(unit, feat)
    assert unit.entry("lift/a") is None
