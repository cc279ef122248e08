import numpy as np
import pytest

from ops.colour_names import COLOUR_NAMES, name_colours, oklab_from_rgb, region_medians


def named(*colours):
    return name_colours(oklab_from_rgb(np.array(colours, dtype=np.uint8)))


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), [1.0, 0.0, 0.0]),
        ((0, 0, 0), [0.0, 0.0, 0.0]),
        ((255, 0, 0), [0.62796, 0.22486, 0.12585]),  # Ottosson's own figures for sRGB's primaries
        ((0, 255, 0), [0.86644, -0.23389, 0.17950]),
        ((0, 0, 255), [0.45201, -0.03246, -0.31153]),
    ],
)
def test_oklab_of_known_colours(rgb, expected):
    np.testing.assert_allclose(oklab_from_rgb(np.array(rgb, dtype=np.uint8)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((139, 69, 19), "brown"),  # CSS saddlebrown
        ((160, 82, 45), "brown"),  # sienna
        ((210, 180, 140), "beige"),  # tan
        ((128, 0, 0), "red"),  # maroon
        ((0, 0, 128), "blue"),  # navy
        ((135, 206, 235), "blue"),  # skyblue
        ((34, 139, 34), "green"),  # forestgreen
        ((0, 128, 128), "turquoise"),  # teal
        ((128, 0, 128), "purple"),
        ((255, 105, 180), "pink"),  # hotpink
        ((255, 165, 0), "orange"),
        ((255, 215, 0), "yellow"),  # gold
        ((105, 105, 105), "grey"),  # dimgrey
        ((245, 245, 245), "white"),  # whitesmoke
        ((20, 20, 22), "black"),
    ],
)
def test_names_of_known_colours(rgb, name):
    assert named(rgb) == [name]


@pytest.mark.parametrize(
    ("rgb", "shades"),
    [
        ((178, 24, 32), (0.55, 1.3)),
        ((110, 70, 40), (0.6, 1.4)),
        ((30, 70, 180), (0.5, 1.4)),
        ((40, 140, 60), (0.5, 1.5)),
    ],
)
def test_shading_does_not_change_the_name(rgb, shades):
    linear = (np.array(rgb) / 255) ** 2.2
    lit = [255 * np.clip(linear * factor, 0, 1) ** (1 / 2.2) for factor in np.linspace(*shades, 7)]
    assert set(named(*np.round(lit))) == set(named(rgb))


def test_every_name_can_be_given():
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(-1, 3)
    assert set(named(*cube)) == set(COLOUR_NAMES)


def test_medians_against_the_plain_median_of_each_region():
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    regions = rng.integers(-1, 7, (60, 80))
    medians = region_medians(image, regions, 8)
    for region in range(7):
        plain = np.median(oklab_from_rgb(image[regions == region]), axis=0)
        np.testing.assert_allclose(medians[region], plain, atol=0.03)
    assert np.isnan(medians[7]).all()


def test_a_median_is_the_colour_of_most_pixels():
    image = np.full((10, 10, 3), (101, 67, 33), dtype=np.uint8)
    image[:4] = 255  # a highlight
    regions = np.zeros((10, 10), dtype=np.int32)
    medians = region_medians(image, regions, 1)
    np.testing.assert_allclose(medians[0], oklab_from_rgb(image[9, 9]), atol=0.02)
    assert name_colours(medians) == ["brown"]
