"""Which sources of captures exist; each is imported only when chosen.

What a source must offer is said in ``protocol.py``.
"""

from importlib import import_module
from typing import cast

from schema.config_source import SourceConfig
from schema.errors import unknown_name
from storage.sources.protocol import Source

SOURCES = {
    "clouds": "storage.sources.cloud_files:CloudFiles",
    "rgbd_folder": "storage.sources.rgbd_folder:RgbdFolder",
    "synthetic": "storage.sources.synthetic:SyntheticRooms",
}


def open_source(config: SourceConfig) -> Source:
    """The source that a configuration describes.

    Raises:
        ConfigError: no source of that kind; lists the kinds that exist.
    """
    if config.kind not in SOURCES:
        raise unknown_name("source kind", config.kind, SOURCES, field="source.kind")
    module, name = SOURCES[config.kind].split(":")
    return cast("Source", getattr(import_module(module), name)(config))
