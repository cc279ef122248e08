"""Where to stand to see a whole scene: virtual cameras for geometry that came without images.

What they then see is ``ops/virtual_views.py``'s business.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from ops.cameras import intrinsics_from_fov, look_at
from ops.visibility import cloud_depth, project, splat_radii
from schema.config_stages import RenderConfig
from schema.errors import InputError
from schema.progress import track
from schema.records import Cloud, View

FACE_PX = 64
"""Edge of the six images all around a place by which is decided what it sees: 5 cm a pixel in 1.5 m."""
PLANNING_POINTS = 15_000
GRAZING = 0.17  # cosine: surfaces seen flatter than 80 degrees are not counted as seen
DEPTH_SLACK = 0.05  # share of the depth, for footprints of thinned-out points
HALVED = 3  # views that count of a point: the first fully, the second half, the third a quarter
NUM_YAWS = 8
_X, _Y, _Z = np.eye(3)
_CUBE = tuple(
    np.stack([right, np.cross(ahead, right), ahead])
    for ahead, right in ((_X, _Y), (-_X, _Y), (_Y, _X), (-_Y, _X), (_Z, _X), (-_Z, _X))
)
"""cam_from_world rotations of the cube's faces."""
PITCH_DEG = (-25.0, -10.0, 5.0)


def place_cameras(cloud: Cloud, config: RenderConfig) -> Float[np.ndarray, "F 4 4"]:
    """``world_from_cam`` (OpenCV axes, metres, z up) of cameras that together see the surface.

    People's eye height and two others over a grid of the ground plan, looking around and up and down, are
    candidates where there is room to stand; those that add most are taken one after the other. A point adds
    1 when first seen, then 1/2, 1/4; less where it is far away or seen at a grazing angle. Points with a
    normal count from its side only.

    Args:
        cloud: the scene; z is up.
        config: number and size of views, clearance, eye heights.

    Returns:
        At most ``config.num_views`` poses, the most useful first; fewer if nothing is left to gain.

    Raises:
        InputError: there is nowhere to stand.
    """
    points, normals = _thinned(cloud)
    eyes = _free_eyes(cloud.points_world, config)
    gain = _gains(points, normals, eyes, config)
    poses = np.concatenate([_around(eye) for eye in eyes])
    return poses[_most_useful(gain, config.num_views)]


def _thinned(cloud: Cloud) -> tuple[Float[np.ndarray, "P 3"], Float[np.ndarray, "P 3"]]:
    """Every n-th point of the Morton order, which thins out evenly."""
    step = max(len(cloud.points_world) // PLANNING_POINTS, 1)
    return cloud.points_world[::step].astype(np.float64), cloud.normals[::step].astype(np.float64)


def _free_eyes(points: Float[np.ndarray, "N 3"], config: RenderConfig) -> Float[np.ndarray, "E 3"]:
    """Positions at the eye heights, over the ground plan, with room around them."""
    low, high = np.percentile(points, 0.5, axis=0), np.percentile(points, 99.5, axis=0)
    tree = cKDTree(points)
    steps = [np.arange(low[a] + config.grid_m / 2, high[a], config.grid_m) for a in (0, 1)]
    plan = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 2)
    if len(plan) == 0:
        plan = (low + high)[None, :2] / 2
    heights = low[2] + np.array(config.eye_heights_m)
    heights = heights[heights < high[2] - 0.1] if (heights < high[2] - 0.1).any() else heights[:1]
    eyes = np.concatenate([np.column_stack([plan, np.full(len(plan), z)]) for z in heights])
    free = eyes[tree.query(eyes)[0] >= config.clearance_m]
    over_ground = (
        cKDTree(points[:, :2]).query(free[:, :2])[0] < config.grid_m if len(free) else free[:, 0] > 0
    )
    free = free[over_ground]
    if len(free) == 0:
        raise InputError(
            f"there is nowhere to stand {config.clearance_m:g} m from everything",
            field="render.clearance_m",
            remedy="lower it or render.grid_m, or check the unit and the axis that points up",
        )
    return np.asarray(free)


def _around(eye: Float[np.ndarray, "3"]) -> Float[np.ndarray, "D 4 4"]:
    """Cameras at one place that look around, down and up."""
    poses = []
    for pitch in np.deg2rad(PITCH_DEG):
        for yaw in 2 * np.pi * np.arange(NUM_YAWS) / NUM_YAWS:
            ahead = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
            poses.append(look_at(eye, eye + ahead))
    return np.stack(poses)


def _gains(
    points: Float[np.ndarray, "P 3"],
    normals: Float[np.ndarray, "P 3"],
    eyes: Float[np.ndarray, "E 3"],
    config: RenderConfig,
) -> Float[np.ndarray, "D P"]:
    """How well each candidate sees each point, 0..1 (float32)."""
    intrinsics = intrinsics_from_fov(config.image_hw, config.fov_deg)
    blank = np.zeros((*config.image_hw, 3), dtype=np.uint8)
    radii = splat_radii(points)
    rows = []
    for eye in track(eyes, "place cameras"):
        quality = np.where(_visible(points, eye, radii), _quality(points, normals, eye), 0)
        for world_from_cam in _around(eye):
            view = View("", blank, None, np.linalg.inv(world_from_cam), intrinsics)
            inside = pixels(project(points, view), config.image_hw)[0]
            rows.append(np.where(inside, quality, 0).astype(np.float32))
    return np.stack(rows)


def _quality(
    points: Float[np.ndarray, "P 3"], normals: Float[np.ndarray, "P 3"], eye: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "P"]:
    toward = eye - points
    distance = np.linalg.norm(toward, axis=1)
    cosine = (normals * toward).sum(axis=1) / np.maximum(distance, 1e-9)
    known = np.abs(normals).sum(axis=1) > 0
    facing = np.where(known, np.where(cosine > GRAZING, 0.5 + 0.5 * cosine, 0.0), 0.75)
    quality: np.ndarray = facing / (1 + (distance / 3.0) ** 2)
    return quality


def _visible(
    points: Float[np.ndarray, "P 3"], eye: Float[np.ndarray, "3"], radii: Float[np.ndarray, "P"]
) -> Bool[np.ndarray, "P"]:
    """What can be seen from a place in any direction: six images of a cube around it."""
    seen = np.zeros(len(points), dtype=bool)
    half = (FACE_PX - 1) / 2
    intrinsics = np.array([[FACE_PX / 2, 0, half], [0, FACE_PX / 2, half], [0, 0, 1]])
    blank = np.zeros((FACE_PX, FACE_PX, 3), dtype=np.uint8)
    for rotation in _CUBE:
        cam_from_world = np.eye(4)
        cam_from_world[:3, :3] = rotation
        cam_from_world[:3, 3] = -rotation @ eye
        view = View("", blank, None, cam_from_world, intrinsics)
        depth = cloud_depth(points, view, radii)
        uvz = project(points, view)
        inside, pixel = pixels(uvz, (FACE_PX, FACE_PX))
        with np.errstate(invalid="ignore"):
            seen |= inside & (uvz[:, 2] <= depth.reshape(-1)[pixel] * (1 + DEPTH_SLACK))
    return seen


def pixels(
    uvz: Float[np.ndarray, "P 3"], image_hw: tuple[int, int]
) -> tuple[Bool[np.ndarray, "P"], Int[np.ndarray, "P"]]:
    """Which projected points fall into the image, and the pixel ``v * W + u`` of those (0 for the others)."""
    height, width = image_hw
    with np.errstate(invalid="ignore"):
        column, row = np.floor(uvz[:, 0] + 0.5), np.floor(uvz[:, 1] + 0.5)
        inside = (uvz[:, 2] > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return inside, np.where(inside, row * width + column, 0).astype(np.int64)


def _most_useful(gain: Float[np.ndarray, "D P"], num_views: int) -> list[int]:
    """Greedy: the candidate that adds most to what is seen so far, again and again."""
    share = np.ones(gain.shape[1], dtype=np.float32)
    taken: list[int] = []
    first = 0.0
    for _ in range(num_views):
        added = gain @ share
        best = int(np.argmax(added))
        first = first or float(added[best])
        if added[best] <= 1e-3 * first:
            break
        taken.append(best)
        share[gain[best] > 0] *= 0.5
        share[share < 0.5**HALVED] = 0.5 ** (2 * HALVED)
    return taken
