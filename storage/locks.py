"""Locks that the kernel releases when a process dies, and the question whether a process still lives.

Which file stands for what is left to ``storage.layout``.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema.errors import StoreError
from storage.disk import read_json
from storage.layout import host_name

_held: set[int] = set()


def _forget_in_child() -> None:
    """A forked child (a data loader's worker) must not keep its parent's locks alive."""
    for handle in list(_held):
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


@contextlib.contextmanager
def hold(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` for the body; never waits.

    Args:
        path: the lock file; made if it is missing and left behind (removing it would let two in).
        what: what is locked, for the message ("the store").
        remedy: what to do when it is taken.

    Raises:
        StoreError: somebody else holds it; the message names the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{what} is in use by {_holder(path)}", file=path, remedy=remedy) from None
        _held.add(handle)
        try:
            _sign(handle)
            yield
        finally:
            _held.discard(handle)
            fcntl.flock(handle, fcntl.LOCK_UN)  # also where a child just forked still has the handle
    finally:
        os.close(handle)


def _sign(handle: int) -> None:
    """Say in the lock file who holds it; a full disk must not keep anybody from locking."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, f'{{"pid": {os.getpid()}, "host": "{host_name()}"}}\n'.encode("ascii"), 0)


def _holder(path: Path) -> str:
    value = read_json(path)
    if not isinstance(value, dict) or "pid" not in value:
        return "another process"
    where = "" if value.get("host") == host_name() else f" on {value.get('host')}"
    return f"process {value['pid']}{where}"


def this_process() -> dict[str, Any]:
    """Who writes, for a running marker: pid, its start (against reuse of pids), host, time (ISO, UTC)."""
    return {
        "pid": os.getpid(),
        "started": _start_ticks(os.getpid()),
        "host": host_name(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def is_alive(pid: int, host: str, started: int | None = None) -> bool:
    """Whether the process still runs; True for a process of another machine, which cannot be asked."""
    if host != host_name():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    now = _start_ticks(pid)
    return started is None or now is None or now == started


def _start_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None where /proc does not say."""
    try:
        text = Path("/proc", str(pid), "stat").read_text()
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
