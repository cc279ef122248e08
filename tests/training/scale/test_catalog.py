"""The table of scale models: names, order, and what is told when something is wrong."""

import json

import pytest
import torch

from flows.commands.train_scale_models import train_scale_models
from schema.errors import ConfigError, WeightsError
from tools.make_cards import cards
from training.scale.catalog import MODELS, figures_of, make_models, measure_models
from training.scale.publish import FIGURES_FILE, is_current, publish, publish_figures, read_figures, ship


def test_every_entry_is_a_function():
    import importlib

    for path in MODELS.values():
        module, _, attribute = path.partition(":")
        assert callable(getattr(importlib.import_module(module), attribute))


def test_the_encoder_comes_before_what_needs_it():
    assert list(MODELS).index("text_image") < list(MODELS).index("dense_teacher")


def test_unknown_names_are_told_before_anything_is_done(small, tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'mask_teacher'"):
        make_models(small.CONFIG, tmp_path, ["text_image", "mask_teachr"])
    assert not list(tmp_path.iterdir())


def test_figures_of_a_folder(made):
    figures = figures_of(made)
    assert {"text_image", "dense_teacher", "mask_teacher"} <= figures.keys()
    assert all(values["bytes"] > 0 for values in figures.values())


def test_published_files_are_checked(tmp_path):
    publish(tmp_path / "mask_teacher", {"a.bin": b"1", "b/c.bin": b"2"}, fingerprint="f", figures={"x": 1})
    with pytest.raises(WeightsError, match="has not been measured"):
        figures_of(tmp_path)
    place = tmp_path / "mask_teacher"
    assert is_current(place, "f")
    assert not is_current(place, "g")
    assert json.loads((place / FIGURES_FILE).read_text())["bytes"] == 2
    (place / "b" / "c.bin").write_bytes(b"3")
    assert not is_current(place, "f")
    with pytest.raises(WeightsError, match=r"c\.bin.*not the file its figures describe"):
        figures_of(tmp_path)
    assert not is_current(tmp_path / "none", "f")


def test_measuring_again_gives_the_same_figures(made, small):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    again = measure_models(small.CONFIG, made, made)
    torch.set_num_threads(before)
    figures = figures_of(made)
    assert again == {name: figures[name]["held_out"] for name in again}
    assert {"text_image", "dense_teacher", "mask_teacher"} <= again.keys()


def test_the_command_makes_what_is_missing_and_measures(small, made, monkeypatch, capsys):
    monkeypatch.setattr("flows.commands.train_scale_models.ScaleModelsConfig", lambda: small.CONFIG)
    weights = made / "mask_teacher" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    options = {"only": ("mask_teacher",), "folder": made, "json": True}
    assert train_scale_models(**options) == 0
    assert json.loads(capsys.readouterr().out) == {"mask_teacher": str(made / "mask_teacher")}
    assert weights.stat().st_mtime_ns == before
    assert train_scale_models(**options, measure=True, renders=made) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["mask_teacher"]["rooms"] == 2


def test_measured_figures_can_replace_those_beside_the_models(small, made, tmp_path):
    ship(made, tmp_path, "mask_teacher")
    place = tmp_path / "mask_teacher"
    before = read_figures(place)
    publish_figures(place, {"rooms": 0})
    found = measure_models(small.CONFIG, tmp_path, made, ("mask_teacher",), write=True)
    assert read_figures(place) == before
    assert found["mask_teacher"] == before["held_out"]
    with pytest.raises(WeightsError, match="no scale model"):
        measure_models(small.CONFIG, tmp_path, made, ("text_image",))


def test_cards_of_models_just_made(made):
    text = cards(made)
    figures = json.loads((made / "text_image" / "figures.json").read_text())
    assert f"| color: accuracy | {figures['held_out']['color']['accuracy']:.3f} |" in text
    assert "| couch | sofa |" in text or "sofa" not in {
        row["kind"] for row in figures["held_out"]["synonyms"]["by_name"].values()
    }
