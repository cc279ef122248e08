"""The store's folder: made, recognised, refused; scene ids that can be folders."""

import json
from pathlib import Path

import pytest

from schema.errors import InputError, StoreError
from storage.layout import LAYOUT_VERSION
from storage.store import Store, check_scene_ids


def test_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here; check the path"):
        Store(tmp_path / "store")
    assert not (tmp_path / "store").exists()
    Store(tmp_path / "a" / "store", create=True)
    assert json.loads((tmp_path / "a/store/store.json").read_text()) == {"layout_version": LAYOUT_VERSION}
    Store(tmp_path / "a" / "store")


def test_a_newer_layout_is_refused_and_untouched(store: Store) -> None:
    marker = store.root / "store.json"
    marker.write_text(json.dumps({"layout_version": LAYOUT_VERSION + 1}))
    for create in (False, True):
        with pytest.raises(
            StoreError, match=r"store.json: layout_version = 2: .*newer layout.*; upgrade teach3d"
        ):
            Store(store.root, create=create)
    assert json.loads(marker.read_text()) == {"layout_version": LAYOUT_VERSION + 1}


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"layout_version": "1"}', '{"layout_version": true}'])
def test_a_damaged_marker_is_refused(store: Store, content: str) -> None:
    (store.root / "store.json").write_text(content)
    with pytest.raises(StoreError, match="is damaged; restore it"):
        Store(store.root)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is not a folder"):
        Store(tmp_path / "file", create=True)


def test_units(store: Store, write) -> None:
    assert store.scene_ids() == []
    assert store.units() == []
    for scene_id in ("room_10", "room_2", "Kitchen"):
        write(store.scene(scene_id), 1)
    store.report().path.mkdir()
    (store.root / "scenes" / ".hidden").mkdir()
    assert store.scene_ids() == ["Kitchen", "room_10", "room_2"]
    assert [unit.name for unit in store.units()] == ["Kitchen", "room_10", "room_2", "report"]
    assert store.student().path == store.root / "students" / "student"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["../x"], "leave the store"),
        (["a/../../b"], "leave the store"),
        (["/etc"], "leave the store"),
        (["~root"], "leave the store"),
        ([".."], "leave the store"),
        (["."], "cannot be a folder's name"),
        ([""], "cannot be a folder's name"),
        (["a/b"], "cannot be a folder's name"),
        (["a b"], "cannot be a folder's name"),
        (["a\n"], "cannot be a folder's name"),
        (["küche"], "cannot be a folder's name"),
        (["-rf"], "cannot be a folder's name"),
        (["x" * 101], "cannot be a folder's name"),
        (["ok", "Room", "room"], "collides with 'Room'"),
        (["ok", "room", "ok"], "collides with 'ok'"),
    ],
)
def test_bad_scene_ids(store: Store, ids: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_scene_ids(ids)
    assert "\n" not in str(caught.value)
    if len(ids) == 1:
        with pytest.raises(InputError, match=message):
            store.scene(ids[0])


def test_good_scene_ids(store: Store) -> None:
    check_scene_ids(["scene0000_00", "room-1.b", "7", "a.b"])
    store.check_scene_ids(["kitchen"])
