import numpy as np
import pytest

from schema.config_source import RgbdFolderConfig
from schema.errors import ConfigError, InputError
from storage.sources.catalog import open_source
from tests.captures import NUM_FRAMES, room_views, write_tum


def _open(config):
    source = open_source(config)
    return source.open(source.scene_ids()[0])


def test_a_replica_gives_the_poses_and_depths_it_was_made_of(tmp_path):
    capture = _open(write_tum(tmp_path))
    originals = room_views()
    assert len(capture.frames.names) == NUM_FRAMES
    for view, original in zip(capture.views(), originals, strict=True):
        assert np.allclose(view.cam_from_world, original.cam_from_world, atol=2e-5)
        assert np.array_equal(view.color, original.color)
        assert np.abs(view.depth_m - original.depth_m).max() <= 0.5 / 5000 + 1e-6


def test_frames_without_a_near_depth_or_pose_are_dropped_with_the_reason(tmp_path):
    config = write_tum(tmp_path)
    depth = (tmp_path / "depth.txt").read_text().splitlines()
    (tmp_path / "depth.txt").write_text("\n".join(depth[:2] + depth[3:]))  # the second frame's depth
    poses = (tmp_path / "groundtruth.txt").read_text().splitlines()
    (tmp_path / "groundtruth.txt").write_text("\n".join(poses[:-3]))  # the last frame's poses
    dropped = {frame.name[-6:]: frame.reason for frame in _open(config).dropped}
    assert len(dropped) == 2
    reasons = list(dropped.values())
    assert "no depth within 0.02 s" in reasons[0]
    assert "no pose within 0.02 s" in reasons[1]


def test_a_depth_is_used_by_one_frame_alone(tmp_path):
    config = write_tum(tmp_path, max_time_gap_s=0.05)
    depth = (tmp_path / "depth.txt").read_text().splitlines()
    (tmp_path / "depth.txt").write_text("\n".join(depth[:2] + depth[3:]))
    (dropped,) = _open(config).dropped
    assert dropped.reason == "its nearest depth is nearer to another colour image"


def test_unsorted_lists_are_joined_by_time(tmp_path):
    config = write_tum(tmp_path)
    expected = _open(config).frames
    for name in ("rgb.txt", "depth.txt", "groundtruth.txt"):
        lines = (tmp_path / name).read_text().splitlines()
        (tmp_path / name).write_text("\n".join(reversed(lines)))
    assert _open(config).frames.names == expected.names
    assert np.array_equal(_open(config).frames.world_from_cam, expected.world_from_cam)


def test_a_quaternion_of_wrong_length_drops_the_frame(tmp_path):
    config = write_tum(tmp_path)
    lines = (tmp_path / "groundtruth.txt").read_text().splitlines()
    words = lines[3].split()  # the first frame's nearest pose
    lines[3] = " ".join([*words[:4], "0", "0", "0", "0.7"])
    (tmp_path / "groundtruth.txt").write_text("\n".join(lines))
    (dropped,) = _open(config).dropped
    assert "rotation is off by 0.76" in dropped.reason


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rgb.txt", "# nothing\n", r"rgb\.txt: the list has no entries"),
        ("rgb.txt", "abc rgb/x.png\n", r"rgb\.txt: 'abc rgb/x\.png': line 1 is not a time stamp"),
        ("rgb.txt", "nan rgb/x.png\n", "line 1 is not a time stamp"),
        ("depth.txt", "1.0\n", r"depth\.txt: '1\.0': line 1 is not a time stamp and 1 field"),
        ("groundtruth.txt", "1305031102.1753 0 0 0 0 0 1\n", "line 1 is not a time stamp and 7 field"),
        ("groundtruth.txt", "1305031102.1753 0 0 0 0 0 x 1\n", "a pose is not seven numbers"),
        ("rgb.txt", "1305031102.1753 ../../secret.png\n", "the path leaves the scene's folder"),
        ("rgb.txt", "1305031102.1753 /etc/secret.png\n", "the path leaves the scene's folder"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(tmp_path, name, text, words):
    config = write_tum(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises((InputError, ConfigError), match=words):
        _open(config)


@pytest.mark.parametrize("name", ["rgb.txt", "depth.txt", "groundtruth.txt"])
def test_a_missing_list_is_refused(tmp_path, name):
    config = write_tum(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: the list of time stamps is missing"):
        _open(config)


def test_the_depth_unit_must_be_spelled_out(tmp_path):
    with pytest.raises(
        ConfigError, match=r"source\.depth_units_per_m: TUM naming needs the depth unit.*5000"
    ):
        open_source(RgbdFolderConfig(root=tmp_path, naming="tum"))
