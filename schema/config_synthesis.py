"""Configuration of image generators and of segmenters that answer points.

How their images and masks become capabilities is said by the stages' own configurations.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from schema.config_base import Config

AttentionMean = Literal["layers", "resolutions"]
"""How the cross-attention maps of all layers and steps become one map of an image."""


class StableDiffusionConfig(Config):
    """Any Stable Diffusion pipeline that diffusers saved as a folder."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"folder", "images_at_once"})

    kind: Literal["stable_diffusion"] = "stable_diffusion"
    folder: Path = Field(description="folder with model_index.json and the parts' safetensors files")
    variant: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_]+$", description="of the weight files: fp16 reads *.fp16.safetensors"
    )
    attention: AttentionMean = Field(
        "layers",
        description="layers: each layer's and step's map divided by its maximum, mean of all; "
        "resolutions: mean per resolution, divided by its maximum, mean of those",
    )
    images_at_once: int = Field(8, ge=1, le=256, description="images denoised together")


class SamConfig(Config):
    """A Segment Anything network of one of its published sizes, or of this project's small one."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"weights"})

    kind: Literal["sam"] = "sam"
    architecture: Literal["vit_h", "vit_l", "vit_b", "scale"] = Field(
        "vit_h", description="size of the network"
    )
    weights: Path = Field(description="safetensors file, or .pth with nothing but tensors in it")
