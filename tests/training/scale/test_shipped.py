"""The shipped scale models: whole, small, made by the configuration that stands in the code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schema.config_scale import ScaleModelsConfig
from tools.make_cards import SHIPPED
from training.scale.catalog import MODELS, figures_of
from training.scale.generator import generator_fingerprint
from training.scale.segmenter import segmenter_fingerprint
from training.scale.teacher_figures import crossing
from training.scale.teachers import scale_encoder, teacher_fingerprint
from training.scale.text_image import text_image_fingerprint

CONFIG = ScaleModelsConfig()
FINGERPRINTS: dict[str, Callable[[], str]] = {
    "text_image": lambda: text_image_fingerprint(CONFIG.text_image, CONFIG.views),
    "dense_teacher": lambda: teacher_fingerprint(
        "dense_teacher", CONFIG.dense_teacher, CONFIG.views, scale_encoder(SHIPPED)
    ),
    "mask_teacher": lambda: teacher_fingerprint("mask_teacher", CONFIG.mask_teacher, CONFIG.views, None),
    "generator": lambda: generator_fingerprint(CONFIG.generator, CONFIG.judges, SHIPPED / "text_image"),
    "segmenter": lambda: segmenter_fingerprint(CONFIG.segmenter),
}


def test_all_are_there_whole_and_together_below_24_mb() -> None:
    figures = figures_of(SHIPPED)  # compares every file's digest
    assert list(figures) == list(MODELS)
    there = {path for path in SHIPPED.rglob("*") if path.is_file()}
    named = {SHIPPED / name / file for name in figures for file in [*figures[name]["files"], "figures.json"]}
    assert there == named
    assert sum(path.stat().st_size for path in there) < 24e6


@pytest.mark.parametrize("name", MODELS)
def test_they_are_what_the_configuration_makes(name: str) -> None:
    assert figures_of(SHIPPED)[name]["fingerprint"] == FINGERPRINTS[name]()


def test_weights_are_safetensors_and_nothing_runs_code() -> None:
    kinds = {path.suffix for path in Path(SHIPPED).rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".json", ".txt", ".gz"}


def test_the_teachers_cross() -> None:
    figures = figures_of(SHIPPED)
    dense, mask = (figures[name]["held_out"]["accuracy"] for name in ("dense_teacher", "mask_teacher"))
    ahead = crossing(dense, mask)
    assert min(map(len, ahead)) >= 4


def test_the_encoder_has_learned_synonyms_from_pictures() -> None:
    found = figures_of(SHIPPED)["text_image"]["held_out"]
    assert found["captions"]["with_two_names"] == 0
    assert found["synonyms"]["right"] == found["synonyms"]["total"] >= 15


def test_generator_and_segmenter_are_good_enough() -> None:
    figures = figures_of(SHIPPED)
    images = figures["generator"]["held_out"]["images"]
    assert images["accuracy"]["all"] >= 0.8
    assert images["auc"]["all"] >= 0.8
    assert images["judged_by_auc"]["all"] >= 0.7 * 20 * images["images_per_class"]
    segmented = figures["segmenter"]["held_out"]
    assert min(segmented[views]["innermost"]["mean_iou"] for views in ("rooms", "objects")) >= 0.8
