"""A student's answers for a bare cloud or mesh: the best of some classes, the likeness to some texts.

The student itself is ``infer``'s business, reading clouds storage's, drawing answers the report's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Int16

from models.student.minkunet import MinkUNet
from ops.mesh_fill import fill_triangles
from ops.voxelize import Voxels, voxelize
from schema.errors import InputError, WeightsError
from schema.prediction import Prediction
from training.infer import feature_tiles
from training.precision import Precision


@dataclass(frozen=True)
class Question:
    """What is asked of every point.

    Attributes:
        classes: unit embeddings of K classes to choose from; None: no choice.
        void: classes that are never chosen.
        texts: unit embeddings of Q texts to score; with no classes exactly one.
        features: whether the features are wanted too.
    """

    classes: Float[np.ndarray, "K C"] | None
    void: tuple[int, ...]
    texts: Float[np.ndarray, "Q C"]
    features: bool = False


@dataclass(frozen=True)
class Pass:
    """How the student is run; as the arguments of ``infer.feature_tiles``."""

    voxel_m: float
    device: str = "cpu"
    max_voxels: int | None = None
    precision: Precision = "float32"


def predict(
    student: MinkUNet,
    points_world: Float[np.ndarray, "N 3"],
    faces: Int[np.ndarray, "M 3"] | None,
    *,
    question: Question,
    how: Pass,
) -> Prediction:
    """Ask a student about every point.

    Large triangles of a mesh are filled with points first, which get no answer of their own. Memory beside
    inputs and outputs is that of one tile.

    Args:
        student: in evaluation mode.
        points_world: metres, z up.
        faces: triangles of a mesh.
        question: what is asked.
        how: how the student is run.

    Raises:
        InputError: no point, too many voxels, or a mesh in a wrong unit.
        WeightsError: the student's features are not finite.
    """
    voxels = _voxels(points_world, faces, how.voxel_m)
    num_voxels, channels = len(voxels.voxel_coords), student.channels
    label = np.full(num_voxels, -1, dtype=np.int16)
    score = np.zeros(num_voxels, dtype=np.float32)
    text_score = np.zeros((num_voxels, len(question.texts)), dtype=np.float32)
    feat = np.zeros((num_voxels, channels if question.features else 0), dtype=np.float16)
    num_tiles = 0
    tiles = feature_tiles(
        student, voxels.voxel_coords, device=how.device, max_voxels=how.max_voxels, precision=how.precision
    )
    for rows, part in tiles:
        num_tiles += 1
        unit = _unit(part)
        text_score[rows] = unit @ question.texts.T
        if question.classes is not None:
            label[rows], score[rows] = best_class(unit, question.classes, question.void)
        if question.features:
            feat[rows] = _half(part)
    if question.classes is None:
        score = text_score[:, 0]
    point = voxels.point_to_voxel[: len(points_world)]
    return Prediction(
        label=None if question.classes is None else label[point],
        score=score[point],
        text_score=text_score[point],
        feat=feat[point] if question.features else None,
        num_voxels=num_voxels,
        num_tiles=num_tiles,
    )


def best_class(
    unit: Float32[np.ndarray, "V C"], classes: Float[np.ndarray, "K C"], void: tuple[int, ...]
) -> tuple[Int16[np.ndarray, "V"], Float32[np.ndarray, "V"]]:
    """The class whose text is most alike, and how much; -1 and 0 for a zero feature.

    Args:
        unit: features of length 1, or 0.
        classes: unit embeddings.
        void: classes that are never chosen.
    """
    cosine = unit @ classes.astype(np.float32).T
    cosine[:, list(void)] = -np.inf
    known = unit.any(axis=1)
    label = np.where(known, cosine.argmax(axis=1), -1).astype(np.int16)
    return label, np.where(known, cosine.max(axis=1), 0).astype(np.float32)


def _voxels(
    points_world: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "M 3"] | None, voxel_m: float
) -> Voxels:
    """Voxels of the points, and of the surface between them where triangles are larger than two voxels."""
    if faces is None or len(faces) == 0:
        return voxelize(points_world, voxel_m)
    surface = np.concatenate([points_world, *_distinct(_surface(points_world, faces, voxel_m), voxel_m)])
    return voxelize(surface, voxel_m)


def _surface(
    points_world: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "M 3"], voxel_m: float
) -> Iterator[Float[np.ndarray, "P 3"]]:
    return fill_triangles(points_world, faces, spacing_m=voxel_m / 2, longer_than_m=2 * voxel_m)


def _distinct(
    parts: Iterator[Float[np.ndarray, "P 3"]], voxel_m: float
) -> Iterator[Float[np.ndarray, "v 3"]]:
    """One point a voxel and triangle, so that memory follows the voxels."""
    for part in parts:
        _, first = np.unique(np.floor(part / voxel_m), axis=0, return_index=True)
        yield part[first]


def _unit(feat: Float32[np.ndarray, "V C"]) -> Float32[np.ndarray, "V C"]:
    length = np.linalg.norm(feat, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        raise WeightsError(
            "the student's features are not finite",
            field="student",
            remedy="use --precision float32; if that does not help, train with a lower distill.lr_start",
        )
    unit: np.ndarray = np.divide(feat, length, out=np.zeros_like(feat), where=length > 0)
    return unit


def _half(feat: Float32[np.ndarray, "V C"]) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = feat.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError(
            "the student's features do not fit float16",
            field="--features",
            remedy="predict without --features",
        )
    return half
