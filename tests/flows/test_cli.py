"""The command line: what it imports, what it prints, its exit codes and its JSON."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import psutil
import pytest

from flows.cli import COMMANDS, main
from flows.plan import make_plan
from storage.recipes import load_recipe
from storage.store import Store
from tests.recipes import small_recipe


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def schema(repository_root: Path, name: str) -> dict[str, Any]:
    found = json.loads((repository_root / "docs" / "schemas" / f"{name}.schema.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def ran(prefect_api: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that has been run by the command, through the flow."""
    recipe = small_recipe(tmp_path_factory.mktemp("cli"))
    with pytest.raises(SystemExit) as left:
        main(["run", str(recipe)])
    assert left.value.code == 0
    return recipe


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as left:\n    assert not left.code, left.code\n"
        "heavy = {'torch', 'prefect', 'zarr', 'numba', 'scipy', 'open3d'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_planning_needs_neither_prefect_nor_torch_nor_zarr(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"try:\n    main(['run', {str(small_recipe(tmp_path))!r}, '--dry-run'])\n"
        "except SystemExit as left:\n    assert not left.code, left.code\n"
        "heavy = {'torch', 'prefect', 'zarr'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "7 to do" in done.stdout


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        code, out, _ = call(capsys, name, "--help")
        assert code == 0
        assert "--json" in out


@pytest.mark.parametrize("arguments", [["rnu"], ["run"], ["run", "x.yaml", "--sett", "a=b"], ["query", "x"]])
def test_a_wrong_call_exits_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, _, _ = call(capsys, *arguments)
    assert code == 2


def test_a_second_run_computes_nothing_and_says_so(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "run", ran)
    assert code == 0
    assert "0 computed, 7 already done" in out
    assert "report: " in out
    assert "lift/tiny" in out


def test_run_json_is_the_documented_summary(
    ran: Path, capsys: pytest.CaptureFixture[str], repository_root: Path
) -> None:
    code, out, _ = call(capsys, "run", ran, "--json")
    assert code == 0
    summary = json.loads(out)
    jsonschema.validate(summary, schema(repository_root, "summary"))
    assert {stage["status"] for stage in summary["stages"]} == {"cached"}
    assert summary == json.loads((ran.parent / "store" / "summary.json").read_text())
    rows = [row["name"] for row in summary["table"]["rows"]]
    assert {"lift/tiny", "fuse", "student"} <= set(rows)


def test_status_shows_what_is_stale_and_why(
    ran: Path, capsys: pytest.CaptureFixture[str], repository_root: Path
) -> None:
    code, out, _ = call(capsys, "status", "--store", ran.parent / "store", "--json")
    assert code == 0
    status = json.loads(out)
    jsonschema.validate(status, schema(repository_root, "status"))
    assert {job["state"] for job in status["jobs"]} == {"done"}
    code, out, _ = call(capsys, "run", ran, "--set", "lift.tau=0.3", "--dry-run")
    assert code == 0
    assert "lift/tiny room_3: stale: lift.tau: 0.2 -> 0.3" in out
    assert "2 done, 5 to do" in out


def test_inspect_lists_every_array(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ran.parent / "store"
    code, out, _ = call(capsys, "inspect", "room_3", "--store", store, "--json")
    assert code == 0
    described = json.loads(out)
    arrays = {(stage["stage"], array["name"]) for stage in described["stages"] for array in stage["arrays"]}
    assert {("ingest", "points_world"), ("lift/tiny", "caption_id"), ("evaluate", "student_feat")} <= arrays
    for path in described["pictures"]:
        assert Path(path).stat().st_size > 500
    code, out, _ = call(capsys, "inspect", "room_3", "--store", store, "--stage", "fuse")
    assert code == 0
    assert "temperature = 0.05" in out
    code, _, err = call(capsys, "inspect", "room_9", "--store", store)
    assert code == 2
    assert "room_3" in err


def test_query_writes_a_scored_cloud_and_names_unknown_words(
    ran: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, target = ran.parent / "store", tmp_path / "out.ply"
    code, out, _ = call(
        capsys, "query", "room_3", "a zebra table", "--store", store, "--json", "--output", target, "--top", 3
    )
    assert code == 0
    result = json.loads(out)
    assert result["unknown_words"] == ["zebra"]
    scores = [point["relevance"] for point in result["top"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert sum(result["histogram"]["counts"]) > 100
    import open3d as o3d

    cloud = o3d.t.io.read_point_cloud(str(target))
    found = cloud.point["score"].numpy().ravel()
    assert found.max() >= scores[0] - 1e-5  # a place scores the mean of its points
    code, out, _ = call(capsys, "query", "room_3", "table", "--store", store, "--features", "fused")
    assert code == 0
    assert "█" in out


@pytest.mark.parametrize("name", ["ply", "npz", "las"])
def test_export(ran: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    target = tmp_path / f"scene.{name}"
    store = ran.parent / "store"
    code, out, _ = call(
        capsys, "export", "room_3", "--format", name, "--output", target, "--store", store, "--json"
    )
    assert code == 0
    assert "label_student" in json.loads(out)["columns"]
    assert target.stat().st_size > 1000
    if name == "npz":
        with np.load(target, allow_pickle=False) as arrays:
            assert "superpoint_id" in arrays


def test_export_in_an_unknown_format(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "export", "room_3", "--format", "plz", "--store", ran.parent / "store")
    assert code == 2
    assert "did you mean 'ply'" in err


def test_verify_finds_a_flipped_bit_and_forgets_the_stage(
    ran: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import shutil

    store = tmp_path / "store"
    shutil.copytree(ran.parent / "store", store)
    code, out, _ = call(capsys, "verify", "--store", store)
    assert code == 0
    assert "every checksum is right" in out
    chunk = next((store / "scenes/room_3/data.zarr/fuse/feat/c").rglob("0"))
    data = bytearray(chunk.read_bytes() if chunk.is_file() else next(chunk.rglob("0")).read_bytes())
    file = chunk if chunk.is_file() else next(chunk.rglob("0"))
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    code, _, err = call(capsys, "verify", "--store", store)
    assert code == 2
    assert "fuse/feat" in err
    code, _, err = call(capsys, "query", "room_3", "table", "--features", "fused", "--store", store)
    assert code == 2
    assert "verify --discard" in err
    code, _, _ = call(capsys, "verify", "--store", store, "--discard")
    assert code == 2
    code, out, _ = call(capsys, "run", ran, "--set", f"store={store}")
    assert code == 0
    assert "1 computed, 6 already done" in out


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "doctor", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["devices"][0] == "cpu"
    assert {row["name"] for row in report["required"]} >= {"torch", "open3d", "zarr", "prefect"}
    assert {row["name"] for row in report["optional"]} >= {"onnxruntime", "viser", "laspy"}
    required = {row["name"]: row["version"] for row in report["required"]}
    assert all(required[name] for name in ("open_clip", "transformers", "diffusers", "segment_anything"))
    engines = {row["name"]: row for row in report["engines"]}
    assert engines.keys() == {"torch", "minkowski", "spconv"}
    assert engines["torch"]["problem"] is None
    if report["devices"] == ["cpu"]:
        assert "spconv" in engines["spconv"]["problem"]
        assert engines["spconv"]["get"]


def test_no_store_yet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, "status", "--json")
    assert code == 2
    assert "run a recipe first" in err
    assert "run a recipe first" in json.loads(out)["error"]


def test_view_serves_on_this_machine_only_until_stopped(ran: Path) -> None:
    command = [sys.executable, "-m", "flows", "view", "room_3", "--json", "--port", "8391"]
    process = subprocess.Popen(
        [*command, "--store", str(ran.parent / "store")],
        stdout=subprocess.PIPE,
        text=True,
        # a process started in the background of a script would not hear of Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "the command ended"
            text += line
        address = json.loads(text)["address"]
        assert re.match(r"http://(127\.0\.0\.1|localhost):\d+", address)
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200
        port = int(address.rsplit(":", 1)[1].strip("/"))
        listening = {
            c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.laddr.port == port
        }
        assert listening == {"127.0.0.1"}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) in (0, 130)
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_stops_a_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, distill__epochs=2000, distill__checkpoint_every_s=0.2)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
    command = [sys.executable, "-m", "flows", "run", str(recipe)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
    resume = tmp_path / "store" / "students" / "student" / "training" / "resume.safetensors"
    deadline = time.monotonic() + 120
    while not resume.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"run again to go on" in err
    assert resume.exists()
    states = {job.stage: job.state for job in make_plan(load_recipe(recipe), Store(tmp_path / "store")).jobs}
    assert states["fuse"] == "done"
    assert states["distill"] == "missing"


def test_two_workers_and_dask_give_the_same_arrays(ran: Path, tmp_path: Path) -> None:
    reference = Store(ran.parent / "store").scene("room_3")
    for runner in ("threads", "dask"):
        store = tmp_path / runner
        changes = [f"store={store}", f"runtime.runner={runner}", "runtime.workers=2"]
        with pytest.raises(SystemExit) as left:
            main(["run", str(ran), *(word for change in changes for word in ("--set", change))])
        assert left.value.code == 0
        unit = Store(store).scene("room_3")
        np.testing.assert_array_equal(unit.array("fuse", "feat"), reference.array("fuse", "feat"))
        if runner == "threads":  # a Dask worker computes on one thread, which sums in another order
            found = unit.array("evaluate", "student_feat")
            np.testing.assert_array_equal(found, reference.array("evaluate", "student_feat"))
