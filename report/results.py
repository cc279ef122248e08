"""The page's section on scores: per class, as confusion matrices, and how far the rows agree.

Adding scenes up is ``ops.tally``'s business; how a table or picture is drawn is left to ``report.tables``,
``report.class_table`` and ``report.confusion``.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ops.metrics import Scores, json_number
from ops.tally import CHOSEN, ORACLE, STUDENT, RowSummary, SceneTally, Summary, summarise
from report.class_table import class_table
from report.confusion import confusion_figure
from report.tables import esc, table
from schema.summary import origin_note
from storage.evaluations import read_tallies
from storage.store import Store

_MANY_CLASSES = 40


def results(store: Store, scene_ids: Sequence[str], source_kind: str = "") -> str:
    """Scores of all scenes together where there is ground truth; agreement together and per scene."""
    tallies = read_tallies(store, scene_ids)
    if not tallies:
        return ""
    summary = summarise(list(tallies.values()))
    return _scores(summary, origin_note(source_kind)) + _agreements(tallies, summary)


def _scores(summary: Summary, origin: str) -> str:
    scored = [(row, row.everywhere) for row in summary.rows if row.everywhere is not None]
    if not scored:
        return ""
    labelled = summary.num_labelled
    scenes = f"{labelled} scene{'s' if labelled != 1 else ''} with ground truth"
    asked = f", the student under protocol {summary.protocol}" if summary.protocol else ""
    oracle = any(row.row == ORACLE for row, _ in scored)
    lead = (
        f"All labelled points of {scenes} together{asked}; a point a row says nothing about is a miss. "
        "The best row of a class is marked"
    )
    lead += f"; {ORACLE} has seen the labels and takes no part." if oracle else "."
    lead += f" {origin[0].upper()}{origin[1:]}." if origin else ""
    many = len(summary.names) > _MANY_CLASSES
    iou = _per_class(summary, scored, "iou", (("mIoU", "miou"), ("mIoU, all classes", "miou_all")))
    means = (("mAcc", "macc"), ("mAcc, all classes", "macc_all"), ("points right", "point_accuracy"))
    accuracy = _per_class(summary, scored, "accuracy", means)
    return (
        f'<p class="quiet wide">{esc(lead)}</p>'
        f"<details{'' if many else ' open'}><summary>IoU per class</summary>{iou}</details>"
        f"<details><summary>accuracy per class</summary>{accuracy}</details>"
        f"{_confusions(summary)}"
    )


def _per_class(
    summary: Summary,
    scored: Sequence[tuple[RowSummary, Scores]],
    score: str,
    means: Sequence[tuple[str, str]],
) -> str:
    rows = [row.row for row, _ in scored]
    return class_table(
        summary.names,
        rows,
        np.array([getattr(scores, score) for _, scores in scored]),
        num_truth=_num_truth(scored),
        foot=[(name, [getattr(scores, mean) for _, scores in scored]) for name, mean in means],
        contends=[row != ORACLE for row in rows],
    )


def _num_truth(scored: Sequence[tuple[RowSummary, Scores]]) -> np.ndarray:
    """True points per class; of the student, for the shuffled control counts every permutation."""
    whole = [scores.num_truth for row, scores in scored if row.row == STUDENT]
    return whole[0] if whole else np.min([scores.num_truth for _, scores in scored], axis=0)


def _confusions(summary: Summary) -> str:
    """The student's and the chosen fusion's are open, the teachers' folded up; controls have none."""
    shown = {row.row: row.confusion for row in summary.rows if row.confusion is not None}
    figures = {
        name: confusion_figure(matrix, summary.names, row=name)
        for name, matrix in shown.items()
        if name in (CHOSEN, STUDENT) or not name.startswith("fuse/")
    }
    main = "".join(figures.pop(name, "") for name in (STUDENT, CHOSEN))
    folded = "".join(
        f"<details><summary>{esc(name)}</summary>{figure}</details>" for name, figure in figures.items()
    )
    lead = (
        "Each line shows what the points of one true class are taken for; the framed cells are right. "
        "Numbers, where there is room, are percent of the true class."
    )
    heading = f'<h3>Confusion</h3><p class="quiet">{lead}</p>'
    return f'{heading}<div class="confusions">{main}</div>{folded}' if main or folded else ""


def _agreements(tallies: Mapping[str, SceneTally], summary: Summary) -> str:
    caption = (
        "coverage: share of points with a label; then, of points both rows label, the share labelled alike"
    )
    head = f'<h3>Agreement</h3><p class="quiet">{caption}</p>'
    if len(tallies) == 1:
        return head + _agreement(summary)
    folded = "".join(
        f"<details><summary>{esc(scene_id)}</summary>{_agreement(summarise([tally]))}</details>"
        for scene_id, tally in tallies.items()
    )
    return f"{head}<p>{summary.num_scenes} scenes together</p>{_agreement(summary)}{folded}"


def _agreement(summary: Summary) -> str:
    names = [row.row for row in summary.rows]
    lines = [
        [
            row.row,
            json_number(row.coverage),
            *(json_number(row.agreement.get(name, np.nan)) for name in names),
        ]
        for row in summary.rows
    ]
    return table(["coverage", *names], lines)
