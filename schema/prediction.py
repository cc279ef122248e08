"""What a student says about the points of a bare cloud; making and drawing it are left to others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float16, Float32, Int16


@dataclass(frozen=True)
class Prediction:
    """Answers for N points.

    Attributes:
        label: class of each point, -1 where the student says nothing; None where no classes were asked for.
        score: cosine with the text of that class; without classes with the only text.
        text_score: cosine with each of the Q free texts.
        feat: the student's features, not normalised; None where they were not asked for.
        num_voxels: voxels the points lie in, filled triangles among them.
        num_tiles: parts the scene was cut into.
    """

    label: Int16[np.ndarray, "N"] | None
    score: Float32[np.ndarray, "N"]
    text_score: Float32[np.ndarray, "N Q"]
    feat: Float16[np.ndarray, "N C"] | None
    num_voxels: int
    num_tiles: int
