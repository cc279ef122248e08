"""One scene's evaluation: teachers, control fusions, the chosen fusion and the student, by one label set.

Counting is left to ``ops/metrics.py``, which controls exist to ``training/controls.py``, what comes out to
``training/scene_evaluation.py``, adding scenes up to ``training/summarise.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Float16, Int16, Int64

from ops.fuse import fuse, oracle_capability
from ops.metrics import agreement, confusion
from schema.config_stages import EvaluateConfig, FuseConfig
from schema.errors import StoreError
from schema.labels import LabelSet
from schema.progress import track
from schema.records import Truth
from training.controls import Control, plan_controls
from training.scene_evaluation import SceneEvaluation

BLOCK = 16384
"""Points worked on at a time: what bounds the memory beside inputs and outputs."""


@dataclass(frozen=True)
class EvaluationInputs:
    """What is compared on a scene of N points: T teachers, their fusion, and the student.

    Attributes:
        teacher_names: T names.
        teacher_features: T lifted features, any float type; rows of unseen points are ignored.
        seen: which teacher saw which point.
        fused: the chosen fusion.
        fused_seen: whether any teacher saw the point.
        student: the student's features; it answers everywhere.
        capability: how good each teacher is at each class of the vocabulary, NaN unknown; None: no table.
        truth: ground truth, or None.
    """

    teacher_names: tuple[str, ...]
    teacher_features: Sequence[Float[np.ndarray, "N C"]]
    seen: Bool[np.ndarray, "N T"]
    fused: Float[np.ndarray, "N C"]
    fused_seen: Bool[np.ndarray, "N"]
    student: Float[np.ndarray, "N C"]
    capability: Float[np.ndarray, "T Kv"] | None
    truth: Truth | None


@dataclass(frozen=True)
class _Judge:
    """Names the class of a feature: the text with the highest cosine, void classes left out."""

    text: Float[np.ndarray, "K C"]
    void: tuple[int, ...]

    def __call__(
        self, feat: Float[np.ndarray, "n C"], seen: Bool[np.ndarray, "n"], row: str
    ) -> tuple[Int16[np.ndarray, "n"], Float16[np.ndarray, "n"]]:
        wide = np.where(seen[:, None], feat, 0).astype(np.float32)
        length = np.linalg.norm(wide, axis=1)
        if not np.isfinite(length).all():
            raise StoreError(
                "features are not finite",
                field=row,
                remedy="recompute that stage; if it is the student, train with a lower distill.lr_start",
            )
        known = seen & (length > 0)
        cosine = (wide @ self.text.T) / np.where(known, length, 1.0)[:, None]
        cosine[:, list(self.void)] = -np.inf
        label = np.where(known, cosine.argmax(axis=1), -1).astype(np.int16)
        score = np.where(known, cosine.max(axis=1), 0.0)
        return label, score.astype(np.float16)


@dataclass
class _Table:
    """Labels and scores of the rows, filled block by block."""

    rows: tuple[str, ...]
    label: Int16[np.ndarray, "N R"]
    score: Float16[np.ndarray, "N R"]
    shuffles: Int64[np.ndarray, "Q K K1"]
    truth: Int16[np.ndarray, "N"] | None
    judge: _Judge
    column: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.column = {row: r for r, row in enumerate(self.rows)}

    def fill(self, row: str, block: slice, feat: np.ndarray, seen: np.ndarray) -> None:
        label, score = self.judge(feat, seen, row)
        self.label[block, self.column[row]], self.score[block, self.column[row]] = label, score

    def count_shuffle(self, q: int, label: Int16[np.ndarray, "n"], block: slice) -> None:
        if self.truth is not None:
            self.shuffles[q] += confusion(label, self.truth[block], self.shuffles.shape[1])


def evaluate_scene(
    inputs: EvaluationInputs,
    *,
    text: Float[np.ndarray, "K C"],
    vocabulary_text: Float[np.ndarray, "Kv C"],
    label_set: LabelSet,
    vocabulary: LabelSet,
    fuse_config: FuseConfig,
    config: EvaluateConfig,
) -> SceneEvaluation:
    """Compare everything that can answer, on one scene.

    Args:
        inputs: features, all in one text space.
        text: unit vectors of the label set's classes.
        vocabulary_text: unit vectors of the vocabulary the teachers are weighed on.
        label_set: what is predicted.
        vocabulary: what the teachers are weighed on.
        fuse_config: the chosen fusion.
        config: number of permutations of the shuffled control.

    Raises:
        StoreError: A feature of a seen point is not finite.
    """
    truth, truth_notes = _truth_in(label_set, inputs.truth)
    oracle = None if truth is None else _oracle(inputs, truth, vocabulary_text, label_set, vocabulary)
    plan = plan_controls(
        fuse_config,
        num_teachers=len(inputs.teacher_names),
        capability=inputs.capability,
        oracle=oracle,
        num_shuffles=config.num_shuffles,
    )
    table = _empty_table(inputs, plan.controls, truth=truth, text=text, label_set=label_set)
    for start in track(range(0, len(inputs.seen), BLOCK), "evaluate"):
        block = slice(start, start + BLOCK)
        _fill_given(table, inputs, block)
        for control in plan.controls:
            _fill_control(table, inputs, block, control, text=vocabulary_text, other=vocabulary.other_index)
    matrices = _confusions(table, len(label_set.names))
    return SceneEvaluation(
        rows=table.rows,
        label=table.label,
        score=table.score,
        truth_label=truth,
        confusion=matrices,
        shuffles=table.shuffles,
        agreement=agreement(table.label),
        void=table.judge.void,
        notes=(*plan.notes, *_shuffle_notes(plan.controls), *truth_notes),
    )


def _truth_in(
    label_set: LabelSet, truth: Truth | None
) -> tuple[Int16[np.ndarray, "N"] | None, tuple[str, ...]]:
    """Ground truth in the label set's ids, by name; classes it lacks or calls void become unlabelled."""
    if truth is None:
        return None, ("scores: no ground truth for this scene; rows are compared with each other",)
    ids = {name: k for k, name in enumerate(label_set.names) if name not in label_set.void}
    translate = np.array([*(ids.get(name, -1) for name in truth.names), -1], dtype=np.int16)
    known = (truth.semantic_label >= 0) & (truth.semantic_label < len(truth.names))
    label = translate[np.where(known, truth.semantic_label, -1)]
    lost = known & (label < 0)
    if not lost.any():
        return label, ()
    names = ", ".join(truth.names[k] for k in np.unique(truth.semantic_label[lost]))
    note = (
        f"scores: {int(lost.sum())} points of classes {label_set.name} does not count are left out ({names})"
    )
    return (label if (label >= 0).any() else None), (note,)


def _oracle(
    inputs: EvaluationInputs,
    truth: Int16[np.ndarray, "N"],
    text: Float[np.ndarray, "Kv C"],
    label_set: LabelSet,
    vocabulary: LabelSet,
) -> Float[np.ndarray, "T Kv"]:
    """True IoU of each teacher per vocabulary class; true classes outside the vocabulary make errors only."""
    outside = len(vocabulary.names)
    ids = {name: k for k, name in enumerate(vocabulary.names)}
    translate = np.array([*(ids.get(name, outside) for name in label_set.names), -1])
    judge = _Judge(text, ())
    table = np.full((len(inputs.teacher_names), outside), np.nan)
    for t, (name, feat) in enumerate(zip(inputs.teacher_names, inputs.teacher_features, strict=True)):
        label = np.empty(len(truth), dtype=np.int16)
        for start in range(0, len(truth), BLOCK):
            block = slice(start, start + BLOCK)
            label[block], _ = judge(feat[block], inputs.seen[block, t], f"lift/{name}")
        table[t] = oracle_capability(label, translate[truth], outside + 1)[:outside]
    return table


def _empty_table(
    inputs: EvaluationInputs,
    controls: Sequence[Control],
    *,
    truth: Int16[np.ndarray, "N"] | None,
    text: Float[np.ndarray, "K C"],
    label_set: LabelSet,
) -> _Table:
    lifted = [f"lift/{name}" for name in inputs.teacher_names]
    rows = (*lifted, *(control.row for control in controls), "fuse", "student")
    num_points, K = len(inputs.seen), len(label_set.names)
    num_shuffles = max((len(control.seeds) for control in controls if _is_shuffled(control)), default=0)
    return _Table(
        rows=rows,
        label=np.full((num_points, len(rows)), -1, dtype=np.int16),
        score=np.zeros((num_points, len(rows)), dtype=np.float16),
        shuffles=np.zeros((0 if truth is None else num_shuffles, K, K + 1), dtype=np.int64),
        truth=truth,
        judge=_Judge(
            text.astype(np.float32),
            tuple(k for k, name in enumerate(label_set.names) if name in label_set.void),
        ),
    )


def _fill_given(table: _Table, inputs: EvaluationInputs, block: slice) -> None:
    """Rows whose features are inputs: teachers, the chosen fusion, the student."""
    for t, name in enumerate(inputs.teacher_names):
        table.fill(f"lift/{name}", block, inputs.teacher_features[t][block], inputs.seen[block, t])
    table.fill("fuse", block, inputs.fused[block], inputs.fused_seen[block])
    everywhere = np.ones(len(inputs.student[block]), dtype=bool)
    table.fill("student", block, inputs.student[block], everywhere)


def _fill_control(
    table: _Table,
    inputs: EvaluationInputs,
    block: slice,
    control: Control,
    *,
    text: Float[np.ndarray, "Kv C"],
    other: int | None,
) -> None:
    features = [feat[block] for feat in inputs.teacher_features]
    for q, seed in enumerate(control.seeds):
        fusion = fuse(
            features,
            inputs.seen[block],
            text=text,
            capability=control.capability,
            config=control.with_seed(seed),
            other_index=other,
        )
        label, score = table.judge(fusion.feat, fusion.seen, control.row)
        if q == 0:
            column = table.column[control.row]
            table.label[block, column], table.score[block, column] = label, score
        if _is_shuffled(control):
            table.count_shuffle(q, label, block)


def _confusions(table: _Table, K: int) -> Int64[np.ndarray, "R K K1"] | None:
    if table.truth is None:
        return None
    matrices = np.stack([confusion(column, table.truth, K) for column in table.label.T])
    for row, r in table.column.items():
        if row == "fuse/shuffled_capability":
            matrices[r] = table.shuffles.sum(axis=0)
    return matrices


def _is_shuffled(control: Control) -> bool:
    return control.config.strategy == "shuffled_capability"


def _shuffle_notes(controls: Sequence[Control]) -> tuple[str, ...]:
    return tuple(
        f"{control.row}: counts are summed over {len(control.seeds)} permutation(s); labels are the first's"
        for control in controls
        if _is_shuffled(control)
    )
