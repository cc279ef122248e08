"""Tiles: the receptive field is exact, cores share the scene out, what does not fit is refused."""

import numpy as np
import pytest
import torch

from models.student.minkunet import ARCHITECTURES, Layout, MinkUNet
from schema.errors import InputError
from training.tiles import MIN_CORE, cut, layout_of, receptive_box

TINY = (2,) * 8
LAYOUTS = {
    "one block a level": Layout((1,) * 8, TINY),
    "another number at each level": Layout((2, 1, 3, 1, 2, 1, 1, 2), TINY),
    "MinkUNet18A": Layout(ARCHITECTURES["MinkUNet18A"].num_blocks, TINY),
}


def reach(layout: Layout, position: int) -> tuple[int, int]:
    """First and last voxel that may change the feature at a position."""
    at = np.array([position])
    low, high = receptive_box(layout, at, at)
    return int(low[0]), int(high[0])


def far_seeing(layout: Layout) -> MinkUNet:
    """A network in which every voxel that can change a feature does, however many layers lie between.

    Positive weights leave no rectifier at zero. Little weight on the centres, and much more in convolutions
    than in the shortcuts around them, keep the rim from drowning in rounding (float64).
    """
    network = MinkUNet(layout, 1).double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("kernel"):
                channels_in = parameter.shape[-2]
                parameter.fill_(5 / channels_in)
                if parameter.ndim == 3 and parameter.shape[0] in (27, 125):
                    parameter[parameter.shape[0] // 2] = 0.1 / channels_in
    return network


def line(first: int, last: int) -> torch.Tensor:
    x = torch.arange(first, last + 1)
    return torch.stack([0 * x, x, 0 * x + 3, 0 * x - 5], dim=1)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_receptive_field_is_exact(name: str) -> None:
    """On a line of voxels, at positions within a coarsest cell (all, once), to the voxel on both sides.

    Removing a voxel at the rim changes the feature, removing the next one outside only its rounding.
    """
    layout = LAYOUTS[name]
    network = far_seeing(layout)
    places = range(-8, 8) if name == "one block a level" else (-8, -3, 0, 7)
    first, last = reach(layout, -8)[0] - 20, reach(layout, 7)[1] + 20
    coords = line(first, last)
    with torch.inference_mode():
        whole = network(coords)[:, 0]
        for place in places:
            low, high = reach(layout, place)
            for removed, changes in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
                kept = coords[:, 1] != removed
                feature = network(coords[kept])[coords[kept][:, 1] == place, 0]
                change = float((feature - whole[coords[:, 1] == place]).abs() / whole.max())
                assert (change > 1e-12) if changes else (change < 1e-13), (place, removed, change)


def test_a_larger_box_reaches_as_far_as_its_ends() -> None:
    layout = LAYOUTS["another number at each level"]
    low, high = receptive_box(layout, np.array([-37, 5]), np.array([200, 5]))
    assert low.tolist() == [reach(layout, -37)[0], reach(layout, 5)[0]]
    assert high.tolist() == [reach(layout, 200)[1], reach(layout, 5)[1]]


def test_the_reach_of_the_papers_student() -> None:
    """By hand: two blocks read 4 cells to each side, cells round down, strided layers read two halves."""
    low, high = reach(ARCHITECTURES["MinkUNet18A"], 0)
    up = 4 + 8 + 16  # cells of 1, 2 and 4 voxels; 28 is no multiple of 8, 56 none of 16
    assert low == -((up + 4) + 32 + 64 + 32 + 16 + 8 + 2)
    assert high == ((up - 4) + 32 - 8) + (64 + 8) + (32 + 4) + (16 + 2) + (8 + 1) + 2


def corridor(length: int) -> np.ndarray:
    """Surface voxels of a bent corridor, on both sides of the origin."""
    x = np.arange(length)
    ring = np.array([(a, b) for a in range(6) for b in range(6) if a in (0, 5) or b in (0, 5)])
    y, z = np.repeat((6 * np.sin(x / 40)).astype(int), len(ring)), np.tile(ring, (length, 1))
    return np.stack([np.repeat(x - length // 2, len(ring)), y + z[:, 0], z[:, 1]], axis=1)


def test_cores_share_the_scene_out_and_hold_what_decides_them() -> None:
    layout = LAYOUTS["one block a level"]
    coords = corridor(1500)
    limit = 9000
    tiles = cut(coords, layout, limit)
    assert len(tiles) > 4
    assert np.array_equal(np.sort(np.concatenate([tile.core for tile in tiles])), np.arange(len(coords)))
    for tile in tiles:
        assert len(tile.context) <= limit
        assert np.array_equal(tile.context[tile.core_in_context], tile.core)
        low, high = receptive_box(layout, coords[tile.core].min(0), coords[tile.core].max(0))
        inside = ((coords >= low) & (coords <= high)).all(axis=1)
        assert np.array_equal(np.flatnonzero(inside), tile.context)


def test_a_scene_that_fits_is_one_tile() -> None:
    coords = corridor(40)
    (tile,) = cut(coords, LAYOUTS["one block a level"], len(coords))
    assert np.array_equal(tile.core, np.arange(len(coords)))


def test_too_few_voxels_are_refused_with_the_smallest_number_that_does() -> None:
    layout = LAYOUTS["one block a level"]
    coords = corridor(900)
    with pytest.raises(InputError, match=r"runtime\.max_voxels = 500") as refused:
        cut(coords, layout, 500)
    line_of_text = str(refused.value)
    assert "\n" not in line_of_text
    needed = int(line_of_text.partition("raise it to ")[2].partition(" ")[0])
    assert cut(coords, layout, needed)
    with pytest.raises(InputError, match=f"raise it to {needed} "):
        cut(coords, layout, needed - 1)
    # by hand: a core is at least half of MIN_CORE long, its context about 92 + 107 voxels more
    assert 20 * (MIN_CORE // 2 + 90 + 90) < needed < 20 * (MIN_CORE + 107 + 107)


def test_the_layout_is_read_off_the_network() -> None:
    layout = Layout((1, 2, 1, 3, 1, 1, 2, 1), (4, 6, 8, 10, 12, 14, 16, 18))
    assert layout_of(MinkUNet(layout, 3)) == layout
