"""Scenes' evaluations added up as the printable headline table.

Adding up is ``ops/tally.py``'s business, printing the command line's and the report's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ops.tally import Summary, summarise
from schema.summary import origin_note
from storage.evaluations import read_tallies
from storage.store import Store


def table_of(summary: Summary, source_kind: str = "") -> dict[str, Any]:
    """The headline table: ``{"title", "columns", "rows": [{"name", "cells"}], "notes"}``, shares in 0..1.

    With ground truth mIoU in both conventions, mAcc, and both on seen points; without, coverage and agreement
    with the teachers, the chosen fusion and the student.
    """
    scored = summary.num_labelled > 0
    columns, rows = _scored_cells(summary) if scored else _agreement_cells(summary)
    kind = "scores" if scored else "coverage and agreement (no ground truth)"
    title = f"{kind}, {summary.num_scenes} scene(s), {len(summary.names)} classes"
    protocol = f"protocol {summary.protocol}" if summary.protocol else ""
    return {
        "title": "; ".join(filter(None, [title, protocol, origin_note(source_kind)])),
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


def headline_table(store: Store, scene_ids: Sequence[str], source_kind: str = "") -> dict[str, Any] | None:
    """The table of the given scenes, those that are evaluated; None if none is."""
    tallies = list(read_tallies(store, scene_ids).values())
    return table_of(summarise(tallies), source_kind) if tallies else None
