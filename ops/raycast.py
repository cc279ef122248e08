"""Images of a procedural room by ray casting: colour, exact depth, class and object id per pixel.

The room is ``ops/rooms.py``'s business; what becomes of the images is the synthetic source's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d
from jaxtyping import Float, Int, UInt8

from ops.cameras import camera_rays
from ops.rooms import Room
from ops.shapes import MATERIALS

o3d: Any = open3d  # its stubs do not know that arrays become tensors

_AMBIENT, _LAMP, _HEADLIGHT = 0.42, 0.62, 0.16
_NOISE = 0.012
_MISSED = 0xFFFFFFFF


@dataclass(frozen=True)
class Render:
    """One rendered view.

    Attributes:
        color: RGB.
        depth_m: along the camera's z axis at the pixel's centre, metres; 0 where the ray leaves the room.
        semantic: index into ``ROOM_CLASSES``, -1 unlabelled.
        instance: object id, -1 where the ray leaves the room.
    """

    color: UInt8[np.ndarray, "H W 3"]
    depth_m: Float[np.ndarray, "H W"]
    semantic: Int[np.ndarray, "H W"]
    instance: Int[np.ndarray, "H W"]


class RoomRenderer:
    """Casts rays into one room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._scene = _scene(room)
        length, width, height = room.size_m
        self._lamp = np.array([0.5 * length, 0.5 * width, height - 0.25], dtype=np.float32)

    def render(
        self,
        world_from_cam: Float[np.ndarray, "4 4"],
        intrinsics: Float[np.ndarray, "3 3"],
        image_hw: tuple[int, int],
        rng: np.random.Generator,
    ) -> Render:
        """Render one view; the generator makes the sensor's noise on the colour alone.

        Args:
            world_from_cam: rigid, OpenCV axes.
            intrinsics: px; integer (u, v) are pixel centres.
            image_hw: height and width, px.
            rng: a fresh generator per view makes views independent of their order.
        """
        rays = camera_rays(world_from_cam, intrinsics, image_hw)
        hits = self._scene.cast_rays(o3d.core.Tensor(rays))
        face = hits["primitive_ids"].numpy().reshape(-1)
        hit = face != _MISSED
        face = np.where(hit, face, 0).astype(np.int64)
        depth_m = np.where(hit, hits["t_hit"].numpy().reshape(-1), 0).astype(np.float32)
        flat = rays.reshape(-1, 6)
        point = flat[:, :3] + flat[:, 3:] * depth_m[:, None]
        normal = hits["primitive_normals"].numpy().reshape(-1, 3)
        normal = normal * -np.sign((normal * flat[:, 3:]).sum(axis=1, keepdims=True))
        shade = self._albedo(face, point) * self._light(point, normal, flat[:, 3:])[:, None]
        shade += _NOISE * rng.standard_normal(shade.shape, dtype=np.float32)
        shade[~hit] = 0
        return Render(
            color=(np.clip(shade, 0, 1) * 255 + 0.5).astype(np.uint8).reshape(*image_hw, 3),
            depth_m=depth_m.reshape(image_hw),
            semantic=np.where(hit, self.room.face_class[face], -1).astype(np.int16).reshape(image_hw),
            instance=np.where(hit, self.room.face_instance[face], -1).astype(np.int32).reshape(image_hw),
        )

    def _light(
        self, point: Float[np.ndarray, "R 3"], normal: Float[np.ndarray, "R 3"], ray: Float[np.ndarray, "R 3"]
    ) -> Float[np.ndarray, "R"]:
        to_lamp = self._lamp - point
        distance = np.linalg.norm(to_lamp, axis=1)
        cosine = (normal * to_lamp).sum(axis=1) / np.maximum(distance, 1e-6)
        shadow_rays = np.hstack([point + 2e-3 * normal, to_lamp]).astype(np.float32)
        hidden = self._scene.test_occlusions(o3d.core.Tensor(shadow_rays), tnear=0.0, tfar=0.98).numpy()
        lamp = np.where(hidden, 0, np.maximum(cosine, 0)) / (1 + (distance / 4.0) ** 2)
        facing = -(normal * ray).sum(axis=1) / np.linalg.norm(ray, axis=1)
        ambient = _AMBIENT * (0.85 + 0.15 * normal[:, 2])
        light: np.ndarray = ambient + _LAMP * lamp + _HEADLIGHT * facing
        return light

    def _albedo(
        self, face: Int[np.ndarray, "R"], point: Float[np.ndarray, "R 3"]
    ) -> Float[np.ndarray, "R 3"]:
        albedo: np.ndarray = self.room.face_color[face]
        material = self.room.face_material[face]
        across = point + np.float32(0.37) * self.room.face_instance[face].astype(np.float32)[:, None]
        pattern = np.ones(len(face), dtype=np.float32)
        for name, function in (("wood", _grain), ("fabric", _weave), ("planks", _planks)):
            chosen = material == MATERIALS.index(name)
            pattern[chosen] = function(across[chosen])
        return albedo * pattern[:, None]


def nearest_faces(
    room: Room, points_world: Float[np.ndarray, "N 3"]
) -> tuple[Int[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """For each point the nearest triangle of the room, and the distance to it in metres."""
    found = _scene(room).compute_closest_points(
        o3d.core.Tensor(np.ascontiguousarray(points_world, dtype=np.float32))
    )
    distance_m = np.linalg.norm(found["points"].numpy() - points_world, axis=1)
    return found["primitive_ids"].numpy().astype(np.int64), distance_m


def _scene(room: Room) -> Any:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(np.ascontiguousarray(room.vertices, dtype=np.float32)),
        o3d.core.Tensor(np.ascontiguousarray(room.faces, dtype=np.uint32)),
    )
    return scene


def _grain(point: Float[np.ndarray, "R 3"]) -> Float[np.ndarray, "R"]:
    along = point[:, 0] * 3.0 + point[:, 2] * 2.0
    rings = 37.0 * point[:, 1] + 23.0 * point[:, 2] + 11.0 * point[:, 0]
    grain: np.ndarray = 1 + 0.06 * np.sin(rings + 1.5 * np.sin(along)) + 0.03 * np.sin(3.1 * rings)
    return grain


def _weave(point: Float[np.ndarray, "R 3"]) -> Float[np.ndarray, "R"]:
    weave: np.ndarray = 1 + 0.05 * np.sin(140 * point[:, 0]) * np.sin(140 * point[:, 1] + 90 * point[:, 2])
    return weave


def _planks(point: Float[np.ndarray, "R 3"]) -> Float[np.ndarray, "R"]:
    row = np.floor(point[:, 1] / 0.16)
    column = np.floor(point[:, 0] / 1.1 + 0.37 * row)
    tone = np.sin(12.9898 * row + 78.233 * column) * 43758.547
    seam = (np.mod(point[:, 1], 0.16) < 0.006) | (np.mod(point[:, 0] / 1.1 + 0.37 * row, 1.0) < 0.006)
    planks: np.ndarray = np.where(seam, 0.72, 0.92 + 0.14 * (tone - np.floor(tone)))
    return planks * (1 + 0.4 * (_grain(point) - 1))
