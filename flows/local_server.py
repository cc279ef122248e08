"""A private Prefect server for one run: loopback only, no account, gone when the run's process is gone.

Where a server is already set (``PREFECT_API_URL``) nobody calls this; what a flow does is the pipeline's
business.

Prefect's own ephemeral server is a child that outlives a killed parent. This one holds the reading end of
a pipe whose other end is in the parent, and leaves as soon as the pipe closes, however the parent died.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_LIMIT_S = 120.0
DATABASE_LIMIT_BYTES = 64 * 2**20


def prepare_environment(home: Path) -> None:
    """Settings that Prefect reads when it is imported: offline, quiet, its files under ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    database = home / "prefect.db"
    if database.is_file() and database.stat().st_size > DATABASE_LIMIT_BYTES:
        database.unlink()  # a record of runs, no result depends on it
    settings = {
        "PREFECT_HOME": str(home.resolve()),
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,training,report,models,storage,ops",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    for key, value in settings.items():
        os.environ.setdefault(key, value)
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1"]))
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


@contextlib.contextmanager
def local_server(home: Path) -> Iterator[str]:
    """Start a server on a free loopback port and yield its API address once it answers.

    Args:
        home: folder for its database and log.

    Raises:
        RuntimeError: it did not answer in time; the message names its log.
    """
    log_path = home / "server.log"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, log_path.open("wb") as log:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = subprocess.Popen(  # noqa: S603 - this very module, by this very interpreter
            # the folder is not used by the server; it tells a person whose server a process is
            [sys.executable, "-m", "flows.local_server", str(listener.fileno()), str(home.resolve())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # a Ctrl-C meant for the run must not take the server away first
        )
        try:
            _wait_until_it_answers(address, process, log_path)
            yield address
        finally:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with direct.open(f"{address}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the local Prefect server did not start; its log: {log_path}")


def _serve(listener_fd: int) -> None:
    """Run the server on an inherited socket until standard input closes."""
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app(ephemeral=True), fd=listener_fd, log_level="warning")


def _leave_with_the_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
