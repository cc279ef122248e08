"""Configuration of the scale models: the rooms they see, their sizes and their trainings.

What the numbers are used for is decided in ``training/scale``.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from schema.config_base import Config, ImageSide
from schema.seeds import MODELS, MODELS_HELD_OUT


class _RoomsConfig(Config):
    """Which of the scale models' rooms are trained on; those held out are the same for all."""

    first_room: int = Field(MODELS.start, ge=MODELS.start, description="seed of the first room to train on")
    num_rooms: int = Field(600, ge=1, description="rooms to train on; they follow the first")
    num_held_out_rooms: int = Field(60, ge=1, le=1000, description="rooms for accuracies only")

    @model_validator(mode="after")
    def _none_held_out(self) -> Self:
        if self.first_room + self.num_rooms > MODELS_HELD_OUT.start:
            raise ValueError(f"rooms from {MODELS_HELD_OUT.start} on are not trained on")
        return self

    @property
    def training_rooms(self) -> tuple[int, ...]:
        """Seeds of the rooms trained on."""
        return tuple(range(self.first_room, self.first_room + self.num_rooms))

    @property
    def held_out_rooms(self) -> tuple[int, ...]:
        """Seeds of the rooms accuracies are measured on."""
        return tuple(MODELS_HELD_OUT[: self.num_held_out_rooms])


class ScaleViewsConfig(_RoomsConfig):
    """Views of the scale models' own rooms, shared by all of them."""

    frames_per_room: int = Field(6, ge=1, le=1000, description="views of a room")
    image_hw: tuple[ImageSide, ImageSide] = Field((240, 320), description="height and width of a view, px")
    fov_deg: float = Field(70.0, gt=10, lt=150, description="horizontal field of view, degrees")


class ScaleFitConfig(Config):
    """How long and how fast a scale model is trained."""

    steps: int = Field(ge=1, le=1_000_000, description="optimiser steps")
    batch: int = Field(ge=1, le=4096, description="items in a step")
    learning_rate: float = Field(gt=0, le=1, description="highest learning rate of AdamW")
    weight_decay: float = Field(0.02, ge=0, le=1, description="of weights with two or more axes")
    ema: float = Field(0.995, ge=0, lt=1, description="share of the averaged weights kept in a step")
    seed: int = Field(0, ge=0, description="initial weights, batches and augmentation")


class ObjectViewsConfig(_RoomsConfig):
    """Square views of single objects, for the generator, the segmenter and their judges."""

    first_room: int = Field(
        MODELS.start + 100_000, ge=MODELS.start, description="seed of the first room to train on"
    )
    num_rooms: int = Field(800, ge=1, description="rooms to train on; they follow the first")
    views_per_room: int = Field(16, ge=1, le=1000, description="views of a room, at most")
    image_px: ImageSide = Field(128, description="side of a view, px")


class ScaleVaeConfig(Config):
    """The autoencoder between images and the generator's latents."""

    fit: ScaleFitConfig = ScaleFitConfig(steps=1200, batch=16, learning_rate=1.5e-3)
    kl_weight: float = Field(2e-4, ge=0, le=1, description="of the latents' divergence from a unit normal")
    edge_weight: float = Field(1.0, ge=0, le=100, description="of differences between neighbouring pixels")


class ScaleDiffusionConfig(Config):
    """The denoising network and its text tower."""

    fit: ScaleFitConfig = ScaleFitConfig(steps=3000, batch=32, learning_rate=1e-3, ema=0.998)
    no_prompt_share: float = Field(0.1, ge=0, lt=1, description="of the images, learned without their prompt")
    plain_share: float = Field(
        0.5, ge=0, le=1, description="of the prompts that name the class and nothing else"
    )
    attention_weight: float = Field(
        0.03, ge=0, le=10, description="of the divergence between attention to the object's name and its mask"
    )


class ScaleGeneratorConfig(Config):
    """The scale generator: a Stable Diffusion pipeline."""

    views: ObjectViewsConfig = ObjectViewsConfig()
    vae: ScaleVaeConfig = ScaleVaeConfig()
    diffusion: ScaleDiffusionConfig = ScaleDiffusionConfig()


class ScaleSegmenterConfig(Config):
    """The scale segmenter: a Sam, taught with views of rooms and of single objects."""

    fit: ScaleFitConfig = ScaleFitConfig(steps=3600, batch=4, learning_rate=1.5e-3)
    rooms: ScaleViewsConfig = ScaleViewsConfig()
    objects: ObjectViewsConfig = ObjectViewsConfig()
    prompts: int = Field(8, ge=1, le=64, description="objects asked for in an image")
    corrections: int = Field(
        1, ge=0, le=8, description="further rounds with a point where the mask was wrong"
    )
    least_object_px: int = Field(
        120, ge=1, description="smallest object asked for, px of an image of 256 px on its longer side"
    )


class ScaleJudgesConfig(Config):
    """The networks that judge the generator, trained on rooms of their own and used for nothing else."""

    views: ObjectViewsConfig = ObjectViewsConfig(first_room=MODELS.start + 200_000, num_rooms=250)
    classifier: ScaleFitConfig = ScaleFitConfig(steps=1200, batch=32, learning_rate=3e-3)
    segmentation: ScaleFitConfig = ScaleFitConfig(steps=1200, batch=16, learning_rate=5e-3)
    width: int = Field(24, ge=4, le=128, description="channels of both networks at their finest level")
    images_per_class: int = Field(20, ge=1, le=1000, description="generated images that are judged")
    num_steps: int = Field(20, ge=1, le=1000, description="denoising steps of a judged image")
    guidance: float = Field(4.0, ge=1, le=50, description="weight of the prompt in a judged image")


class ScaleTextImageConfig(ScaleFitConfig):
    """The text and image encoder, a small CLIP."""

    steps: int = Field(2400, ge=1, le=1_000_000, description="optimiser steps")
    batch: int = Field(160, ge=2, le=4096, description="crops around objects in a step")
    scenes: int = Field(24, ge=2, le=4096, description="whole views in a step")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="highest learning rate of AdamW")
    embed_dim: int = Field(128, ge=16, le=1024, description="length of a vector of the text space")
    image_px: int = Field(64, ge=16, le=512, description="side of a picture, px")
    image_width: int = Field(16, ge=8, le=256, description="channels of the image tower's first stage")
    image_layers: tuple[int, int, int, int] = Field((1, 1, 1, 1), description="blocks of each of its stages")
    text_width: int = Field(128, ge=16, le=1024, description="channels of the text tower")
    text_layers: int = Field(3, ge=1, le=24, description="layers of the text tower")
    context_length: int = Field(24, ge=8, le=256, description="tokens a text is cut to")
    max_merges: int = Field(1500, ge=1, le=48_000, description="merges of the vocabulary at most")
    captions: int = Field(20_000, ge=1, description="captions the vocabulary is learned from")


class ScaleTeacherConfig(ScaleFitConfig):
    """A scale teacher: its own label set, of classes and kinds of objects, and the rooms it has seen."""

    kind: Literal["dense", "mask"] = Field(description="a text-space vector per pixel, or labelled masks")
    labels: dict[str, tuple[str, ...]] = Field(
        min_length=1,
        description="label -> the classes or kinds of object it means; a kind counts before its class",
    )
    rest: str | None = Field(
        None, description="label of everything else; null: pixels of that are not trained on"
    )
    plans: tuple[str, ...] = Field((), description="kinds of room it is trained on; empty: all")
    template: str = Field("a {label} in a scene", pattern=r"\{label\}", description="text of a label")
    caption_weight: float = Field(
        0.5, ge=0, description="dense: weight of turning to each object's caption, next to its label's text"
    )
    width: int = Field(48, ge=4, le=256, description="channels at the finest level")
    steps: int = Field(1500, ge=1, le=1_000_000, description="optimiser steps")
    batch: int = Field(8, ge=1, le=256, description="views in a step")
    learning_rate: float = Field(4e-3, gt=0, le=1, description="highest learning rate of AdamW")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [name for means in self.labels.values() for name in means]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"under two labels: {', '.join(repeated)}")
        if not all(self.labels.values()):
            raise ValueError("a label without a class")
        if self.rest in self.labels:
            raise ValueError(f"{self.rest!r} is the rest's label and a label of its own")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All labels in the order of the network's outputs."""
        return tuple(self.labels) if self.rest is None else (*self.labels, self.rest)


def dense_teacher_config() -> ScaleTeacherConfig:
    """Like LSeg on ADE20K: what a room is built of and stands in it; it was never in a bathroom."""
    alone = ("wall", "floor", "bed", "chair", "sofa", "table", "door", "window", "curtain", "desk")
    return ScaleTeacherConfig(
        kind="dense",
        labels={
            **{name: (name,) for name in alone},
            "cabinet": ("cabinet", "refrigerator"),
            "bookcase": ("bookshelf",),
            "painting": ("picture",),
            "counter": ("counter", "sink"),
            "lamp": ("lamp",),
            "plant": ("plant",),
            "rug": ("rug",),
            "other": ("otherfurniture",),
        },
        plans=("living room", "bedroom", "office", "kitchen"),
        caption_weight=1.0,
        width=64,
        steps=3200,
        seed=1,
    )


def mask_teacher_config() -> ScaleTeacherConfig:
    """Like SEEM on COCO: things of every room; desks are tables, shelves cabinets, pictures nothing."""
    alone = ("bed", "chair", "refrigerator", "toilet", "sink", "bathtub", "shower curtain", "curtain")
    return ScaleTeacherConfig(
        kind="mask",
        labels={
            **{name: (name,) for name in alone},
            "couch": ("sofa",),
            "table": ("table", "desk"),
            "cabinet": ("cabinet", "bookshelf", "counter"),
            "wall": ("wall", "door"),
            "floor": ("floor", "rug"),
            "tv": ("television",),
            "plant": ("plant",),
            "books": ("books",),
            "bag": ("bag",),
            "lamp": ("lamp",),
        },
        rest="background",
        steps=2400,
        seed=2,
    )


class ScaleModelsConfig(Config):
    """All scale models, and the rooms they see."""

    views: ScaleViewsConfig = Field(default_factory=ScaleViewsConfig, description="rooms and views")
    text_image: ScaleTextImageConfig = Field(
        default_factory=ScaleTextImageConfig, description="text and image encoder"
    )
    dense_teacher: ScaleTeacherConfig = Field(
        default_factory=dense_teacher_config, description="teacher with text-space vectors per pixel"
    )
    mask_teacher: ScaleTeacherConfig = Field(
        default_factory=mask_teacher_config, description="teacher with labelled masks"
    )
    generator: ScaleGeneratorConfig = Field(
        default_factory=ScaleGeneratorConfig, description="Stable Diffusion pipeline"
    )
    judges: ScaleJudgesConfig = Field(
        default_factory=ScaleJudgesConfig, description="networks that judge the generator's images"
    )
    segmenter: ScaleSegmenterConfig = Field(
        default_factory=ScaleSegmenterConfig, description="Sam prompted with points"
    )

    @model_validator(mode="after")
    def _judges_see_other_rooms(self) -> Self:
        if not set(self.judges.views.training_rooms).isdisjoint(self.generator.views.training_rooms):
            raise ValueError("the judges are trained on rooms that the generator is trained on")
        return self
