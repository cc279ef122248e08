"""Bad input through the command: one clear line, exit code 2, nothing lost that was already computed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.cli import main
from schema.config_source import RgbdFolderConfig
from storage.store import Store
from tests.captures import write_seven_scenes
from tests.disks import small_disk
from tests.recipes import small_recipe

CASE = Callable[[Path, dict[str, object]], None]


def recipe_for(folder: Path, capture: RgbdFolderConfig, **changes: object) -> Path:
    source = capture.model_dump(mode="json")
    return small_recipe(folder, source=source, **changes)


@pytest.fixture(scope="module")
def good(prefect_api: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that has been run: <folder>/capture, <folder>/store, the teacher's files."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "capture").mkdir()
    capture = write_seven_scenes(folder / "capture", scenes=("capture",))
    capture = capture.model_copy(update={"root": folder})
    with pytest.raises(SystemExit) as left:
        main(["run", str(recipe_for(folder, capture))])
    assert left.value.code == 0
    (folder / "source.json").write_text(capture.model_dump_json())
    return folder


class Broken:
    """A copy of the good folder to be broken, and what the command says of it."""

    def __init__(self, good: Path, folder: Path) -> None:
        shutil.copytree(good, folder, dirs_exist_ok=True)
        self.folder = folder
        self.capture = folder / "capture"
        self.source = json.loads((folder / "source.json").read_text()) | {"root": str(folder)}
        self.changes: dict[str, object] = {}

    def file(self, kind: str, frame: int = 1) -> Path:
        return next(self.capture.glob(f"frame-{frame:06d}.{kind}.*"))

    def committed(self) -> dict[tuple[str, str], str]:
        store = Store(self.folder / "store")
        return {(unit.name, entry.stage): entry.commit for unit in store.units() for entry in unit.entries()}

    def run(self, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
        recipe = small_recipe(self.folder, source=self.source, **self.changes)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["run", str(recipe)])
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        return int(left.value.code or 0), lines


@pytest.fixture
def broken(good: Path, tmp_path: Path) -> Broken:
    return Broken(good, tmp_path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def resize(path: Path) -> None:
    image = Image.open(path)
    image.resize((image.width // 2, image.height // 2), Image.Resampling.NEAREST).save(path)


def in_millimetres_of_metres(b: Broken) -> None:
    b.source["depth_units_per_m"] = 1.0


def spoil_pose(value: float) -> Callable[[Broken], None]:
    def spoil(b: Broken) -> None:
        b.source["invalid_pose"] = "refuse"
        pose = np.loadtxt(b.file("pose"))
        pose[0, 0] = value
        np.savetxt(b.file("pose"), pose)

    return spoil


def missing_pose(b: Broken) -> None:
    b.source["invalid_pose"] = "refuse"
    b.file("pose").unlink()


def too_many_dropped(b: Broken) -> None:
    b.source["max_dropped_share"] = 0.1
    np.savetxt(b.file("pose"), np.full((4, 4), -np.inf))


def no_frame(b: Broken) -> None:
    for path in b.capture.glob("frame-*"):
        path.unlink()


def set_source(**values: object) -> Callable[[Broken], None]:
    return lambda b: b.source.update(values)


def change(**values: object) -> Callable[[Broken], None]:
    return lambda b: b.changes.update(values)


def write_intrinsics(text: str) -> Callable[[Broken], None]:
    def spoil(b: Broken) -> None:
        (b.capture / "k.txt").write_text(text)
        b.source |= {"intrinsics_file": "k.txt", "intrinsics_px": None}

    return spoil


def rename_capture(*names: str) -> Callable[[Broken], None]:
    def spoil(b: Broken) -> None:
        for name in names:
            shutil.copytree(b.capture, b.folder / "many" / name)
        b.source |= {"root": str(b.folder / "many"), "scenes": ["*"]}

    return spoil


def more_labels(b: Broken) -> None:
    path = b.folder / "labels.txt"
    path.write_text(path.read_text() + "one too many\n")


def newer_store(b: Broken) -> None:
    (b.folder / "store" / "store.json").write_text('{"layout_version": 99}')


def corrupt_chunk(b: Broken) -> None:
    """A bit of the superpoints' features flips; the student has to be trained again from them."""
    array = b.folder / "store/scenes/capture/data.zarr/fuse/superpoint_feat/c"
    chunks = [path for path in array.rglob("*") if path.is_file()]
    data = bytearray(chunks[0].read_bytes())
    data[len(data) // 2] ^= 4
    chunks[0].write_bytes(data)
    b.changes["distill__epochs"] = 3


CASES: dict[str, tuple[Callable[[Broken], object], list[str]]] = {
    "missing colour": (lambda b: b.file("color").unlink(), ["frame-000001", "color"]),
    "empty colour": (lambda b: b.file("color").write_bytes(b""), ["frame-000001.color", "empty"]),
    "truncated colour": (lambda b: truncate(b.file("color")), ["frame-000001.color"]),
    "wrongly sized colour": (lambda b: resize(b.file("color")), ["frame-000001.color"]),
    "missing depth": (lambda b: b.file("depth").unlink(), ["frame-000001", "depth"]),
    "empty depth": (lambda b: b.file("depth").write_bytes(b""), ["frame-000001.depth", "empty"]),
    "truncated depth": (lambda b: truncate(b.file("depth")), ["frame-000001.depth"]),
    "wrongly sized depth": (lambda b: resize(b.file("depth")), ["frame-000001.depth"]),
    "depth in the wrong unit": (in_millimetres_of_metres, ["depth_units_per_m", "median"]),
    "pose not rigid": (spoil_pose(7.0), ["frame-000001.pose", "rigid"]),
    "pose not finite": (spoil_pose(float("nan")), ["frame-000001.pose", "finite"]),
    "pose missing": (missing_pose, ["frame-000001", "pose"]),
    "too many frames dropped": (too_many_dropped, ["frame-000001.pose", "max_dropped_share"]),
    "intrinsics not 3x3": (write_intrinsics("1 2\n3 4\n"), ["k.txt", "3 x 3"]),
    "principal point outside": (
        write_intrinsics("60 0 900\n0 60 30\n0 0 1\n"),
        ["k.txt", "principal point"],
    ),
    "no frame at all": (no_frame, ["capture", "frame"]),
    "a scene that leaves the store": (set_source(scenes=["../capture"]), ["../capture"]),
    "a scene id that is no folder name": (rename_capture("a scene"), ["a scene"]),
    "scene ids that collide": (rename_capture("Kitchen", "kitchen"), ["itchen", "collides"]),
    "unknown teacher": (change(teachers__tiny__kind="onxx"), ["teachers.tiny.kind", "'onnx'", "litert"]),
    "unknown text encoder": (change(text__kind="wrds"), ["text.kind", "'words'", "open_clip"]),
    "unknown strategy": (change(fuse__strategy="ad"), ["fuse.strategy", "'add'", "linear"]),
    "unknown vocabulary": (change(fuse__vocabulary="scannet2"), ["scannet2", "'scannet20"]),
    "missing weights": (lambda b: (b.folder / "teacher.onnx").rename(b.folder / "gone"), ["teacher.onnx"]),
    "corrupt weights": (lambda b: truncate(b.folder / "teacher.onnx"), ["teacher.onnx"]),
    "labels of another network": (more_labels, ["labels.txt", "5", "4"]),
    "misspelt key": (change(lift__tua=0.1), ["lift.tua", "'tau'"]),
    "value out of range": (change(lift__tau=-1.0), ["lift.tau", "-1"]),
    "a store of a newer layout": (newer_store, ["store.json", "99", "newer"]),
    "a corrupted chunk": (corrupt_chunk, ["fuse/superpoint_feat", "verify --discard"]),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_exit_2_nothing_lost(broken: Broken, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = broken.committed()
    spoil, parts = CASES[name]
    # tiny.onnx is written only where it is missing, so a removed one must stay away
    spoil(broken)
    if name == "missing weights":
        broken.changes["teachers__tiny__weights"] = str(broken.folder / "nowhere" / "teacher.onnx")
    code, lines = broken.run(capsys)
    assert code == 2, lines
    assert len(lines) == 1, lines
    for part in parts:
        assert part in lines[0], lines[0]
    if name != "a store of a newer layout":
        after = broken.committed()
        assert {key: after.get(key) for key in before} == before


def test_a_dropped_frame_is_counted_and_shown(broken: Broken, capsys: pytest.CaptureFixture[str]) -> None:
    np.savetxt(broken.file("pose"), np.full((4, 4), -np.inf))
    recipe = small_recipe(broken.folder, source=broken.source)
    with pytest.raises(SystemExit) as left:
        main(["run", str(recipe)])
    assert left.value.code == 0
    assert "1 dropped frames" in capsys.readouterr().out
    attrs = Store(broken.folder / "store").scene("capture").attrs("ingest")
    assert [frame["name"] for frame in attrs["dropped"]] == ["frame-000001"]
    assert "finite" in attrs["dropped"][0]["reason"]
    page = (broken.folder / "store" / "report" / "index.html").read_text()
    assert "000001" in page


def test_one_bad_scene_does_not_stop_the_others(broken: Broken, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        shutil.copytree(broken.capture, broken.folder / "many" / name)
    truncate(next((broken.folder / "many" / "one").glob("frame-000001.color.*")))
    broken.source |= {"root": str(broken.folder / "many"), "scenes": ["*"]}
    code, lines = broken.run(capsys)
    assert code == 2
    assert len(lines) == 1
    store = Store(broken.folder / "store")
    assert {entry.stage for entry in store.scene("two").entries()} >= {
        "ingest",
        "oversegment",
        "lift/tiny",
        "fuse",
    }
    assert store.scene("one").entries() == []


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_was_committed_stays(tmp_path: Path) -> None:
    """The whole command in a process of its own, whose server keeps its database on the same full disk."""
    with small_disk(tmp_path / "disk", 12) as disk:
        changes = {"source__num_frames": 12, "source__image_hw": [240, 320], "ingest__voxel_m": 0.02}
        recipe = small_recipe(tmp_path, store=str(disk / "store"), **changes)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
        command = [sys.executable, "-m", "flows", "run", str(recipe)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 2, done.stderr
        lines = [line[line.index("error: ") :] for line in done.stderr.splitlines() if "error: " in line]
        assert len(lines) == 1, done.stderr
        assert "no space left" in lines[0]
        assert "Traceback" not in done.stderr
        unit = Store(disk / "store").scene("room_3")
        assert {entry.stage for entry in unit.entries()} >= {"ingest"}
        assert [finding for finding in unit.verify() if finding.harmful] == []
