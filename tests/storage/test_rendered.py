"""Geometry without images: files become scenes, and virtual views in the store become their frames."""

import numpy as np
import pytest

from ops.cameras import look_at
from ops.virtual_views import virtual_views
from schema.config_clouds import CloudFilesConfig
from schema.config_stages import RenderConfig
from schema.errors import ConfigError, InputError, StoreError
from storage.rendered import open_capture, write_views
from storage.sources.catalog import open_source
from storage.store import Store

CONFIG = RenderConfig(num_views=2, image_hw=(24, 32))
POSES = np.stack([look_at(np.array([0.5, -2.0, 0.5]), np.array([0.5, 0.0, z])) for z in (0.4, 0.6)])


@pytest.fixture
def source(tmp_path) -> CloudFilesConfig:
    """Two scenes: a square with a colour at each corner, and bare grey points in a folder of their own."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], dtype=np.float32)
    colors = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [0, 0, 0]], dtype=np.uint8)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    folder = tmp_path / "scans"
    (folder / "more").mkdir(parents=True)
    np.savez(folder / "square.npz", points=corners, colors=colors, faces=faces)
    np.savez(folder / "more" / "dots.npz", points=corners * 2)
    return CloudFilesConfig(root=folder, scenes=("*.npz", "more/*.npz"))


def rendered(tmp_path, source, scene_id="square"):
    unit = Store(tmp_path / "store", create=True).scene(scene_id)
    geometry = open_source(source).open(scene_id).geometry()
    with unit.writing("render", "0" * 64, version=1, config={}, inputs={}) as writer:
        write_views(writer, virtual_views(geometry, CONFIG, POSES))
    return open_capture(source, unit)


def test_files_are_scenes(source):
    opened = open_source(source)
    assert opened.scene_ids() == ["square", "more_dots"]
    assert opened.identity("square")["file"][0] == "square.npz"
    with pytest.raises(ConfigError, match="unknown scene"):
        opened.open("circle")


def test_identity_does_not_depend_on_the_folder_and_follows_the_file(source, tmp_path):
    before = open_source(source).identity("square")
    source.root.rename(tmp_path / "moved")
    moved = source.model_copy(update={"root": tmp_path / "moved"})
    assert open_source(moved).identity("square") == before
    np.savez(tmp_path / "moved" / "square.npz", points=np.zeros((1, 3)))
    assert open_source(moved).identity("square") != before


def test_geometry_has_the_files_colours_and_normals_of_its_triangles(source):
    cloud = open_source(source).open("square").geometry()
    at = {
        tuple(point): tuple(color)
        for point, color in zip(cloud.points_world.tolist(), cloud.colors.tolist(), strict=True)
    }
    assert at[0, 0, 0] == (250, 0, 0)
    assert at[1, 0, 1] == (0, 0, 250)
    assert np.allclose(cloud.normals, (0, -1, 0))
    bare = open_source(source).open("more_dots").geometry()
    assert len(bare.faces) == 0
    assert len(np.unique(bare.colors)) == 1
    assert (bare.normals == 0).all()


def test_views_come_back_from_the_store_as_they_were_made(source, tmp_path):
    capture = rendered(tmp_path, source)
    made = list(virtual_views(open_source(source).open("square").geometry(), CONFIG, POSES))
    streamed = list(capture.views())
    assert capture.frames.names == tuple(view.name for view in made) == ("000000", "000001")
    assert capture.frames.image_hw == (24, 32)
    assert capture.frames.has_depth
    assert np.allclose(capture.frames.world_from_cam, POSES)
    for view, again, one in zip(made, streamed, [capture.view(0), capture.view(1)], strict=True):
        for name in ("color", "depth_m", "intrinsics"):
            assert np.array_equal(getattr(view, name), getattr(again, name))
            assert np.array_equal(getattr(view, name), getattr(one, name))
        assert np.allclose(view.cam_from_world, again.cam_from_world)
    assert capture.geometry() is not None


def test_a_scene_that_was_not_rendered_says_so(source, tmp_path):
    unit = Store(tmp_path / "store", create=True).scene("square")
    with pytest.raises(StoreError, match="render"):
        open_capture(source, unit)


@pytest.mark.parametrize("scenes", [("nothing*.ply",), ("../*.npz",)])
def test_patterns_that_fit_nothing_or_leave_the_folder_are_refused(source, scenes):
    with pytest.raises((InputError, ConfigError), match=r"source\.scenes"):
        open_source(source.model_copy(update={"scenes": scenes})).scene_ids()


def test_two_files_of_one_name_are_refused(source):
    (source.root / "square.ply").write_bytes(b"ply\n")
    both = source.model_copy(update={"scenes": ("square.*",)})
    with pytest.raises(InputError, match="two scenes would be named 'square'"):
        open_source(both).scene_ids()
