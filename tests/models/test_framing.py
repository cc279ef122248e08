import numpy as np
import pytest

from models.teachers.framing import back_to_image, frame_image, place


@pytest.mark.parametrize(
    ("image_hw", "inner_hw"),
    [((480, 640), (385, 513)), ((640, 480), (513, 385)), ((10, 10), (513, 513)), ((1, 4000), (1, 513))],
)
def test_the_aspect_is_kept(image_hw, inner_hw):
    assert frame_image(image_hw, (513, 513)).inner_hw == inner_hw


def test_free_size_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    framing = frame_image((5, 7), None)
    np.testing.assert_array_equal(place(image, framing, (1, 2, 3)), image)
    np.testing.assert_array_equal(back_to_image(image[..., 0], framing), image[..., 0])


def test_padding_is_filled_and_never_comes_back():
    framing = frame_image((30, 40), (20, 20))
    canvas = place(np.full((30, 40, 3), 200, dtype=np.uint8), framing, (128, 127, 126))
    assert (canvas[:15] == 200).all()
    assert (canvas[15:] == (128, 127, 126)).all()
    back = back_to_image(canvas[..., 0], framing)
    assert back.shape == (30, 40)
    assert (back == 200).all()


@pytest.mark.parametrize("cells", [33, 65, 513])
@pytest.mark.parametrize("image_hw", [(480, 640), (240, 320), (97, 611), (700, 500)])
def test_each_pixel_gets_the_cell_its_centre_falls_into(image_hw, cells):
    framing = frame_image(image_hw, (513, 513))
    grid = np.arange(cells * cells).reshape(cells, cells)
    back = back_to_image(grid, framing)
    for row, column in [
        (0, 0),
        (image_hw[0] - 1, image_hw[1] - 1),
        (image_hw[0] // 3, image_hw[1] // 2),
        (5, 90),
    ]:
        y = (row + 0.5) / image_hw[0] * framing.inner_hw[0] / 513 * cells
        x = (column + 0.5) / image_hw[1] * framing.inner_hw[1] / 513 * cells
        assert back[row, column] == grid[int(y), int(x)]


def test_there_and_back_again():
    truth = np.zeros((48, 64), dtype=np.uint8)
    truth[8:24, 16:40] = 255
    framing = frame_image(truth.shape, (513, 513))
    there = place(np.repeat(truth[..., None], 3, axis=2), framing, (0, 0, 0))
    np.testing.assert_array_equal(back_to_image(there[..., 1] > 127, framing), truth > 127)
