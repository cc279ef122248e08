"""A full disk: one clear line, nothing lost, nothing half written left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from schema.errors import StorageFullError
from storage.store import Store, Unit
from tests.disks import small_disk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def disk_of_1_mib(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 1) as disk:
        yield disk


def write_noise(unit: Unit, num_points: int) -> None:
    noise = np.random.default_rng(0).integers(0, 1 << 30, num_points, dtype=np.int32)
    with unit.writing("oversegment", f"{num_points}", version=1, config={}, inputs={}) as writer:
        writer.put("superpoint_id", noise)
        writer.attrs["num_superpoints"] = num_points


def check_only_the_first_is_there(unit: Unit) -> None:
    assert unit.is_done("oversegment", "1000")
    assert len(unit.array("oversegment", "superpoint_id")) == 1000
    assert not list((unit.path / "tmp").iterdir())
    assert [finding for finding in unit.verify() if finding.harmful] == []


def test_a_full_file_system(disk_of_1_mib: Path) -> None:
    unit = Store(disk_of_1_mib / "store", create=True).scene("a")
    write_noise(unit, 1000)
    with pytest.raises(
        StorageFullError, match="no space left on device; free some space and run again"
    ) as caught:
        write_noise(unit, 500_000)
    assert "\n" not in str(caught.value)
    check_only_the_first_is_there(unit)
    marker = unit.marker("oversegment")
    assert marker is not None
    assert marker.state == "failed"
    assert "no space left" in marker.message.lower()
    write_noise(unit, 2000)
    assert unit.is_done("oversegment", "2000")


def test_full_at_any_moment(disk_of_1_mib: Path) -> None:
    """With every amount of room that is left, in steps of a page, a stage is written whole or not at all."""
    unit = Store(disk_of_1_mib / "store", create=True).scene("a")
    page = 4096
    outcomes = []
    for pages in range(0, 24, 2):
        unit.discard("oversegment")
        write_noise(unit, 1000)
        filler = disk_of_1_mib / "filler"
        with filler.open("wb", buffering=0) as file:
            free = os.statvfs(disk_of_1_mib)
            file.write(bytes(max(0, free.f_bavail * free.f_bsize - pages * page)))
        try:
            write_noise(unit, 6000)
        except StorageFullError:
            outcomes.append(False)
            check_only_the_first_is_there(unit)
        else:
            outcomes.append(True)
            assert unit.is_done("oversegment", "6000")
            assert unit.verify() == []
        filler.unlink()
    assert not outcomes[0]
    assert outcomes[-1]


def test_a_full_disk_when_a_store_is_made(disk_of_1_mib: Path) -> None:
    with (disk_of_1_mib / "filler").open("wb", buffering=0) as file:
        file.write(bytes(1 << 20))
    with pytest.raises(StorageFullError, match="no space left"):
        Store(disk_of_1_mib / "store", create=True)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from schema.errors import StorageFullError
from storage.store import Store
unit = Store(Path(sys.argv[1])).scene("a")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with unit.writing("oversegment", "big", version=1, config={}, inputs={}) as writer:
        writer.put("superpoint_id", np.random.default_rng(0).integers(0, 1 << 30, 9000, dtype=np.int32))
        writer.attrs["num_superpoints"] = 1
except StorageFullError as error:
    print(error)
"""


def test_a_file_size_limit(store: Store) -> None:
    unit = store.scene("a")
    write_noise(unit, 1000)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(store.root)], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.count("\n") == 1
    assert "file too large; free some space" in run.stdout
    check_only_the_first_is_there(unit)


def test_other_errors_stay_what_they_are(unit: Unit) -> None:
    with pytest.raises(OSError, match="broken"), unit.writing("fuse", "f", version=1, config={}, inputs={}):
        raise OSError(5, "broken")
