"""The shipped scale models: whole, small, made by the configuration that stands in the code."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from schema.config_scale import ScaleModelsConfig
from tools.make_cards import SHIPPED
from training.scale.catalog import figures_of, measure_models
from training.scale.teacher_figures import crossing
from training.scale.teachers import scale_encoder, teacher_fingerprint
from training.scale.text_image import text_image_fingerprint

CONFIG = ScaleModelsConfig()
NAMES = ("text_image", "dense_teacher", "mask_teacher")
FINGERPRINTS: dict[str, Callable[[], str]] = {
    "text_image": lambda: text_image_fingerprint(CONFIG.text_image, CONFIG.views),
    "dense_teacher": lambda: teacher_fingerprint(
        "dense_teacher", CONFIG.dense_teacher, CONFIG.views, scale_encoder(SHIPPED)
    ),
    "mask_teacher": lambda: teacher_fingerprint("mask_teacher", CONFIG.mask_teacher, CONFIG.views, None),
}


def test_all_are_there_whole_and_together_below_24_mb() -> None:
    figures = figures_of(SHIPPED)  # compares every file's digest
    assert tuple(figures) == NAMES
    there = {path for path in SHIPPED.rglob("*") if path.is_file()}
    named = {SHIPPED / name / file for name in figures for file in [*figures[name]["files"], "figures.json"]}
    assert there == named
    assert sum(path.stat().st_size for path in there) < 24e6


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.slow
def test_the_figures_beside_the_models_are_measured_again(tmp_path: Path) -> None:
    found, figures = measure_models(CONFIG, SHIPPED, tmp_path, NAMES), figures_of(SHIPPED)
    for name in NAMES:
        again, before = dict(_numbers(found[name])), dict(_numbers(figures[name]["held_out"]))
        assert again.keys() == before.keys()
        off = {key: (again[key], before[key]) for key in again if abs(again[key] - before[key]) > 0.01}
        assert not off, (name, off)  # rounding differs from machine to machine


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}: ")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)
