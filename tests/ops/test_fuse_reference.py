"""Every strategy and variant for one to four teachers against a fusion of one point in plain Python."""

import math
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest

from ops.fuse import fuse
from ops.fuse_weights import shuffle_classes
from schema.config_stages import FuseConfig, Strategy

NUM_CLASSES, CHANNELS, OTHER = 5, 8, 4
VARIANTS = [
    dict(zip(("sum_normalised", "keep_first_on_other"), on, strict=True))
    for on in product((False, True), repeat=2)
]


def _given(num_teachers: int, num_points: int = 60) -> dict[str, Any]:
    rng = np.random.default_rng(num_teachers)
    text = np.linalg.qr(rng.standard_normal((CHANNELS, CHANNELS)))[0][:NUM_CLASSES]
    near = [
        text[rng.integers(NUM_CLASSES, size=num_points)] * rng.uniform(0.5, 2, (num_points, 1))
        + 0.3 * rng.standard_normal((num_points, CHANNELS))
        for _ in range(num_teachers)
    ]
    table = rng.uniform(0.1, 0.9, (num_teachers, NUM_CLASSES))
    table[0, 1] = np.nan
    seen = rng.random((num_points, num_teachers)) < 0.7
    near[0][3] = 0.0  # seen or not, it says nothing
    return {"features": near, "seen": seen, "text": text, "capability": table}


def _one_point(
    vectors: list[np.ndarray | None], text: np.ndarray, table: np.ndarray, config: FuseConfig
) -> tuple[list[float], np.ndarray, list[int]]:
    """Weights, fused feature and each teacher's label of one point; a teacher that says nothing is None."""
    there = [t for t, vector in enumerate(vectors) if vector is not None]
    unit = {t: vectors[t] / np.linalg.norm(vectors[t]) for t in there}
    cosine = {t: [float(unit[t] @ row) for row in text] for t in there}
    label = {t: max(range(len(text)), key=lambda k: cosine[t][k]) for t in there}
    weight = dict.fromkeys(range(len(vectors)), 0.0)
    alike = {t: 1 / len(there) for t in there}
    if config.strategy == "add":
        chosen = alike
    elif config.strategy == "linear":
        positive = {t: max(0.0, cosine[t][label[t]]) for t in there}
        total = sum(positive.values())
        chosen = {t: positive[t] / total for t in there} if total > 0 else alike
    elif config.strategy == "best_teacher":
        mean = {t: float(np.nanmean(table[t])) for t in there}
        chosen = {max(there, key=lambda t: mean[t]): 1.0} if there else {}
    else:
        capability = {}
        for t in there:
            known = [table[t, label[s]] for s in there if not math.isnan(table[t, label[s]])]
            capability[t] = sum(known) / len(known) if known else math.nan
        if config.sum_normalised:
            total = sum(capability.values())
            capability = {t: value / total for t, value in capability.items()}
        if any(math.isnan(value) for value in capability.values()):
            chosen = alike
        elif config.strategy == "winner_takes_all":
            chosen = {max(there, key=lambda t: capability[t]): 1.0} if there else {}
        else:
            raised = {t: math.exp(capability[t] / config.temperature) for t in there}
            chosen = {t: raised[t] / sum(raised.values()) for t in there}
    if config.keep_first_on_other and label.get(0) == OTHER:
        chosen = {0: 1.0}
    weight.update(chosen)
    feat = sum((weight[t] * unit[t] for t in there), np.zeros(text.shape[1]))
    return list(weight.values()), feat, [label.get(t, -1) for t in range(len(vectors))]


@pytest.mark.parametrize("num_teachers", [1, 2, 3, 4])
@pytest.mark.parametrize("strategy", get_args(Strategy))
@pytest.mark.parametrize(
    "variant", VARIANTS, ids=lambda v: "+".join(k for k, on in v.items() if on) or "plain"
)
def test_equals_the_point_by_point_fusion(
    strategy: Strategy, num_teachers: int, variant: dict[str, bool]
) -> None:
    given = _given(num_teachers)
    config = FuseConfig(strategy=strategy, temperature=0.3, shuffle_seed=3, **variant)
    fusion = fuse(**given, config=config, other_index=OTHER)
    table = given["capability"].copy()
    table[:, OTHER] = np.nan
    table = shuffle_classes(table, 3) if strategy == "shuffled_capability" else table
    unseen = 0
    for n, row in enumerate(given["seen"]):
        vectors = [
            feat[n] if saw and feat[n].any() else None
            for feat, saw in zip(given["features"], row, strict=True)
        ]
        weight, feat, labels = _one_point(vectors, given["text"], table, config)
        np.testing.assert_allclose(fusion.weight[n], weight, atol=1e-6)
        np.testing.assert_allclose(fusion.feat[n], feat, atol=1e-6)
        assert fusion.teacher_label[n].tolist() == labels
        seen = any(vector is not None for vector in vectors)
        unseen += not seen
        assert fusion.seen[n] == seen
        assert fusion.label[n] == (np.argmax(given["text"] @ feat) if seen else -1)
    assert unseen or num_teachers > 2


@pytest.mark.parametrize("num_teachers", [1, 2, 3])
def test_without_a_table_the_weighted_fusion_is_uniform(num_teachers: int) -> None:
    given = _given(num_teachers)
    count = (given["seen"] & np.array([feat.any(axis=1) for feat in given["features"]]).T).sum(axis=1)
    fusion = fuse(**(given | {"capability": None}), config=FuseConfig(), other_index=OTHER)
    np.testing.assert_allclose(fusion.weight.max(axis=1), (count > 0) / np.maximum(count, 1), rtol=1e-6)
    for strategy in ("add", "shuffled_capability"):
        same = fuse(**(given | {"capability": None}), config=FuseConfig(strategy=strategy), other_index=OTHER)
        np.testing.assert_array_equal(same.feat, fusion.feat)
