"""Scenes' evaluations added up: the rows of the headline table, as numbers and as a printable table.

Evaluating a scene is ``training/evaluate.py``'s business, printing the table the command line's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int16, Int64

from ops.metrics import (
    Agreement,
    Scores,
    agreement,
    confusion,
    json_number,
    scores_from_confusion,
)
from storage.store import Store
from training.scene_evaluation import counted_classes

CHOSEN = "fuse"
STUDENT = "student"


@dataclass(frozen=True)
class SceneTally:
    """What adding up needs of one scene.

    Attributes:
        rows: names of the R rows.
        names: names of the K classes.
        void: classes that do not count.
        pairs: agreement of all pairs of rows.
        everywhere: confusion per row on all labelled points; None without ground truth.
        on_seen: the same on the points the row itself saw; for the student, on those any teacher saw.
        shuffles: per permutation of the shuffled control hits, true and predicted points per class.
        notes: what is not in the scene's table and why.
    """

    rows: tuple[str, ...]
    names: tuple[str, ...]
    void: tuple[int, ...]
    pairs: Agreement
    everywhere: Int64[np.ndarray, "R K K1"] | None
    on_seen: Int64[np.ndarray, "R K K1"] | None
    shuffles: tuple[Mapping[str, Sequence[int]], ...]
    notes: tuple[str, ...]


def tally_scene(
    label: Int16[np.ndarray, "N R"],
    *,
    attrs: Mapping[str, Any],
    metrics: Mapping[str, Any],
    truth: Int16[np.ndarray, "N"] | None,
    matrices: Int64[np.ndarray, "R K K1"] | None,
) -> SceneTally:
    """A tally from what the store keeps of a scene's evaluation (a ``SceneEvaluation``'s arrays, metrics)."""
    rows = tuple(str(row) for row in attrs["rows"])
    names = tuple(str(name) for name in attrs["names"])
    on_seen = None
    if truth is not None and matrices is not None:
        on_seen = matrices.copy()
        on_seen[:, :, -1] = 0
        seen = label[:, rows.index(CHOSEN)] >= 0
        student = rows.index(STUDENT)
        on_seen[student] = confusion(label[seen, student], truth[seen], len(names))
    return SceneTally(
        rows=rows,
        names=names,
        void=tuple(int(k) for k in metrics.get("void", ())),
        pairs=agreement(label),
        everywhere=matrices,
        on_seen=on_seen,
        shuffles=tuple(metrics.get("shuffles", ())),
        notes=tuple(str(note) for note in attrs.get("notes", ())),
    )


@dataclass(frozen=True)
class RowSummary:
    """One row over all scenes.

    Attributes:
        row: its name.
        num_scenes: scenes that have it.
        coverage: share of all points it says something about.
        agreement: share of equal labels with each other row, where both have one; NaN without.
        everywhere: scores on all labelled points; None without ground truth.
        on_seen: scores on the points it saw; the student's: on those any teacher saw.
        shuffle_miou: mIoU of each permutation of the shuffled control, else empty.
    """

    row: str
    num_scenes: int
    coverage: float
    agreement: Mapping[str, float]
    everywhere: Scores | None
    on_seen: Scores | None
    shuffle_miou: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All values as JSON without NaN."""
        return {
            "row": self.row,
            "num_scenes": self.num_scenes,
            "coverage": json_number(self.coverage),
            "agreement": {row: json_number(share) for row, share in self.agreement.items()},
            "all_points": self.everywhere.to_json() if self.everywhere else None,
            "seen_points": self.on_seen.to_json() if self.on_seen else None,
            "shuffle_miou": [json_number(value) for value in self.shuffle_miou],
        }


@dataclass(frozen=True)
class Summary:
    """All rows over all scenes; ``num_labelled`` of the ``num_scenes`` scenes have ground truth."""

    rows: tuple[RowSummary, ...]
    names: tuple[str, ...]
    num_scenes: int
    num_labelled: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All values as JSON without NaN."""
        return {
            "rows": [row.to_json() for row in self.rows],
            "names": list(self.names),
            "num_scenes": self.num_scenes,
            "num_labelled": self.num_labelled,
            "notes": list(self.notes),
        }


def summarise(tallies: Sequence[SceneTally]) -> Summary:
    """Add up scenes of one label set: counts are summed, then scores are taken (one confusion per row).

    A row that some scene lacks (a control that needs ground truth) is summed over the scenes that have it.

    Args:
        tallies: at least one.
    """
    rows = list(dict.fromkeys(row for tally in tallies for row in tally.rows))
    notes = dict.fromkeys(note for tally in tallies for note in tally.notes)
    return Summary(
        rows=tuple(_row(row, [tally for tally in tallies if row in tally.rows]) for row in rows),
        names=tallies[0].names,
        num_scenes=len(tallies),
        num_labelled=sum(tally.everywhere is not None for tally in tallies),
        notes=tuple(notes),
    )


def _row(row: str, tallies: Sequence[SceneTally]) -> RowSummary:
    labelled = [tally for tally in tallies if tally.everywhere is not None and tally.on_seen is not None]
    points = sum(tally.pairs.num_points for tally in tallies)
    own = sum(int(tally.pairs.both[_at(tally, row), _at(tally, row)]) for tally in tallies)
    return RowSummary(
        row=row,
        num_scenes=len(tallies),
        coverage=own / points if points else float("nan"),
        agreement=_agreement(row, tallies),
        everywhere=_scores(
            [t.everywhere[_at(t, row)] for t in labelled if t.everywhere is not None], labelled
        ),
        on_seen=_scores([t.on_seen[_at(t, row)] for t in labelled if t.on_seen is not None], labelled),
        shuffle_miou=_shuffle_miou(labelled) if row == "fuse/shuffled_capability" else (),
    )


def _at(tally: SceneTally, row: str) -> int:
    return tally.rows.index(row)


def _agreement(row: str, tallies: Sequence[SceneTally]) -> dict[str, float]:
    shares = {}
    for other in dict.fromkeys(name for tally in tallies for name in tally.rows):
        pairs = [(t.pairs, (_at(t, row), _at(t, other))) for t in tallies if other in t.rows]
        both = sum(int(pair.both[at]) for pair, at in pairs)
        shares[other] = sum(int(pair.agree[at]) for pair, at in pairs) / both if both else float("nan")
    return shares


def _scores(matrices: Sequence[np.ndarray], tallies: Sequence[SceneTally]) -> Scores | None:
    if not matrices:
        return None
    counted = counted_classes(matrices[0].shape[0], tallies[0].void)
    return scores_from_confusion(np.sum(matrices, axis=0), counted=counted)


def _shuffle_miou(tallies: Sequence[SceneTally]) -> tuple[float, ...]:
    """MIoU over classes with ground truth of each permutation that every scene has."""
    values = []
    for counts in zip(*(tally.shuffles for tally in tallies), strict=False):
        hit, truth, predicted = (
            np.sum([count[key] for count in counts], axis=0) for key in ("hit", "truth", "predicted")
        )
        known = truth > 0
        iou = hit[known] / (truth + predicted - hit)[known]
        values.append(float(iou.mean()) if known.any() else float("nan"))
    return tuple(values)


def table_of(summary: Summary) -> dict[str, Any]:
    """The headline table: ``{"title", "columns", "rows": [{"name", "cells"}], "notes"}``, shares in 0..1.

    With ground truth mIoU in both conventions, mAcc, and both on seen points; without, coverage and agreement
    with the teachers, the chosen fusion and the student.
    """
    scored = summary.num_labelled > 0
    columns, rows = _scored_cells(summary) if scored else _agreement_cells(summary)
    kind = "scores" if scored else "coverage and agreement (no ground truth)"
    return {
        "title": f"{kind}, {summary.num_scenes} scene(s), {len(summary.names)} classes",
        "columns": columns,
        "rows": [{"name": cells[0], "cells": cells} for cells in rows],
        "notes": [*_shuffle_note(summary), *summary.notes],
    }


def _scored_cells(summary: Summary) -> tuple[list[str], list[list[Any]]]:
    columns = ["row", "mIoU", "mIoU all classes", "mAcc", "mIoU seen", "mAcc seen", "coverage"]
    rows = []
    for row in summary.rows:
        if row.everywhere is None or row.on_seen is None:
            continue
        everywhere = [row.everywhere.miou, row.everywhere.miou_all, row.everywhere.macc]
        on_seen = [row.on_seen.miou, row.on_seen.macc]
        rows.append([row.row, *_rounded([*everywhere, *on_seen, row.coverage])])
    return columns, rows


def _agreement_cells(summary: Summary) -> tuple[list[str], list[list[Any]]]:
    others = [row.row for row in summary.rows if not row.row.startswith("fuse/")]
    columns = ["row", "coverage", *(f"= {other}" for other in others)]
    rows = [
        [row.row, *_rounded([row.coverage, *(row.agreement[other] for other in others)])]
        for row in summary.rows
    ]
    return columns, rows


def _rounded(values: Sequence[float]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _shuffle_note(summary: Summary) -> list[str]:
    for row in summary.rows:
        if len(row.shuffle_miou) > 1:
            mean, spread = np.mean(row.shuffle_miou), np.std(row.shuffle_miou, ddof=1)
            text = f"mIoU {mean:.4f} +- {spread:.4f} over {len(row.shuffle_miou)} permutations"
            return [f"{row.row}: {text}; a fusion that does not beat it has shown nothing"]
    return []


def headline_table(store: Store, scene_ids: Sequence[str]) -> dict[str, Any] | None:
    """The table of the given scenes, those that are evaluated; None if none is.

    Scenes of another label set than the first's (left from an earlier recipe) are named in the notes.
    """
    tallies = [_read(store, scene_id) for scene_id in scene_ids if store.scene(scene_id).entry("evaluate")]
    if not tallies:
        return None
    same = [tally for tally in tallies if tally.names == tallies[0].names]
    table = table_of(summarise(same))
    if len(same) < len(tallies):
        table["notes"].append(f"{len(tallies) - len(same)} scene(s) of another label set are left out")
    return table


def _read(store: Store, scene_id: str) -> SceneTally:
    unit = store.scene(scene_id)
    entry = unit.entry("evaluate")
    optional = {
        name: unit.array("evaluate", name) if unit.has("evaluate", name) else None
        for name in ("truth_label", "confusion")
    }
    return tally_scene(
        unit.array("evaluate", "label"),
        attrs=unit.attrs("evaluate"),
        metrics=entry.metrics if entry else {},
        truth=optional["truth_label"],
        matrices=optional["confusion"],
    )
