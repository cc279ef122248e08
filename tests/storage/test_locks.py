"""Locks: one holder, named to the second; freed by the kernel when the holder dies."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from schema.errors import StoreError
from storage.layout import host_name
from storage.locks import hold, is_alive, this_process
from storage.store import Store

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from storage.store import Store
with Store(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_process_is_told_the_pid_and_a_kill_frees_the_lock(store: Store) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store.root)], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreError, match=rf"in use by process {holder.pid}; wait") as caught,
            store.lock(),
        ):
            pass
        assert "\n" not in str(caught.value)
    finally:
        holder.kill()
        holder.communicate()
    with store.lock():
        pass


def test_the_same_process_cannot_lock_twice_either(store: Store) -> None:
    with store.lock(), pytest.raises(StoreError, match=f"process {os.getpid()}"), store.lock():
        pass
    with store.lock():
        pass


ORPHAN = """
import os, sys, time
from pathlib import Path
from storage.store import Store
with Store(Path(sys.argv[1])).lock():
    if os.fork() == 0:  # a data loader's worker, say
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
"""


def test_an_orphan_of_a_killed_process_does_not_keep_the_lock(store: Store) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(store.root)], env=env, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    orphan = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    try:
        os.kill(orphan, 0)
        with store.lock():
            pass
    finally:
        os.kill(orphan, signal.SIGKILL)
        holder.stdout.close()


def test_of_many_threads_one_gets_it(tmp_path: Path) -> None:
    barrier, got = threading.Barrier(8), []

    def attempt() -> None:
        barrier.wait()
        try:
            with hold(tmp_path / "lock", "it", "wait"):
                got.append(1)
                finish.wait()
        except StoreError:
            finish.set() if len(refused) == 6 else refused.append(1)

    finish, refused = threading.Event(), []
    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(got) == 1


def test_is_alive() -> None:
    me = this_process()
    assert is_alive(me["pid"], me["host"], me["started"])
    assert not is_alive(me["pid"], me["host"], me["started"] - 1), "another process with the same pid"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(ended.pid, host_name())
    assert is_alive(ended.pid, "another-host"), "a process elsewhere cannot be asked"
