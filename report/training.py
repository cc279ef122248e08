"""The page's section on the student's training: what each stage did, and the curves of its log.

Reading the log is left to ``report.training_log``, drawing a chart to ``report.charts``.
"""

import numpy as np
from jaxtyping import Float

from report.charts import line_chart
from report.curves import Curve, thinned
from report.tables import esc
from report.training_log import TrainingLog, read_training_log
from storage.store import Store

_POINT, _SUPERPOINT = "loss_point", "loss_superpoint"


def training(store: Store) -> str:
    """Sentences and charts; empty without a student."""
    log = read_training_log(store.student())
    if log is None:
        return ""
    sentences = "".join(f"<li>{esc(line)}</li>" for line in log.lines())
    charts = "".join(_charts(log))
    note = '<p class="quiet">A line is the mean over neighbouring steps, the band behind it their range.</p>'
    return f'<ul class="facts-list">{sentences}</ul>{note if charts else ""}<div class="plots">{charts}</div>'


def _charts(log: TrainingLog) -> list[str]:
    marks = () if log.boundary is None else ((log.boundary, "stage two"),)
    per_epoch = log.steps_per_epoch
    x_label = f"step ({per_epoch} step{'' if per_epoch == 1 else 's'} an epoch)"
    pseudo = [
        _curve(log, "points", "loss_pseudo_point"),
        _curve(log, "superpoints", "loss_pseudo_superpoint"),
    ]
    x, share = log.column("changed_labels")
    changed = [thinned("share", x, 100 * share)]
    rate = [_curve(log, "learning rate", "lr")]
    total = [] if _sums_up(log) else _loss_by_stage(log)
    return [
        line_chart(total, title="Loss, all that is minimised", x_label=x_label, marks=marks),
        line_chart(
            _distillation(log),
            title="Distance to the fused features",
            x_label=x_label,
            unit="1 - cosine",
            marks=marks,
        ),
        line_chart(
            pseudo,
            title="Pseudo labels of stage two",
            x_label=x_label,
            unit="cross-entropy, nats",
        ),
        line_chart(
            changed, title="Pseudo labels changed by the ensemble", x_label=x_label, unit="% of all labels"
        ),
        line_chart(rate, title="Learning rate", x_label=x_label, marks=marks),
    ]


def _distillation(log: TrainingLog) -> list[Curve]:
    """Points, superpoints and their sum, which validation measures too; fewer where a part is always zero."""
    point, superpoint = _curve(log, "points", _POINT), _curve(log, "superpoints", _SUPERPOINT)
    x, y = log.validation()
    validation = thinned("validation (sum)" if superpoint.y.any() else "validation", x, y, dots=len(x) <= 40)
    if not superpoint.y.any():
        return [point, validation] if len(point.x) else [_curve(log, "loss", "loss"), validation]
    return [_curve(log, "sum", _POINT, _SUPERPOINT), point, superpoint, validation]


def _loss_by_stage(log: TrainingLog) -> list[Curve]:
    """One curve a stage: what is minimised differs, so no line leads from one to the other."""
    x, loss = log.column("loss")
    second = x > (np.inf if log.boundary is None else log.boundary)
    return [thinned("stage one", x[~second], loss[~second]), thinned("stage two", x[second], loss[second])]


def _sums_up(log: TrainingLog) -> bool:
    """Whether the loss is nowhere more than what the chart of distances shows anyway."""
    x, loss = log.column("loss")
    x_parts, parts = log.column(_POINT, _SUPERPOINT)
    return _equal(x, x_parts) and _equal(loss, parts)


def _equal(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "m"]) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, equal_nan=True))


def _curve(log: TrainingLog, name: str, *keys: str) -> Curve:
    return thinned(name, *log.column(*keys))
