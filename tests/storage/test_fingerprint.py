"""Fingerprints are the same in every process and differ for every difference; digests follow the content."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.config_stages import DistillConfig
from storage.fingerprint import DigestCache, canonical_json, file_digest, fingerprint

ROOT = Path(__file__).parents[2]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SCRIPT = """
from schema.config_stages import DistillConfig
from storage.fingerprint import fingerprint
names = {"b", "a", "c", "d"}  # the order differs between processes
config = {name: len(name) for name in names} | {"t": 0.1 + 0.2, "x": DistillConfig().result_fields()}
print(fingerprint("fuse", 1, config, {name: name for name in names}), list(names))
"""


def test_equal_in_processes_with_different_hash_seeds() -> None:
    lines = []
    for seed in ("0", "1", "12345"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True
        )
        lines.append(run.stdout.split(" ", 1))
    assert len({line[1] for line in lines}) > 1, "the hash seed had no effect; the test shows nothing"
    assert len({line[0] for line in lines}) == 1
    names = ("a", "b", "c", "d")
    config = dict.fromkeys(names, 1) | {"t": 0.1 + 0.2, "x": DistillConfig().result_fields()}
    assert lines[0][0] == fingerprint("fuse", 1, config, {name: name for name in names})


def test_pinned_value() -> None:
    assert canonical_json({"b": (1, 2.0, "é"), "a": None}) == '{"a":null,"b":[1,2.0,"\\u00e9"]}'
    assert fingerprint("ingest", 1, {"voxel_m": 0.02}, {}) == (
        "ed30b305d0c2f59bbfac99bf3a821a4e7c3f935b9198a6ba5938c92070fa8014"
    )


def test_every_part_counts() -> None:
    base = fingerprint("fuse", 1, {"a": 1}, {"in": "x"})
    others = [
        fingerprint("lift", 1, {"a": 1}, {"in": "x"}),
        fingerprint("fuse", 2, {"a": 1}, {"in": "x"}),
        fingerprint("fuse", 1, {"a": 1.0}, {"in": "x"}),
        fingerprint("fuse", 1, {"a": True}, {"in": "x"}),
        fingerprint("fuse", 1, {"a": "1"}, {"in": "x"}),
        fingerprint("fuse", 1, {"a": 1}, {"in": "y"}),
        fingerprint("fuse", 1, {"a": 1, "b": None}, {"in": "x"}),
    ]
    assert len({base, *others}) == 8


@given(JSON)
def test_lists_and_tuples_and_key_order_do_not_count(value) -> None:
    def turned(item):
        if isinstance(item, list):
            return tuple(turned(x) for x in item)
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return item

    assert fingerprint("s", 1, {"v": value}, {}) == fingerprint("s", 1, {"v": turned(value)}, {})


@pytest.mark.parametrize(
    "value", [{1, 2}, frozenset("a"), Path("x"), b"x", float("nan"), float("inf"), {1: 2}, object()]
)
def test_refused(value) -> None:
    with pytest.raises((TypeError, ValueError), match=r"config\.here"):
        fingerprint("fuse", 1, {"here": value}, {})


def age(path: Path) -> None:
    """Let the cache take the file for an old one."""
    os.utime(path, ns=(10**18, 10**18))


def test_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    age(path)
    monkeypatch.setattr("storage.fingerprint._RACY_NS", 0)
    first = file_digest(path, DigestCache(tmp_path))
    assert first == file_digest(path)
    assert (tmp_path / "cache" / "digests.json").is_file()
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("the file was read again"))
        assert file_digest(path, DigestCache(tmp_path)) == first
    path.write_bytes(b"two")  # same length
    age(path)
    assert file_digest(path, DigestCache(tmp_path)) == file_digest(path) != first


def test_a_file_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    file_digest(path, DigestCache(tmp_path))
    assert not (tmp_path / "cache").exists()


def test_two_caches_keep_each_others_rows_and_a_torn_file_is_no_error(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("storage.fingerprint._RACY_NS", 0)
    caches = DigestCache(tmp_path), DigestCache(tmp_path)
    for name, cache in zip("ab", caches, strict=True):
        (tmp_path / name).write_bytes(name.encode())
        cache.get(tmp_path / name, (tmp_path / name).stat())
        file_digest(tmp_path / name, cache)
    third = DigestCache(tmp_path)
    assert all(third.get(tmp_path / name, (tmp_path / name).stat()) for name in "ab")
    (tmp_path / "cache" / "digests.json").write_text('{"torn')
    assert file_digest(tmp_path / "a", DigestCache(tmp_path)) == file_digest(tmp_path / "a")
