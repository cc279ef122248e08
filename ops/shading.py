"""Light on surfaces: normals of curved shapes, soft shadows and the radiance of each pixel.

Rays are ``ops/raycast.py``'s business, patterns ``ops/textures.py``'s, what a camera makes of radiance
``ops/sensor.py``'s.
"""

import math

import numba
import numpy as np
from jaxtyping import Bool, Float32, Int

from ops.kernels import parallel_kernel, serial_kernel
from ops.room_shell import Lights

_CREASE = math.cos(math.radians(42.0))  # faces that meet at less are one curved surface
_FALL_OFF_M = 2.2
_SHININESS = 40.0

PLACES = np.random.default_rng(0).uniform(-1, 1, (16, 3)).astype(np.float32)
"""Where on a light the rays of a block of 4 x 4 pixels end, in units of its radius."""


def light_table(lights: Lights) -> Float32[np.ndarray, "L 10"]:
    """Lights as numbers: position, colour, normal, radius."""
    columns = (lights.position, lights.color, lights.normal, lights.radius_m[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def corner_normals(
    vertices: Float32[np.ndarray, "V 3"], faces: Int[np.ndarray, "M 3"]
) -> Float32[np.ndarray, "M 3 3"]:
    """The normal at each corner of each triangle: the mean of its neighbours' that continue its surface."""
    corner = vertices[faces].astype(np.float32)
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    order = np.argsort(faces.ravel(), kind="stable")
    start = np.searchsorted(faces.ravel()[order], np.arange(len(vertices) + 1))
    return _mean_normals(faces.astype(np.int64), area, order // 3, start)


@serial_kernel
def _mean_normals(
    faces: Int[np.ndarray, "M 3"],
    area: Float32[np.ndarray, "M 3"],
    around: Int[np.ndarray, "C"],
    start: Int[np.ndarray, "V1"],
) -> Float32[np.ndarray, "M 3 3"]:
    result = np.empty((len(faces), 3, 3), dtype=np.float32)
    length = np.sqrt((area * area).sum(axis=1)) + 1e-20
    for f in range(len(faces)):
        for k in range(3):
            x, y, z = 0.0, 0.0, 0.0
            for at in range(start[faces[f, k]], start[faces[f, k] + 1]):
                g = around[at]
                dot = area[f, 0] * area[g, 0] + area[f, 1] * area[g, 1] + area[f, 2] * area[g, 2]
                if dot > _CREASE * length[f] * length[g]:
                    x, y, z = x + area[g, 0], y + area[g, 1], z + area[g, 2]
            norm = math.sqrt(x * x + y * y + z * z) + 1e-20
            result[f, k, 0], result[f, k, 1], result[f, k, 2] = x / norm, y / norm, z / norm
    return result


@parallel_kernel
def surface_points(
    rays: Float32[np.ndarray, "R 6"],
    hits: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    normals: Float32[np.ndarray, "M 3 3"],
) -> tuple[Float32[np.ndarray, "R 3"], Float32[np.ndarray, "R 3"], Float32[np.ndarray, "R"]]:
    """Where rays meet the surface, its normal there (of curved shapes too), and how squarely.

    Args:
        rays: origin and direction.
        hits: distance in units of the direction, triangle (-1 none), barycentric coordinates, flat normal.
        normals: of the triangles' corners.

    Returns:
        Points; unit normals towards the ray's origin; cosine between the flat normal and the ray.
    """
    distance, face, uv, flat = hits
    point = np.empty((len(rays), 3), dtype=np.float32)
    normal = np.zeros((len(rays), 3), dtype=np.float32)
    facing = np.zeros(len(rays), dtype=np.float32)
    for r in numba.prange(len(rays)):
        for a in range(3):
            point[r, a] = rays[r, a] + rays[r, 3 + a] * distance[r]
        f = face[r]
        if f < 0:
            continue
        w = 1 - uv[r, 0] - uv[r, 1]
        dot, norm, length, smooth = 0.0, 0.0, 0.0, 0.0
        for a in range(3):
            normal[r, a] = w * normals[f, 0, a] + uv[r, 0] * normals[f, 1, a] + uv[r, 1] * normals[f, 2, a]
            norm += normal[r, a] ** 2
            length += rays[r, 3 + a] ** 2
            dot += flat[r, a] * rays[r, 3 + a]
            smooth += flat[r, a] * normal[r, a]
        sign = (-1.0 if dot > 0 else 1.0) * (-1.0 if smooth < 0 else 1.0) / math.sqrt(norm + 1e-20)
        for a in range(3):
            normal[r, a] *= sign
        facing[r] = abs(dot) / math.sqrt(length)
    return point, normal, facing


@serial_kernel
def shadow_rays(
    point: Float32[np.ndarray, "R 3"],
    normal: Float32[np.ndarray, "R 3"],
    light: Float32[np.ndarray, "10"],
    block: tuple[int, np.ndarray],
) -> tuple[Int[np.ndarray, "Q"], Float32[np.ndarray, "Q 6"]]:
    """Rays to a place on the light, another for each pixel of a block of 4 x 4, where it can shine at all.

    Args:
        point: surface points of an image's pixels, row by row.
        normal: of the surface there.
        light: a row of ``light_table``.
        block: the image's width, and ``PLACES``.

    Returns:
        The pixels, and a ray each.
    """
    width, places = block
    pixel = np.empty(len(point), dtype=np.int64)
    rays = np.empty((len(point), 6), dtype=np.float32)
    count = 0
    for r in range(len(point)):
        place = places[((r // width) % 4) * 4 + (r % width) % 4]
        dx, dy, dz = light[0] - point[r, 0], light[1] - point[r, 1], light[2] - point[r, 2]
        lit = dx * normal[r, 0] + dy * normal[r, 1] + dz * normal[r, 2]
        if lit <= 0 or dx * light[6] + dy * light[7] + dz * light[8] > 0:
            continue
        for a in range(3):
            rays[count, a] = point[r, a] + 3e-3 * normal[r, a]
            shift = light[9] * place[a] * (1 - abs(light[6 + a]))
            rays[count, 3 + a] = light[a] + shift - rays[count, a]
        pixel[count] = r
        count += 1
    return pixel[:count], rays[:count]


@parallel_kernel
def softened(
    shining: Bool[np.ndarray, "H W"], part: Int[np.ndarray, "H W"], distance: Float32[np.ndarray, "H W"]
) -> Float32[np.ndarray, "H W"]:
    """Share of a light seen: the mean of 4 x 4 pixels of the same surface, which have a ray each."""
    H, W = shining.shape
    result = np.empty((H, W), dtype=np.float32)
    for v in numba.prange(H):
        for u in range(W):
            total, count = 0, 0
            for b in range(max(v - 1, 0), min(v + 3, H)):
                for a in range(max(u - 1, 0), min(u + 3, W)):
                    near = abs(distance[b, a] - distance[v, u]) < 0.06 * distance[v, u]
                    if part[b, a] == part[v, u] and near:
                        total += shining[b, a]
                        count += 1
            result[v, u] = total / count
    return result


@parallel_kernel
def radiance(
    surface: tuple[np.ndarray, np.ndarray, np.ndarray],
    albedo: Float32[np.ndarray, "R 3"],
    looks: tuple[np.ndarray, np.ndarray],
    lighting: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Float32[np.ndarray, "R 3"]:
    """Light that each pixel sends to the camera, linear, 1 for white under a light of 1.

    Lambert's law for what scatters, Blinn's highlights on top, a pale sheen at grazing angles.

    Args:
        surface: points, normals, ray directions.
        albedo: linear colour at each point.
        looks: part of each pixel (-1 none), gloss and glow of the parts.
        lighting: lights, share of each seen by each pixel, ambient light.
    """
    point, normal, way = surface
    part, finish = looks
    lights, shares, ambient = lighting
    result = np.zeros((len(point), 3), dtype=np.float32)
    for r in numba.prange(len(point)):
        if part[r] < 0:
            continue
        nx, ny, nz = normal[r, 0], normal[r, 1], normal[r, 2]
        up = 0.86 + 0.14 * nz
        red, green, blue = ambient[0] * up, ambient[1] * up, ambient[2] * up
        shine = 0.0
        norm = math.sqrt(way[r, 0] ** 2 + way[r, 1] ** 2 + way[r, 2] ** 2)
        for k in range(len(lights)):
            seen = shares[k, r]
            if seen <= 0:
                continue
            light = lights[k]
            lx, ly, lz = light[0] - point[r, 0], light[1] - point[r, 1], light[2] - point[r, 2]
            far = math.sqrt(lx * lx + ly * ly + lz * lz) + 1e-6
            lx, ly, lz = lx / far, ly / far, lz / far
            fall = 1 / (1 + (far / _FALL_OFF_M) ** 2)
            strength = seen * max(0.0, lx * nx + ly * ny + lz * nz) * fall
            if light[6] != 0 or light[7] != 0 or light[8] != 0:
                strength *= 1.6 * max(0.0, -(lx * light[6] + ly * light[7] + lz * light[8]))
            red += strength * light[3]
            green += strength * light[4]
            blue += strength * light[5]
            hx, hy, hz = lx - way[r, 0] / norm, ly - way[r, 1] / norm, lz - way[r, 2] / norm
            half = (hx * nx + hy * ny + hz * nz) / (math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
            shine += seen * max(0.0, half) ** _SHININESS * fall
        facing = abs(way[r, 0] * nx + way[r, 1] * ny + way[r, 2] * nz) / norm
        sheen = finish[part[r], 0] * (0.55 * shine + 0.7 * (1 - facing) ** 4 * ambient[1])
        glow = finish[part[r], 1]
        result[r, 0] = albedo[r, 0] * (red + glow) + sheen
        result[r, 1] = albedo[r, 1] * (green + glow) + sheen
        result[r, 2] = albedo[r, 2] * (blue + glow) + sheen
    return result
