"""Configuration of the stages that compute: one model a stage, named as the stage."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from schema.config_base import Config

Strategy = Literal["capability", "best_teacher", "winner_takes_all", "add", "linear", "shuffled_capability"]
"""Fusion strategies that need no ground truth; ``oracle_capability`` exists in evaluation only."""


class IngestConfig(Config):
    """Frames to a point cloud: TSDF fusion of the depths."""

    voxel_m: float = Field(0.02, gt=0.001, le=1, description="TSDF voxel edge, m")
    truncation_voxels: float = Field(4.0, ge=2, le=64, description="truncation distance, voxels")
    depth_max_m: float = Field(5.0, gt=0, le=1000, description="depths beyond this are not fused, m")
    min_weight: float = Field(3.0, ge=0, description="observations a voxel needs to carry surface")
    num_previews: int = Field(8, ge=1, le=64, description="frames kept small for pictures")


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


class DistillConfig(Config):
    """The student and its training."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"checkpoint_every_s"})

    architecture: Literal["MinkUNet14A", "MinkUNet18A", "MinkUNet18B", "MinkUNet18D", "MinkUNet34A"] = Field(
        "MinkUNet18A", description="layout of the sparse U-Net"
    )
    planes: tuple[int, int, int, int, int, int, int, int] | None = Field(
        None, description="channels of the eight levels; null: the architecture's own"
    )
    voxel_m: float = Field(0.02, gt=0.001, le=1, description="edge of a student voxel, m")
    targets: Literal["superpoint", "superpoint_seen_only", "pixel_point"] = Field(
        "superpoint", description="what a point learns: its superpoint's mean feature, or its own"
    )
    epochs: int = Field(70, ge=1, description="passes over the training scenes")
    batch_scenes: int = Field(12, ge=1, description="scenes in a step")
    lr_start: float = Field(1e-4, gt=0, description="learning rate of the first step")
    lr_end: float = Field(1e-5, ge=0, description="learning rate of the last step; linear in between")
    augment: bool = Field(True, description="rotation, scale, flips, elastic distortion")
    seed: int = Field(0, ge=0, description="initial weights, order and augmentation")
    checkpoint_every_s: float = Field(20.0, gt=0, description="time between resumable checkpoints, s")


class EvaluateConfig(Config):
    """Comparison of lifted, fused and student features."""

    label_set: str = Field("scannet20", description="label set to predict")
    template: str = Field("a {label} in a scene", pattern=r"\{label\}", description="text of a class")
    num_shuffles: int = Field(10, ge=1, le=100, description="permutations of the shuffled_capability control")


class ReportConfig(Config):
    """The static page."""

    max_points: int = Field(200_000, ge=1000, description="points drawn per scene")
    queries: tuple[str, ...] = Field((), description="text queries shown as layers")
