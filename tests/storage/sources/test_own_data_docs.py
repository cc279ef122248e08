import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from schema.config_clouds import CloudFilesConfig
from schema.config_source import RgbdFolderConfig, SourceConfig
from schema.config_stages import RenderConfig
from storage.sources.catalog import open_source

TEXT = (Path(__file__).parents[3] / "docs" / "own-data.md").read_text(encoding="utf-8")
ALL_BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)]
BLOCKS = [block for block in ALL_BLOCKS if block["kind"] == "rgbd_folder"]


@pytest.mark.parametrize("block", ALL_BLOCKS)
def test_every_configuration_in_the_guide_is_accepted(block):
    config: SourceConfig = TypeAdapter(SourceConfig).validate_python(block)
    assert config.kind == block["kind"]
    open_source(config)


def test_the_guide_shows_all_namings_and_names_every_key():
    assert len(BLOCKS) == 4
    assert {block["naming"] for block in BLOCKS} == {"7scenes", "tum", "patterns"}
    assert len(ALL_BLOCKS) == 5
    for key in (*RgbdFolderConfig.model_fields, *CloudFilesConfig.model_fields, *RenderConfig.model_fields):
        assert key in TEXT, key


def test_the_rule_for_shrinking_keeps_pixel_centres():
    """Halving an image: the middle of the first two pixels (0.5) becomes the middle of the first (0)."""
    assert "cx' = s (cx + 0.5) - 0.5" in TEXT
    assert 0.5 * (0.5 + 0.5) - 0.5 == 0.0
