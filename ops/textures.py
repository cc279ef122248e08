"""Patterns of surfaces, evaluated at points in an object's own frame: wood, cloth, tiles, planks, stone.

Which pattern a surface has is ``ops/finishes.py``'s business, light ``ops/shading.py``'s.
"""

import math

import numba
import numpy as np
from jaxtyping import Float, Float32, Int

from ops.finishes import PATTERNS, Finish
from ops.kernels import parallel_kernel, serial_kernel

_WOOD = PATTERNS.index("wood")
_WEAVE = PATTERNS.index("weave")
_PLANKS = PATTERNS.index("planks")
_TILES = PATTERNS.index("tiles")
_MARBLE = PATTERNS.index("marble")
_STRIPES = PATTERNS.index("stripes")
_CARPET = PATTERNS.index("carpet")
_CHECKS = PATTERNS.index("checks")
_DOTS = PATTERNS.index("dots")
_BRUSHED = PATTERNS.index("brushed")
_LEATHER = PATTERNS.index("leather")
_CLOUDS = PATTERNS.index("clouds")
_BRICKS = PATTERNS.index("bricks")


def look_table(finishes: tuple[Finish, ...], part_axis: Int[np.ndarray, "P"]) -> Float32[np.ndarray, "P 11"]:
    """Finishes as numbers: two linear colours, pattern, its size, gloss, glow, and the part's long axis."""
    table = np.empty((len(finishes), 11), dtype=np.float32)
    table[:, 0:3] = linear_from_srgb(np.array([finish.color for finish in finishes]))
    table[:, 3:6] = linear_from_srgb(np.array([finish.second for finish in finishes]))
    rest = [(PATTERNS.index(f.pattern), f.scale_m, f.gloss, f.glow) for f in finishes]
    table[:, 6:10] = np.array(rest)
    table[:, 10] = part_axis
    return table


def linear_from_srgb(color: Float[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N 3"]:
    """Light that a colour of 0..1 in sRGB stands for."""
    linear: np.ndarray = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return linear


@parallel_kernel
def albedo_at(
    surface: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: tuple[np.ndarray, np.ndarray, np.ndarray],
    looks: Float32[np.ndarray, "P 11"],
    pixel_m: float,
) -> Float32[np.ndarray, "R 3"]:
    """The linear colour of the surface that each pixel shows.

    Args:
        surface: points, normals, distances.
        ids: part (-1 none) and object of each pixel, and the objects' frames.
        looks: of the parts, see ``look_table``.
        pixel_m: size of a pixel a metre away.
    """
    point, normal, distance = surface
    part, instance, frames = ids
    result = np.zeros((len(point), 3), dtype=np.float32)
    for r in numba.prange(len(point)):
        if part[r] < 0:
            continue
        look, frame = looks[part[r]], frames[instance[r]]
        nx, ny, nz = normal[r, 0], normal[r, 1], normal[r, 2]
        c, s = frame[0], frame[1]
        dx, dy = point[r, 0] - frame[2], point[r, 1] - frame[3]
        mx, my = abs(c * nx + s * ny), abs(c * ny - s * nx)
        side = 2 if abs(nz) >= max(mx, my) else 0 if mx > my else 1
        shift = 0.731 * instance[r]  # two alike do not have the same grain
        local = (c * dx + s * dy + shift, c * dy - s * dx, point[r, 2] - frame[4])
        size = (int(look[10]), float(look[7]), max(1e-4, float(pixel_m * distance[r])))
        share, tone = _pattern_at(int(look[6]), local, side, size)
        for a in range(3):
            result[r, a] = (look[a] + share * (look[3 + a] - look[a])) * tone
    return result


@serial_kernel
def _hashed(i: int, j: int, k: int) -> float:
    """A number in 0..1 for a cell of a lattice."""
    h = (i * 374761393 + j * 668265263 + k * 2147483647) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2246822519) & 0xFFFFFFFF
    return float((h ^ (h >> 15)) & 0xFFFFFF) / 16777215.0


@serial_kernel
def _noise(x: float, y: float, z: float) -> float:
    """Smooth noise in 0..1 whose features are about 1 large."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    a, b, c = x - i, y - j, z - k
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    total = 0.0
    for di in range(2):
        for dj in range(2):
            for dk in range(2):
                weight = (a if di else 1 - a) * (b if dj else 1 - b) * (c if dk else 1 - c)
                total += weight * _hashed(int(i) + di, int(j) + dj, int(k) + dk)
    return total


@serial_kernel
def _line(u: float, period: float, gap: float, pixel: float) -> float:
    """How much of a pixel at ``u`` the lines cover that repeat with a period and are ``gap`` wide."""
    wide = max(1.4 * pixel, 0.3 * gap)
    off = abs(u - period * math.floor(u / period + 0.5))
    return min(1.0, max(0.0, (0.5 * (gap + wide) - off) / wide)) * min(1.0, gap / wide)


@serial_kernel
def _grain(point: tuple[float, float, float], axis: int, scale: float) -> float:
    """Wood's rings along an axis, 0..1."""
    x, y, z = point
    long, a, b = x, y, z
    if axis == 1:
        long, a, b = y, z, x
    elif axis == 2:
        long, a, b = z, x, y
    warp = _noise(long * 1.3, a * 4.0, b * 4.0)
    rings = (a + 0.7 * b) / scale + 2.5 * warp
    fine = _noise(long * 6.0, a / scale * 9.0, b / scale * 9.0)
    wave = 0.5 + 0.5 * math.sin(6.2831853 * rings)
    return 0.55 * wave * wave + 0.45 * fine


@serial_kernel
def _flat(point: tuple[float, float, float], side: int, axis: int) -> tuple[float, float]:
    """Two coordinates on the side of an object that looks along axis ``side``; v runs across ``axis``."""
    x, y, z = point
    u, v = x, y
    if side == 0:
        u, v = y, z
    elif side == 1:
        u, v = x, z
    if (side == 0 and axis == 2) or (side == 1 and axis == 2) or (side == 2 and axis == 1):
        return v, u
    return u, v


@serial_kernel
def _pattern_at(
    kind: int,
    point: tuple[float, float, float],
    side: int,
    look: tuple[int, float, float],
) -> tuple[float, float]:
    """How a surface's two colours are mixed at a point.

    Args:
        kind: index into ``PATTERNS``.
        point: in the object's frame, metres.
        side: axis the surface looks along, most nearly.
        look: axis along which the part is longest, size of the pattern and of a pixel there, both metres.

    Returns:
        Share of the second colour, and a factor of lightness.
    """
    axis, scale, pixel = look
    x, y, z = point
    share, tone = 0.0, 1.0
    if kind == _WOOD:
        share = _grain(point, axis, scale)
    elif kind == _PLANKS:
        u, v = _flat(point, side, axis)
        row = math.floor(v / scale)
        shifted = u / (7 * scale) + 0.37 * row
        column = math.floor(shifted)
        tone = 0.82 + 0.3 * _hashed(int(row), int(column), 7)
        seam = max(_line(v, scale, 0.005, pixel), _line(shifted * 7 * scale, 7 * scale, 0.005, pixel))
        tone *= 1 - 0.5 * seam
        share = _grain((x, y, z + 3.1 * row + 1.7 * column), axis, scale * 0.4)
    elif kind == _TILES:
        u, v = _flat(point, side, 0)
        i, j = math.floor(u / scale), math.floor(v / scale)
        share = max(_line(u, scale, 0.007, pixel), _line(v, scale, 0.007, pixel))
        tone = 0.96 + 0.08 * _hashed(int(i), int(j), 3) * (1 - share)
    elif kind == _BRICKS:
        u, v = _flat(point, side, 0)
        tall = scale * 0.36
        shifted = u + 0.5 * scale * (math.floor(v / tall + 0.5) % 2)
        share = max(_line(shifted, scale, 0.012, pixel), _line(v - 0.5 * tall, tall, 0.012, pixel))
        tone = 0.8 + 0.4 * _noise(u * 9, v * 23, z)
    elif kind == _MARBLE:
        turbulence = _noise(x / scale, y / scale, z / scale) + 0.5 * _noise(
            2.3 * x / scale, 2.3 * y / scale, z
        )
        vein = abs(math.sin(3.0 * (x + 0.6 * y + 0.4 * z) / scale + 6.0 * turbulence))
        share = max(0.0, 1 - 3.0 * vein) * 0.8 + 0.25 * _noise(4 * x / scale, 4 * y / scale, 4 * z / scale)
    elif kind == _CLOUDS:
        cloud = 0.65 * _noise(x / scale, y / scale, z / scale) + 0.35 * _noise(
            2.7 * x / scale, 2.7 * y / scale, 2.7 * z / scale
        )
        share = min(1.0, max(0.0, 2.2 * cloud - 0.6))
    else:
        share, tone = _cloth_at(kind, point, side, look)
    return min(1.0, max(0.0, share)), tone


@serial_kernel
def _cloth_at(
    kind: int, point: tuple[float, float, float], side: int, look: tuple[int, float, float]
) -> tuple[float, float]:
    """Patterns of cloth, leather and metal, as ``_pattern_at``."""
    axis, scale, pixel = look
    x, y, z = point
    u, v = _flat(point, side, 0)
    fade = min(1.0, max(0.0, scale / pixel / 2 - 0.5))  # finer than a pixel: only its mean is seen
    share, tone = 0.0, 1.0
    if kind == _STRIPES:
        a = u / scale
        share = (1.0 if a - math.floor(a) < 0.4 else 0.0) * fade + 0.4 * (1 - fade)
    elif kind == _CHECKS:
        a, b = u / scale, v / scale
        share = (0.5 if a - math.floor(a) < 0.5 else 0.0) + (0.5 if b - math.floor(b) < 0.5 else 0.0)
        share = share * fade + 0.5 * (1 - fade)
    elif kind == _DOTS:
        j = math.floor(v / scale)
        a, b = u / scale + 0.5 * (j % 2), v / scale
        da, db = a - math.floor(a) - 0.5, b - math.floor(b) - 0.5
        share = (1.0 if da * da + db * db < 0.055 else 0.0) * fade + 0.17 * (1 - fade)
    elif kind == _WEAVE:
        share = (0.5 + 0.5 * math.sin(6.2831853 * u / scale) * math.sin(6.2831853 * v / scale)) * fade * 0.7
        tone = 0.94 + 0.12 * _noise(x * 9, y * 9, z * 9)
    elif kind == _CARPET:
        share = 0.35 + (_noise(x / scale, y / scale, z / scale) - 0.5) * (0.25 + 0.75 * fade)
        tone = 0.9 + 0.2 * _noise(x * 5, y * 5, z * 5)
    elif kind == _LEATHER:
        share = 0.6 * _noise(x / scale, y / scale, z / scale)
        tone = 0.93 + 0.14 * _noise(x * 90, y * 90, z * 90) * fade
    elif kind == _BRUSHED:
        across = x if axis == 2 else z
        share = _noise(across / scale * 2, 0.5 * (x + y + z), 0.0) * 0.8
    return share, tone
