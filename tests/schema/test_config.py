"""Configurations: frozen, strict, every field described; the flow takes the very same models."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from schema.config import PipelineConfig
from schema.config_base import Config
from schema.config_stages import FuseConfig, LiftConfig
from storage.recipes import check_recipe
from tests.recipes import small_values


def models(kind: Any = PipelineConfig, known: set[type[Config]] | None = None) -> Iterator[type[Config]]:
    """Every configuration that can stand in a recipe."""
    known = set() if known is None else known
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in known:
            known.add(kind)
            yield kind
            for field in kind.model_fields.values():
                yield from models(field.annotation, known)
        return
    for part in get_args(kind):
        yield from models(part, known)


ALL = list(models())


def test_every_stage_source_teacher_and_encoder_is_reached() -> None:
    names = {model.__name__ for model in ALL}
    assert {"IngestConfig", "LiftConfig", "FuseConfig", "DistillConfig", "EvaluateConfig"} <= names
    assert {"RgbdFolderConfig", "SyntheticConfig", "FramePatterns", "LitertTeacherConfig"} <= names
    assert {"ConvDenseTeacherConfig", "WordsTextConfig", "OpenClipTextConfig"} <= names


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_it_is_frozen_strict_and_described(model: type[Config]) -> None:
    assert issubclass(model, Config)
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
    assert model.__doc__
    bare = [name for name, field in model.model_fields.items() if not field.description]
    assert model is PipelineConfig or set(bare) <= {"kind"}, bare


def test_values_cannot_be_changed_and_not_finite_ones_are_refused() -> None:
    config = FuseConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.temperature = 1.0  # type: ignore[misc]
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            LiftConfig(tau=value)


def test_the_flow_takes_the_recipe_itself() -> None:
    from flows.pipeline import pipeline

    parameters = inspect.signature(pipeline.fn).parameters
    assert [parameter.annotation for parameter in parameters.values()] == [PipelineConfig]
    assert pipeline.name == "teach3d"


def test_a_recipe_survives_json(tmp_path: Any) -> None:
    config = check_recipe(small_values(tmp_path))
    assert PipelineConfig.model_validate_json(config.model_dump_json()) == config
