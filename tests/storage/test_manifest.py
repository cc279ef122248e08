"""Manifest entries keep to the documented schema and come back as they were."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from storage.manifest import ManifestEntry, read_entry, write_entry
from storage.store import Store, Unit

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "manifest-entry.schema.json"


def test_entries_on_disk_fit_the_schema(written: Unit, store: Store) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    with store.student().writing("distill", "a" * 64, version=1, config={}, inputs={}) as writer:
        (writer.folder / "student.json").write_text("{}")
        writer.add_file(writer.folder / "student.json")
    for path in (written.path / "manifest/oversegment.json", store.student().path / "manifest/distill.json"):
        validator.validate(json.loads(path.read_text()))
    names = {field.name for field in dataclasses.fields(ManifestEntry)}
    assert set(validator.schema["properties"]) == set(validator.schema["required"]) == names


def test_round_trip(tmp_path: Path) -> None:
    entry = ManifestEntry(
        "fuse", "f", 1, {"a": [1, 2.5, None]}, {"x": "ä"}, "2026-01-01T00:00:00+00:00", 1.5, "c"
    )
    write_entry(tmp_path / "fuse.json", entry)
    assert read_entry(tmp_path / "fuse.json") == entry
    assert [path.name for path in tmp_path.iterdir()] == ["fuse.json"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1"),
        ("arrays", []),
        ("arrays", {"feat": 1}),
        ("config", None),
        ("files", {"../../elsewhere": "0"}),
        ("files", {"/etc/passwd": "0"}),
        ("extra", 1),
    ],
)
def test_anything_else_is_no_entry(tmp_path: Path, field: str, value: object) -> None:
    entry = ManifestEntry("fuse", "f", 1, {}, {}, "2026", 1.5, "c")
    path = tmp_path / "fuse.json"
    path.write_text(json.dumps({**dataclasses.asdict(entry), field: value}))
    assert read_entry(path) is None
    path.write_text(json.dumps(dataclasses.asdict(entry)))
    assert read_entry(path) == entry
