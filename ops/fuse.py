"""Combining teachers: one feature per point from those of any number of teachers (SAS 4.3, Eq. 6-8).

How features came onto points is `ops.lift`'s business, where capabilities come from the caller's. Weights of
the strategies are in `ops.fuse_weights`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int16
from scipy.sparse import csr_matrix

from ops.fuse_weights import NEEDS_TABLE, point_weights, ratio, shuffle_classes
from schema.config_stages import FuseConfig
from schema.errors import ConfigError, SpaceMismatchError
from schema.records import MaskLift

_ROWS = 8192  # points worked on at a time: bounds the memory beside inputs and outputs


@dataclass(frozen=True)
class Fusion:
    """One feature per point.

    Attributes:
        feat: weighted sum of the teachers' unit features, not renormalised; zero for unseen points.
        seen: whether some teacher saw the point.
        weight: of each teacher at each point; rows of seen points sum to 1.
        teacher_label: each teacher's nearest class, -1 where it did not see the point.
        label: nearest class of ``feat``, -1 unseen.
    """

    feat: Float32[np.ndarray, "N C"]
    seen: Bool[np.ndarray, "N"]
    weight: Float32[np.ndarray, "N T"]
    teacher_label: Int16[np.ndarray, "N T"]
    label: Int16[np.ndarray, "N"]


def fuse(
    features: Sequence[Float[np.ndarray, "N C"]],
    seen: Bool[np.ndarray, "N T"],
    *,
    text: Float[np.ndarray, "_ _"],
    capability: Float[np.ndarray, "_ _"] | None,
    config: FuseConfig,
    other_index: int | None = None,
) -> Fusion:
    """Weigh T teachers point by point and add up their unit features.

    A teacher counts at a point if it saw it and its feature has a length; weights are shared among
    those. The strategies are described at `ops.fuse_weights.point_weights`. A class that is "other" has no
    capability, whatever the table says. Without a table, ``capability`` and ``shuffled_capability`` weigh
    all teachers alike.

    Args:
        features: one array per teacher, any float type; rows of unseen points are ignored.
        seen: which teacher saw which point.
        text: K x C unit vectors of the vocabulary the teachers are compared on, in the features' space.
        capability: T x K, how good each teacher is at each class, NaN where unknown; None: no table.
        config: strategy, temperature and variants.
        other_index: position of "other" in the vocabulary, if it has one.

    Returns:
        the fusion in float32; two runs give the same bits.

    Raises:
        SpaceMismatchError: features and texts differ in length.
        ConfigError: the strategy needs a table, the table has another shape, or ``keep_first_on_other``
            meets a vocabulary without "other".
    """
    num_points, num_teachers = seen.shape
    _check(features, seen, text, capability)
    _check_variant(capability, config, other_index)
    table = _effective_table(capability, config, other_index)
    fusion = Fusion(
        feat=np.zeros((num_points, text.shape[1]), dtype=np.float32),
        seen=np.zeros(num_points, dtype=bool),
        weight=np.zeros((num_points, num_teachers), dtype=np.float32),
        teacher_label=np.full((num_points, num_teachers), -1, dtype=np.int16),
        label=np.full(num_points, -1, dtype=np.int16),
    )
    wide_text = text.astype(np.float64)
    for start in range(0, num_points, _ROWS):
        rows = slice(start, min(start + _ROWS, num_points))
        block = np.stack([feat[rows] for feat in features], axis=1).astype(np.float64)
        _fuse_block(
            fusion, rows, block, seen[rows], text=wide_text, table=table, config=config, other=other_index
        )
    return fusion


def mask_features(lift: MaskLift, embeddings: Float[np.ndarray, "Q C"]) -> Float32[np.ndarray, "N C"]:
    """Features of a mask teacher's points: mean of their captions' embeddings, by number of views.

    Not normalised; zero for points in no mask. Sums in float64.

    Args:
        lift: counts per (point, caption).
        embeddings: one row per caption of ``lift.captions``.

    Raises:
        SpaceMismatchError: captions and embeddings differ in number.
    """
    if len(embeddings) != len(lift.captions):
        raise SpaceMismatchError(
            f"{len(lift.captions)} captions but {len(embeddings)} embeddings",
            remedy="encode the lift's captions",
        )
    num_points = len(lift.row_start) - 1
    feat = np.zeros((num_points, embeddings.shape[1]), dtype=np.float32)
    wide = embeddings.astype(np.float64)
    counts = csr_matrix(
        (lift.count.astype(np.float64), lift.caption_id, lift.row_start), shape=(num_points, len(embeddings))
    )
    for start in range(0, num_points, _ROWS):
        rows = slice(start, start + _ROWS)
        feat[rows] = (counts[rows] @ wide) / np.maximum(lift.num_views[rows], 1)[:, None]
    return feat


def oracle_capability(
    predicted: Int[np.ndarray, "N"], truth: Int[np.ndarray, "N"], num_classes: int
) -> Float[np.ndarray, "K"]:
    """True IoU of one teacher per class: the table of the ``oracle_capability`` control, for evaluation only.

    Points without truth or without prediction (negative) do not count. NaN for classes in neither.

    >>> oracle_capability(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), 3)
    array([0.5, 0.5, nan])
    """
    both = (predicted >= 0) & (truth >= 0)
    p, t = predicted[both], truth[both]
    right = np.bincount(t[p == t], minlength=num_classes).astype(np.float64)
    union = np.bincount(p, minlength=num_classes) + np.bincount(t, minlength=num_classes) - right
    return ratio(right, union, otherwise=np.full(num_classes, np.nan))


def _fuse_block(
    fusion: Fusion,
    rows: slice,
    block: Float[np.ndarray, "n T C"],
    seen: Bool[np.ndarray, "n T"],
    *,
    text: Float[np.ndarray, "K C"],
    table: Float[np.ndarray, "T K"] | None,
    config: FuseConfig,
    other: int | None,
) -> None:
    length = np.linalg.norm(block, axis=2)
    active = seen & (length > 0)
    unit = np.where(active[:, :, None], block, 0.0) / np.where(active, length, 1.0)[:, :, None]
    similarity = unit @ text.T
    label = np.where(active, similarity.argmax(axis=2), -1)
    weight = point_weights(active, label, similarity.max(axis=2), table, config)
    if config.keep_first_on_other:
        weight[label[:, 0] == other] = np.eye(active.shape[1])[0]
    feat = np.einsum("nt,ntc->nc", weight, unit)
    some = active.any(axis=1)
    fusion.feat[rows] = feat
    fusion.seen[rows] = some
    fusion.weight[rows] = weight
    fusion.teacher_label[rows] = label
    fusion.label[rows] = np.where(some, (feat @ text.T).argmax(axis=1), -1)


def _effective_table(
    capability: Float[np.ndarray, "T K"] | None, config: FuseConfig, other: int | None
) -> Float[np.ndarray, "T K"] | None:
    if capability is None:
        return None
    table = capability.astype(np.float64).copy()
    if other is not None:
        table[:, other] = np.nan
    return shuffle_classes(table, config.shuffle_seed) if config.strategy == "shuffled_capability" else table


def _check(
    features: Sequence[Float[np.ndarray, "N C"]],
    seen: Bool[np.ndarray, "N T"],
    text: Float[np.ndarray, "_ _"],
    capability: Float[np.ndarray, "_ _"] | None,
) -> None:
    for t, feat in enumerate(features):
        if feat.shape[1] != text.shape[1]:
            raise SpaceMismatchError(
                f"its features have {feat.shape[1]} channels, the texts {text.shape[1]}",
                field=f"teacher {t}",
                remedy="encode the vocabulary with the teachers' own text encoder",
            )
    assert len(features) == seen.shape[1] and all(len(feat) == len(seen) for feat in features)  # noqa: PT018
    if capability is not None and capability.shape != (len(features), len(text)):
        raise ConfigError(
            f"the table has shape {capability.shape}, not {len(features)} teachers x {len(text)} classes",
            field="fuse.capability",
            remedy="give one score per teacher and class of the vocabulary",
        )


def _check_variant(
    capability: Float[np.ndarray, "T K"] | None, config: FuseConfig, other: int | None
) -> None:
    if capability is None and config.strategy in NEEDS_TABLE:
        raise ConfigError(
            "it needs a capability table",
            field="fuse.strategy",
            value=config.strategy,
            remedy="set fuse.capability to a JSON table, or use 'capability', 'add' or 'linear'",
        )
    if config.keep_first_on_other and other is None:
        raise ConfigError(
            "the vocabulary has no class 'other'",
            field="fuse.keep_first_on_other",
            value=True,
            remedy="leave it off, or use a vocabulary with 'other'",
        )
