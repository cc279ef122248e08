"""Kills writers with SIGKILL before each change they make to the file system, and checks what is served then.

Run as a script: ``crash_driver.py ROOT SCENARIO``. Every writer and every reader is a forked process
of its own; this process never starts Zarr's threads. Prints the number of kills; exits 1
with a traceback on a violation.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zarr  # imported once, so that children need not

from storage.store import Store, Unit

N = 5000
MUTATIONS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
assert zarr.__version__


def fp(version: int) -> str:
    return f"{version:064x}"


def write_arrays(unit: Unit, version: int) -> None:
    with unit.writing("oversegment", fp(version), version=1, config={"v": version}, inputs={}) as writer:
        writer.put("superpoint_id", np.full(N, version, dtype=np.int32))
        writer.attrs["num_superpoints"] = version


def read_arrays(unit: Unit, version: int) -> None:
    ids = unit.array("oversegment", "superpoint_id")
    assert ids.shape == (N,)
    assert (ids == version).all()
    assert unit.attrs("oversegment")["num_superpoints"] == version


def write_files(unit: Unit, version: int) -> None:
    with unit.writing("distill", fp(version), version=1, config={"v": version}, inputs={}) as writer:
        for name in ("student.json", "student.safetensors"):
            path = writer.folder / name
            path.write_bytes(f"{name} {version}".encode() * 100)
            writer.add_file(path)


def read_files(unit: Unit, version: int) -> None:
    for name in ("student.json", "student.safetensors"):
        path = unit.file("distill", name)
        assert path.read_bytes() == f"{name} {version}".encode() * 100


KINDS: dict[str, tuple[str, Callable[[Unit, int], None], Callable[[Unit, int], None]]] = {
    "arrays": ("oversegment", write_arrays, read_arrays),
    "files": ("distill", write_files, read_files),
}


def kill_before(nth: int, root: Path) -> None:
    """SIGKILL this process just before its ``nth`` change below ``root``."""
    count = 0

    def hook(event: str, args: tuple) -> None:
        nonlocal count
        if event == "open":
            relevant = isinstance(args[0], str | bytes | os.PathLike) and bool((args[2] or 0) & WRITING)
        else:
            relevant = event in MUTATIONS
        if relevant and (not isinstance(args[0], str | bytes | os.PathLike) or _inside(args[0], root)):
            count += 1
            if count == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _inside(path: str | bytes | os.PathLike, root: Path) -> bool:
    text = os.fsdecode(path)
    return text.startswith(str(root)) or not text.startswith("/")  # rmtree works relative to open folders


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked process; 0 when it ended well, 9 when it was killed, 1 when it raised."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def served(unit: Unit, kind: str) -> int | None:
    """The version that is served, after looking at all of it."""
    stage, _, read = KINDS[kind]
    entry = unit.entry(stage)
    harmful = [finding for finding in unit.verify() if finding.harmful]
    if entry is None:
        assert not harmful, harmful
        return None
    version = int(entry.config["v"])
    assert entry.fingerprint == fp(version)
    assert unit.is_done(stage, fp(version))
    read(unit, version)
    assert not harmful, harmful
    return version


def scenario(root: Path, kind: str, *, before: bool, discard: bool = False, twice: bool = False) -> int:
    """Kill at the 1st, 2nd, ... change until the writer ends by itself; check after each kill."""
    stage, write, _ = KINDS[kind]
    allowed = {1 if before else None, None if discard else 2}
    seen: set[int | None] = set()
    for nth in range(1, 1000):
        shutil.rmtree(root, ignore_errors=True)
        if before:
            assert in_child(lambda: write(Store(root, create=True).scene("a"), 1)) == 0
        else:
            assert in_child(lambda: Store(root, create=True)) == 0

        def work(nth: int = nth) -> None:
            unit = Store(root).scene("a")
            kill_before(nth, root)
            unit.discard(stage) if discard else write(unit, 2)

        ended = in_child(work)
        assert ended in (0, signal.SIGKILL)
        if twice and ended:  # the restarted writer is killed too, somewhere else
            assert in_child(lambda nth=nth: work(1 + nth * 7 % 23)) in (0, signal.SIGKILL)

        def check(final: bool = ended == 0) -> None:
            unit = Store(root).scene("a")
            version = served(unit, kind)
            assert version in allowed, version
            if final:
                assert version == (None if discard else 2)
            with (root / "seen").open("a") as file:
                file.write(f"{version}\n")

        def finish() -> None:
            unit = Store(root).scene("a")
            write(unit, 3)
            assert served(unit, kind) == 3
            assert unit.marker(stage) is None
            assert not list((unit.path / "tmp").iterdir())
            assert not (unit.path / "aside").is_dir() or not list((unit.path / "aside").iterdir())
            assert not list(unit.path.rglob(".*.json.*")), "temporary manifests left behind"

        assert in_child(check) == 0, f"wrong after a kill before change {nth}"
        seen |= {None if line == "None" else int(line) for line in (root / "seen").read_text().split()}
        assert in_child(finish) == 0, f"cannot go on after a kill before change {nth}"
        if ended == 0:
            assert seen == allowed, f"the kills never showed all of {allowed}: {seen}"
            return nth - 1
    raise AssertionError("the writer never ended by itself")


SCENARIOS = {
    "arrays-replace": lambda root: scenario(root, "arrays", before=True),
    "arrays-first": lambda root: scenario(root, "arrays", before=False),
    "arrays-twice": lambda root: scenario(root, "arrays", before=True, twice=True),
    "arrays-discard": lambda root: scenario(root, "arrays", before=True, discard=True),
    "files-replace": lambda root: scenario(root, "files", before=True),
    "files-twice": lambda root: scenario(root, "files", before=True, twice=True),
    "files-discard": lambda root: scenario(root, "files", before=True, discard=True),
}

if __name__ == "__main__":
    print(SCENARIOS[sys.argv[2]](Path(sys.argv[1])))
