"""Images of a procedural room by ray casting: colour, exact depth, class and object id per pixel.

The room is ``ops/rooms.py``'s business, light on surfaces ``ops/shading.py``'s, what a camera makes of it
``ops/sensor.py``'s.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d
from jaxtyping import Bool, Float, Float32, Int, UInt8

from ops import shading, textures
from ops.cameras import camera_rays
from ops.rooms import Room
from ops.sensor import Exposure, develop

o3d: Any = open3d  # its stubs do not know that arrays become tensors

_MISSED = 0xFFFFFFFF
_NEUTRAL = Exposure()


@dataclass(frozen=True)
class Render:
    """One rendered view.

    Attributes:
        color: RGB.
        depth_m: along the camera's z axis at the pixel's centre, metres; 0 where the ray leaves the room.
        semantic: index into ``ROOM_CLASSES``, -1 unlabelled.
        instance: object id, -1 where the ray leaves the room.
        facing: cosine between the ray and the surface's normal, 0 where the ray leaves the room.
    """

    color: UInt8[np.ndarray, "H W 3"]
    depth_m: Float[np.ndarray, "H W"]
    semantic: Int[np.ndarray, "H W"]
    instance: Int[np.ndarray, "H W"]
    facing: Float[np.ndarray, "H W"]


@dataclass(frozen=True)
class Hits:
    """Where R rays meet the room: distance in units of their directions, triangle (-1: none), normals."""

    rays: Float32[np.ndarray, "R 6"]
    distance: Float32[np.ndarray, "R"]
    face: Int[np.ndarray, "R"]
    point: Float32[np.ndarray, "R 3"]
    normal: Float32[np.ndarray, "R 3"]
    facing: Float32[np.ndarray, "R"]


class RoomRenderer:
    """Casts rays into one room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._scene = _scene(room)
        self._normals = shading.corner_normals(room.vertices, room.faces)
        self._looks = textures.look_table(room.finishes, room.part_axis)
        self._finish = np.ascontiguousarray(self._looks[:, 8:10])  # gloss and glow
        self.lights = shading.light_table(room.lights)

    def render(
        self,
        world_from_cam: Float[np.ndarray, "4 4"],
        intrinsics: Float[np.ndarray, "3 3"],
        image_hw: tuple[int, int],
        rng: np.random.Generator,
        *,
        exposure: Exposure = _NEUTRAL,
    ) -> Render:
        """Render one view; the generator makes the sensor's noise on the colour alone.

        Args:
            world_from_cam: rigid, OpenCV axes.
            intrinsics: px; integer (u, v) are pixel centres.
            image_hw: height and width, px.
            rng: a fresh generator per view makes views independent of their order.
            exposure: of this view.
        """
        hits = self.cast(camera_rays(world_from_cam, intrinsics, image_hw).reshape(-1, 6))
        light = self.shade(hits, image_hw, pixel_m=1 / float(intrinsics[0, 0]))
        hit, face = hits.face >= 0, np.maximum(hits.face, 0)
        return Render(
            color=develop(light, exposure, rng),
            depth_m=hits.distance.reshape(image_hw),
            semantic=np.where(hit, self.room.face_class[face], -1).astype(np.int16).reshape(image_hw),
            instance=np.where(hit, self.room.face_instance[face], -1).astype(np.int32).reshape(image_hw),
            facing=hits.facing.reshape(image_hw),
        )

    def cast(self, rays: Float32[np.ndarray, "R 6"]) -> Hits:
        """Follow rays to the first surface."""
        found = self._scene.cast_rays(o3d.core.Tensor(rays))
        face = found["primitive_ids"].numpy()
        hit = face != _MISSED
        face = np.where(hit, face, -1).astype(np.int32)
        distance = np.where(hit, found["t_hit"].numpy(), 0).astype(np.float32)
        geometry = (distance, face, found["primitive_uvs"].numpy(), found["primitive_normals"].numpy())
        point, normal, facing = shading.surface_points(rays, geometry, self._normals)
        return Hits(rays, distance, face, point, normal, facing)

    def shade(self, hits: Hits, image_hw: tuple[int, int], *, pixel_m: float) -> Float32[np.ndarray, "H W 3"]:
        """The light that comes from where the rays of an image meet the room.

        Args:
            hits: of an image's rays, row by row.
            image_hw: its height and width, px.
            pixel_m: size of a pixel a metre away.
        """
        part = self.parts_of(hits).reshape(image_hw)
        seen = np.stack([self._seen(hits, part, light) for light in self.lights])
        return self.shade_with(hits, seen, pixel_m=pixel_m).reshape(*image_hw, 3)

    def parts_of(self, hits: Hits) -> Int[np.ndarray, "R"]:
        """Index of the part each ray meets, -1 for none."""
        return np.where(hits.face >= 0, self.room.face_part[np.maximum(hits.face, 0)], -1).astype(np.int32)

    def reaches(self, rays: Float32[np.ndarray, "Q 6"]) -> Bool[np.ndarray, "Q"]:
        """Whether nothing stands between a ray's origin and its end (origin + direction)."""
        hidden = self._scene.test_occlusions(o3d.core.Tensor(rays), tnear=0.0, tfar=0.97).numpy()
        return np.asarray(~hidden)

    def shade_with(
        self, hits: Hits, seen: Float32[np.ndarray, "L R"], *, pixel_m: float
    ) -> Float32[np.ndarray, "R 3"]:
        """The light from each hit, given the share of each light that is seen from there."""
        part, instance = self.parts_of(hits), self.room.face_instance[np.maximum(hits.face, 0)]
        ids = (part, instance, self.room.frames)
        albedo = textures.albedo_at((hits.point, hits.normal, hits.distance), ids, self._looks, pixel_m)
        surface = (hits.point, hits.normal, hits.rays[:, 3:])
        lighting = (self.lights, seen, self.room.lights.ambient)
        return shading.radiance(surface, albedo, (part, self._finish), lighting)

    def _seen(
        self, hits: Hits, part: Int[np.ndarray, "H W"], light: Float32[np.ndarray, "10"]
    ) -> Float32[np.ndarray, "R"]:
        """Share of a light that is not hidden from each pixel."""
        pixel, rays = shading.shadow_rays(hits.point, hits.normal, light, (part.shape[1], shading.PLACES))
        shining = np.zeros(part.size, dtype=np.bool_)
        if len(pixel):
            shining[pixel] = self.reaches(rays)
        distance = hits.distance.reshape(part.shape)
        return shading.softened(shining.reshape(part.shape), part, distance).ravel()


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
