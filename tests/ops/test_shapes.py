import numpy as np
import pytest

from ops.finishes import plain
from ops.shapes import box, loft, slab_with_hole
from ops.shapes_round import ball, cylinder, lathe, oval, rounded_box, tube

LOOK = plain((0.5, 0.5, 0.5))


def _volume(part):
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_volumes_are_those_of_geometry():
    assert _volume(box((0, 0, 0), (2, 3, 4), LOOK)) == pytest.approx(24)
    assert _volume(cylinder((1, 2, 3), 0.5, 2, LOOK, sides=200)) == pytest.approx(np.pi / 2, rel=1e-3)
    assert _volume(cylinder((0, 0, 0), 1, 3, LOOK, top=1e-6, sides=200)) == pytest.approx(np.pi, rel=1e-3)
    vessel = lathe((0, 0, 0), [(1, 0), (1, 2), (0.8, 2), (0.8, 0.5)], LOOK, sides=200)
    assert _volume(vessel) == pytest.approx(np.pi * (2 - 0.64 * 1.5), rel=1e-3)
    assert _volume(ball((0, 0, 0), (1, 2, 3), LOOK)) == pytest.approx(8 * np.pi, rel=0.08)
    straight = tube([(0, 0, 0), (0, 0, 1), (0, 0, 2)], 0.1, LOOK, sides=100)
    assert _volume(straight) == pytest.approx(0.02 * np.pi, rel=1e-2)
    assert sum(map(_volume, slab_with_hole((0, 0, 0), (4, 3, 1), ((1, 1, 0), (2, 2, 1)), LOOK))) == 11


@pytest.mark.parametrize("radius", [0.01, 0.1, 0.5])
def test_a_rounded_box_fills_its_box_but_for_the_edges(radius):
    part = rounded_box((0, 0, 0), (2, 3, 1), radius, LOOK)
    assert np.allclose(part.vertices.min(axis=0), 0, atol=1e-9)
    assert np.allclose(part.vertices.max(axis=0), (2, 3, 1), atol=1e-9)
    a, b, c = (side - 2 * radius for side in (2, 3, 1))
    exact = a * b * c + 2 * radius * (a * b + b * c + c * a)
    exact += np.pi * radius**2 * (a + b + c) + 4 / 3 * np.pi * radius**3
    assert _volume(part) == pytest.approx(exact, rel=0.03)
    outside = np.maximum(np.abs(part.vertices - (1, 1.5, 0.5)) - np.array([a, b, c]) / 2, 0)
    assert np.allclose(np.linalg.norm(outside, axis=1), radius, atol=1e-3)


def test_a_cushion_is_thickest_in_the_middle():
    plain_one, puffed = (rounded_box((-1, -1, 0), (1, 1, 0.4), 0.15, LOOK, puff=puff) for puff in (0.0, 0.5))
    assert _volume(puffed) < _volume(plain_one)
    assert puffed.vertices[:, 2].max() == pytest.approx(0.4)


def test_turning_moves_axes_as_named():
    part = box((1, 0, 0), (2, 0.1, 0.1), LOOK)
    assert np.allclose(part.turned(2, 90).vertices.max(axis=0), (0, 2, 0.1))
    assert np.allclose(part.turned(1, -90).vertices.max(axis=0), (0, 0.1, 2))
    assert np.allclose(box((0, 1, 0), (0.1, 2, 0.1), LOOK).turned(0, 90).vertices.max(axis=0), (0.1, 0, 2))


def test_ovals_grow_squarer_with_their_power():
    for power, area in ((2.0, np.pi), (60.0, 4.0)):
        x, y = oval((0, 0, 0), 1, 1, power=power, sides=400).T[:2]
        assert 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) == pytest.approx(area, rel=0.02)


def test_rings_that_shrink_inwards_make_a_hole():
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=float)
    up = np.array([0, 0, 1.0])
    tub = loft([square, square + up, 0.5 * square + up, 0.5 * square + 0.2 * up], LOOK)
    assert _volume(tub) == pytest.approx(4 - 0.8)
