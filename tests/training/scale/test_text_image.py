"""The text and image encoder: its loss by hand, its files in both libraries, and that a few steps learn."""

import json
import math

import numpy as np
import pytest
import torch

from models.text.open_clip_files import CONFIG_FILE
from ops.rooms import ROOM_CLASSES
from schema.config_models import OpenClipTextConfig
from training.metrics_log import read_metrics
from training.scale.captions_data import find_objects
from training.scale.loop import fit
from training.scale.publish import FIGURES_FILE
from training.scale.teachers import scale_encoder
from training.scale.text_image import (
    NAME,
    WEIGHTS_FILE,
    TextImageRecipe,
    build_encoder,
    contrastive_loss,
    encoder_files,
    train_text_image,
)
from training.scale.text_image_figures import caption_figures, class_texts, synonym_figures
from training.scale.views import training_views


def test_with_one_true_caption_each_it_is_clips_loss():
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    target = torch.arange(5)
    expected = (
        torch.nn.functional.cross_entropy(logits, target)
        + torch.nn.functional.cross_entropy(logits.T, target)
    ) / 2
    torch.testing.assert_close(contrastive_loss(logits, torch.eye(5, dtype=torch.bool)), expected)


def test_what_is_true_twice_is_not_pushed_away():
    true = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    logits = torch.where(true, 50.0, 0.0)
    assert float(contrastive_loss(logits, true)) == pytest.approx(0.0, abs=1e-6)
    assert float(contrastive_loss(logits, torch.eye(3, dtype=torch.bool))) == pytest.approx(
        2 / 3 * math.log(2), rel=1e-3
    )


def test_the_files_are_what_open_clip_and_transformers_read(made):
    import open_clip
    from transformers import CLIPTokenizer

    folder = made / NAME
    encoder = scale_encoder(made)
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    assert type(model) is open_clip.model.CLIP
    config = json.loads((folder / CONFIG_FILE).read_text())["model_cfg"]["text_cfg"]
    tokenizer = open_clip.SimpleTokenizer(
        bpe_path=str(folder / config["tokenizer_kwargs"]["bpe_path"]), context_length=config["context_length"]
    )
    texts = ["a photo of a red couch", *class_texts()]
    with torch.no_grad():
        expected = model.encode_text(tokenizer(texts), normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)
    theirs = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    assert (
        tokenizer(texts[:1])[0].tolist()[: len(theirs(texts[0])["input_ids"])]
        == theirs(texts[0])["input_ids"]
    )
    assert theirs.vocab_size == config["vocab_size"]
    assert encoder.space.startswith("open_clip:text_image:")


def test_figures_say_what_was_done(made, small):
    figures = json.loads((made / NAME / FIGURES_FILE).read_text())
    assert figures["model"] == "open_clip.model.CLIP"
    assert figures["trained_on"]["steps"] == small.ENCODER.steps
    assert figures["bytes"] == sum((made / NAME / name).stat().st_size for name in figures["files"])
    held_out = figures["held_out"]
    assert held_out["rooms"] == 2
    assert set(held_out["class"]["by_class"]) == set(ROOM_CLASSES)
    assert 0 <= held_out["color"]["accuracy"] <= 1
    assert held_out["synonyms"]["total"] == len(held_out["synonyms"]["by_name"])


def test_a_finished_encoder_is_left_alone(made, small):
    weights = made / NAME / WEIGHTS_FILE
    before = weights.stat().st_mtime_ns
    train_text_image(small.ENCODER, small.VIEWS, made)
    assert weights.stat().st_mtime_ns == before


def test_a_damaged_encoder_is_made_again_with_the_same_bytes(made, small):
    weights = made / NAME / WEIGHTS_FILE
    content, threads = weights.read_bytes(), torch.get_num_threads()
    weights.write_bytes(b"torn")
    torch.set_num_threads(1)
    train_text_image(small.ENCODER, small.VIEWS, made)
    torch.set_num_threads(threads)
    assert weights.read_bytes() == content


def test_the_loss_falls(small, rendered, tmp_path):
    config = small.ENCODER.model_copy(update={"steps": 60, "batch": 24, "learning_rate": 4e-3})
    views = training_views(small.VIEWS, rendered)
    objects = find_objects(views)
    files = encoder_files(config, views, objects)
    model, tokenizer = build_encoder(files, tmp_path / "files", 0)
    recipe = TextImageRecipe(model, tokenizer, views, objects, config=config, fingerprint="test")
    fit(recipe, tmp_path, learning_rate=4e-3, weight_decay=0.0, ema=0.9, save_every_s=1e9, label="test")
    losses = [line["loss"] for line in read_metrics(tmp_path)]
    assert np.mean(losses[-10:]) < 0.75 * np.mean(losses[:5])


def test_synonyms_by_hand():
    axes = {"sofa": 0, "couch": 0, "settee": 1, "chair": 1, "seat": 1}

    def encode(texts):
        rows = np.zeros((len(texts), 3))
        for row, text in zip(rows, texts, strict=True):
            row[axes[text.split()[1]]] = 1
        return rows

    figures = synonym_figures(encode, ["chair", "sofa"])
    assert (figures["right"], figures["total"]) == (2, 3)
    assert figures["by_name"]["settee"] == {"kind": "sofa", "nearest": "chair", "margin": -1.0}
    assert figures["by_name"]["couch"] == {"kind": "sofa", "nearest": "sofa", "margin": 1.0}


def test_captions_with_two_names_are_counted(made):
    texts = [
        "a couch beside a sofa",
        "a sofa and a chair",
        "sofas",
        "couches and settees",
        "a tub, a bathtub",
    ]
    assert caption_figures(texts) == {"looked_at": 5, "with_two_names": 3}
    figures = json.loads((made / NAME / FIGURES_FILE).read_text())["held_out"]["captions"]
    assert figures == {"looked_at": 4000, "with_two_names": 0}


def test_the_adapter_takes_the_same_files(made):
    folder = made / NAME
    config = OpenClipTextConfig(architecture=str(folder / CONFIG_FILE), weights=folder / WEIGHTS_FILE)
    from models.cache import load_text

    assert load_text(config, synonyms=[["sofa", "couch"]]).encode(["a sofa"]).shape == (1, 32)
