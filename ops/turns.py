"""Random turns of a whole scene at test time: small tilts, any heading, a little larger or smaller.

What the student answers for a turned scene, and how answers are put together, is ``training/protocols.py``'s.
"""

import zlib

import numpy as np
from jaxtyping import Float

from ops.augment import MAX_TILT, SCALE_RANGE, rotation


def random_turn(rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Rotation times scale, for column vectors about the world's origin.

    At most pi/64 about x and y, any angle about z, the three in random order; scale 0.9 to 1.1. These are the
    test-time ranges of OpenScene's and SAS's released voxeliser; nothing is flipped or distorted.

    Args:
        rng: source of every random number.
    """
    about_x, about_y = rng.uniform(-MAX_TILT, MAX_TILT, size=2)
    about_z = rng.uniform(-np.pi, np.pi)
    turns = (rotation(about_x, 0.0, 0.0), rotation(0.0, about_y, 0.0), rotation(0.0, 0.0, about_z))
    first, second, third = (turns[k] for k in rng.permutation(3))
    return np.asarray(third @ second @ first * rng.uniform(*SCALE_RANGE))


def scene_turns(scene_id: str, seed: int, num_turns: int) -> list[Float[np.ndarray, "3 3"]]:
    """The turns of a scene's passes; a turn depends on scene, seed and its place alone.

    >>> two, three = scene_turns("room", 0, 2), scene_turns("room", 0, 3)
    >>> all((a == b).all() for a, b in zip(two, three[:2], strict=True))
    True
    """
    scene = zlib.crc32(scene_id.encode())
    return [random_turn(np.random.default_rng([seed, scene, k])) for k in range(num_turns)]


def turned(points: Float[np.ndarray, "N 3"], turn: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "N 3"]:
    """The points after a turn, metres, float64.

    >>> turned(np.array([[1.0, 0.0, 0.0]]), 2 * rotation(0.0, 0.0, np.pi / 2)).round(6).tolist()
    [[0.0, 2.0, 0.0]]
    """
    return np.asarray(np.asarray(points, dtype=np.float64) @ turn.T)
