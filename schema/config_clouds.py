"""Configuration of scenes that are geometry alone: files of clouds or meshes, without images."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from schema.config_base import Config


class CloudFilesConfig(Config):
    """Clouds or meshes without images; virtual views take their place (see ``render``)."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"root", "scenes"})

    kind: Literal["clouds"] = "clouds"
    root: Path = Field(description="folder of the files")
    scenes: tuple[str, ...] = Field(
        ("*.ply",), min_length=1, description="files relative to root, one a scene; globs allowed"
    )
    scale: float = Field(1.0, gt=0, description="metres per unit of the files: 0.001 for millimetres")
    up: Literal["y", "z"] | None = Field(
        None, description="axis of the files that points up; null: y for .glb, else z"
    )
