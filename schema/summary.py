"""What a run did, as other programs read it (``summary.json``); writing the file is storage's business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schema.records import StageRef
from schema.stages import StageJob


@dataclass(frozen=True)
class StageFailure:
    """A job that has no result.

    Attributes:
        cause: ``user``: something a user can mend; ``internal``: a fault of ours or of the machine;
            ``upstream``: it was not tried, because what it reads from failed.
    """

    unit: str
    stage: str
    message: str
    cause: Literal["user", "internal", "upstream"]

    def of(self, job: StageJob) -> bool:
        """Whether this is the failure of ``job``."""
        return (self.unit, self.stage) == (job.unit, job.stage)

    def line(self) -> str:
        """One line for a person."""
        return f"{self.stage} {self.unit}: {self.message}"


@dataclass(frozen=True)
class RunSummary:
    """One run of a recipe.

    Attributes:
        recipe: name of the recipe.
        started: ISO 8601, UTC.
        seconds: wall time.
        stages: every stage that has a result, computed in this run or found done.
        failures: every stage that has none.
        table: ``{"title", "columns", "rows": [{"name", "cells"}], "notes"}``, or None before evaluation.
        report: path of the page.
        notes: what a reader should know, e.g. dropped frames.
    """

    recipe: str
    started: str
    seconds: float
    stages: tuple[StageRef, ...]
    failures: tuple[StageFailure, ...]
    table: Mapping[str, Any] | None
    report: str
    notes: tuple[str, ...] = field(default=())

    def exit_code(self) -> int:
        """0: all done; 2: the input or the recipe is wrong; 1: something else failed."""
        if not self.failures:
            return 0
        return 1 if any(failure.cause == "internal" for failure in self.failures) else 2


PROCEDURAL = "procedural rooms; not comparable with ScanNet"
"""Stands beside every figure of invented rooms."""


def origin_note(source_kind: str) -> str:
    """What must stand beside the figures of a source; empty for real data."""
    return PROCEDURAL if source_kind == "synthetic" else ""


def run_notes(references: Iterable[StageRef]) -> tuple[str, ...]:
    """What a reader of the figures should know: scenes of which frames were not used."""
    notes = [
        f"{ref.unit}: {ref.counts['dropped_frames']} frames dropped, {ref.counts['frames']} used"
        for ref in references
        if ref.counts.get("dropped_frames")
    ]
    return tuple(notes)
