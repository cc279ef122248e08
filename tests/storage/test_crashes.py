"""Writers killed with SIGKILL: at every change they make, and at random times."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store

ROOT = Path(__file__).parents[2]
SLOW = pytest.mark.slow


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process does not need a disk to leave a mess."""
    shm = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="store-", dir=shm if os.access(shm, os.W_OK) else None)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


def start(args: list[str], **options) -> subprocess.Popen:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return subprocess.Popen([sys.executable, *args], env=env, text=True, stdout=subprocess.PIPE, **options)


@pytest.mark.parametrize(
    ("scenario", "least"),
    [
        ("arrays-replace", 30),
        ("arrays-discard", 6),
        ("files-replace", 25),
        ("files-discard", 6),
        pytest.param("arrays-first", 30, marks=SLOW),
        pytest.param("arrays-twice", 30, marks=SLOW),
        pytest.param("files-twice", 25, marks=SLOW),
    ],
)
def test_killed_before_every_change(memory_folder: Path, scenario: str, least: int) -> None:
    driver = start([str(Path(__file__).parent / "crash_driver.py"), str(memory_folder / "s"), scenario])
    printed, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0
    assert int(printed) >= least


WRITER = """
import sys
from pathlib import Path
import numpy as np
from storage.store import Store
unit = Store(Path(sys.argv[1]), create=True).scene("a")
first = int(sys.argv[2])
for version in range(first, first + 10_000):
    rng = np.random.default_rng(version)
    fp = f"{version:064x}"
    with unit.writing("oversegment", fp, version=1, config={"v": version}, inputs={}) as writer:
        writer.put("superpoint_id", rng.integers(0, 1 << 30, 300_000, dtype=np.int32))
        writer.attrs["num_superpoints"] = version
    print(version, flush=True)
"""


def test_killed_at_random_times(tmp_path: Path) -> None:
    import numpy as np

    waits = random.Random(5)
    committed = 0
    unit = Store(tmp_path / "store", create=True).scene("a")
    for _ in range(6):
        writer = start(["-c", WRITER, str(tmp_path / "store"), str(committed + 1)])
        assert writer.stdout is not None
        for _ in range(2):  # two commits at least, then the blow falls somewhere
            committed = int(writer.stdout.readline())
        time.sleep(waits.uniform(0, 0.15))
        writer.kill()
        rest, _ = writer.communicate()
        assert writer.returncode == -signal.SIGKILL
        committed = max([committed, *map(int, rest.split())])
        entry = unit.entry("oversegment")
        assert entry is not None
        version = entry.config["v"]
        assert version in (committed, committed + 1), "a committed artifact was lost"
        wanted = np.random.default_rng(version).integers(0, 1 << 30, 300_000, dtype=np.int32)
        assert np.array_equal(unit.array("oversegment", "superpoint_id"), wanted)
        assert unit.attrs("oversegment")["num_superpoints"] == version
        assert not [finding for finding in unit.verify() if finding.harmful]
        marker = unit.marker("oversegment")
        assert marker is None or (marker.state == "running" and not marker.alive)
        committed = version


def test_leftovers_of_another_stage_are_swept(tmp_path: Path, write, written) -> None:
    script = """
import os, sys
from pathlib import Path
import numpy as np
from storage.store import Store
unit = Store(Path(sys.argv[1])).scene("room_0")
with unit.writing("lift/x", "f", version=1, config={}, inputs={}) as writer:
    writer.put("num_views", np.zeros(10, np.int32))
    os.kill(os.getpid(), 9)
"""
    store = written.path.parents[1]
    killed = start(["-c", script, str(store)])
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert len(list((written.path / "tmp").iterdir())) == 1
    assert [finding.harmful for finding in written.verify()] == [False]
    marker = written.marker("lift/x")
    assert marker is not None
    assert (marker.state, marker.alive) == ("running", False)
    write(written, 2)
    assert not list((written.path / "tmp").iterdir())
