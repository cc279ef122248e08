"""A dense and a mask teacher through every stage: text spaces, files on disk, the other targets."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.plan import make_plan
from models.cache import load_text
from ops.morton import morton_codes
from schema.config import PipelineConfig
from schema.errors import SpaceMismatchError
from schema.records import StageRef
from storage.label_sets import load_label_set, load_synonyms
from storage.recipes import check_recipe
from storage.store import Store, Unit
from tests.factories_networks import LABELS, write_conv
from tests.recipes import small_values
from training.checkpoint import read_student

FINE = {"ingest__voxel_m": 0.05, "oversegment__graph": "neighbours", "fuse__strategy": "add"}


def two_teachers(folder: Path, **changes: Any) -> PipelineConfig:
    """The small recipe with a second, dense teacher in the space of its text encoder."""
    values = small_values(folder, **FINE, **changes)
    weights = folder / "dense.safetensors"
    if not weights.exists():
        text = load_text(check_recipe(values).text, synonyms=load_synonyms())
        write_conv(weights, text=text.encode(list(LABELS)), space=text.space)
    values["teachers"]["dense"] = {"kind": "conv_dense", "weights": str(weights)}
    return check_recipe(values)


def run(config: PipelineConfig, *words: str) -> list[StageRef]:
    plan = make_plan(config, Store(config.store, create=True))
    jobs = [job for job in plan.jobs if not words or job.word in words]
    tasks = {job.word: getattr(importlib.import_module(f"tasks.{job.word}"), job.word) for job in jobs}
    return [tasks[job.word].fn(config, job) for job in jobs]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    config = two_teachers(tmp_path_factory.mktemp("two"))
    assert {ref.status for ref in run(config)} == {"computed"}
    return config


@pytest.fixture
def unit(config: PipelineConfig) -> Unit:
    return Store(config.store).scene("room_3")


def test_every_artifact_with_features_names_its_text_space(config: PipelineConfig, unit: Unit) -> None:
    space = load_text(config.text, synonyms=load_synonyms()).space
    spaces = {stage: unit.attrs(stage)["text_space"] for stage in ("lift/dense", "fuse", "evaluate")}
    assert set(spaces.values()) == {space}
    assert unit.attrs("lift/tiny")["text_space"] is None  # captions: words, in no space yet
    assert unit.attrs("lift/tiny")["captions"]
    student = json.loads((config.store / "students/student/student.json").read_text())
    assert student["text_space"] == space
    assert len(read_student(config.store / "students/student")[1]) > 10


def test_a_dense_teacher_of_another_space_is_refused_by_name(tmp_path: Path) -> None:
    config = two_teachers(tmp_path, text__dim=16)
    weights = config.teachers["dense"].weights
    write_conv(weights, text=np.eye(4, 16), space="open_clip:ViT-B-32-quickgelu:12345678")
    run(config, "ingest", "oversegment")
    with pytest.raises(
        SpaceMismatchError, match=r"dense.*open_clip:ViT-B-32-quickgelu:12345678.*words:16"
    ) as e:
        run(config, "lift")
    assert "\n" not in str(e.value)


def test_both_teachers_reach_the_fused_features(config: PipelineConfig, unit: Unit) -> None:
    views = {name: unit.array(f"lift/{name}", "num_views") for name in config.teachers}
    weight, seen = unit.array("fuse", "weight"), unit.array("fuse", "seen")
    active = np.stack([views[name] > 0 for name in config.teachers], axis=1)
    assert active.all(axis=1).any()
    np.testing.assert_array_equal(seen, active.any(axis=1))
    np.testing.assert_array_equal(weight > 0, active)
    assert (unit.array("fuse", "label")[~seen] == -1).all()
    assert not unit.array("fuse", "feat")[~seen].any()
    names = load_label_set(config.fuse.vocabulary).names
    assert unit.attrs("fuse")["vocabulary"] == list(names)
    rows = unit.attrs("evaluate")["rows"]
    assert {"lift/tiny", "lift/dense", "fuse/linear", "fuse/uniform", "fuse", "student"} <= set(rows)


def test_points_are_stored_in_morton_order(unit: Unit) -> None:
    points = unit.array("ingest", "points_world")
    codes = morton_codes(points, 0.01)
    assert len(points) > 4096
    assert (np.diff(codes.astype(np.int64)) >= 0).all()
    step_m = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.median(step_m) < 0.15


def test_features_are_float16_in_checksummed_chunks_of_4096_whole_rows(unit: Unit) -> None:
    num_points = len(unit.array("ingest", "points_world"))
    for name in ("lift/dense/feat", "fuse/feat", "evaluate/student_feat"):
        about = json.loads((unit.path / "data.zarr" / name / "zarr.json").read_text())
        assert about["zarr_format"] == 3
        assert about["data_type"] == "float16"
        assert about["shape"] == [num_points, 32]
        assert about["chunk_grid"] == {"name": "regular", "configuration": {"chunk_shape": [4096, 32]}}
        _, blosc, crc = about["codecs"]
        settings = {"cname": "zstd", "clevel": 1, "shuffle": "bitshuffle", "typesize": 2}
        assert (blosc["name"], crc["name"]) == ("blosc", "crc32c")
        assert settings.items() <= blosc["configuration"].items()
        chunks = [path for path in (unit.path / "data.zarr" / name / "c").rglob("*") if path.is_file()]
        assert len(chunks) == -(-num_points // 4096)
        for path in chunks:
            content = path.read_bytes()
            assert int.from_bytes(content[-4:], "little") == crc32c(content[:-4])


def crc32c(content: bytes) -> int:
    """Castagnoli's polynomial bit by bit, a byte at a time from a table."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901
        table.append(value)
    register = 0xFFFFFFFF
    for byte in content:
        register = table[(register ^ byte) & 255] ^ register >> 8
    return register ^ 0xFFFFFFFF


def test_no_file_of_a_store_is_a_pickle(config: PipelineConfig) -> None:
    files = [path for path in config.store.rglob("*") if path.is_file()]
    assert len(files) > 50
    for path in files:
        start = path.read_bytes()[:4]
        assert not (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"), path
        assert start != b"PK\x03\x04", path  # how torch.save and np.savez start
        assert path.suffix not in (".pkl", ".pickle", ".pt", ".pth", ".npy"), path


@pytest.mark.parametrize("targets", ["pixel_point", "superpoint_seen_only"])
def test_the_other_targets_train_a_student_too(config: PipelineConfig, targets: str) -> None:
    changed = config.model_copy(update={"distill": config.distill.model_copy(update={"targets": targets})})
    before = read_student(config.store / "students/student")[1]
    (reference,) = run(changed, "distill")
    assert reference.status == "computed"
    after = read_student(config.store / "students/student")[1]
    assert any(not before[name].equal(after[name]) for name in before)
    assert all(bool(tensor.isfinite().all()) for tensor in after.values())
