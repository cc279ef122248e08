"""Scenes' evaluations added up: counts of every row summed over scenes, then the scores of the sums.

Reading a scene's evaluation is ``storage/evaluations.py``'s, tables and pictures of the sums
``training/summarise.py``'s and the report's.
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
    counted_classes,
    json_number,
    scores_from_confusion,
)

CHOSEN = "fuse"
STUDENT = "student"
SHUFFLED = "fuse/shuffled_capability"
ORACLE = "fuse/oracle_capability"


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
        protocol: how the student was asked; empty where it is not known.
    """

    rows: tuple[str, ...]
    names: tuple[str, ...]
    void: tuple[int, ...]
    pairs: Agreement
    everywhere: Int64[np.ndarray, "R K K1"] | None
    on_seen: Int64[np.ndarray, "R K K1"] | None
    shuffles: tuple[Mapping[str, Sequence[int]], ...]
    notes: tuple[str, ...]
    protocol: str = ""


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
        protocol=str(attrs.get("protocol", "")),
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
        confusion: counts behind ``everywhere``: true by predicted class, last column "predicted nothing".
        shuffle_miou: mIoU of each permutation of the shuffled control, else empty.
    """

    row: str
    num_scenes: int
    coverage: float
    agreement: Mapping[str, float]
    everywhere: Scores | None
    on_seen: Scores | None
    confusion: Int64[np.ndarray, "K K1"] | None
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
    """All rows over all scenes.

    Attributes:
        rows: one for every row that any scene has.
        names: names of the K classes.
        protocol: how the student was asked; empty where it is not known.
        num_scenes: scenes added up.
        num_labelled: those of them with ground truth.
        notes: what is not in the table and why.
    """

    rows: tuple[RowSummary, ...]
    names: tuple[str, ...]
    protocol: str
    num_scenes: int
    num_labelled: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All values as JSON without NaN."""
        return {
            "rows": [row.to_json() for row in self.rows],
            "names": list(self.names),
            "protocol": self.protocol,
            "num_scenes": self.num_scenes,
            "num_labelled": self.num_labelled,
            "notes": list(self.notes),
        }


def summarise(tallies: Sequence[SceneTally]) -> Summary:
    """Add up scenes of one label set: counts are summed, then scores are taken (one confusion per row).

    A row that some scene lacks (a control that needs ground truth) is summed over the scenes that have it.
    Scenes of other classes or another protocol than the first's (left from an earlier recipe) are left out,
    which a note says.

    Args:
        tallies: at least one.
    """
    first = tallies[0]
    same = [t for t in tallies if (t.names, t.void, t.protocol) == (first.names, first.void, first.protocol)]
    rows = list(dict.fromkeys(row for tally in same for row in tally.rows))
    notes = list(dict.fromkeys(note for tally in same for note in tally.notes))
    if len(same) < len(tallies):
        notes.append(f"{len(tallies) - len(same)} scene(s) of another label set or protocol are left out")
    return Summary(
        rows=tuple(_row(row, [tally for tally in same if row in tally.rows]) for row in rows),
        names=first.names,
        protocol=first.protocol,
        num_scenes=len(same),
        num_labelled=sum(tally.everywhere is not None for tally in same),
        notes=tuple(notes),
    )


def _row(row: str, tallies: Sequence[SceneTally]) -> RowSummary:
    labelled = [tally for tally in tallies if tally.everywhere is not None]
    points = sum(tally.pairs.num_points for tally in tallies)
    own = sum(int(tally.pairs.both[_at(tally, row), _at(tally, row)]) for tally in tallies)
    matrix = _added([t.everywhere[_at(t, row)] for t in labelled if t.everywhere is not None])
    on_seen = _added([t.on_seen[_at(t, row)] for t in labelled if t.on_seen is not None])
    counted = counted_classes(len(tallies[0].names), tallies[0].void)
    return RowSummary(
        row=row,
        num_scenes=len(tallies),
        coverage=own / points if points else float("nan"),
        agreement=_agreement(row, tallies),
        everywhere=None if matrix is None else scores_from_confusion(matrix, counted=counted),
        on_seen=None if on_seen is None else scores_from_confusion(on_seen, counted=counted),
        confusion=matrix,
        shuffle_miou=_shuffle_miou(labelled) if row == SHUFFLED else (),
    )


def _added(matrices: Sequence[Int64[np.ndarray, "K K1"]]) -> Int64[np.ndarray, "K K1"] | None:
    return np.sum(matrices, axis=0) if matrices else None


def _at(tally: SceneTally, row: str) -> int:
    return tally.rows.index(row)


def _agreement(row: str, tallies: Sequence[SceneTally]) -> dict[str, float]:
    shares = {}
    for other in dict.fromkeys(name for tally in tallies for name in tally.rows):
        pairs = [(t.pairs, (_at(t, row), _at(t, other))) for t in tallies if other in t.rows]
        both = sum(int(pair.both[at]) for pair, at in pairs)
        shares[other] = sum(int(pair.agree[at]) for pair, at in pairs) / both if both else float("nan")
    return shares


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
