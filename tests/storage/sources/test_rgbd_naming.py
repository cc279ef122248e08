import pytest

from schema.config_source import FramePatterns
from schema.errors import ConfigError, InputError
from storage.sources.rgbd_naming import inside, pattern_frames, seven_scenes_frames


def _touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_seven_scenes_frames_in_natural_order(tmp_path):
    _touch(tmp_path, *(f"frame-{i}.color.png" for i in (10, 9, 100)), "notes.txt", "frame-11.pose.txt")
    frames = seven_scenes_frames(tmp_path)
    assert [frame.name for frame in frames] == ["frame-9", "frame-10", "frame-100"]
    assert frames[0].color == tmp_path / "frame-9.color.png"
    assert frames[0].depth == tmp_path / "frame-9.depth.png"
    assert frames[0].pose == tmp_path / "frame-9.pose.txt"


def test_a_depth_without_colour_is_a_frame_so_that_its_colour_is_missed(tmp_path):
    _touch(tmp_path, "a.color.jpg", "a.depth.png", "b.depth.png")
    assert [frame.color.name for frame in seven_scenes_frames(tmp_path)] == ["a.color.jpg", "b.color.jpg"]


def test_two_colour_images_of_a_frame_are_refused(tmp_path):
    _touch(tmp_path, "a.color.jpg", "a.color.png")
    with pytest.raises(InputError, match=r"a: the frame has 2 colour images \(jpg, png\)"):
        seven_scenes_frames(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "names", "found"),
    [
        ("rgb/{frame}.png", ["rgb/2.png", "rgb/10.png", "rgb/x.jpg", "2.png"], ["2", "10"]),
        ("{frame}/image.jpg", ["01/image.jpg", "02/image.jpg", "02/other.jpg"], ["01", "02"]),
        ("{frame}/{frame}_c.jpg", ["a/a_c.jpg", "a/b_c.jpg", "b/b_c.jpg"], ["a", "b"]),
        ("c[1]_{frame}.jpg", ["c[1]_5.jpg", "c1_6.jpg"], ["5"]),
    ],
)
def test_patterns_find_frames(tmp_path, pattern, names, found):
    _touch(tmp_path, *names)
    frames = pattern_frames(tmp_path, FramePatterns(color=pattern, depth=None, pose="p/{frame}.txt"))
    assert [frame.name for frame in frames] == found
    assert all(frame.color.exists() and frame.depth is None for frame in frames)


@pytest.mark.parametrize("field", ["color", "depth", "pose"])
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("../{frame}.png", "leaves the scene's folder"),
        ("/x/{frame}.png", "leaves"),
        ("one.png", "has no {frame}"),
    ],
)
def test_patterns_that_leave_the_folder_or_name_no_frame_are_refused(tmp_path, field, pattern, words):
    with pytest.raises(ConfigError, match=words):
        pattern_frames(tmp_path, FramePatterns(**{field: pattern}))


def test_paths_stay_inside(tmp_path):
    assert inside(tmp_path, "a/b.txt", "f") == tmp_path / "a/b.txt"
    for bad in ("..", "a/../../b", "/etc"):
        with pytest.raises(ConfigError, match=r"f = .*leaves the scene's folder"):
            inside(tmp_path, bad, "f")
    assert inside(tmp_path, ".", "f") == tmp_path
