"""What a unit serves: what was written, or a clear error; never something else."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from schema.errors import InputError, StoreError
from storage import layout
from storage.store import Store, Unit

ROOT = Path(__file__).parents[2]
LENGTHS = {"N": 9000, "M": 0, "F": 3, "P": 2, "h": 6, "w": 8, "C": 5, "T": 2, "Q": 11, "R": 2, "K": 4, "S": 7}


def random_array(spec: layout.ArraySpec, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = [
        int(d) if d.isdigit() else LENGTHS[d.rstrip("1")] + (d.endswith("1") and d != "1") for d in spec.dims
    ]
    if spec.dtype[0] in "fb":
        return (
            rng.standard_normal(shape).astype(spec.dtype) if spec.dtype != "b1" else rng.random(shape) > 0.5
        )
    return rng.integers(0, 100, shape).astype(spec.dtype)


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("ingest", ""),
        ("oversegment", ""),
        ("lift/a.b", "dense"),
        ("lift/c", "mask"),
        ("fuse", ""),
        ("evaluate", ""),
    ],
)
def test_every_stage_comes_back_as_it_was_put(unit: Unit, stage: str, kind: str) -> None:
    word = layout.stage_word(stage)
    specs = [spec for spec in layout.ARRAYS[word] if spec.kind in ("", kind)]
    attrs = {spec.name: [1, "ä\u2028</script>\udcff", {"x": None}] for spec in layout.ATTRS[word]}
    attrs = {a.name: attrs[a.name] for a in layout.ATTRS[word] if a.kind in ("", kind)}
    attrs |= {"kind": kind} if kind else {}
    arrays = {spec.name: random_array(spec, i) for i, spec in enumerate(specs)}
    with unit.writing(stage, "f" * 64, version=3, config={"a": (1, 2)}, inputs={"x": "y"}) as writer:
        writer.attrs.update(attrs)
        for name, array in arrays.items():
            writer.put(name, np.asfortranarray(array))
        writer.counts["points"] = np.int64(9000)
        writer.metrics["iou"] = {"chair": np.float32(0.5), "table": None}
    entry = unit.entry(stage)
    assert entry is not None
    assert (entry.stage, entry.version, entry.config, entry.inputs) == (stage, 3, {"a": [1, 2]}, {"x": "y"})
    assert entry.counts == {"points": 9000}
    assert entry.metrics == {"iou": {"chair": 0.5, "table": None}}
    assert unit.attrs(stage) == attrs
    for spec in specs:
        array = unit.array(stage, spec.name)
        assert array.dtype == spec.dtype
        assert np.array_equal(array, arrays[spec.name])
        assert entry.arrays[spec.name]["shape"] == list(array.shape)
        assert entry.arrays[spec.name]["bytes"] > 0
        assert unit.has(stage, spec.name)
    assert not unit.has(stage, "nothing")
    assert unit.verify() == []


def test_plain_zarr_can_read_it(written: Unit, expected) -> None:
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    root = zarr.open_group(str(written.path / "data.zarr"), mode="r")
    array = root["oversegment/superpoint_id"]
    assert np.array_equal(array[...], expected(1))
    assert root["oversegment"].attrs["num_superpoints"] == 1
    blosc, crc = array.compressors
    assert isinstance(blosc, BloscCodec)
    assert isinstance(crc, Crc32cCodec)
    assert (blosc.cname.value, blosc.clevel, blosc.shuffle.value, blosc.typesize) == (
        "zstd",
        1,
        "bitshuffle",
        4,
    )
    assert array.chunks == (4096,)
    assert array.metadata.dimension_names == ("N",)
    assert array.nchunks_initialized == 2


def test_chunks_of_zeros_are_on_disk_too(unit: Unit) -> None:
    with unit.writing("oversegment", "f", version=1, config={}, inputs={}) as writer:
        writer.put("superpoint_id", np.zeros(10_000, np.int32))
        writer.attrs["num_superpoints"] = 1
    assert len(list((unit.path / "data.zarr/oversegment/superpoint_id/c").iterdir())) == 3


@pytest.mark.parametrize(
    "rows", [slice(0, 10), slice(4090, 4100), slice(None, None, 3), slice(-5, None), slice(7, 7)]
)
def test_rows(written: Unit, expected, rows: slice) -> None:
    assert np.array_equal(written.rows("oversegment", "superpoint_id", rows), expected(1)[rows])


def test_is_done_only_for_this_fingerprint(written: Unit, write) -> None:
    assert written.is_done("oversegment", f"{1:064x}")
    assert not written.is_done("oversegment", f"{2:064x}")
    assert not written.is_done("fuse", f"{1:064x}")
    write(written, 2)
    assert written.is_done("oversegment", f"{2:064x}")
    assert [entry.stage for entry in written.entries()] == ["oversegment"]


def test_an_error_changes_nothing_but_leaves_a_marker(written: Unit, expected) -> None:
    before = written.entry("oversegment")

    def fail() -> None:
        with written.writing("oversegment", "new", version=1, config={}, inputs={}) as writer:
            writer.put("superpoint_id", np.zeros(10, np.int32))
            marker = written.marker("oversegment")
            assert marker is not None
            assert (marker.state, marker.alive, marker.fingerprint) == ("running", True, "new")
            raise InputError("the depth is empty", file="d.png", remedy="export it\nagain")

    with pytest.raises(InputError, match="the depth is empty"):
        fail()
    assert written.entry("oversegment") == before
    assert np.array_equal(written.array("oversegment", "superpoint_id"), expected(1))
    marker = written.marker("oversegment")
    assert marker is not None
    assert (marker.state, marker.message) == ("failed", "d.png: the depth is empty; export it again")
    assert marker.fingerprint == "new"
    assert not list((written.path / "tmp").iterdir())


def test_a_commit_removes_the_marker_and_an_interrupt_leaves_none(unit: Unit, write) -> None:
    def interrupted() -> None:
        with unit.writing("oversegment", "f", version=1, config={}, inputs={}):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert unit.marker("oversegment") is None
    assert unit.entry("oversegment") is None
    write(unit, 1)
    assert unit.marker("oversegment") is None


BAD = {
    "object": np.array(["a", None], dtype=object),
    "float": np.zeros(5),
    "two axes": np.zeros((5, 1), np.int32),
    "list": [1, 2, 3],
}


def put_all(unit: Unit, stage: str, arrays: list[tuple[str, np.ndarray]], attrs: dict | None = None) -> None:
    with unit.writing(stage, "f", version=1, config={}, inputs={}) as writer:
        for name, array in arrays:
            writer.put(name, array)
        writer.attrs.update(attrs or {})


@pytest.mark.parametrize("name", BAD)
def test_other_arrays_are_refused(unit: Unit, name: str) -> None:
    with pytest.raises(ValueError, match=r"oversegment/superpoint_id: (dtype|shape) is .*, the layout says"):
        put_all(unit, "oversegment", [("superpoint_id", BAD[name])])
    assert unit.entry("oversegment") is None


def test_lengths_must_agree_within_a_stage(unit: Unit) -> None:
    arrays = [("feat", np.zeros((10, 4), np.float16)), ("seen", np.zeros(9, np.bool_))]
    with pytest.raises(ValueError, match="axis N has length 9, expected 10"):
        put_all(unit, "fuse", arrays)
    arrays = [("num_views", np.zeros(10, np.int32)), ("row_start", np.zeros(10, np.int64))]
    with pytest.raises(ValueError, match="axis N1 has length 10, expected 11"):
        put_all(unit, "lift/x", arrays)


@pytest.mark.parametrize(
    ("put", "attrs", "message"),
    [
        ((), {"num_superpoints": 1}, "superpoint_id was not written"),
        (("superpoint_id",), {}, "num_superpoints was not written"),
        (("superpoint_id",), {"num_superpoints": 1, "mood": 2}, "mood is not in the layout"),
        (("nonsense",), {"num_superpoints": 1}, "nonsense is not in the layout"),
        (("superpoint_id", "superpoint_id"), {"num_superpoints": 1}, "was written before"),
        (("superpoint_id",), {"num_superpoints": float("nan")}, "not finite"),
        (("superpoint_id",), {"num_superpoints": {1}}, "set is not JSON"),
    ],
)
def test_a_stage_is_complete_or_refused(unit: Unit, put, attrs, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        put_all(unit, "oversegment", [(name, np.zeros(5, np.int32)) for name in put], attrs)
    assert unit.entry("oversegment") is None


def test_arrays_of_the_other_kind_are_refused(unit: Unit) -> None:
    arrays = [
        ("num_views", np.zeros(10, np.int32)),
        ("feat", np.zeros((10, 3), np.float16)),
        ("row_start", np.zeros(11, np.int64)),
    ]
    with pytest.raises(ValueError, match="row_start is not in the layout"):
        put_all(unit, "lift/x", arrays, {"kind": "dense", "text_space": "words"})


def test_the_same_stage_twice_at_once_is_refused(written: Unit) -> None:
    with written.writing("oversegment", "f2", version=1, config={}, inputs={}) as writer:
        other = Store(written.path.parents[1]).scene("room_0")
        with (
            pytest.raises(StoreError, match="stage oversegment is in use by process"),
            other.writing("oversegment", "f3", version=1, config={}, inputs={}),
        ):
            pass
        with pytest.raises(StoreError, match="in use"):
            other.discard("oversegment")
        writer.put("superpoint_id", np.zeros(5, np.int32))
        writer.attrs["num_superpoints"] = 1
    assert written.is_done("oversegment", "f2")


def test_different_stages_of_one_scene_at_once(unit: Unit) -> None:
    barrier, errors = threading.Barrier(6), []

    def lift(name: str, value: int) -> None:
        try:
            with unit.writing(f"lift/{name}", name, version=1, config={}, inputs={}) as writer:
                barrier.wait(timeout=20)
                writer.put("num_views", np.full(9000, value, np.int32))
                writer.put("feat", np.full((9000, 8), value, np.float16))
                writer.attrs.update(kind="dense", text_space="words")
                barrier.wait(timeout=20)
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=lift, args=(f"t{i}", i)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for i in range(6):
        assert (unit.array(f"lift/t{i}", "feat") == i).all()
    assert unit.verify() == []


def test_missing_stages_and_arrays_say_so(written: Unit) -> None:
    with pytest.raises(StoreError, match="stage fuse is not in the store; run it first"):
        written.array("fuse", "feat")
    with pytest.raises(StoreError, match="stage fuse is not in the store"):
        written.attrs("fuse")
    with pytest.raises(StoreError, match="stage fuse is not in the store"):
        written.entry_of("fuse")
    with pytest.raises(StoreError, match="has no array 'nothing'; it has: superpoint_id"):
        written.array("oversegment", "nothing")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "oversegment"}', b"\xff\xfe", b"null"])
def test_a_torn_manifest_is_a_missing_stage(written: Unit, write, content: bytes) -> None:
    (written.path / "manifest" / "oversegment.json").write_bytes(content)
    assert written.entry("oversegment") is None
    assert [(finding.stage, finding.harmful) for finding in written.verify()] == [("oversegment", True)]
    with pytest.raises(StoreError, match="not in the store"):
        written.array("oversegment", "superpoint_id")
    write(written, 2)
    assert written.is_done("oversegment", f"{2:064x}")


def test_a_group_of_another_commit_is_a_missing_stage(written: Unit) -> None:
    path = written.path / "data.zarr" / "oversegment" / "zarr.json"
    value = json.loads(path.read_text())
    value["attributes"]["fingerprint"] = "another"
    path.write_text(json.dumps(value))
    assert written.entry("oversegment") is None
    assert "not the one the manifest speaks of" in str(written.verify()[0])
    shutil.rmtree(path.parent)
    assert written.entry("oversegment") is None


def test_files_are_recorded_moved_and_checked(store: Store) -> None:
    unit = store.student()
    for text in ("one", "two!"):
        with unit.writing("distill", text, version=1, config={}, inputs={}) as writer:
            staged = writer.folder / "student.json"
            staged.write_text(text)
            writer.add_file(staged)
            in_place = unit.path / "metrics.jsonl"
            in_place.write_text(text)
            writer.add_file(in_place)
        assert (unit.path / "student.json").read_text() == text
        entry = unit.entry("distill")
        assert entry is not None
        assert sorted(entry.files) == ["metrics.jsonl", "student.json"]
        assert unit.file("distill", "student.json").read_text() == text
    assert unit.verify() == []
    (unit.path / "student.json").write_text("owt!")
    assert unit.entry("distill") is None
    assert "content changed" in str(unit.verify()[0])
    unit.discard("distill")
    assert not (unit.path / "student.json").exists()
    assert unit.verify() == []


def test_files_elsewhere_cannot_be_recorded(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    unit = store.student()
    for path in (
        outside,
        unit.path / "state" / "distill.json",
        unit.path / "nothing",
        unit.path / ".." / "x",
    ):
        with (
            pytest.raises(ValueError, match=r"may record|not in the unit"),
            unit.writing("distill", "f", version=1, config={}, inputs={}) as writer,
        ):
            writer.add_file(path)


def test_discard_forgets_everything(written: Unit) -> None:
    written.discard("oversegment")
    assert written.entry("oversegment") is None
    assert not (written.path / "data.zarr" / "oversegment").exists()
    written.discard("oversegment")
    written.discard("fuse")


def test_planning_needs_no_zarr(written: Unit) -> None:
    script = f"""
import sys
from pathlib import Path
from storage.store import Store
unit = Store(Path({str(written.path.parents[1])!r})).scene("room_0")
assert unit.is_done("oversegment", "{1:064x}")
assert unit.attrs("oversegment")["num_superpoints"] == 1
assert not {{"zarr", "torch", "open3d", "pydantic"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_no_pickle_anywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "storage").rglob("*.py"))
    assert "import pickle" not in text
    assert "allow_pickle=True" not in text
