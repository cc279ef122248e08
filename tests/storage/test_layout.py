"""The table of arrays: documented as it is, and refused what is not in it."""

from pathlib import Path

import pytest

from storage import layout

DOCS = Path(__file__).parents[2] / "docs" / "store.md"


def test_docs_hold_the_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    begin, end = "<!-- layout table -->\n", "<!-- end of layout table -->"
    assert text.split(begin)[1].split(end)[0].strip() == layout.layout_table().strip()
    assert f"Layout version {layout.LAYOUT_VERSION}." in text


def test_every_stage_word_is_known() -> None:
    from schema.stages import STAGES

    assert tuple(STAGES) == layout.STAGES
    assert set(layout.ARRAYS) == set(layout.ATTRS) <= set(layout.STAGES)
    for specs in layout.ARRAYS.values():
        assert len({spec.name for spec in specs}) == len(specs)


@pytest.mark.parametrize("key", ["ingest", "lift/deeplab", "lift/a.b-c_d", "report"])
def test_stage_keys_become_file_names_and_back(key: str) -> None:
    assert layout.stage_key_of(layout.dotted(key)) == key
    assert "/" not in layout.dotted(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "lift",
        "fuse/x",
        "lift/../x",
        "lift/.x",
        "lift/a/b",
        "nonsense",
        "lift/zarr.json",
        "../fuse",
        "Fuse",
    ],
)
def test_other_stage_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"stage key|teacher.s name"):
        layout.stage_word(key)


def test_chunks() -> None:
    feat = layout.array_spec("fuse", "feat")
    pictures = layout.array_spec("ingest", "preview_color")
    faces = layout.array_spec("ingest", "faces")
    assert feat is not None
    assert pictures is not None
    assert faces is not None
    assert layout.chunk_shape(feat, (130_000, 512)) == (4096, 512)
    assert layout.chunk_shape(feat, (100, 512)) == (100, 512)
    assert layout.chunk_shape(pictures, (8, 120, 160, 3)) == (1, 120, 160, 3)
    assert layout.chunk_shape(faces, (0, 3)) == (1, 3)
