"""Recipes: every mistake a person can make in YAML or in --set is one line with what to do."""

from pathlib import Path

import pytest

from schema.errors import ConfigError, StoreError
from storage.recipes import check_recipe, find_store, load_recipe, save_recipe, stored_recipe
from storage.store import Store
from tests.recipes import small_recipe, small_values


def test_a_recipe_is_read_and_overridden(tmp_path: Path) -> None:
    config = load_recipe(small_recipe(tmp_path), ["ingest.voxel_m=0.05", "source.seeds=[1, 2]", "name=other"])
    assert config.ingest.voxel_m == 0.05
    assert config.source.kind == "synthetic"
    assert config.source.seeds == (1, 2)
    assert config.name == "other"


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("ingest.voxl_m=1", ["ingest.voxl_m", "unknown key", "did you mean 'voxel_m'"]),
        ("igest.voxel_m=1", ["igest", "unknown key", "'ingest'"]),
        ("ingest.voxel_m=-1", ["ingest.voxel_m", "-1", "greater than"]),
        ("ingest.voxel_m=.nan", ["ingest.voxel_m", "nan"]),
        ("source.image_hw=[0, 80]", ["source.image_hw", "0", "greater than"]),
        ("teachers.tiny.std=[1, 0, 1]", ["teachers.tiny.std", "0", "greater than"]),
        ("source.kind=rgbd_foldr", ["source.kind", "'rgbd_folder'", "synthetic"]),
        ("source.seds=[1]", ["source.seds", "'seeds'"]),
        ("teachers.tiny.kind=onx", ["teachers.tiny.kind", "did you mean 'onnx'", "litert"]),
        ("teachers.tiny.wieghts=x", ["teachers.tiny.wieghts", "'weights'"]),
        ("text.kind=open_clp", ["text.kind", "'open_clip'", "words"]),
        ("text.kind=word", ["text.kind", "'words'"]),
        ("fuse.strategy=capabilty", ["fuse.strategy", "'capability'", "winner_takes_all"]),
        ("distill.targets=superpoints", ["distill.targets", "'superpoint'"]),
        ("teachers.a/b={kind: onnx, weights: w, labels: l}", ["teachers", "a/b"]),
        ("name=../x", ["name", "../x"]),
        ("lift.sampling=bilinear", ["lift.sampling", "dense teacher"]),
        ("fuse.strategy=best_teacher", ["fuse.strategy", "needs a capability table", "fuse.capability"]),
        ("evaluate.template=a thing", ["evaluate.template"]),
        ("nothing", ["--set", "key=value"]),
        ("ingest=3", ["ingest"]),
        ("name.x=3", ["name.x", "is a value"]),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, override: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(small_recipe(tmp_path), [override])
    line = str(caught.value)
    assert "\n" not in line
    for part in parts:
        assert part in line


@pytest.mark.parametrize("text", ["a: [1", "- 1", "a: 1\na: 2", "!!python/object:os.system {}", "\x00"])
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        load_recipe(path)


def test_a_missing_recipe_lists_those_beside_it(tmp_path: Path) -> None:
    small_recipe(tmp_path)
    with pytest.raises(ConfigError, match=r"recipe\.yaml"):
        load_recipe(tmp_path / "recpie.yaml")


def test_the_recipes_that_are_shipped_are_valid(repository_root: Path) -> None:
    recipes = sorted((repository_root / "configs").glob("*.yaml"))
    names = {load_recipe(path).name for path in recipes if "teachers" not in path.stem}
    assert {"default", "kitchen"} <= names


def test_where_things_are_does_not_change_fingerprints(tmp_path: Path) -> None:
    here = check_recipe(small_values(tmp_path))
    there = here.model_copy(update={"store": tmp_path / "elsewhere", "name": "x"})
    assert here.result_fields() == there.result_fields()
    assert "weights" not in here.teachers["tiny"].result_fields()


def test_the_store_run_into_last_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACH3D_STORES", str(tmp_path / "stores"))
    with pytest.raises(StoreError, match="run a recipe first"):
        find_store(None)
    config = check_recipe(small_values(tmp_path))
    for name in ("a", "b"):
        save_recipe(Store(tmp_path / "stores" / name, create=True), config)
    found = find_store(None)
    assert found.root.name == "b"
    assert stored_recipe(found).ingest == config.ingest
    assert find_store(tmp_path / "stores" / "a").root.name == "a"
