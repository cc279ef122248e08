import json
import re
from pathlib import Path
from typing import Any

import pytest

from report import build
from report.build import build_report, fill, report_files
from schema.errors import StoreError
from storage.store import Store
from tests import factories_report as factory


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "s", create=True)
    factory.fill_scene(store, "room_a", points_per_m2=40)
    factory.fill_student(store)
    return store


def built(store: Store, scene_ids: tuple[str, ...] = ("room_a",), **report: Any) -> Path:
    config = factory.recipe(store.root, report={"max_points": 1000, **report})
    return build_report(
        store, scene_ids, config=config, summary=factory.summary(scene_ids), encode=factory.encode
    )


def page_data(index: Path) -> Any:
    return json.loads(re.search(r'id="page-data">(.*?)</script>', index.read_text())[1])


def test_the_page_and_its_scenes_are_one_folder(store: Store) -> None:
    factory.fill_scene(store, "room_b", points_per_m2=20, seed=1, truth=False)
    index = built(store, ("room_a", "room_b"))
    assert index == store.root / "report" / "index.html"
    files = [entry["file"] for entry in page_data(index)["scenes"]]
    assert all((index.parent / name).is_file() for name in files)
    assert report_files(index) == [index, *(index.parent / name for name in files)]
    assert {path for path in index.parent.rglob("*") if path.is_file()} == set(report_files(index))


def test_the_same_store_gives_the_same_bytes(store: Store) -> None:
    first = {path.name: path.read_bytes() for path in report_files(built(store))}
    assert {path.name: path.read_bytes() for path in report_files(built(store))} == first


def test_nothing_is_asked_of_a_network(store: Store) -> None:
    text = built(store).read_text()
    assert "http" not in re.sub(r"http-equiv", "", text).replace("http://www.w3.org", "")
    assert "default-src 'none'" in text


def test_130_000_points_are_about_two_megabytes(tmp_path: Path) -> None:
    store = Store(tmp_path / "big", create=True)
    unit = factory.fill_scene(store, "room_a", points_per_m2=1343, truth=False)
    num_points = len(unit.array("ingest", "points_world"))
    assert 125_000 < num_points < 135_000
    files = report_files(built(store, max_points=200_000))
    size = sum(path.stat().st_size for path in files)
    print(f"{num_points} points: {size / 1e6:.2f} MB")
    assert 0.3e6 < size < 2.6e6


def test_old_scene_files_and_leftovers_of_a_kill_go(store: Store) -> None:
    index = built(store)
    old = report_files(index)[1]
    leftover = old.with_name(".x.js.123.partial")
    leftover.write_text("torn")
    index.with_name(".index.html.123.partial").write_text("torn")
    built(store, max_points=1500)
    assert not old.exists()
    assert {path for path in index.parent.rglob("*") if path.is_file()} == set(report_files(index))


def test_a_kill_before_the_page_is_replaced_leaves_the_old_report_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = built(store)
    before = {path: path.read_bytes() for path in report_files(index)}
    write = build._replace

    def killed(path: Path, text: str) -> None:
        if path.name == "index.html":
            raise KeyboardInterrupt
        write(path, text)

    monkeypatch.setattr(build, "_replace", killed)
    with pytest.raises(KeyboardInterrupt):
        built(store, max_points=1500)
    assert {path: path.read_bytes() for path in before} == before


def test_outside_text_cannot_become_markup(store: Store) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    config = factory.recipe(store.root, report={"queries": [evil]})
    summary = {**factory.summary(("room_a",)), "recipe": evil, "notes": [evil], "started": evil}
    index = build_report(store, ["room_a"], config=config, summary=summary, encode=factory.encode)
    for path in report_files(index):
        assert "<img" not in path.read_text()
    assert index.read_text().count("</script>") == 2


def test_a_summary_may_be_empty(store: Store) -> None:
    config = factory.recipe(store.root)
    assert build_report(store, ["room_a"], config=config, summary={}).is_file()


def test_queries_without_an_encoder_are_named_on_the_page(store: Store) -> None:
    config = factory.recipe(store.root, report={"queries": ["a lamp"]})
    index = build_report(store, ["room_a"], config=config, summary={})
    assert "text queries are not shown" in index.read_text()


def test_no_scene_or_one_without_a_cloud_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no scene"):
        built(store, ())
    with pytest.raises(StoreError, match="has no cloud"):
        built(store, ("room_a", "room_z"))


def test_filled_values_are_not_filled_again() -> None:
    assert fill("{{a}}-{{b}}", {"a": "{{b}}", "b": "}}{{"}) == "{{b}}-}}{{"
