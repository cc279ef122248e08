"""Cameras that look at one object of a room, as somebody takes a photo of it: large, with what is around it.

Rooms are ``ops/rooms.py``'s business; which of the views show the object well is for whoever renders them.
"""

import numpy as np
from jaxtyping import Float

from ops.cameras import intrinsics_from_fov, look_at

EYE_HEIGHT_M = (0.9, 1.75)
MARGIN = (1.08, 1.5)
"""Half of the image over the object's farthest projected corner."""

_KEEP_M = 0.2  # from other objects and walls
_FOV_DEG = (22.0, 85.0)
_PATCH_M = 0.9  # of a wall or floor, to each side of a point of it
_TRIES = 40

Camera = tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3 3"]]
"""``world_from_cam`` with OpenCV axes, and the camera matrix in px."""


def object_camera(
    box_m: Float[np.ndarray, "2 3"],
    others_m: Float[np.ndarray, "B 2 3"],
    room_size_m: tuple[float, float, float],
    *,
    image_px: int,
    rng: np.random.Generator,
) -> Camera | None:
    """A camera that has the whole of a box in its square image, somewhere in it, from inside the room.

    Very large or near boxes may reach over the border: the field of view ends at 85 degrees. Whether
    something stands before the object is not looked at.

    Args:
        box_m: low and high corner of the object's box.
        others_m: boxes no camera may be inside or right in front of.
        room_size_m: along x, y, z; the floor is z = 0.
        image_px: side of the image.
        rng: decides.

    Returns:
        A camera, or None if no place was found.
    """
    middle = box_m.mean(axis=0)
    reach = np.linalg.norm(box_m[1] - box_m[0]) / 2
    for _ in range(_TRIES):
        eye = _eye(room_size_m, rng)
        inside = (eye > others_m[:, 0] - _KEEP_M).all(axis=1) & (eye < others_m[:, 1] + _KEEP_M).all(axis=1)
        apart = eye - np.clip(eye, box_m[0], box_m[1])
        if inside.any() or np.linalg.norm(apart) < 0.45 + 0.35 * reach or _is_above(eye, middle):
            continue
        camera = _aimed(eye, box_m, image_px, rng)
        if camera is not None:
            return camera
    return None


def surface_patch(box_m: Float[np.ndarray, "2 3"], rng: np.random.Generator) -> Float[np.ndarray, "2 3"]:
    """A part of a wall's or floor's box around a random point of it, at most 1.8 m long."""
    point = rng.uniform(box_m[0], box_m[1])
    patch: np.ndarray = np.clip(np.stack([point - _PATCH_M, point + _PATCH_M]), box_m[0], box_m[1])
    return patch


def _eye(room_size_m: tuple[float, float, float], rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    low = np.array([_KEEP_M, _KEEP_M, EYE_HEIGHT_M[0]])
    high = np.array([room_size_m[0] - _KEEP_M, room_size_m[1] - _KEEP_M, EYE_HEIGHT_M[1]])
    eye: np.ndarray = rng.uniform(low, high)
    return eye


def _is_above(eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]) -> bool:
    """Whether a level camera would have to look down more steeply than 65 degrees."""
    ahead = eye - target
    return bool(np.hypot(ahead[0], ahead[1]) < abs(ahead[2]) / np.tan(np.deg2rad(65)))


def _aimed(
    eye: Float[np.ndarray, "3"], box_m: Float[np.ndarray, "2 3"], image_px: int, rng: np.random.Generator
) -> Camera | None:
    """Zoom so that the box fits with a margin, then turn aside by as much as the margin allows."""
    corners = np.array(np.meshgrid(*box_m.T)).reshape(3, -1).T
    middle = box_m.mean(axis=0)
    pose = look_at(eye, middle)
    seen = (corners - eye) @ pose[:3, :3]
    if seen[:, 2].min() < 0.1:
        return None
    extent = float(np.abs(seen[:, :2] / seen[:, 2:]).max())
    low, high = np.tan(np.deg2rad(np.array(_FOV_DEG)) / 2)
    half = float(np.clip(extent * rng.uniform(*MARGIN), low, high))
    shift = rng.uniform(-0.8, 0.8, 2) * max(half - extent, 0.05 * half) * float(np.linalg.norm(middle - eye))
    target = middle + pose[:3, :2] @ shift
    fov_deg = float(np.rad2deg(2 * np.arctan(half)))
    return look_at(eye, target), intrinsics_from_fov((image_px, image_px), fov_deg)
