"""The whole recipe, which is the flow's parameter; and apart from it how a run is carried out."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from schema.config_base import Config, Name
from schema.config_models import TeacherConfig, TextConfig, WordsTextConfig
from schema.config_source import SourceConfig
from schema.config_stages import (
    DistillConfig,
    EvaluateConfig,
    FuseConfig,
    IngestConfig,
    LiftConfig,
    OversegmentConfig,
    RenderConfig,
    ReportConfig,
)


class SplitConfig(Config):
    """Which scenes teach the student and which it is judged on; globs over scene ids."""

    train: tuple[str, ...] = Field(("*",), min_length=1, description="scenes the student learns from")
    evaluate: tuple[str, ...] = Field(("*",), min_length=1, description="scenes in the tables")
    validate_on: tuple[str, ...] = Field(
        (), description="scenes whose distillation loss (no labels) chooses the weights, see distill.choose"
    )


class RuntimeConfig(Config):
    """How a run is carried out. Nothing here changes results, so nothing here is in a fingerprint.

    The one exception is ``processes`` where the recipe itself counts per process (see
    ``DistillConfig.same_for_any_processes``): there the planner adds it.
    """

    runner: Literal["threads", "dask"] = Field(
        "threads", description="where scenes' stages run: threads of this process, or local Dask processes"
    )
    workers: int = Field(1, ge=1, le=256, description="scenes worked on at the same time")
    threads: int = Field(0, ge=0, description="threads inside a stage; 0: all cores")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where networks run")
    engine: Literal["torch", "minkowski", "spconv"] = Field(
        "torch", description="what computes the student's sparse convolutions"
    )
    processes: int = Field(1, ge=0, le=64, description="processes that train the student; 0: one per GPU")
    prefetch_batches: int = Field(2, ge=0, le=64, description="training batches prepared ahead")
    scene_cache_mb: int = Field(
        128, ge=0, le=1_000_000, description="training scenes kept in memory between visits, MB"
    )
    max_voxels: int = Field(
        4_000_000, ge=1000, description="voxels the student answers for in one pass; larger scenes are tiled"
    )
    retries: int = Field(1, ge=0, le=10, description="attempts after a failure that is not the input's fault")


class PipelineConfig(Config):
    """A recipe: everything that decides the results, and where they go."""

    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset({"store", "runtime", "name"})

    name: Name = Field(description="name of the recipe")
    store: Path = Field(description="folder that holds everything computed")
    source: SourceConfig = Field(description="raw captures")
    split: SplitConfig = Field(default_factory=SplitConfig, description="training and evaluation scenes")
    render: RenderConfig = Field(
        default_factory=RenderConfig, description="virtual views, for sources without images (clouds)"
    )
    ingest: IngestConfig = Field(default_factory=IngestConfig, description="frames to cloud")
    oversegment: OversegmentConfig = Field(default_factory=OversegmentConfig, description="superpoints")
    teachers: dict[Name, TeacherConfig] = Field(min_length=1, description="2D models by name")
    lift: LiftConfig = Field(default_factory=LiftConfig, description="2D to 3D")
    text: TextConfig = Field(default_factory=WordsTextConfig, description="text space")
    fuse: FuseConfig = Field(default_factory=FuseConfig, description="combining teachers")
    distill: DistillConfig = Field(default_factory=DistillConfig, description="the student")
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig, description="tables")
    report: ReportConfig = Field(default_factory=ReportConfig, description="the page")
    runtime: RuntimeConfig = Field(default_factory=RuntimeConfig, description="how to run; changes no result")

    @model_validator(mode="after")
    def _refuse_what_would_fail_hours_later(self) -> Self:
        if self.fuse.capability is None and self.fuse.strategy in ("best_teacher", "winner_takes_all"):
            raise ValueError(
                f"fuse.strategy = {self.fuse.strategy} needs a capability table; "
                "set fuse.capability to one, or fuse.strategy to capability, add or linear"
            )
        if (self.distill.choose == "lowest_validation_loss") != bool(self.split.validate_on):
            raise ValueError(
                "distill.choose = lowest_validation_loss and split.validate_on belong together; "
                "set both or neither"
            )
        if self.lift.sampling == "bilinear" and not any(
            t.kind == "conv_dense" for t in self.teachers.values()
        ):
            raise ValueError("lift.sampling = bilinear needs a dense teacher; set it to nearest")
        return self
