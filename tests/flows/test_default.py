"""The default recipe as `make demo` runs it: procedural rooms, scale models, a student, queries."""

import time
from pathlib import Path

import pytest

from benchmarks.queries import measure
from schema.summary import PROCEDURAL
from storage.recipes import load_recipe
from tests.recipes import run_recipe

pytestmark = pytest.mark.slow
ROWS = ("lift/dense", "lift/mask", "fuse/linear", "fuse/oracle_capability", "fuse", "student")


def test_the_whole_method_on_procedural_rooms(
    repository_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, store = repository_root / "configs" / "default.yaml", tmp_path / "store"
    arguments = ["--set", f"store={store}"]
    first = run_recipe(recipe, arguments)
    assert not first["failures"]
    assert first["table"]["title"].endswith(PROCEDURAL)
    miou = {row["name"]: row["cells"][1] for row in first["table"]["rows"]}
    print({name: miou[name] for name in ROWS}, f"{first['seconds']:.0f} s")
    alone = max(miou["lift/dense"], miou["lift/mask"])
    assert miou["fuse/oracle_capability"] > alone + 0.03  # each knows what the other does not
    assert min(miou["lift/dense"], miou["lift/mask"]) > 0.15
    assert miou["student"] > 0.05
    began = time.monotonic()
    second = run_recipe(recipe, arguments)
    assert {stage["status"] for stage in second["stages"]} == {"cached"}
    print(f"second run: {time.monotonic() - began:.1f} s")

    monkeypatch.chdir(repository_root)  # the recipe names the models from there
    found = measure(load_recipe(recipe, [f"store={store}"]))
    print({text: (row["right"], row["rooms"]) for text, row in found["fused"]["by_query"].items()})
    assert found["fused"]["queries"] >= 19
    assert found["fused"]["hit_rate"] >= 0.65
