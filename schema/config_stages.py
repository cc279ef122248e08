"""Configuration of the stages that compute: one model a stage, named as the stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from schema.config_base import Config, ImageSide

Strategy = Literal["capability", "best_teacher", "winner_takes_all", "add", "linear", "shuffled_capability"]
"""Fusion strategies that need no ground truth; ``oracle_capability`` exists in evaluation only."""


class IngestConfig(Config):
    """Frames to a point cloud: TSDF fusion of the depths."""

    voxel_m: float = Field(0.02, gt=0.001, le=1, description="TSDF voxel edge, m")
    truncation_voxels: float = Field(4.0, ge=2, le=64, description="truncation distance, voxels")
    depth_max_m: float = Field(5.0, gt=0, le=1000, description="depths beyond this are not fused, m")
    min_weight: float = Field(3.0, ge=0, description="observations a voxel needs to carry surface")
    num_previews: int = Field(8, ge=1, le=64, description="frames kept small for pictures")


class RenderConfig(Config):
    """Virtual views of geometry that has no images."""

    num_views: int = Field(40, ge=1, le=2000, description="views at most; fewer where nothing is left to see")
    image_hw: tuple[ImageSide, ImageSide] = Field((240, 320), description="height and width of a view, px")
    fov_deg: float = Field(70.0, gt=10, lt=150, description="horizontal field of view, degrees")
    eye_heights_m: tuple[float, ...] = Field(
        (1.5, 0.9, 2.1), min_length=1, description="heights of cameras above the lowest points, m"
    )
    grid_m: float = Field(0.6, gt=0.01, le=100, description="distance of places that are tried, m")
    clearance_m: float = Field(0.3, ge=0, le=100, description="room a camera needs around it, m")


class OversegmentConfig(Config):
    """Felzenszwalb-Huttenlocher superpoints over normals."""

    graph: Literal["auto", "mesh", "neighbours"] = Field(
        "auto", description="edges: of the mesh, of k nearest neighbours, or the mesh's where there is one"
    )
    k: float = Field(0.01, gt=0, description="merge threshold is w + k / size")
    min_size: int = Field(60, ge=1, description="smaller segments merge into a neighbour, points")
    num_neighbours: int = Field(16, ge=3, le=64, description="k of the nearest-neighbour graph")


class LiftConfig(Config):
    """2D to 3D transfer of one teacher."""

    visibility: Literal["depth_relative", "depth_absolute", "zbuffer", "none"] = Field(
        "depth_relative", description="how occlusion is decided"
    )
    tau: float = Field(
        0.2, gt=0, description="tolerance: share of the depth, or metres for depth_absolute (zbuffer: share)"
    )
    border_px: int = Field(10, ge=0, description="points nearer to the image's edge are not seen, px")
    sampling: Literal["nearest", "bilinear"] = Field("nearest", description="bilinear: dense teachers only")


class FuseConfig(Config):
    """Teachers' features to one feature per point."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"capability"})  # its contents count

    strategy: Strategy = Field("capability", description="how teachers are weighed")
    vocabulary: str = Field("scannet20", description="label set whose names the teachers are compared on")
    template: str = Field(
        "a {label} in a scene", pattern=r"\{label\}", description="text of a vocabulary class"
    )
    capability: Path | None = Field(None, description="JSON table teacher -> class -> score; null: uniform")
    temperature: float = Field(0.05, gt=0, description="softmax temperature over capabilities")
    sum_normalised: bool = Field(False, description="divide capabilities by their sum first (released code)")
    keep_first_on_other: bool = Field(
        False, description="points the first teacher calls 'other' keep its feature (released code)"
    )
    shuffle_seed: int = Field(0, ge=0, description="permutation of shuffled_capability")


Targets = Literal["superpoint", "superpoint_seen_only", "superpoint_sample", "pixel_point"]
Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels of a level."""

Architecture = Literal[
    "MinkUNet14A",
    "MinkUNet18A",
    "MinkUNet18B",
    "MinkUNet18D",
    "MinkUNet34A",
    "MinkUNet34B",
    "MinkUNet34C",
]


class SelfDistillationConfig(Config):
    """Stage two: the student learns from the ensemble of its own earlier answers (SAS, Eq. 11-13)."""

    epochs: int = Field(30, ge=0, description="passes over the training scenes after stage one; 0: none")
    alpha: float = Field(0.9, ge=0, lt=1, description="share the ensemble keeps of itself at each visit")
    losses: Literal["added", "alone"] = Field(
        "added", description="cross-entropies added to stage one's losses, or alone (released code)"
    )
    point_label: Literal["point", "superpoint"] = Field(
        "point", description="a point's pseudo label: its own, or its superpoint's (released code)"
    )
    pooled_start: bool = Field(
        False, description="the first ensemble is averaged over superpoints (released code)"
    )
    fresh_start: bool = Field(
        False, description="stage two has an optimizer and a schedule of its own (released code)"
    )


RELEASED_DISTILLATION: Mapping[str, Any] = {
    "targets": "superpoint_sample",
    "repeats": 5,
    "epochs": 100,
    "batch_scenes": 16,
    "micro_batch_scenes": 4,
    "sync_batch_norm": False,
    "lr_start": 1e-3,
    "lr_end": 0.0,
    "schedule": "poly",
    "self_distillation": {
        "epochs": 100,
        "alpha": 0.9999,
        "losses": "alone",
        "point_label": "superpoint",
        "pooled_start": True,
        "fresh_start": True,
    },
}
"""What SAS's released training code does where it differs from the paper."""


class DistillConfig(Config):
    """The student and its training."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset(
        {"checkpoint_every_s", "initial_weights", "variant"}  # contents, and the values it stands for, count
    )

    variant: Literal["paper", "released"] = Field(
        "paper", description="where the other fields' defaults come from: the paper, or SAS's released code"
    )
    architecture: Architecture = Field("MinkUNet18A", description="layout of the sparse U-Net")
    planes: tuple[Width, Width, Width, Width, Width, Width, Width, Width] | None = Field(
        None, description="channels of the eight levels; null: the architecture's own"
    )
    initial_weights: Path | None = Field(
        None, description="folder of a student to start from (see import-checkpoint); null: random weights"
    )
    voxel_m: float = Field(0.02, gt=0.001, le=1, description="edge of a student voxel, m")
    targets: Targets = Field(
        "superpoint", description="what a point learns: its superpoint's mean feature, or its own"
    )
    sample_voxels: int = Field(
        20_000, ge=1, description="voxels a forward pass learns from, superpoint_sample only"
    )
    epochs: int = Field(70, ge=1, description="passes over the training scenes in stage one")
    self_distillation: SelfDistillationConfig = Field(
        default_factory=SelfDistillationConfig, description="stage two"
    )
    repeats: int = Field(1, ge=1, le=100, description="visits of a scene in one epoch")
    batch_scenes: int = Field(12, ge=1, description="scenes in a step, over all processes")
    micro_batch_scenes: int | None = Field(
        None,
        ge=1,
        description="scenes in a forward pass of a process, gradients are added up; null: all of a step",
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="arithmetic of the network; weights and losses stay float32"
    )
    sync_batch_norm: bool = Field(True, description="batch statistics over all processes")
    lr_start: float = Field(1e-4, gt=0, description="learning rate of the first step")
    lr_end: float = Field(1e-5, ge=0, description="learning rate of the last step")
    schedule: Literal["linear", "poly"] = Field(
        "linear", description="learning rate in between: linear, or (1 - t) ** 0.9 (released code)"
    )
    augment: bool = Field(True, description="rotation, scale, flips, elastic distortion")
    choose: Literal["last", "lowest_validation_loss"] = Field(
        "last", description="which weights are kept; the loss is the distillation loss on split.validate_on"
    )
    seed: int = Field(0, ge=0, description="initial weights, order and augmentation")
    checkpoint_every_s: float = Field(20.0, gt=0, description="time between resumable checkpoints, s")

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_variant(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("variant") != "released":
            return values
        merged = {**RELEASED_DISTILLATION, **values}
        stage_two = values.get("self_distillation", {})
        if isinstance(stage_two, Mapping):
            merged["self_distillation"] = {**RELEASED_DISTILLATION["self_distillation"], **stage_two}
        return merged

    @property
    def same_for_any_processes(self) -> bool:
        """Whether the number of training processes changes nothing but rounding."""
        return (
            self.sync_batch_norm and self.micro_batch_scenes is None and self.targets != "superpoint_sample"
        )

    @property
    def all_epochs(self) -> int:
        """Epochs of both stages."""
        return self.epochs + self.self_distillation.epochs


class EvaluateConfig(Config):
    """Comparison of lifted, fused and student features."""

    label_set: str = Field("scannet20", description="label set to predict")
    template: str = Field("a {label} in a scene", pattern=r"\{label\}", description="text of a class")
    num_shuffles: int = Field(10, ge=1, le=100, description="permutations of the shuffled_capability control")
    protocol: Literal["single", "openscene"] = Field(
        "single", description="the student's answer: one pass, or several randomly turned ones summed up"
    )
    num_passes: int = Field(5, ge=2, le=50, description="passes of the openscene protocol")
    seed: int = Field(0, ge=0, description="turns of the openscene protocol")


class ReportConfig(Config):
    """The static page."""

    max_points: int = Field(200_000, ge=1000, description="points drawn per scene")
    queries: tuple[str, ...] = Field((), description="text queries shown as layers")
