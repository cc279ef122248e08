"""Random changes of a training scene's points: rotation, scale, flips, elastic distortion.

The numbers are METHOD's (those of the released code where the paper is silent). Randomness is the
caller's: a generator is an argument, and one generator state gives one result.
"""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

MAX_TILT = np.pi / 64
SCALE_RANGE = (0.9, 1.1)
ELASTIC_PROBABILITY = 0.95
ELASTIC_ROUNDS = ((0.2, 0.4), (0.8, 1.6))
"""Spacing of the noise and its magnitude, m."""


def augment(points_world: Float[np.ndarray, "N 3"], rng: np.random.Generator) -> Float[np.ndarray, "N 3"]:
    """Apply all changes in the order elastic, rotation, scale, flips. The number of points stays.

    Args:
        points_world: metres, z up.
        rng: source of every random number.

    Returns:
        Points about the centre of the scene's box, metres, float64.
    """
    points: Float[np.ndarray, "N 3"] = np.asarray(points_world, dtype=np.float64)
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    if rng.random() < ELASTIC_PROBABILITY:
        for spacing_m, magnitude_m in ELASTIC_ROUNDS:
            points = elastic(points, spacing_m, magnitude_m, rng)
    tilt_x, tilt_y = rng.uniform(-MAX_TILT, MAX_TILT, size=2)
    points = points @ rotation(tilt_x, tilt_y, rng.uniform(-np.pi, np.pi)).T
    points = points * rng.uniform(*SCALE_RANGE)
    points[:, :2] *= np.where(rng.random(2) < 0.5, -1.0, 1.0)
    return points


def rotation(about_x: float, about_y: float, about_z: float) -> Float[np.ndarray, "3 3"]:
    """Rotation matrix about x, then y, then z; radians, for column vectors.

    >>> (rotation(0.0, 0.0, np.pi / 2) @ np.array([1.0, 0.0, 0.0])).round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    matrix = np.eye(3)
    for axis, angle in enumerate((about_x, about_y, about_z)):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[j, i] = np.sin(angle)
        step[i, j] = -step[j, i]
        matrix = step @ matrix
    return matrix


def elastic(
    points: Float[np.ndarray, "N 3"], spacing_m: float, magnitude_m: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """Move points by smooth noise: normal noise on a grid, blurred twice along each axis, interpolated.

    Args:
        points: metres.
        spacing_m: edge of the noise grid's cells, m.
        magnitude_m: standard deviation of the noise before blurring, m.
        rng: source of the noise.
    """
    low = points.min(axis=0) - spacing_m
    size = np.ceil((points.max(axis=0) - low) / spacing_m).astype(int) + 2
    at = ((points - low) / spacing_m).T
    moved = points.copy()
    for axis in range(3):
        noise = rng.standard_normal(size, dtype=np.float32)
        for _ in range(2):
            for direction in range(3):
                noise = ndimage.uniform_filter1d(noise, 3, axis=direction, mode="constant")
        moved[:, axis] += magnitude_m * ndimage.map_coordinates(noise, at, order=1, mode="nearest")
    return moved
