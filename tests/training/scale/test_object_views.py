"""Views of single objects: what they show, and that a killed rendering goes on to the same bytes."""

from pathlib import Path

import numpy as np
import pytest

from ops.rooms import ROOM_CLASSES
from schema.config_scale import ObjectViewsConfig
from schema.seeds import MODELS, MODELS_HELD_OUT
from training.scale import object_views
from training.scale.object_views import ObjectViews, cached_object_views

SMALL = ObjectViewsConfig(num_rooms=2, num_held_out_rooms=1, views_per_room=6, image_px=64)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> ObjectViews:
    return cached_object_views(SMALL, SMALL.training_rooms, tmp_path_factory.mktemp("scale"))


def test_every_view_shows_its_object(views: ObjectViews) -> None:
    assert len(views) == 12
    assert views.color.shape == (12, 64, 64, 3)
    for view, piece in enumerate(views.pieces):
        own = np.asarray(views.instance[view]) == piece.instance_id
        assert own.mean() > 0.1
        assert (np.asarray(views.semantic[view])[own] == ROOM_CLASSES.index(piece.label)).all()
        assert (views.mask(view) | ~own).all()
        assert not views.mask(view).all()
    assert len(set(views.classes())) >= 4


def test_a_killed_rendering_goes_on_to_the_same_bytes(
    views: ObjectViews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = object_views.room_object_views, []

    def killed(*args: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(object_views, "room_object_views", killed)
    with pytest.raises(KeyboardInterrupt):
        cached_object_views(SMALL, SMALL.training_rooms, tmp_path)
    again = cached_object_views(SMALL, SMALL.training_rooms, tmp_path)
    assert [args[1] for args in calls] == [SMALL.first_room, SMALL.first_room + 1, SMALL.first_room + 1]
    for name in ("color", "semantic", "instance"):
        np.testing.assert_array_equal(getattr(again, name), getattr(views, name))
    assert [piece.instance_id for piece in again.pieces] == [piece.instance_id for piece in views.pieces]
    cached_object_views(SMALL, SMALL.training_rooms, tmp_path)
    assert len(calls) == 3  # read, not rendered


def test_rooms_are_the_models_own_and_held_out_ones_are_not_trained_on() -> None:
    config = ObjectViewsConfig()
    assert set(config.training_rooms) <= set(MODELS)
    assert set(config.held_out_rooms) <= set(MODELS_HELD_OUT)
    assert not set(config.training_rooms) & set(config.held_out_rooms)
    with pytest.raises(ValueError, match="not trained on"):
        ObjectViewsConfig(first_room=MODELS_HELD_OUT.start)
