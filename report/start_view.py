"""Where the 3D view starts: which way is up, from where to look, how large a point is.

Everything is guessed from the cloud and its cameras and is only a start: the viewer can turn.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

_NEAR_UP_COS = np.cos(np.deg2rad(30.0))


@dataclass(frozen=True)
class StartView:
    """A first look at a scene, world frame, metres.

    Attributes:
        up: unit vector against gravity.
        target: point looked at.
        forward: unit vector from the eye to the target.
        radius_m: radius around the target that holds most of the cloud.
        spacing_m: typical distance of neighbouring points.
        normals_sign: -1 if the normals point away from the cameras, else 1.
    """

    up: tuple[float, float, float]
    target: tuple[float, float, float]
    forward: tuple[float, float, float]
    radius_m: float
    spacing_m: float
    normals_sign: int


def guess_start_view(
    points_world: Float[np.ndarray, "N 3"],
    normals: Float[np.ndarray, "N 3"],
    world_from_cam: Float[np.ndarray, "F 4 4"],
) -> StartView:
    """Guess a start view: cameras say roughly which way is up, the floor's normals say it exactly.

    Args:
        points_world: at least one point, metres.
        normals: unit length, zero where unknown.
        world_from_cam: OpenCV axes; may be empty (then +z is up).
    """
    up = _up(normals, world_from_cam)
    low, high = np.percentile(points_world, [2.0, 98.0], axis=0)
    target = (low + high) / 2
    forward = _forward(up, world_from_cam)
    radius = float(np.percentile(np.linalg.norm(points_world - target, axis=1), 95.0))
    return StartView(
        up=_triple(up),
        target=_triple(target),
        forward=_triple(forward),
        radius_m=max(radius, 1e-3),
        spacing_m=_spacing(points_world),
        normals_sign=_normals_sign(points_world, normals, world_from_cam),
    )


def _triple(vector: Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    x, y, z = (round(float(v), 6) for v in vector)
    return x, y, z


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _up(
    normals: Float[np.ndarray, "N 3"], world_from_cam: Float[np.ndarray, "F 4 4"]
) -> Float[np.ndarray, "3"]:
    mean = -world_from_cam[:, :3, 1].mean(axis=0) if len(world_from_cam) else np.zeros(3)
    up = _unit(mean) if np.linalg.norm(mean) > 0.2 else np.array([0.0, 0.0, 1.0])
    for _ in range(3):
        along = normals @ up
        flat = np.abs(along) > _NEAR_UP_COS
        if flat.sum() < 50:
            break
        up = _unit((normals[flat] * np.sign(along[flat])[:, None]).astype(np.float64).mean(axis=0))
    return up


def _forward(
    up: Float[np.ndarray, "3"], world_from_cam: Float[np.ndarray, "F 4 4"]
) -> Float[np.ndarray, "3"]:
    looks = world_from_cam[:, :3, 2].mean(axis=0) if len(world_from_cam) else np.zeros(3)
    level = looks - up * (looks @ up)
    if np.linalg.norm(level) < 0.15:
        axis = np.eye(3)[int(np.argmin(np.abs(up)))]
        side = _unit(np.cross(up, axis))
        level = side + 0.6 * np.cross(up, side)
    down = np.deg2rad(33.0)
    return _unit(np.cos(down) * _unit(level) - np.sin(down) * up)


def _sample(num: int, limit: int) -> np.ndarray:
    return (np.arange(min(num, limit)) * num // max(min(num, limit), 1)).astype(np.int64)


def _spacing(points_world: Float[np.ndarray, "N 3"]) -> float:
    if len(points_world) < 2:
        return 0.02
    sample = points_world[_sample(len(points_world), 2000)]
    distance = np.asarray(cKDTree(points_world).query(sample, k=min(5, len(points_world)))[0])
    return max(float(np.median(distance[:, -1])), 1e-4)


def _normals_sign(
    points_world: Float[np.ndarray, "N 3"],
    normals: Float[np.ndarray, "N 3"],
    world_from_cam: Float[np.ndarray, "F 4 4"],
) -> int:
    if not len(world_from_cam):
        return 1
    chosen = _sample(len(points_world), 5000)
    centres = world_from_cam[:, :3, 3]
    _, nearest = cKDTree(centres).query(points_world[chosen])
    towards = np.einsum("nc,nc->n", normals[chosen], centres[nearest] - points_world[chosen])
    return -1 if (towards < 0).sum() > (towards > 0).sum() else 1
