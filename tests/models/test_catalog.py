import importlib.util

import pytest

from models.catalog import KINDS, load
from schema.config_models import (
    ConvDenseTeacherConfig,
    ConvMaskTeacherConfig,
    LitertTeacherConfig,
    OnnxTeacherConfig,
    OpenClipTextConfig,
    WordsTextConfig,
)
from schema.errors import ConfigError


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in KINDS.items() for name in table])
def test_every_entry_names_a_module_that_exists(kind, name):
    module, _, attribute = KINDS[kind][name].partition(":")
    assert importlib.util.find_spec(module) is not None
    assert load(kind, name).__name__ == attribute


def test_every_kind_of_configuration_has_an_entry():
    teachers = (LitertTeacherConfig, OnnxTeacherConfig, ConvMaskTeacherConfig, ConvDenseTeacherConfig)
    assert {config.model_fields["kind"].default for config in teachers} == set(KINDS["teacher"])
    encoders = (WordsTextConfig, OpenClipTextConfig)
    assert {config.model_fields["kind"].default for config in encoders} == set(KINDS["text encoder"])


def test_unknown_name_lists_and_suggests():
    with pytest.raises(ConfigError) as caught:
        load("teacher", "litertt")
    line = str(caught.value)
    assert "did you mean 'litert'?" in line
    assert all(name in line for name in KINDS["teacher"])
