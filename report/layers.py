"""The layers of a scene, read from its store: everything a point can be coloured by.

How a layer becomes bytes of the page is left to ``report.scene_payload``; colours of classes to
``report.palette``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from report.palette import Rgb, class_colors
from storage.store import Unit

Encode = Callable[[Sequence[str]], Float[np.ndarray, "Q C"]]
_CHUNK = 16384
_QUERIED = (("student", "evaluate", "student_feat"), ("fused", "fuse", "feat"))


@dataclass(frozen=True)
class Layer:
    """One way to colour n points.

    Attributes:
        key: stable word, part of the page's address ("teacher:deeplab").
        name: what a person reads.
        group: heading it stands under.
        kind: ``rgb`` (u1[n,3]), ``labels`` (class ids, -1 none), ``ids`` (ids without names) or
            ``scalar`` (float, NaN where unknown).
        values: one row per point.
        names: class names, of ``labels``.
        colors: RGB per class, of ``labels``.
        note: one line that says what is seen.
    """

    key: str
    name: str
    group: str
    kind: Literal["rgb", "labels", "ids", "scalar"]
    values: np.ndarray
    names: tuple[str, ...] = ()
    colors: UInt8[np.ndarray, "K 3"] = field(default_factory=lambda: np.zeros((0, 3), np.uint8))
    note: str = ""


def lifted_teachers(scene: Unit, teachers: Iterable[str]) -> list[str]:
    """Those of the recipe's teachers that have been lifted onto the scene, in the recipe's order."""
    return [name for name in teachers if scene.entry(f"lift/{name}") is not None]


def collect_layers(
    scene: Unit, keep: Int[np.ndarray, "n"], *, teachers: Iterable[str], known: Mapping[str, Rgb]
) -> list[Layer]:
    """All layers a scene's store can fill, in the order they are offered; missing stages give none.

    Args:
        scene: the scene's store; ``ingest`` must be there.
        keep: ids of the points that are drawn.
        teachers: names of the recipe's teachers.
        known: colours by class name.
    """
    layers = [
        Layer(
            "colour", "Colour", "Scene", "rgb", scene.array("ingest", "colors")[keep], note="as photographed"
        )
    ]
    if scene.entry("oversegment") is not None:
        ids = scene.array("oversegment", "superpoint_id")[keep].astype(np.int64)
        note = (
            f"{scene.attrs('oversegment').get('num_superpoints', int(ids.max(initial=-1)) + 1)} superpoints"
        )
        layers.append(Layer("superpoints", "Superpoints", "Scene", "ids", ids, note=note))
    layers += _views(scene, keep, lifted_teachers(scene, teachers))
    layers += _fuse_layers(scene, keep, known)
    layers += _evaluate_layers(scene, keep, known)
    return layers


def _views(scene: Unit, keep: Int[np.ndarray, "n"], teachers: Sequence[str]) -> list[Layer]:
    counts = [scene.array(f"lift/{name}", "num_views")[keep] for name in teachers]
    if not counts:
        return []
    views = np.max(np.stack(counts), axis=0).astype(np.float32)
    note = f"frames that labelled the point, most of any teacher; {float((views > 0).mean()):.1%} seen"
    return [Layer("views", "Coverage", "Scene", "scalar", views, note=note)]


def _labels(
    key: str,
    name: str,
    group: str,
    *,
    values: np.ndarray,
    names: Sequence[str],
    known: Mapping[str, Rgb],
    note: str,
) -> Layer:
    colors = class_colors(names, known)
    return Layer(key, name, group, "labels", values.astype(np.int64), tuple(names), colors, note)


def _fuse_layers(scene: Unit, keep: Int[np.ndarray, "n"], known: Mapping[str, Rgb]) -> list[Layer]:
    if scene.entry("fuse") is None:
        return []
    attrs = scene.attrs("fuse")
    names = [str(name) for name in attrs["vocabulary"]]
    per_teacher = scene.array("fuse", "teacher_label")[keep]
    layers = [
        _labels(
            f"teacher:{teacher}",
            str(teacher),
            "Teachers",
            values=per_teacher[:, column],
            names=names,
            known=known,
            note="what this teacher alone says, lifted onto the points",
        )
        for column, teacher in enumerate(attrs["teachers"])
    ]
    fused = scene.array("fuse", "label")[keep]
    note = f"all teachers together, strategy {attrs.get('strategy', 'unknown')}"
    layers.append(_labels("fused", "Fused", "Result", values=fused, names=names, known=known, note=note))
    return layers


def _evaluate_layers(scene: Unit, keep: Int[np.ndarray, "n"], known: Mapping[str, Rgb]) -> list[Layer]:
    if scene.entry("evaluate") is None:
        return []
    attrs = scene.attrs("evaluate")
    names, rows = [str(name) for name in attrs["names"]], [str(row) for row in attrs["rows"]]
    layers: list[Layer] = []
    if "student" in rows:
        row = rows.index("student")
        labels = scene.array("evaluate", "label")[keep][:, row]
        note = f"the 3D network, from the points alone{_guessed(scene, keep)}"
        layers.append(
            _labels("student", "Student", "Result", values=labels, names=names, known=known, note=note)
        )
        if scene.has("evaluate", "score"):
            score = scene.array("evaluate", "score")[keep][:, row].astype(np.float32)
            score[labels < 0] = np.nan
            note = "cosine of the student's feature with its winning class"
            layers.append(Layer("student-score", "Student confidence", "Result", "scalar", score, note=note))
    if scene.has("evaluate", "truth_label"):
        truth = scene.array("evaluate", "truth_label")[keep]
        note = "ground truth, never shown to the student"
        layers.append(
            _labels("truth", "Ground truth", "Result", values=truth, names=names, known=known, note=note)
        )
    return layers


def query_layers(
    scene: Unit, keep: Int[np.ndarray, "n"], queries: Sequence[str], encode: Encode
) -> list[Layer]:
    """Two layers per text query: its cosine with the student's features, and with the fused 2D ones.

    The student knows shapes and answers everywhere; what only images show (colours, pictures) is in the fused
    features. A source that is not there yet gives no layer.

    Args:
        scene: the scene's store.
        keep: ids of the points that are drawn.
        queries: free text.
        encode: texts to unit vectors of the store's text space.
    """
    if not queries:
        return []
    layers = []
    for whose, stage, name in _QUERIED:
        if not _has(scene, stage, name):
            continue
        scores = query_scores(scene, (stage, name), encode(list(queries)))[keep]
        note = f"cosine with the {whose} features"
        layers += [
            Layer(f"query-{whose}:{text}", text, f"Queries, {whose}", "scalar", scores[:, q], note=note)
            for q, text in enumerate(queries)
        ]
    return layers


def query_scores(
    scene: Unit, source: tuple[str, str], embeddings: Float[np.ndarray, "Q C"]
) -> Float[np.ndarray, "N Q"]:
    """Cosine of every point's feature with each text, NaN where the feature is zero; read in blocks."""
    num_points = scene.array("ingest", "colors").shape[0]
    scores = np.full((num_points, len(embeddings)), np.nan, np.float32)
    for start in range(0, num_points, _CHUNK):
        rows = slice(start, min(start + _CHUNK, num_points))
        scores[rows] = cosine_scores(scene.rows(*source, rows), embeddings)
    return scores


def cosine_scores(
    feat: Float[np.ndarray, "N C"], embeddings: Float[np.ndarray, "Q C"]
) -> Float[np.ndarray, "N Q"]:
    """Cosine of features with unit vectors; NaN for zero features."""
    values = feat.astype(np.float32)
    norm = np.linalg.norm(values, axis=1, keepdims=True)
    scores = values @ embeddings.astype(np.float32).T / np.where(norm > 0, norm, 1.0)
    return np.where(norm > 0, scores, np.float32(np.nan)).astype(np.float32)


def _has(scene: Unit, stage: str, name: str) -> bool:
    return scene.entry(stage) is not None and scene.has(stage, name)


def _guessed(scene: Unit, keep: Int[np.ndarray, "n"]) -> str:
    """A warning where the student answers for points that no teacher ever labelled."""
    if not scene.has("fuse", "seen"):
        return ""
    share = float(1 - scene.array("fuse", "seen")[keep].mean())
    return (
        f"; {share:.0%} of these points no teacher ever labelled: there it guesses" if share > 0.005 else ""
    )
