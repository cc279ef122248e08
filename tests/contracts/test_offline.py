"""The command in a process of its own, watched: no outside host, no server left, one task a stage."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.recipes import small_recipe

WATCH = """
import json, os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments[1] if event == "socket.connect" else arguments[0]
        host = address[0] if isinstance(address, tuple) else address
        line = json.dumps([event, host.decode() if isinstance(host, bytes) else str(host)])
        with open(os.environ["WATCHED"], "a") as file:
            file.write(line + "\\n")

sys.addaudithook(watch)
"""
LOOPBACK = ("127.", "localhost", "::1", "/", "None")


@pytest.mark.slow
def test_a_run_asks_no_outside_host_and_leaves_no_server(tmp_path: Path, repository_root: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    environment |= {"PYTHONPATH": str(tmp_path), "WATCHED": str(tmp_path / "asked.jsonl")}
    recipe = small_recipe(tmp_path)
    command = [sys.executable, "-m", "flows", "run", str(recipe), "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=repository_root, check=False
    )
    assert done.returncode == 0, done.stderr
    asked = [json.loads(line) for line in (tmp_path / "asked.jsonl").read_text().splitlines()]
    assert len(asked) > 5  # the run and its own server
    assert [host for _, host in asked if not host.startswith(LOOPBACK)] == []
    store = str(tmp_path / "store")
    left = [
        p for p in psutil.process_iter(["cmdline"]) if any(store in word for word in p.info["cmdline"] or [])
    ]
    assert left == []
    stages = [(row["unit"], row["stage"]) for row in json.loads(done.stdout)["stages"]]
    with closing(sqlite3.connect(tmp_path / "store" / "prefect" / "prefect.db")) as database:
        names = [name for (name,) in database.execute("select name from task_run")]
        flows = [name for (name,) in database.execute("select name from flow_run")]
    assert flows == ["small"]
    assert sorted(names) == sorted(f"{stage} {unit}" for unit, stage in stages)
