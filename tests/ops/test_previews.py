import numpy as np
import pytest

from ops.previews import PreviewPicker, preview_frames, preview_hw, shrink_color, shrink_labels
from tests.captures import room_views


def test_previews_are_spread_over_all_frames():
    assert preview_frames(100, 8).tolist() == [0, 14, 28, 42, 57, 71, 85, 99]
    assert preview_frames(1, 8).tolist() == [0]
    assert preview_frames(50, 1).tolist() == [0]


@pytest.mark.parametrize("hw", [(480, 640), (479, 641), (968, 1296), (640, 480), (10, 4000)])
def test_previews_are_at_most_320_wide_and_keep_the_shape(hw):
    small = preview_hw(hw)
    assert max(small) == 320
    assert small[0] / small[1] == pytest.approx(hw[0] / hw[1], rel=0.5 / min(small))


def test_shrinking_averages_boxes():
    color = np.zeros((4, 4, 3), np.uint8)
    color[:2, :2] = [[[10, 0, 0], [20, 0, 0]], [[30, 0, 0], [41, 0, 0]]]
    assert shrink_color(color, (2, 2))[..., 0].tolist() == [[25, 0], [0, 0]]


@pytest.mark.parametrize("hw", [(7, 5), (13, 17), (3, 11), (20, 31)])
def test_shrinking_equals_the_plain_loop(hw):
    color = np.random.default_rng(0).integers(0, 256, (20, 31, 3)).astype(np.uint8)
    small = shrink_color(color, hw)
    for i in range(hw[0]):
        for j in range(hw[1]):
            rows = slice(i * 20 // hw[0], (i + 1) * 20 // hw[0])
            columns = slice(j * 31 // hw[1], (j + 1) * 31 // hw[1])
            assert np.abs(small[i, j] - color[rows, columns].reshape(-1, 3).mean(axis=0)).max() <= 0.5 + 1e-9


def test_labels_are_picked_not_mixed():
    labels = np.zeros((8, 8), np.int32)
    labels[:, 4:] = 7
    assert shrink_labels(labels, (2, 4)).tolist() == [[0, 0, 7, 7]] * 2
    assert np.array_equal(shrink_labels(labels, (8, 8)), labels)


def test_the_picker_passes_everything_on_and_keeps_the_wanted():
    views = room_views()
    picker = PreviewPicker(len(views), 3)
    with pytest.raises(RuntimeError, match="the stream ended early"):
        picker.color()
    assert [view.name for view in picker.watch(iter(views))] == [view.name for view in views]
    assert picker.frames.tolist() == [0, 2, 5]
    assert np.array_equal(picker.color(), np.stack([views[i].color for i in (0, 2, 5)]))
