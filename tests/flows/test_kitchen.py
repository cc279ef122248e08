"""The real capture, end to end through the command: ten frames in the short suite, all in the long one."""

import json
import time
from pathlib import Path

import pytest

from benchmarks.kitchen_boxes import ROWS, by_class, shares
from flows.cli import main
from storage.store import Store
from tests.browser import Page, find_chromium
from tests.recipes import run_recipe

FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def overrides(store: Path, kitchen: Path, litert: Path, *more: str) -> list[str]:
    weights = {
        "deeplab": "deeplabv3_mnv2_pascal_quant.tflite",
        "deeplab_small": "deeplabv3_mnv2_dm05_pascal_quant.tflite",
    }
    values = [f"store={store}", f"source.root={kitchen}", *more]
    for name, file in weights.items():
        values += [
            f"teachers.{name}.weights={litert / file}",
            f"teachers.{name}.labels={litert / 'labels.txt'}",
        ]
    return [argument for value in values for argument in ("--set", value)]


@pytest.fixture(scope="module")
def ten_frames(
    prefect_api: None,
    kitchen_root: Path,
    litert_root: Path,
    repository_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    store = tmp_path_factory.mktemp("kitchen") / "store"
    quick = (
        "source.stride=10",
        "ingest.voxel_m=0.03",
        "distill.voxel_m=0.08",
        "distill.epochs=10",
        "distill.self_distillation.epochs=5",
    )
    arguments = overrides(store, kitchen_root, litert_root, *quick)
    with pytest.raises(SystemExit) as left:
        main(["run", str(repository_root / "configs" / "kitchen.yaml"), *arguments])
    assert left.value.code == 0
    return store


@pytest.mark.kitchen
def test_ten_frames_of_the_kitchen(ten_frames: Path) -> None:
    store = Store(ten_frames)
    unit = store.scene("kitchen")
    assert len(unit.attrs("ingest")["frame_names"]) == 10
    assert unit.verify() == []
    for teacher in ("deeplab", "deeplab_small"):
        assert {"chair", "dining table"} <= set(unit.attrs(f"lift/{teacher}")["caption_labels"])
        captions = unit.attrs(f"lift/{teacher}")["captions"]
        assert any(caption.endswith("dining table") and len(caption.split()) > 3 for caption in captions)
    assert {"lift/deeplab", "lift/deeplab_small", "fuse", "student"} <= set(unit.attrs("evaluate")["rows"])
    summary = json.loads((ten_frames / "summary.json").read_text())
    assert "coverage" in summary["table"]["columns"]
    assert {row["name"] for row in summary["table"]["rows"]} >= {"fuse", "student"}


@pytest.mark.kitchen
@pytest.mark.browser
def test_the_report_of_a_real_run_draws_points_and_switches_layers(ten_frames: Path) -> None:
    if find_chromium() is None:
        pytest.skip("no Chromium here")
    layers = (
        "colour",
        "superpoints",
        "teacher:deeplab",
        "fused",
        "student",
        "views",
        "query-student:a chair",
    )
    with Page(size=(1100, 1700)) as page:
        page.open((ten_frames / "report" / "index.html").as_uri())
        page.wait_for("document.body && document.body.dataset.ready === 'true'")
        pictures = []
        for layer in layers:
            page.run(f"location.hash = 'scene=kitchen&layer=' + encodeURIComponent({layer!r})")
            page.wait_for(f"window.teach3d.layer === {layer!r}")
            assert page.run("window.teach3d.pointsDrawn") > 5000
            page.run(FRAME)
            pictures.append(page.picture("#canvas"))
        assert not page.errors
        assert all(not address.startswith(("http:", "https:")) for address in page.requests)
    for index, picture in enumerate(pictures):
        assert len(set(map(tuple, picture[::7, ::7, :3].reshape(-1, 3).tolist()))) > 20
        for other in pictures[index + 1 :]:
            assert (picture != other).any()


@pytest.mark.kitchen
@pytest.mark.slow
def test_the_whole_kitchen_comes_out_where_it_is(
    kitchen_root: Path, litert_root: Path, repository_root: Path, tmp_path: Path
) -> None:
    """Shares of right labels in boxes placed by hand; the second run computes nothing."""
    recipe = repository_root / "configs" / "kitchen.yaml"
    arguments = overrides(tmp_path / "store", kitchen_root, litert_root)
    started = time.monotonic()
    summary = run_recipe(recipe, arguments)
    print(f"whole kitchen: {time.monotonic() - started:.0f} s")
    assert {stage["status"] for stage in summary["stages"]} == {"computed"}
    found = shares(Store(tmp_path / "store").scene("kitchen"))
    for row in found:
        print(row)
        if row["box"] != "middle chair, backrest":  # rarely found by either network: docs/reproduce.md
            assert all(row[name] >= 0.6 for name in ROWS), row
    for row in by_class(found):
        assert all(row[name] >= 0.6 for name in ROWS), row
    started = time.monotonic()
    again = run_recipe(recipe, arguments)
    print(f"second run: {time.monotonic() - started:.1f} s")
    assert {stage["status"] for stage in again["stages"]} == {"cached"}
    assert again["table"] == summary["table"]
