from collections import Counter

import numpy as np
import pytest

from ops.cameras import pose_problem
from ops.furniture import MAKERS
from ops.rooms import ROOM_CLASSES, camera_walk, make_room

SEEDS = range(40)


@pytest.mark.parametrize("label", sorted(MAKERS))
@pytest.mark.parametrize("seed", range(8))
def test_furniture_fills_the_box_it_says_it_does(label, seed):
    piece = MAKERS[label](np.random.default_rng(seed))
    vertices = np.vstack([part.vertices for part in piece.parts])
    width, depth, height = piece.size_m
    assert piece.label == label
    assert (vertices >= (-width / 2 - 1e-9, -1e-9, -1e-9)).all()
    assert (vertices <= (width / 2 + 1e-9, depth + 1e-9, height + 1e-9)).all()
    assert np.ptp(vertices, axis=0) == pytest.approx([width, depth, height], abs=0.04)
    for part in piece.parts:
        assert 0 <= min(part.color) <= max(part.color) <= 1


@pytest.mark.parametrize("label", sorted(set(MAKERS) - {"curtain"}))
def test_parts_are_closed_and_look_outwards(label):
    for part in MAKERS[label](np.random.default_rng(0)).parts:
        edges = Counter(map(tuple, part.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()))
        assert all(edges[b, a] == count == 1 for (a, b), count in edges.items())
        a, b, c = (part.vertices[part.faces[:, i]] - part.vertices.mean(axis=0) for i in range(3))
        assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0  # six times the volume


@pytest.mark.parametrize("seed", SEEDS)
def test_no_piece_touches_another_or_leaves_the_room(seed):
    room = make_room(seed)
    low, high = room.boxes[:, 0], room.boxes[:, 1]
    assert (low >= -1e-6).all()
    assert (high <= np.array(room.size_m) + 1e-6).all()
    for i in range(len(low)):
        others = np.arange(len(low)) != i
        touching = (low[i] < high[others]).all(axis=1) & (high[i] > low[others]).all(axis=1)
        assert not touching.any()
    for i, (lowest, highest) in enumerate(room.boxes):
        inside = room.vertices[np.unique(room.faces[room.face_instance == i + 6])]
        assert (inside >= lowest - 1e-5).all()
        assert (inside <= highest + 1e-5).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_room_is_furnished(seed):
    room = make_room(seed)
    counts = Counter(room.labels)
    assert counts["door"] == 1
    assert counts["window"] >= 1
    assert counts["table"] == 1
    assert counts["chair"] >= 1
    assert counts["bed"] + counts["sofa"] >= 1
    assert len(counts) >= 7


def test_all_classes_occur_and_ids_agree():
    seen = set()
    for seed in SEEDS:
        room = make_room(seed)
        seen |= set(room.face_class.tolist())
        for i, label in enumerate(room.labels):
            assert set(room.face_class[room.face_instance == i + 6].tolist()) == {ROOM_CLASSES.index(label)}
    assert seen == {-1, *range(len(ROOM_CLASSES))}


def test_a_seed_is_a_room():
    a, b, other = make_room(5), make_room(5), make_room(6)
    assert np.array_equal(a.vertices, b.vertices)
    assert np.array_equal(a.faces, b.faces)
    assert np.array_equal(a.face_color, b.face_color)
    assert np.array_equal(camera_walk(a, 5, 8), camera_walk(b, 5, 8))
    assert abs(np.array(a.size_m) - other.size_m).max() > 0.05
    assert a.labels != other.labels


@pytest.mark.parametrize("seed", SEEDS)
def test_cameras_stand_free_inside_the_room(seed):
    room = make_room(seed)
    walk = camera_walk(room, seed, 12)
    assert all(pose_problem(pose) is None for pose in walk)
    eyes = walk[:, :3, 3]
    assert (eyes > 0.3).all()
    assert (eyes < np.array(room.size_m) - 0.2).all()
    for low, high in room.boxes:
        assert not ((eyes > low - 0.2) & (eyes < high + 0.2)).all(axis=1).any()
