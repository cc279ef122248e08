"""A mesh without images goes the whole way: virtual views, lift, student, page."""

from pathlib import Path

import numpy as np
import pytest

from flows.cli import main
from flows.plan import make_plan
from storage.export import export_cloud
from storage.recipes import load_recipe
from storage.store import Store
from tests.recipes import small_recipe


def write_room(path: Path) -> None:
    """A floor, two walls and a box of a few large triangles, each in a colour of its own."""
    sheets = [
        ((0, 0, 0), (3, 0, 0), (0, 3, 0), (150, 90, 40)),
        ((0, 3, 0), (3, 0, 0), (0, 0, 2.4), (220, 220, 210)),
        ((0, 0, 0), (0, 3, 0), (0, 0, 2.4), (200, 210, 220)),
        ((1.8, 1.8, 0.6), (0.8, 0, 0), (0, 0.8, 0), (30, 60, 200)),
    ]
    points, colors, faces = [], [], []
    for origin, across, up, color in sheets:
        start = len(points)
        points += [
            np.add(origin, np.multiply(i, across) + np.multiply(j, up))
            for i, j in [(0, 0), (1, 0), (1, 1), (0, 1)]
        ]
        colors += [color] * 4
        faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    export_cloud(
        path,
        "ply",
        points=np.array(points, dtype=np.float32),
        colors=np.array(colors, dtype=np.uint8),
        faces=np.array(faces, dtype=np.int32),
    )


@pytest.fixture(scope="module")
def recipe(prefect_api: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over one mesh file, run by the command."""
    folder = tmp_path_factory.mktemp("clouds")
    write_room(folder / "attic.ply")
    path = small_recipe(
        folder,
        source={"kind": "clouds", "root": str(folder), "scenes": ["attic.ply"]},
        render={"num_views": 5, "image_hw": [60, 80], "grid_m": 1.0},
    )
    with pytest.raises(SystemExit) as left:
        main(["run", str(path)])
    assert left.value.code == 0
    return path


def test_the_mesh_became_points_seen_by_virtual_views(recipe: Path) -> None:
    unit = Store(load_recipe(recipe).store).scene("attic")
    assert (
        unit.attrs("ingest")["frame_names"]
        == unit.attrs("render")["frame_names"]
        == [f"{i:06d}" for i in range(5)]
    )
    points = unit.array("ingest", "points_world")
    assert len(points) > 500  # sixteen corners alone would be no cloud
    assert np.array_equal(unit.array("ingest", "world_from_cam"), unit.array("render", "world_from_cam"))
    seen = unit.array("lift/tiny", "num_views") > 0
    assert seen.mean() > 0.3
    assert unit.array("evaluate", "student_feat").shape[0] == len(points)
    assert (load_recipe(recipe).store / "report" / "index.html").is_file()


def test_nothing_is_left_to_do_until_the_views_change(recipe: Path) -> None:
    config = load_recipe(recipe)
    store = Store(config.store)
    assert make_plan(config, store).todo() == ()
    wider = config.model_copy(update={"render": config.render.model_copy(update={"fov_deg": 80.0})})
    stale = {job.stage for job in make_plan(wider, store).todo()}
    assert stale == {"render", "ingest", "oversegment", "lift/tiny", "fuse", "distill", "evaluate", "report"}
