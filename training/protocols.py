"""The student's answer under an evaluation protocol: one pass, or several over the scene randomly turned.

One pass is ``training/infer.py``'s, the turns ``ops/turns.py``'s, comparing answers with text the
evaluation's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from models.student.minkunet import MinkUNet
from ops.turns import scene_turns, turned
from schema.config_stages import EvaluateConfig
from training.infer import student_features


def protocol_features(
    student: MinkUNet,
    points_world: Float[np.ndarray, "N 3"],
    config: EvaluateConfig,
    *,
    scene_id: str,
    voxel_m: float,
    **options: Any,
) -> Float[np.ndarray, "N C"]:
    """The feature of each point under ``config.protocol``, not normalised.

    ``single`` is one pass over the points as they are. ``openscene`` is METHOD's variant: the scores of
    several turned passes (raw dot products) are summed. A score is linear in the feature, so the features are
    summed instead; they are divided by the number of passes, which moves no argmax and no cosine.

    Args:
        student: in evaluation mode.
        points_world: metres, z up.
        config: names the protocol, its number of passes and its seed.
        scene_id: decides the turns together with the seed.
        voxel_m: edge of the voxels the student was trained with, m.
        options: as for ``student_features``, except ``dtype``: sums are float32.

    Raises:
        InputError: there is no point, or one is not finite.
    """
    if config.protocol == "single":
        return student_features(student, points_world, voxel_m=voxel_m, **options)
    turns = scene_turns(scene_id, config.seed, config.num_passes)
    return mean_over_turns(student, points_world, turns, voxel_m=voxel_m, **options)


def protocol_words(config: EvaluateConfig) -> str:
    """The protocol for the reader of a table.

    >>> protocol_words(EvaluateConfig(protocol="openscene"))
    'openscene (5 turned passes, seed 0)'
    """
    if config.protocol == "single":
        return "single"
    return f"{config.protocol} ({config.num_passes} turned passes, seed {config.seed})"


def mean_over_turns(
    student: MinkUNet,
    points_world: Float[np.ndarray, "N 3"],
    turns: Sequence[Float[np.ndarray, "3 3"]],
    *,
    voxel_m: float,
    **options: Any,
) -> Float[np.ndarray, "N C"]:
    """Mean of the features of a scene's points over turned passes; arguments as ``protocol_features``.

    Args:
        student: in evaluation mode.
        points_world: metres, z up.
        turns: rotation times scale each, at least one.
        voxel_m: edge of a voxel after the turn, m.
        options: as for ``student_features``.
    """
    total = student_features(student, turned(points_world, turns[0]), voxel_m=voxel_m, **options)
    for turn in turns[1:]:
        total += student_features(student, turned(points_world, turn), voxel_m=voxel_m, **options)
    total /= len(turns)
    return total
