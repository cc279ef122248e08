import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from schema.config_source import RgbdFolderConfig
from schema.errors import ConfigError, InputError, Teach3dError
from storage.sources.catalog import open_source
from tests.captures import NUM_FRAMES, room_views, write_patterns, write_seven_scenes


def _open(config):
    source = open_source(config)
    return source.open(source.scene_ids()[0])


def _pose(folder: Path, i: int) -> Path:
    return folder / f"frame-{i:06d}.pose.txt"


def _refused(config: RgbdFolderConfig, words: str) -> str:
    with pytest.raises(Teach3dError, match=words) as caught:
        list(_open(config).views())
    line = str(caught.value)
    assert "\n" not in line
    assert "; " in line  # a remedy
    return line


@pytest.mark.parametrize("write", [write_seven_scenes, write_patterns])
def test_a_capture_gives_the_views_it_was_made_of(tmp_path, write):
    for view, original in zip(
        _open(
            write(
                tmp_path,
            )
        ).views(),
        room_views(),
        strict=True,
    ):
        assert np.allclose(view.cam_from_world, original.cam_from_world, atol=1e-9)
        assert np.abs(view.depth_m - original.depth_m).max() <= 0.5 / 1000 + 1e-6
        assert np.allclose(view.intrinsics, original.intrinsics)


BAD_POSES = {
    "missing": (lambda path: path.unlink(), "the pose file is missing"),
    "infinite": (lambda path: np.savetxt(path, np.full((4, 4), -np.inf)), "the pose is not finite"),
    "nan": (lambda path: np.savetxt(path, np.full((4, 4), np.nan)), "the pose is not finite"),
    "scaled": (lambda path: np.savetxt(path, np.diag([2.0, 2, 2, 1])), "rotation is off by 3"),
    "mirrored": (lambda path: np.savetxt(path, np.diag([1.0, 1, -1, 1])), "left-handed"),
    "row": (lambda path: np.savetxt(path, np.eye(4) + np.eye(4)[[3]].T * 0.5), "last row"),
    "short": (lambda path: np.savetxt(path, np.eye(3)), "not a matrix of 4 x 4 numbers"),
    "words": (lambda path: path.write_text("lost tracking"), "not a matrix of 4 x 4 numbers"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00\x01"), "not a matrix of 4 x 4 numbers"),
    "empty": (lambda path: path.write_bytes(b""), "not a matrix of 4 x 4 numbers"),
}


@pytest.mark.parametrize("kind", BAD_POSES)
def test_a_frame_with_a_bad_pose_is_dropped_or_refused(tmp_path, kind):
    spoil, words = BAD_POSES[kind]
    config = write_seven_scenes(tmp_path)
    spoil(_pose(tmp_path, 2))
    capture = _open(config)
    assert [frame.name for frame in capture.dropped] == ["frame-000002"]
    assert words in capture.dropped[0].reason
    assert len(capture.frames.names) == NUM_FRAMES - 1 == len(list(capture.views()))
    assert "frame-000002" not in capture.frames.names
    line = _refused(config.model_copy(update={"invalid_pose": "refuse"}), words)
    assert line.startswith(str(_pose(tmp_path, 2)))
    assert "1 of 6 frames cannot be used" in line


def test_too_many_dropped_frames_are_refused(tmp_path):
    config = write_seven_scenes(tmp_path)
    for i in (1, 2, 3, 5):
        _pose(tmp_path, i).unlink()
    line = _refused(
        config, "4 of 6 frames cannot be used, the first is frame-000001: the pose file is missing"
    )
    assert str(_pose(tmp_path, 1)) in line
    assert "raise source.max_dropped_share (now 0.5, needed 0.667)" in line
    assert len(_open(config.model_copy(update={"max_dropped_share": 0.7})).dropped) == 4


def test_exactly_the_allowed_share_is_accepted(tmp_path):
    config = write_seven_scenes(tmp_path)
    for i in (1, 2, 3):
        _pose(tmp_path, i).unlink()
    assert len(_open(config).dropped) == 3


def test_no_usable_frame_is_refused_whatever_the_share(tmp_path):
    config = write_seven_scenes(tmp_path, max_dropped_share=1.0)
    for i in range(NUM_FRAMES):
        _pose(tmp_path, i).unlink()
    _refused(config, "6 of 6 frames cannot be used")


def test_no_frame_at_all_is_refused_with_a_hint(tmp_path):
    config = write_seven_scenes(tmp_path, frames="seq-01")
    line = _refused(
        config.model_copy(update={"frames_folder": "."}), "the folder has no frame with 7scenes naming"
    )
    assert "seq-01" in line
    _refused(config.model_copy(update={"frames_folder": "seq-02"}), "the folder of the frames does not exist")
    _refused(config.model_copy(update={"root": tmp_path / "nowhere"}), "the folder does not exist")


@pytest.mark.parametrize("which", ["color.png", "depth.png"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is damaged"),
        (lambda path: Image.open(path).resize((60, 48)).save(path), "is 60 x 48 px"),
        (lambda path: path.write_bytes(b"x" * 500), "unknown format"),
    ],
)
@pytest.mark.parametrize("frame", [1, 3])
def test_a_bad_image_is_named(tmp_path, which, spoil, words, frame):
    config = write_seven_scenes(tmp_path, color="png")
    path = tmp_path / f"frame-{frame:06d}.{which}"
    spoil(path)
    line = _refused(config, words)
    assert str(path) in line


def test_the_first_colour_image_sets_the_size(tmp_path):
    config = write_seven_scenes(tmp_path, color="png")
    path = tmp_path / "frame-000000.color.png"
    Image.open(path).resize((60, 48)).save(path)
    _refused(config, r"frame-000000\.depth\.png: the depth image is 64 x 48 px, but .* are 60 x 48")


def test_depth_in_the_wrong_unit_is_refused(tmp_path):
    config = write_seven_scenes(tmp_path)
    line = _refused(config.model_copy(update={"depth_units_per_m": 1.0}), r"the median depth is \d+ m")
    assert "source.depth_units_per_m = 1.0" in line
    _refused(config.model_copy(update={"depth_units_per_m": 1e5}), r"the median depth is 0\.0\d+ m")
    capture = _open(config.model_copy(update={"depth_units_per_m": 500.0}))
    assert np.median(capture.view(0).depth_m) == pytest.approx(2 * np.median(_open(config).view(0).depth_m))


def test_a_frame_without_any_depth_is_allowed_and_values_may_mean_none(tmp_path):
    config = write_seven_scenes(tmp_path, depth_invalid=(0, 4242))
    raw = np.zeros((48, 64), np.uint16)
    Image.fromarray(raw).save(tmp_path / "frame-000000.depth.png")
    raw[:] = 4242
    Image.fromarray(raw).save(tmp_path / "frame-000001.depth.png")
    views = list(_open(config).views())
    assert not views[0].depth_m.any()
    assert not views[1].depth_m.any()
    assert views[2].depth_m.any()


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.eye(2), "the intrinsics are 4 numbers, not a 3 x 3"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.diag([0.0, 50, 1]), "focal length is not positive"),
        (
            np.array([[50.0, 0, 320], [0, 50, 24], [0, 0, 1]]),
            r"principal point \(320, 24\) is outside the image of 64",
        ),
        (np.array([[50.0, 0, 32], [0, 50, 24], [0, 0, 2]]), "not of the form"),
    ],
)
def test_intrinsics_that_fit_no_camera_are_refused(tmp_path, matrix, words):
    config = write_seven_scenes(tmp_path)
    np.savetxt(tmp_path / "intrinsics.txt", matrix)
    assert str(tmp_path / "intrinsics.txt") in _refused(config, words)


def test_intrinsics_files_that_cannot_be_read_are_refused(tmp_path):
    config = write_seven_scenes(tmp_path)
    (tmp_path / "intrinsics.txt").write_text("fx fy cx cy")
    _refused(config, "the intrinsics are text, not a 3 x 3")
    (tmp_path / "intrinsics.txt").write_text("")
    _refused(config, "the intrinsics file is empty")
    (tmp_path / "intrinsics.txt").unlink()
    _refused(config, "the intrinsics file is missing")
    _refused(config.model_copy(update={"intrinsics_file": "../K.txt"}), "the path leaves the scene's folder")


def test_intrinsics_are_given_once(tmp_path):
    config = write_seven_scenes(tmp_path)
    line = _refused(
        config.model_copy(update={"intrinsics_file": None}), "give either source.intrinsics_file or"
    )
    assert "found: intrinsics.txt" in line
    _refused(config.model_copy(update={"intrinsics_px": (50.0, 50.0, 32.0, 24.0)}), "give either")
    numbers = config.model_copy(update={"intrinsics_file": None, "intrinsics_px": (50.0, 51.0, 32.0, 24.0)})
    assert _open(numbers).frames.intrinsics[0].tolist() == [[50, 0, 32], [0, 51, 24], [0, 0, 1]]
    _refused(
        numbers.model_copy(update={"intrinsics_px": (50.0, 51.0, 99.0, 24.0)}),
        r"source\.intrinsics_px = \(50",
    )


def test_stride_and_max_frames_select_before_anything_is_checked(tmp_path):
    config = write_seven_scenes(tmp_path)
    _pose(tmp_path, 1).unlink()
    (tmp_path / "frame-000005.color.jpg").write_bytes(b"")
    capture = _open(config.model_copy(update={"stride": 2, "max_frames": 2}))
    assert capture.frames.names == ("frame-000000", "frame-000002")
    assert capture.dropped == ()


def test_several_scenes_by_glob(tmp_path):
    for name in ("b", "a", "deep/c"):
        write_seven_scenes(tmp_path / name)
    config = RgbdFolderConfig(root=tmp_path, scenes=("[ab]", "deep/*"), intrinsics_file="intrinsics.txt")
    source = open_source(config)
    assert source.scene_ids() == ["a", "b", "deep_c"]
    assert source.open("deep_c").scene_id == "deep_c"
    one = config.model_copy(update={"scenes": (".",)})
    assert open_source(one).scene_ids() == [tmp_path.name]
    assert "folders there: a, b, deep" in _refused(
        config.model_copy(update={"scenes": ("x*",)}), "no folder matches"
    )
    with pytest.raises(ConfigError, match="leaves"):
        open_source(config.model_copy(update={"scenes": ("../*",)})).scene_ids()


def test_scenes_that_would_share_a_name_are_refused(tmp_path):
    for name in ("deep/c", "deep_c"):
        write_seven_scenes(tmp_path / name)
    config = RgbdFolderConfig(root=tmp_path, scenes=("deep/c", "deep_c"), intrinsics_file="intrinsics.txt")
    with pytest.raises(InputError, match="two scenes would be named 'deep_c'"):
        open_source(config).scene_ids()


def test_links_inside_the_folder_are_followed(tmp_path):
    config = write_seven_scenes(tmp_path / "original")
    (tmp_path / "farm").mkdir()
    for path in (tmp_path / "original").iterdir():
        (tmp_path / "farm" / path.name).symlink_to(path)
    linked = _open(config.model_copy(update={"root": tmp_path / "farm"}))
    assert np.array_equal(linked.view(0).color, _open(config).view(0).color)


def test_identity_follows_the_data_not_the_place(tmp_path):
    config = write_seven_scenes(tmp_path / "here")
    before = open_source(config).identity("here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")  # keeps modification times
    moved = open_source(config.model_copy(update={"root": tmp_path / "there"}))
    assert moved.identity("there") == before
    path = tmp_path / "there" / "frame-000003.depth.png"
    os.utime(path, ns=(1, 1))
    assert moved.identity("there") != before


def test_identity_holds_the_selected_frames_alone(tmp_path):
    config = write_seven_scenes(tmp_path, max_frames=2)
    before = open_source(config).identity(tmp_path.name)
    assert len(before["files"]) == 2 * 3 + 1
    (tmp_path / "frame-000004.color.jpg").write_bytes(b"")
    assert open_source(config).identity(tmp_path.name) == before


def test_an_error_while_prefetching_comes_at_its_frame(tmp_path):
    config = write_seven_scenes(tmp_path)
    capture = _open(config)
    path = tmp_path / "frame-000003.color.jpg"
    path.write_bytes(path.read_bytes()[:300])
    stream = capture.views()
    assert [next(stream).name for _ in range(3)] == ["frame-000000", "frame-000001", "frame-000002"]
    with pytest.raises(InputError, match=r"frame-000003\.color\.jpg"):
        next(stream)
