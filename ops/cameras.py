"""Camera poses: whether a matrix is a rigid pose, other conventions turned into ours, and looking at a point.

Reading poses from files is the sources' business (``storage/sources``); projecting points is lifting's.
"""

import numpy as np
from jaxtyping import Float

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera axes x right, y up, z backward to x right, y down, z forward (its own inverse)."""

MAX_ROTATION_ERROR = 1e-3
"""Largest entry of ``R^T R - I`` of a pose that counts as rigid: files often hold few digits."""


def pose_problem(matrix: Float[np.ndarray, "4 4"]) -> str | None:
    """What keeps a matrix from being a rigid pose, in a few words, or None if it is one.

    Rigid means: finite, rotation orthonormal to 1e-3, determinant +1, last row 0 0 0 1.

    >>> pose_problem(np.eye(4)) is None
    True
    >>> pose_problem(np.diag([1.0, 1.0, -1.0, 1.0]))
    'the pose is not rigid: its axes are left-handed (determinant -1)'
    """
    if not np.isfinite(matrix).all():
        return "the pose is not finite"
    if np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-6:
        return f"the pose is not rigid: its last row is {_row(matrix[3])}, not 0 0 0 1"
    rotation = matrix[:3, :3]
    error = float(np.abs(rotation.T @ rotation - np.eye(3)).max())
    if error > MAX_ROTATION_ERROR:
        return f"the pose is not rigid: its rotation is off by {error:.2g} (allowed: {MAX_ROTATION_ERROR:g})"
    if np.linalg.det(rotation) < 0:
        return "the pose is not rigid: its axes are left-handed (determinant -1)"
    return None


def world_from_cam_opencv(
    matrix: Float[np.ndarray, "4 4"], *, inverse: bool, opengl: bool
) -> Float[np.ndarray, "4 4"]:
    """A rigid pose of another convention as ``world_from_cam`` with OpenCV axes.

    Args:
        matrix: rigid (see :func:`pose_problem`), metres.
        inverse: the matrix is ``cam_from_world``.
        opengl: its camera looks along -z with y up.
    """
    world_from_cam = np.linalg.inv(matrix) if inverse else np.asarray(matrix, dtype=np.float64)
    return world_from_cam @ OPENCV_FROM_OPENGL if opengl else world_from_cam


def rotation_from_quaternion(xyzw: Float[np.ndarray, "4"]) -> Float[np.ndarray, "3 3"]:
    """Rotation matrix of a quaternion with the scalar last; not normalised first, so a bad length shows.

    >>> rotation_from_quaternion(np.array([0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])).round(6) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    x, y, z, w = xyzw
    return np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), w * w - x * x + y * y - z * z, 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), w * w - x * x - y * y + z * z],
        ]
    )


def look_at(
    eye_world: Float[np.ndarray, "3"], target_world: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    """``world_from_cam`` (OpenCV axes) of a level camera at ``eye_world`` that looks at ``target_world``.

    The world's z axis points up; looking straight up or down is not defined.
    """
    forward = _unit(np.asarray(target_world, dtype=np.float64) - eye_world)
    right = _unit(np.cross(forward, (0.0, 0.0, 1.0)))
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    world_from_cam[:3, 3] = eye_world
    return world_from_cam


def intrinsics_from_fov(image_hw: tuple[int, int], fov_deg: float) -> Float[np.ndarray, "3 3"]:
    """Camera matrix in px with square pixels and the principal point in the image's middle.

    Args:
        image_hw: height and width, px.
        fov_deg: horizontal angle between the outer edges of the first and last column, degrees.
    """
    height, width = image_hw
    focal = width / 2 / np.tan(np.deg2rad(fov_deg) / 2)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])


def camera_rays(
    world_from_cam: Float[np.ndarray, "4 4"], intrinsics: Float[np.ndarray, "3 3"], image_hw: tuple[int, int]
) -> Float[np.ndarray, "H W 6"]:
    """Origin and direction of the ray through each pixel's centre (float32, world).

    A direction's length along the camera's z axis is 1, so that a hit's ray parameter is its depth, metres.
    """
    x = ((np.arange(image_hw[1]) - intrinsics[0, 2]) / intrinsics[0, 0]).astype(np.float32)
    y = ((np.arange(image_hw[0]) - intrinsics[1, 2]) / intrinsics[1, 1]).astype(np.float32)
    right, down, forward = world_from_cam[:3, :3].T.astype(np.float32)
    rays = np.empty((*image_hw, 6), dtype=np.float32)
    rays[..., :3] = world_from_cam[:3, 3]
    rays[..., 3:] = x[None, :, None] * right + y[:, None, None] * down + forward
    return rays


def intrinsics_problem(
    intrinsics: Float[np.ndarray, "3 3"], image_hw: tuple[int, int]
) -> tuple[str, str] | None:
    """What is wrong with a camera matrix for images of this size, and what to do; None if nothing is."""
    height, width = image_hw
    if not np.isfinite(intrinsics).all():
        return "the camera matrix is not finite", "give fx, fy, cx, cy in px"
    (fx, skew, cx), (low, fy, cy), last = intrinsics.tolist()
    if fx <= 0 or fy <= 0:
        return f"the focal length is not positive (fx {fx:g}, fy {fy:g})", "give it in px of the colour image"
    if last != [0.0, 0.0, 1.0] or skew != 0 or low != 0:
        return "the matrix is not of the form fx 0 cx / 0 fy cy / 0 0 1", "undistort and rectify the images"
    if not (0 <= cx <= width - 1 and 0 <= cy <= height - 1):
        return (
            f"the principal point ({cx:g}, {cy:g}) is outside the image of {width} x {height} px",
            "give the intrinsics in px of the colour image as it is stored",
        )
    return None


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


def _row(values: Float[np.ndarray, "4"]) -> str:
    return " ".join(f"{value:g}" for value in values)
