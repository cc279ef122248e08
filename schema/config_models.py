"""Configuration of frozen 2D networks, captioners and text encoders."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from schema.config_base import Config

Captioner = Literal["colour", "none"]
_Spread = Annotated[float, Field(gt=0)]


class _MaskTeacherConfig(Config):
    """What every teacher that labels masks shares."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"weights", "labels"})  # contents count

    weights: Path = Field(description="weight file")
    captioner: Captioner = Field("colour", description="how a mask is described besides its label")
    void: tuple[str, ...] = Field(("background",), description="labels that make no mask")
    min_mask_px: int = Field(64, ge=1, description="smaller connected regions make no mask, px of the image")


class LitertTeacherConfig(_MaskTeacherConfig):
    """A LiteRT / TFLite semantic segmentation network."""

    kind: Literal["litert"] = "litert"
    labels: Path = Field(description="text file, one label a line, in the order of the network's outputs")
    mean: tuple[float, float, float] = Field(
        (0.5, 0.5, 0.5),
        description="subtracted from RGB in 0..1; a quantised input takes the bytes themselves",
    )
    std: tuple[_Spread, _Spread, _Spread] = Field((0.5, 0.5, 0.5), description="divides RGB after the mean")


class OnnxTeacherConfig(_MaskTeacherConfig):
    """A semantic segmentation network in ONNX, run by ONNX Runtime."""

    kind: Literal["onnx"] = "onnx"
    labels: Path = Field(description="text file, one label a line, in the order of the network's outputs")
    mean: tuple[float, float, float] = Field((0.485, 0.456, 0.406), description="subtracted from RGB in 0..1")
    std: tuple[_Spread, _Spread, _Spread] = Field(
        (0.229, 0.224, 0.225), description="divides RGB after the mean"
    )


class ConvMaskTeacherConfig(_MaskTeacherConfig):
    """A small convolutional segmentation network trained by this project (safetensors + JSON beside it)."""

    kind: Literal["conv_mask"] = "conv_mask"


class ConvDenseTeacherConfig(Config):
    """A small convolutional network of this project that gives a text-space vector per pixel."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"weights"})

    kind: Literal["conv_dense"] = "conv_dense"
    weights: Path = Field(description="weight file (safetensors + JSON beside it)")


TeacherConfig = Annotated[
    LitertTeacherConfig | OnnxTeacherConfig | ConvMaskTeacherConfig | ConvDenseTeacherConfig,
    Field(discriminator="kind"),
]


class WordsTextConfig(Config):
    """The encoder without weights: one fixed unit vector per word."""

    kind: Literal["words"] = "words"
    dim: int = Field(512, ge=16, le=4096, description="length of a vector")


class OpenClipTextConfig(Config):
    """An open_clip text tower with weights from a local file."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"weights"})

    kind: Literal["open_clip"] = "open_clip"
    architecture: str = Field(
        "ViT-B-32-quickgelu",
        description="architecture name known to open_clip, or a model configuration of it (a .json file)",
    )
    weights: Path = Field(description="safetensors file of the whole model")

    @property
    def architecture_file(self) -> Path | None:
        """The model configuration, if the architecture is not a name."""
        return Path(self.architecture) if self.architecture.endswith(".json") else None

    def result_fields(self) -> dict[str, Any]:
        """As of every configuration; of an architecture's file the content counts, not the place."""
        values = super().result_fields()
        return values if self.architecture_file is None else {**values, "architecture": "file"}


TextConfig = Annotated[WordsTextConfig | OpenClipTextConfig, Field(discriminator="kind")]
