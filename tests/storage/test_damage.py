"""Damage on disk: found, named, mended by recomputing one stage."""

from pathlib import Path

import numpy as np
import pytest

from schema.errors import StoreError
from storage.store import Unit

CHUNKS = "data.zarr/oversegment/superpoint_id/c"


def flip_a_bit(path: Path, where: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(where * (len(data) - 1))] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("where", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_flipped_bit_names_the_chunk(written: Unit, write, where: float) -> None:
    chunk = written.path / CHUNKS / "1"
    flip_a_bit(chunk, where)
    with pytest.raises(StoreError) as caught:
        written.array("oversegment", "superpoint_id")
    line = str(caught.value)
    assert line.startswith(f"{chunk}: chunk is corrupted: ")
    assert line.endswith("run `teach3d verify --discard`, then run again: only this stage is recomputed")
    assert "\n" not in line
    assert written.rows("oversegment", "superpoint_id", slice(0, 4096)).shape == (4096,), (
        "the other chunk is whole"
    )
    findings = written.verify()
    assert [(finding.path, finding.stage, finding.harmful) for finding in findings] == [
        (chunk, "oversegment", True)
    ]
    written.discard(findings[0].stage)
    assert written.verify() == []
    write(written, 1)
    assert written.is_done("oversegment", f"{1:064x}")


def test_a_missing_chunk_is_not_read_as_zeros(written: Unit) -> None:
    chunk = written.path / CHUNKS / "0"
    chunk.unlink()
    with pytest.raises(StoreError, match="chunk is missing") as caught:
        written.array("oversegment", "superpoint_id")
    assert caught.value.file == str(chunk)
    assert len(written.rows("oversegment", "superpoint_id", slice(4096, None))) == 904
    assert [finding.problem for finding in written.verify()] == ["chunk is missing"]


@pytest.mark.parametrize("length", [0, 1, 30])
def test_a_truncated_chunk(written: Unit, length: int) -> None:
    chunk = written.path / CHUNKS / "0"
    chunk.write_bytes(chunk.read_bytes()[:length])
    with pytest.raises(StoreError, match=r"chunk is corrupted"):
        written.array("oversegment", "superpoint_id")
    assert len(written.verify()) == 1


def test_every_damaged_chunk_is_found(unit: Unit) -> None:
    with unit.writing("oversegment", "f", version=1, config={}, inputs={}) as writer:
        writer.put("superpoint_id", np.arange(40_000, dtype=np.int32))
        writer.attrs["num_superpoints"] = 1
    for name in ("0", "3", "9"):
        flip_a_bit(unit.path / CHUNKS / name, 0.5)
    (unit.path / CHUNKS / "5").unlink()
    assert sorted(finding.path.name for finding in unit.verify()) == ["0", "3", "5", "9"]


@pytest.mark.parametrize("content", ["", "{}", "{not json"])
def test_damaged_metadata(written: Unit, content: str) -> None:
    path = written.path / "data.zarr/oversegment/superpoint_id/zarr.json"
    path.write_text(content)
    with pytest.raises(StoreError, match="array cannot be opened"):
        written.array("oversegment", "superpoint_id")
    assert [finding.path for finding in written.verify()] == [path]


def test_metadata_of_another_shape(written: Unit) -> None:
    path = written.path / "data.zarr/oversegment/superpoint_id/zarr.json"
    path.write_text(path.read_text().replace("5000", "4000"))
    with pytest.raises(StoreError, match=r"array is i4\[4000\], the manifest says i4\[5000\]"):
        written.array("oversegment", "superpoint_id")


def test_replacing_damage_needs_no_discard(written: Unit, write, expected) -> None:
    flip_a_bit(written.path / CHUNKS / "0", 0.5)
    write(written, 1)
    assert np.array_equal(written.array("oversegment", "superpoint_id"), expected(1))
    assert written.verify() == []
