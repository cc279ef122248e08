"""The cache of views: identical to what is rendered, made once, resumed after a kill."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from ops.rooms import ROOM_CLASSES, make_room
from schema.config_scale import ScaleViewsConfig
from schema.config_source import SyntheticConfig
from schema.errors import StoreError
from schema.seeds import MODELS, MODELS_HELD_OUT
from storage.locks import hold
from storage.sources.synthetic_labels import labelled_views
from training.scale import views as module
from training.scale.views import CACHE_FOLDER, held_out_views, training_views, views_identity

SMALL = ScaleViewsConfig(num_rooms=3, num_held_out_rooms=1, frames_per_room=2, image_hw=(48, 64))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    training_views(SMALL, folder)
    return folder


def place(folder):
    return next(iter(sorted((folder / CACHE_FOLDER).iterdir())))


def same(a, b):
    arrays = all(
        np.array_equal(getattr(a, k), getattr(b, k)) for k in ("color", "semantic", "instance", "room")
    )
    return arrays and [r.seed for r in a.rooms] == [r.seed for r in b.rooms]


def test_the_arrays_are_what_is_rendered(folder):
    views = training_views(SMALL, folder)
    source = SyntheticConfig(num_frames=2, image_hw=(48, 64))
    for room, seed in enumerate(SMALL.training_rooms):
        for frame, (view, semantic, instance) in enumerate(labelled_views(source, seed)):
            index = 2 * room + frame
            np.testing.assert_array_equal(views.color[index], view.color)
            np.testing.assert_array_equal(views.semantic[index], semantic)
            np.testing.assert_array_equal(views.instance[index], instance)
            assert views.room[index] == room
    assert views.color.shape == (6, 48, 64, 3)
    assert not views.color.flags.writeable


def test_facts_are_the_rooms_own_with_floor_and_walls(folder):
    views = training_views(SMALL, folder)
    for facts in views.rooms:
        room = make_room(facts.seed)
        assert facts.plan == room.plan
        own = {piece.instance_id: piece for piece in room.pieces}
        for piece in facts.pieces:
            np.testing.assert_allclose(piece.box, own.get(piece.instance_id, piece).box, atol=1e-4)
        assert own.keys() <= {piece.instance_id for piece in facts.pieces}
        assert {"floor", "wall"} <= {piece.label for piece in facts.pieces}


def test_every_labelled_pixel_belongs_to_a_known_object_of_that_class(folder):
    views = training_views(SMALL, folder)
    for index in range(len(views.color)):
        pieces = views.pieces(index)
        labelled = views.semantic[index] >= 0
        for instance in np.unique(views.instance[index][labelled]):
            shown = np.unique(views.semantic[index][labelled & (views.instance[index] == instance)])
            assert [ROOM_CLASSES[k] for k in shown] == [pieces[int(instance)].label]


def test_they_are_rendered_once(folder, monkeypatch):
    first = training_views(SMALL, folder)
    monkeypatch.setattr(module, "labelled_views", lambda *_: pytest.fail("rendered again"))
    assert same(training_views(SMALL, folder), first)


def test_another_size_or_room_is_another_cache(folder):
    names = {
        views_identity(config, config.training_rooms)
        for config in (
            SMALL,
            SMALL.model_copy(update={"image_hw": (64, 64)}),
            SMALL.model_copy(update={"first_room": MODELS.start + 1}),
            SMALL.model_copy(update={"fov_deg": 60.0}),
        )
    }
    assert len(names) == 4


def test_a_killed_rendering_goes_on(folder, tmp_path, monkeypatch):
    rendered = []

    def until_the_last(config, seed):
        rendered.append(seed)
        if len(rendered) == 3:
            yield next(iter(labelled_views(config, seed)))
            raise KeyboardInterrupt
        yield from labelled_views(config, seed)

    monkeypatch.setattr(module, "labelled_views", until_the_last)
    with pytest.raises(KeyboardInterrupt):
        training_views(SMALL, tmp_path)
    part = place(tmp_path) / "rooms.part.jsonl"
    part.write_text(part.read_text() + json.dumps({"seed": 1})[:-3])  # a torn line
    views = training_views(SMALL, tmp_path)
    assert rendered == [*SMALL.training_rooms, SMALL.training_rooms[-1]]
    assert same(views, training_views(SMALL, folder))
    assert not part.exists()


def test_two_processes_do_not_render_the_same(tmp_path):
    small = SMALL.model_copy(update={"num_rooms": 1})
    name = f"1x2x48x64-{views_identity(small, small.training_rooms)[:12]}"
    with (
        hold(tmp_path / CACHE_FOLDER / name / "render.lock", "it", "wait"),
        pytest.raises(StoreError, match="in use by process"),
    ):
        training_views(small, tmp_path)


def test_held_out_rooms_are_never_trained_on(tmp_path):
    config = ScaleViewsConfig()
    assert not set(config.training_rooms) & set(MODELS_HELD_OUT)
    assert set(config.held_out_rooms) <= set(MODELS_HELD_OUT)
    with pytest.raises(ValidationError, match="not trained on"):
        ScaleViewsConfig(num_rooms=999_001)
    assert held_out_views(SMALL, tmp_path).rooms[0].seed == MODELS_HELD_OUT.start
