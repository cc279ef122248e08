"""Pictures and captions: what is cropped, what counts as true, and that batches follow from their seed."""

import numpy as np
import pytest
import torch

from ops.rooms import Piece
from ops.scale_shell import SHELL
from training.scale.captions_data import (
    codes,
    find_objects,
    is_true,
    object_batch,
    object_image,
    resized,
    scene_batch,
)
from training.scale.loop import rng_of
from training.scale.views import RoomFacts, Views, training_views

BOX = np.zeros((2, 3))


@pytest.fixture(scope="module")
def views(small, rendered):
    return training_views(small.VIEWS, rendered)


@pytest.fixture
def flat():
    """One view: red sofa left, blue chair right, a wall behind both, a speck that is too small to name."""
    color = np.full((1, 40, 60, 3), 200, dtype=np.uint8)
    semantic, instance = np.zeros((1, 40, 60), np.int8), np.ones((1, 40, 60), np.int16)
    for rows, columns, rgb, label, number in (
        (slice(10, 30), slice(5, 25), (255, 0, 0), 5, 7),
        (slice(10, 30), slice(35, 55), (0, 0, 255), 4, 8),
        (slice(0, 2), slice(0, 2), (0, 255, 0), 6, 9),
    ):
        color[0, rows, columns], semantic[0, rows, columns] = rgb, label
        instance[0, rows, columns] = number
    pieces = (
        Piece("wall", "wall", "", "white", "", "", 1, BOX),
        Piece("sofa", "sofa", "", "red", "fabric", "large", 7, BOX),
        Piece("chair", "chair", "", "blue", "wood", "", 8, BOX),
        Piece("table", "table", "", "green", "wood", "", 9, BOX),
    )
    rooms = (RoomFacts(1_000_000, "office", pieces),)
    return Views(color, semantic, instance, np.zeros(1, np.int32), rooms)


def test_objects_are_found_with_their_boxes(flat):
    objects = find_objects(flat)
    assert [piece.kind for piece in objects.pieces] == ["wall", "sofa", "chair"]
    np.testing.assert_array_equal(objects.box_px[1], (10, 5, 30, 25))
    assert objects.of_view(0) == slice(0, 3)
    np.testing.assert_allclose(objects.odds, 1 / 3)


def test_a_crop_shows_its_object(flat):
    objects = find_objects(flat)
    rng = np.random.default_rng(0)
    for index, channel in ((1, 0), (2, 2)):
        for _ in range(10):
            image = object_image(flat, objects, index, 32, rng=rng)
            assert image.shape == (3, 32, 32)
            middle = image[:, 12:20, 12:20].mean(dim=(1, 2))
            assert int(middle.argmax()) == channel
            assert middle[channel] > 2 * middle.sum().sub(middle[channel])


def test_surfaces_are_shown_where_they_are(views):
    objects = find_objects(views)
    assert {piece.label for piece in objects.pieces} >= set(SHELL)
    assert (objects.box_px[:, 2:] > objects.box_px[:, :2]).all()
    for index in np.flatnonzero([piece.label in SHELL for piece in objects.pieces])[:10]:
        assert object_image(views, objects, int(index), 32, rng=rng_of(0, int(index))).shape == (3, 32, 32)


def test_truth_by_hand():
    facts = codes([("sofa", "sofa", "red", "fabric", "large"), ("chair", "chair", "red", "", "")])
    said = codes([("sofa", "sofa", "", "", ""), ("", "", "red", "", ""), ("chair", "chair", "", "wood", "")])
    table = is_true(said[None], facts[:, None])
    # what is not known of an object (the chair's material) is not taken to be so
    np.testing.assert_array_equal(table, [[True, True, False], [False, True, False]])


def test_every_caption_is_true_of_its_own_picture(views):
    objects = find_objects(views)
    for make in (object_batch, scene_batch):
        for step in range(3):
            batch = make(views, objects, count=10, side_px=32, rng=rng_of(0, step))
            assert batch.image.shape == (10, 3, 32, 32)
            assert len(batch.texts) == 10
            assert batch.true.diagonal().all()
            assert 0 <= float(batch.image.min()) <= float(batch.image.max()) <= 1
    again = scene_batch(views, objects, count=10, side_px=32, rng=rng_of(0, 2))
    assert again.texts == batch.texts
    assert torch.equal(again.image, batch.image)


def test_captions_of_two_of_a_kind_are_true_of_both(flat):
    second = Piece("sofa", "sofa", "", "red", "fabric", "large", 8, BOX)
    pieces = (*flat.rooms[0].pieces[:2], second)
    twice = Views(flat.color, flat.semantic, flat.instance, flat.room, (RoomFacts(1, "office", pieces),))
    objects = find_objects(twice)
    batch = object_batch(twice, objects, count=40, side_px=16, rng=rng_of(0, 0))
    kinds = np.array(["wall" if "wall" in text else "other" for text in batch.texts])
    assert batch.true.float().mean() > 0.3
    assert (kinds == "wall").any()


def test_resizing_keeps_colours():
    image = resized(np.full((7, 9, 3), (255, 128, 0), np.uint8), 16, np.random.default_rng(0))
    assert image.shape == (3, 16, 16)
    mean = image.mean(dim=(1, 2))
    assert float(mean[0]) > 0.85
    assert 0.4 < float(mean[1]) < 0.6
    assert float(mean[2]) == 0
