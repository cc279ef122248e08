from collections import Counter, defaultdict

import numpy as np
import pytest

from ops.furniture import MAKERS
from ops.rooms import ROOM_CLASSES

OPEN = {"curtain", "shower curtain"}
"""Made of cloth without thickness."""


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("seed", range(8))
def test_furniture_fills_the_box_it_says_it_does(name, seed):
    piece = MAKERS[name](np.random.default_rng(seed))
    vertices = np.vstack([part.vertices for part in piece.parts])
    width, depth, height = piece.size_m
    assert piece.label in ROOM_CLASSES
    assert np.allclose(vertices.min(axis=0), (-width / 2, 0, 0), atol=1e-9)
    assert np.allclose(vertices.max(axis=0), (width / 2, depth, height), atol=1e-9)
    for part in piece.parts:
        assert 0 <= min(part.finish.color) <= max(part.finish.color) <= 1
    for (x0, y0, x1, y1), z in (*piece.tops, *piece.holes):
        assert -width / 2 <= x0 < x1 <= width / 2
        assert 0 <= y0 < y1 <= depth
        assert 0 < z <= height + 1e-9


@pytest.mark.parametrize("name", sorted(set(MAKERS) - OPEN))
@pytest.mark.parametrize("seed", range(6))
def test_parts_are_closed_and_look_outwards(name, seed):
    for part in MAKERS[name](np.random.default_rng(seed)).parts:
        edges = Counter(map(tuple, part.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist()))
        assert all(edges[b, a] == count == 1 for (a, b), count in edges.items())
        a, b, c = (part.vertices[part.faces[:, i]] - part.vertices.mean(axis=0) for i in range(3))
        assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0  # six times the volume


def test_every_class_has_several_designs_and_looks():
    designs, colors = defaultdict(set), Counter()
    for maker in MAKERS.values():
        pieces = [maker(np.random.default_rng(seed)) for seed in range(24)]
        for kind, design, label in {(piece.kind, piece.design, piece.label) for piece in pieces}:
            designs[label].add((kind, design))
            assert label in {kind, "otherfurniture"}, design
        for color in {np.round(np.array(piece.main.color) * 5).tobytes() for piece in pieces}:
            colors[pieces[0].label, color] += 1
    for label in ROOM_CLASSES[2:]:
        assert len(designs[label]) >= 3, label
        assert sum(name == label for name, _ in colors) >= 8, label


@pytest.mark.parametrize("seed", range(12))
def test_bathtubs_are_hollow(seed):
    """Half way down, the middle of the tub is empty although its rim is not."""
    tub = MAKERS["bathtub"](np.random.default_rng(seed))
    body = tub.parts[0].vertices
    rim = body[:, 2].max()
    middle = np.hypot(body[:, 0] - np.median(body[:, 0]), body[:, 1] - np.median(body[:, 1])) < 0.15
    assert not (middle & (body[:, 2] > 0.6 * rim)).any()
    assert tub.size_m[0] > 1.4
    assert 0.45 < rim < 0.75


def test_a_seed_is_a_piece():
    for maker in MAKERS.values():
        a, b = (maker(np.random.default_rng(3)) for _ in range(2))
        assert a.design == b.design
        assert all(np.array_equal(p.vertices, q.vertices) for p, q in zip(a.parts, b.parts, strict=True))
