"""The stages: their names, order and version numbers; what each computes is said by its task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

UnitKind = Literal["scene", "student", "report"]


@dataclass(frozen=True)
class StageSpec:
    """One stage.

    Attributes:
        version: raise it when the stage's results change for the same configuration.
        unit: what it works on: one scene, the student of all scenes, or the whole report.
        title: what it does, in a few words.
    """

    version: int
    unit: UnitKind
    title: str


STAGES: Mapping[str, StageSpec] = {
    "render": StageSpec(1, "scene", "virtual views of geometry without images"),
    "ingest": StageSpec(1, "scene", "frames to a point cloud"),
    "oversegment": StageSpec(1, "scene", "superpoints"),
    "lift": StageSpec(1, "scene", "one teacher's features onto points"),
    "fuse": StageSpec(2, "scene", "teachers to one feature per point"),
    "distill": StageSpec(2, "student", "train the 3D student"),
    "evaluate": StageSpec(1, "scene", "run the student, compare and score"),
    "report": StageSpec(1, "report", "the page"),
}


def stage_word(stage_key: str) -> str:
    """The stage of a stage key: ``lift/deeplab`` is ``lift``."""
    return stage_key.partition("/")[0]


@dataclass(frozen=True, eq=False)
class StageJob:
    """One piece of planned work: a stage of a unit, what identifies its result and whether it is needed.

    Attributes:
        unit: scene id, ``student`` or ``report``.
        stage: stage key, e.g. ``lift/deeplab``.
        fingerprint: SHA-256 hex that the result will carry.
        config: the part of the recipe that decides the result, JSON values.
        inputs: fingerprints or digests of what the stage reads, by name.
        state: what the store holds now.
        why: one line: what is stale or why it failed; empty when done or missing.
    """

    unit: str
    stage: str
    fingerprint: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    state: Literal["done", "stale", "missing", "running", "failed"]
    why: str = ""

    @property
    def word(self) -> str:
        """The stage without its variant."""
        return stage_word(self.stage)

    @property
    def label(self) -> str:
        """A name a person can read: "lift/deeplab kitchen"."""
        return f"{self.stage} {self.unit}"


@dataclass(frozen=True)
class Plan:
    """All work of a recipe, in an order in which it can be done; scenes of neither split are not in it."""

    jobs: tuple[StageJob, ...]
    scene_ids: tuple[str, ...]

    def todo(self) -> tuple[StageJob, ...]:
        """The jobs whose result is not in the store."""
        return tuple(job for job in self.jobs if job.state != "done")

    def job(self, unit: str, stage: str) -> StageJob:
        """The job of a stage of a unit."""
        return next(job for job in self.jobs if job.unit == unit and job.stage == stage)
