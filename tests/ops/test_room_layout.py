import numpy as np
import pytest

from ops.finishes import plain
from ops.furniture_base import furniture, whole_top
from ops.room_layout import Layout, Placed
from ops.shapes import box

SIZE = (4.0, 3.0, 2.5)
NOTCH = np.array([[2.5, 2.0, -0.1], [4.1, 3.1, 2.6]])


def _crate(width=1.0, depth=0.5, height=0.8):
    look = plain((0.5, 0.5, 0.5))
    part = box((-width / 2, 0, 0), (width / 2, depth, height), look)
    return furniture("table", "crate", [part], look, tops=[whole_top(width, depth, height)])


def _layout(notch=None):
    return Layout(np.random.default_rng(0), SIZE, notch)


@pytest.mark.parametrize("notch", [None, NOTCH])
def test_walls_go_once_around_the_room(notch):
    layout = _layout(notch)
    assert sum(wall.length_m for wall in layout.walls) == pytest.approx(14.0)
    for wall in layout.walls:
        piece = wall.against(_crate(0.4, 0.3), wall.length_m / 2)
        low, high = piece.box()
        assert (low > -1e-9).all()
        assert (high < np.array(SIZE)).all()
        front, back = piece.at(0, 0.3), piece.at(0, 0)
        assert layout.add(piece)
        inward = front - back
        assert np.linalg.norm(inward) == pytest.approx(0.3)
        beyond = back - inward  # is outside the room, or in the corner it lacks
        inside = (beyond[:2] > 0).all() and (beyond[:2] < SIZE[:2]).all()
        assert not inside or (notch is not None and (beyond[:2] > notch[0, :2]).all())


def test_nothing_is_placed_on_another_or_outside():
    layout = _layout(NOTCH)
    for _ in range(30):
        layout.add_at_wall(_crate(), free_in_front_m=0.2)
        layout.add_free(_crate(0.3, 0.3))
    boxes = np.stack([piece.box() for piece in layout.placed])
    assert 4 < len(boxes) < 40
    for i, (low, high) in enumerate(boxes):
        touching = (low < boxes[:, 1]).all(axis=1) & (high > boxes[:, 0]).all(axis=1)
        assert np.flatnonzero(touching).tolist() == [i]
        assert not ((low < NOTCH[1]) & (high > NOTCH[0])).all()


def test_things_stand_on_their_host_and_face_as_it_does():
    layout = _layout()
    host = layout.add_at_wall(_crate(), wall=3)
    number = layout.add_on(host, _crate(0.2, 0.1, 0.1))
    placed = layout.placed[number]
    assert placed.host == host
    assert placed.offset[2] == pytest.approx(0.8)
    assert placed.yaw_rad == layout.placed[host].yaw_rad
    assert layout.add_on(host, _crate(1.5, 0.1)) == -1


def test_a_chair_goes_where_space_was_kept_for_it_and_nothing_else():
    layout = _layout()
    desk = layout.add_at_wall(_crate(), wall=0, free_in_front_m=0.8)
    place = layout.placed[desk].at(0, 0.6)
    assert not layout.add(Placed(_crate(0.4, 0.4), 0.0, place))
    chair = layout.add_in_front(desk, _crate(0.4, 0.4), 0.1, facing=True)
    assert chair >= 0
    assert abs(layout.placed[chair].yaw_rad - layout.placed[desk].yaw_rad) == pytest.approx(np.pi)


def test_undoing_frees_the_place():
    layout = _layout()
    piece = layout.walls[0].against(_crate(), 1.0)
    assert layout.add(piece)
    assert not layout.add(piece)
    layout.undo()
    assert layout.add(piece)
