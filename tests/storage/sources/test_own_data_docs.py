import re
from pathlib import Path

import pytest
import yaml

from schema.config_source import RgbdFolderConfig
from storage.sources.catalog import open_source

TEXT = (Path(__file__).parents[3] / "docs" / "own-data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_configuration_in_the_guide_is_accepted(block):
    config = RgbdFolderConfig.model_validate(yaml.safe_load(block))
    open_source(config)


def test_the_guide_shows_all_namings_and_names_every_key():
    assert len(BLOCKS) == 4
    assert {yaml.safe_load(block)["naming"] for block in BLOCKS} == {"7scenes", "tum", "patterns"}
    for key in RgbdFolderConfig.model_fields:
        assert key in TEXT, key


def test_the_rule_for_shrinking_keeps_pixel_centres():
    """Halving an image: the middle of the first two pixels (0.5) becomes the middle of the first (0)."""
    assert "cx' = s (cx + 0.5) - 0.5" in TEXT
    assert 0.5 * (0.5 + 0.5) - 0.5 == 0.0
