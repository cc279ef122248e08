import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.teachers.labels import usable_labels
from models.teachers.semantic import semantic_masks

LABELS = ("background", "chair", "couch", "sofa")


def masks(label_map, *, void=("background",), aliases=None, min_mask_px=1, score_map=None):
    return semantic_masks(
        np.array(label_map),
        LABELS,
        void=void,
        aliases=aliases or {},
        min_mask_px=min_mask_px,
        score_map=score_map,
    )


def test_regions_by_hand():
    found = masks(
        [
            [1, 1, 0, 3, 0],
            [0, 0, 1, 0, 3],
            [0, 0, 0, 0, 0],
            [1, 0, 2, 2, 0],
        ]
    )
    expected = [
        [0, 0, -1, 3, -1],
        [-1, -1, 0, -1, 3],
        [-1, -1, -1, -1, -1],
        [1, -1, 2, 2, -1],
    ]
    assert found.labels == ("chair", "chair", "couch", "sofa")
    np.testing.assert_array_equal(found.mask_map, expected)
    np.testing.assert_array_equal(found.confidence, np.ones(4, dtype=np.float32))


def test_small_regions_make_no_mask_and_leave_no_gap_in_the_ids():
    found = masks([[1, 0, 1, 1], [0, 0, 1, 1], [3, 3, 0, 0]], min_mask_px=2)
    np.testing.assert_array_equal(found.mask_map, [[-1, -1, 0, 0], [-1, -1, 0, 0], [1, 1, -1, -1]])
    assert found.labels == ("chair", "sofa")


def test_labels_of_one_name_form_one_mask():
    found = masks([[2, 3, 2]], aliases={"couch": "sofa"})
    assert found.labels == ("sofa",)
    np.testing.assert_array_equal(found.mask_map, [[0, 0, 0]])


def test_void_by_own_or_by_resolved_name():
    assert masks([[2, 3, 1]], void=("couch",)).labels == ("chair", "sofa")
    assert masks([[2, 0, 3, 1]], void=("sofa",), aliases={"couch": "sofa"}).labels == ("background", "chair")


def test_confidence_is_the_mean_over_the_mask():
    found = masks([[1, 1, 0], [0, 0, 3]], score_map=np.array([[0.5, 1.0, 0.1], [0.1, 0.1, 0.25]]))
    np.testing.assert_allclose(found.confidence, [0.75, 0.25])


def test_no_mask_at_all():
    found = masks(np.zeros((3, 4), dtype=int), score_map=np.ones((3, 4)))
    assert found.labels == ()
    assert found.confidence.shape == (0,)
    assert (found.mask_map == -1).all()


def test_an_id_without_a_label_is_not_wrapped_around():
    with pytest.raises(IndexError):
        masks([[len(LABELS) + 1]])


def test_usable_labels():
    names, position = usable_labels(LABELS, void=("background",), aliases={"couch": "sofa"})
    assert names == ("chair", "sofa")
    assert position == (-1, 0, 1, 1)


def flood_fill(label_map, min_mask_px):
    """The same by a stack of pixels to visit."""
    height, width = label_map.shape
    done = np.zeros(label_map.shape, dtype=bool)
    regions = set()
    for start in np.ndindex(label_map.shape):
        label = label_map[start]
        if done[start] or label <= 0:
            continue
        region, todo = [], [start]
        done[start] = True
        while todo:
            row, column = todo.pop()
            region.append((row, column))
            for r in range(max(row - 1, 0), min(row + 2, height)):
                for c in range(max(column - 1, 0), min(column + 2, width)):
                    if not done[r, c] and label_map[r, c] == label:
                        done[r, c] = True
                        todo.append((r, c))
        if len(region) >= min_mask_px:
            regions.add((LABELS[label], frozenset(region)))
    return regions


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), min_mask_px=st.integers(1, 6))
def test_agrees_with_flood_fill(seed, min_mask_px):
    label_map = np.random.default_rng(seed).integers(-1, 4, (7, 9))
    found = masks(label_map, min_mask_px=min_mask_px)
    regions = {
        (label, frozenset(map(tuple, np.argwhere(found.mask_map == i).tolist())))
        for i, label in enumerate(found.labels)
    }
    assert regions == flood_fill(label_map, min_mask_px)
