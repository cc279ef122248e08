import numpy as np
import pytest
from PIL import Image, ImageFile

from schema.errors import InputError
from storage.images import depth_in_metres, image_size, read_color, read_depth


@pytest.fixture
def color() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)


@pytest.fixture
def depth() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 65536, (48, 64)).astype(np.uint16)


def test_png_is_read_as_it_was_written(tmp_path, color, depth):
    Image.fromarray(color).save(tmp_path / "c.png")
    Image.fromarray(depth).save(tmp_path / "d.png")
    assert np.array_equal(read_color(tmp_path / "c.png", (48, 64)), color)
    assert np.array_equal(read_depth(tmp_path / "d.png", (48, 64)), depth)
    assert image_size(tmp_path / "c.png", "colour") == (48, 64)


def test_channels_come_out_red_green_blue(tmp_path):
    plain = np.full((48, 64, 3), (250, 120, 10), np.uint8)
    Image.fromarray(plain).save(tmp_path / "c.jpg", quality=95)
    assert np.abs(read_color(tmp_path / "c.jpg").astype(int) - (250, 120, 10)).max() <= 6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_other_eight_bit_modes_become_rgb(tmp_path, mode):
    grey = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1)))
    grey.convert(mode).save(tmp_path / "c.png")
    assert np.array_equal(read_color(tmp_path / "c.png"), np.asarray(grey.convert("RGB")))


def _cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_truncated_colour_is_refused_even_where_a_library_allowed_it(
    tmp_path, color, ending, share, monkeypatch
):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = tmp_path / f"c.{ending}"
    Image.fromarray(color).save(path)
    _cut(path, share)
    with pytest.raises(InputError, match=rf"c\.{ending}: the colour image .*; replace the file") as caught:
        read_color(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_truncated_depth_is_refused(tmp_path, depth, share):
    Image.fromarray(depth).save(tmp_path / "d.png")
    _cut(tmp_path / "d.png", share)
    with pytest.raises(InputError, match=r"d\.png: the depth image"):
        read_depth(tmp_path / "d.png")


def test_a_flipped_byte_in_a_png_is_refused(tmp_path, depth):
    Image.fromarray(depth).save(tmp_path / "d.png")
    data = bytearray((tmp_path / "d.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "d.png").write_bytes(data)
    with pytest.raises(InputError, match="the depth image is damaged"):
        read_depth(tmp_path / "d.png")


@pytest.mark.parametrize(("read", "what"), [(read_color, "colour"), (read_depth, "depth")])
def test_missing_empty_and_foreign_files_are_refused(tmp_path, read, what):
    with pytest.raises(InputError, match=rf"x\.png: the {what} image is missing"):
        read(tmp_path / "x.png")
    (tmp_path / "x.png").touch()
    with pytest.raises(InputError, match=rf"x\.png: the {what} image is empty"):
        read(tmp_path / "x.png")
    (tmp_path / "x.png").write_text("this is not an image", encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"x\.png: the {what} image cannot be read as PNG or JPEG: unknown format"
    ):
        read(tmp_path / "x.png")


def test_a_wrong_size_is_refused(tmp_path, color):
    Image.fromarray(color[:, :60]).save(tmp_path / "c.png")
    with pytest.raises(InputError, match="is 60 x 48 px, but the capture's colour images are 64 x 48"):
        read_color(tmp_path / "c.png", (48, 64))


def test_depth_of_eight_bits_or_with_loss_is_refused(tmp_path, color):
    Image.fromarray(color[..., 0]).save(tmp_path / "d.png")
    with pytest.raises(InputError, match="PNG with mode L, not a 16-bit grey PNG"):
        read_depth(tmp_path / "d.png")
    Image.fromarray(color[..., 0]).save(tmp_path / "d.jpg")
    with pytest.raises(InputError, match="JPEG with mode L"):
        read_depth(tmp_path / "d.jpg")


def test_colour_of_sixteen_bits_is_refused(tmp_path, depth):
    Image.fromarray(depth).save(tmp_path / "c.png")
    with pytest.raises(InputError, match="the colour image has mode I;16"):
        read_color(tmp_path / "c.png")


def test_depth_units_and_invalid_values():
    raw = np.array([[0, 1000, 5000, 65535]], dtype=np.uint16)
    assert depth_in_metres(raw, 1000.0, (0, 65535)).tolist() == [[0, 1, 5, 0]]
    assert depth_in_metres(raw, 5000.0, (0, 65535, 1000)).tolist() == [[0, 0, 1, 0]]
    assert depth_in_metres(raw, 1000.0, (0,))[0, 3] == pytest.approx(65.535)
