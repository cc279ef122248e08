"""Configuration of the demo's own small 2D networks: what each knows, on which rooms they are trained."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schema.config_base import Config, ImageSide, Name
from schema.config_models import TextConfig, WordsTextConfig

FIRST_TRAINING_ROOM = 10_000
"""Rooms for training have at least this seed; captures of the demo stay below it."""


class DemoTeacherConfig(Config):
    """One network: its kind and its own label set, made from the classes of the procedural rooms."""

    kind: Literal["dense", "mask"] = Field(description="a text-space vector per pixel, or labelled masks")
    labels: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="label the network gives -> classes of the rooms it means by it"
    )
    rest: str | None = Field(
        None, description="label of all other classes; null: pixels of those are not trained on"
    )

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        classes = [name for names in self.labels.values() for name in names]
        repeated = sorted({name for name in classes if classes.count(name) > 1})
        if repeated:
            raise ValueError(f"classes under two labels: {', '.join(repeated)}")
        if not all(self.labels.values()):
            raise ValueError("a label without classes")
        if self.rest in self.labels:
            raise ValueError(f"{self.rest!r} is the rest's label and a label of its own")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All labels in the order of the network's outputs."""
        return tuple(self.labels) if self.rest is None else (*self.labels, self.rest)


def _default_teachers() -> dict[str, DemoTeacherConfig]:
    """One knows what stands still and what one sits on; one knows furniture and takes sofas for chairs."""
    return {
        "dense": DemoTeacherConfig(
            kind="dense",
            labels={name: (name,) for name in ("wall", "floor", "door", "window", "chair", "sofa")},
            rest="other",
        ),
        "mask": DemoTeacherConfig(
            kind="mask",
            labels={
                "chair": ("chair", "sofa"),
                **{name: (name,) for name in ("cabinet", "bed", "table", "desk", "bookshelf", "picture")},
                **{name: (name,) for name in ("curtain", "refrigerator")},
            },
            rest="background",
        ),
    }


class DemoTeachersConfig(Config):
    """How the demo's networks are trained on renders of rooms that no capture of the demo shows."""

    teachers: dict[Name, DemoTeacherConfig] = Field(
        default_factory=_default_teachers, min_length=1, description="networks by name"
    )
    text: TextConfig = Field(default_factory=WordsTextConfig, description="text space of dense networks")
    template: str = Field("a {label} in a scene", pattern=r"\{label\}", description="text of a label")
    first_room: int = Field(
        FIRST_TRAINING_ROOM,
        ge=FIRST_TRAINING_ROOM,
        description="seed of the first room; the others follow it",
    )
    num_rooms: int = Field(36, ge=1, le=1000, description="rooms to train on")
    num_held_out_rooms: int = Field(6, ge=1, le=100, description="rooms after those, for accuracies only")
    frames_per_room: int = Field(5, ge=1, le=1000, description="views of a room")
    image_hw: tuple[ImageSide, ImageSide] = Field((240, 320), description="height and width of a view, px")
    fov_deg: float = Field(70.0, gt=10, lt=150, description="horizontal field of view, degrees")
    width: int = Field(24, ge=4, le=128, description="channels at the finest level")
    steps: int = Field(560, ge=1, le=100_000, description="optimiser steps")
    batch_views: int = Field(4, ge=1, le=256, description="views in a step")
    learning_rate: float = Field(1e-2, gt=0, le=1, description="highest learning rate of AdamW")
    seed: int = Field(0, ge=0, description="initial weights, order of the views and augmentation")

    @property
    def training_rooms(self) -> tuple[int, ...]:
        """Seeds of the rooms trained on."""
        return tuple(range(self.first_room, self.first_room + self.num_rooms))

    @property
    def held_out_rooms(self) -> tuple[int, ...]:
        """Seeds of the rooms accuracies are measured on."""
        start = self.first_room + self.num_rooms
        return tuple(range(start, start + self.num_held_out_rooms))
