from fnmatch import fnmatch

import numpy as np
import pytest

from ops.rooms import ROOM_CLASSES
from schema.config_source import SyntheticConfig
from schema.errors import ConfigError
from schema.seeds import MODELS, MODELS_HELD_OUT, RANGES, STUDENT, VALIDATION
from storage.recipes import load_recipe
from storage.sources.catalog import open_source
from storage.sources.synthetic_labels import LABEL_NAMES, labelled_views

CONFIG = SyntheticConfig(seeds=(11, 3), num_frames=6, image_hw=(60, 80))


def test_scene_ids_and_identity_follow_the_seeds():
    source = open_source(CONFIG)
    assert source.scene_ids() == ["room_11", "room_3"]
    assert source.identity("room_11")["seed"] == 11
    assert source.identity("room_11") != source.identity("room_3")


def test_different_seeds_are_different_rooms():
    source = open_source(CONFIG)
    a, b = source.open("room_11"), source.open("room_3")
    assert [piece.label for piece in a.room.pieces] != [piece.label for piece in b.room.pieces]
    assert np.abs(a.view(0).color.astype(int) - b.view(0).color).mean() > 10


@pytest.mark.parametrize("seeds", [(-1,), (2, 2)])
def test_seeds_that_are_no_scene_are_refused(seeds):
    with pytest.raises(ConfigError, match=r"source\.seeds = .*seeds must be different and not negative"):
        open_source(SyntheticConfig(seeds=seeds))


def test_labelled_views_are_the_captures_views_with_labels():
    capture = open_source(CONFIG).open("room_11")
    count = 0
    for (view, semantic, instance), plain in zip(labelled_views(CONFIG, 11), capture.views(), strict=True):
        count += 1
        assert np.array_equal(view.color, plain.color)
        assert np.array_equal(view.depth_m, plain.depth_m)
        assert semantic.shape == instance.shape == (60, 80)
        assert semantic.min() >= -1
        assert semantic.max() < len(LABEL_NAMES)
        for i in np.unique(instance):
            assert len(np.unique(semantic[instance == i])) == 1
    assert count == 6
    assert LABEL_NAMES == ROOM_CLASSES


def test_labelled_views_of_a_seed_outside_the_configuration():
    view, semantic, _ = next(labelled_views(CONFIG, 999))
    assert view.color.shape == (60, 80, 3)
    assert len(np.unique(semantic)) >= 3


def test_images_have_contrast_and_are_not_overexposed():
    for view in open_source(CONFIG).open("room_3").views():
        assert view.color.std() > 25
        assert (view.color == 255).mean() < 0.15
        assert (view.depth_m > 0).mean() > 0.6


def test_depth_is_a_sensors_unless_exact_depth_is_asked_for():
    exact_config = CONFIG.model_copy(update={"depth": "exact"})
    errors = []
    for (sensor, _, _), (exact, _, _) in zip(
        labelled_views(CONFIG, 3), labelled_views(exact_config, 3), strict=True
    ):
        assert np.array_equal(sensor.color, exact.color)
        assert exact.depth_m.min() > 0
        seen = sensor.depth_m > 0
        assert 0.6 < seen.mean() < 0.999
        errors.append(np.abs(sensor.depth_m - exact.depth_m)[seen])
    error = np.concatenate(errors)
    assert 0.0005 < np.median(error) < 0.02
    assert np.allclose(sensor.depth_m * 1000, np.round(sensor.depth_m * 1000), atol=1e-2)


def test_rooms_of_the_scale_models_are_no_captures():
    for seed in (MODELS[0], MODELS[-1]):
        with pytest.raises(ConfigError, match=r"source\.seeds = .*the scale models were trained on rooms"):
            open_source(SyntheticConfig(seeds=(1, seed)))


def test_the_default_recipe_keeps_to_its_ranges(repository_root):
    config = load_recipe(repository_root / "configs" / "default.yaml")
    seeds = {
        scene_id: int(scene_id.removeprefix("room_")) for scene_id in open_source(config.source).scene_ids()
    }
    train = {s for i, s in seeds.items() if any(fnmatch(i, p) for p in config.split.train)}
    judged = {s for i, s in seeds.items() if any(fnmatch(i, p) for p in config.split.evaluate)}
    assert len(train) >= 6
    assert len(judged) >= 3
    assert train <= set(STUDENT)
    assert judged <= set(VALIDATION)


def test_seed_ranges_share_no_room():
    ranges = list(RANGES.values())
    for i, one in enumerate(ranges):
        for other in ranges[i + 1 :]:
            assert one.stop <= other.start or other.stop <= one.start
    assert set(MODELS_HELD_OUT) <= set(MODELS)
    assert len(MODELS_HELD_OUT) == 1000
