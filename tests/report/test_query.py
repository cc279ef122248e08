import numpy as np
import pytest

from report.query import color_map, oklch_to_rgb, score_colors, score_range, text_histogram


def luminance(rgb: np.ndarray) -> np.ndarray:
    share = rgb.astype(np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def test_oklch_of_white_black_and_red() -> None:
    # OKLab of sRGB red: L 0.628, C 0.2577, h 29.23 degrees
    colors = oklch_to_rgb(
        np.array([1.0, 0.0, 0.62796]), np.array([0.0, 0.0, 0.25768]), np.array([0, 0, 29.234])
    )
    np.testing.assert_allclose(colors, [[255, 255, 255], [0, 0, 0], [255, 0, 0]], atol=1)


def test_the_map_gets_lighter_all_the_way() -> None:
    light = luminance(color_map())
    assert (np.diff(light) > -1e-3).all()
    assert light[0] < 0.06
    assert light[-1] > 0.7


def test_scores_outside_the_limits_are_clipped_and_nan_is_unknown() -> None:
    colors = score_colors(np.array([-1.0, 0.0, 1.0, 2.0, np.nan]), low=0.0, high=1.0, unknown=(1, 2, 3))
    table = color_map()
    np.testing.assert_array_equal(colors, [table[0], table[0], table[-1], table[-1], (1, 2, 3)])


def test_higher_scores_are_lighter() -> None:
    assert (np.diff(luminance(score_colors(np.linspace(0, 1, 9)))) > 0).all()


@pytest.mark.parametrize("scores", [[], [np.nan], [0.3, 0.3], [0.0, 1.0]])
def test_the_range_is_never_empty(scores: list[float]) -> None:
    low, high = score_range(np.array(scores))
    assert high > low


def test_histogram_lines() -> None:
    assert text_histogram([8, 1, 0], [0.0, 0.1, 0.2, 0.3], width=4) == [
        "  0.000 to  0.100  8  ████",
        "  0.100 to  0.200  1  ▌",
        "  0.200 to  0.300  0",
    ]


def test_histogram_of_nothing() -> None:
    assert text_histogram([0, 0], [0.0, 0.5, 1.0]) == ["  0.000 to  0.500  0", "  0.500 to  1.000  0"]
