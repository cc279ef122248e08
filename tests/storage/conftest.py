"""A small store, and a stage written into it whose content follows from one number."""

from pathlib import Path

import numpy as np
import pytest

from storage.store import Store, Unit

N = 5000  # two chunks


def oversegment(version: int) -> np.ndarray:
    return (np.arange(N, dtype=np.int32) // 7) * (version + 1)


def write_oversegment(unit: Unit, version: int) -> None:
    fp = f"{version:064x}"
    with unit.writing("oversegment", fp, version=1, config={"k": version}, inputs={"ingest": "f"}) as writer:
        writer.put("superpoint_id", oversegment(version))
        writer.attrs.update(num_superpoints=version)
        writer.counts["superpoints"] = version
        writer.metrics["mean"] = 0.5


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


@pytest.fixture
def unit(store: Store) -> Unit:
    return store.scene("room_0")


@pytest.fixture
def written(unit: Unit) -> Unit:
    write_oversegment(unit, 1)
    return unit


@pytest.fixture
def write():
    return write_oversegment


@pytest.fixture
def expected():
    return oversegment
