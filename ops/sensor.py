"""What a hand-held camera records: drifting exposure, noise, and depth as structured light measures it.

Radiance and exact depth are ``ops/raycast.py``'s business.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from jaxtyping import Float, Float32, UInt8

from ops.kernels import parallel_kernel

# Axial and lateral noise of a Kinect: Nguyen, Izadi, Lovell, "Modeling Kinect sensor noise for improved 3D
# reconstruction and tracking" (2012), equations 1 and 3
_AXIAL_M, _AXIAL_PER_M, _AXIAL_NEAREST_M = 0.0012, 0.0019, 0.4
_LATERAL_PX = 0.8
_NEAREST_M, _FARTHEST_M = 0.35, 7.5
_EDGE = 0.05  # relative step of depth that is an edge
_EDGE_LOST, _SPECKLE_LOST = 0.3, 0.002
_GRAZING, _GRAZING_WIDTH = 0.26, 0.18

_TARGET = 0.26  # mean light that automatic exposure aims at
_ADAPTED = 0.8
_READ_NOISE, _SHOT_NOISE = 0.004, 0.0006
_VIGNETTE = 0.12
_STEPS = 4096


@dataclass(frozen=True)
class Exposure:
    """How one frame is exposed: stops away from automatic exposure, and gains of red, green and blue."""

    stops: float = 0.0
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)


def exposures(seed: int, num_frames: int) -> list[Exposure]:
    """Exposure and white balance along a walk: slow swings, and a few sudden steps."""
    rng = np.random.default_rng([seed, 3])
    along = np.linspace(0, 1, num_frames)
    phase, rate = rng.uniform(0, 2 * np.pi, 4), rng.uniform(1, 4, 4)
    waves = np.sin(2 * np.pi * rate[:, None] * along + phase[:, None])
    jumps = np.repeat(rng.uniform(-0.25, 0.25, 6), math.ceil(num_frames / 6))[:num_frames]
    stops = 0.3 * waves[0] + jumps + rng.uniform(-0.2, 0.2)
    warm, tint = 0.06 * waves[1] + rng.uniform(-0.06, 0.06), 0.02 * waves[2]
    return [
        Exposure(float(stops[i]), (float(1 + warm[i]), float(1 + tint[i]), float(1 - warm[i])))
        for i in range(num_frames)
    ]


def develop(
    radiance: Float32[np.ndarray, "H W 3"], exposure: Exposure, rng: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
    """Bytes of sRGB: lens blur, exposure, noise of the sensor, and highlights that roll off.

    Args:
        radiance: linear light.
        exposure: of this frame.
        rng: makes the noise.
    """
    mean = float(np.minimum(radiance, 1.0).mean())
    gain = (_TARGET / max(mean, 1e-3)) ** _ADAPTED * 2.0**exposure.stops
    gains = (gain * np.array(exposure.white)).astype(np.float32)
    noise = rng.standard_normal(radiance.shape, dtype=np.float32)
    return _developed(radiance, gains, noise, _tone_curve())


@lru_cache(maxsize=1)
def _tone_curve() -> UInt8[np.ndarray, "S"]:
    """SRGB bytes of light 0..2 in equal steps; above 0.7 it approaches white slowly."""
    light = np.linspace(0, 2, _STEPS)
    soft = np.where(light < 0.7, light, 0.7 + 0.3 * (1 - np.exp((0.7 - light) / 0.3)))
    srgb = np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(np.clip(srgb, 0, 1) * 255), dtype=np.uint8)


@parallel_kernel
def _developed(
    light: Float32[np.ndarray, "H W 3"],
    gains: Float32[np.ndarray, "3"],
    noise: Float32[np.ndarray, "H W 3"],
    curve: UInt8[np.ndarray, "S"],
) -> UInt8[np.ndarray, "H W 3"]:
    H, W = light.shape[:2]
    result = np.empty((H, W, 3), dtype=np.uint8)
    for v in numba.prange(H):
        up, down = max(v - 1, 0), min(v + 1, H - 1)
        for u in range(W):
            left, right = max(u - 1, 0), min(u + 1, W - 1)
            away = ((v / H - 0.5) ** 2 + (u / W - 0.5) ** 2) * 2
            for a in range(3):
                near = light[up, u, a] + light[down, u, a] + light[v, left, a] + light[v, right, a]
                value = (0.6 * light[v, u, a] + 0.1 * near) * gains[a] * (1 - _VIGNETTE * away)
                value += noise[v, u, a] * math.sqrt(_READ_NOISE**2 + _SHOT_NOISE * max(value, 0.0))
                step = int(min(max(value, 0.0), 2.0) * (_STEPS - 1) / 2)
                result[v, u, a] = curve[step]
    return result


def sensor_depth(
    depth_m: Float[np.ndarray, "H W"], facing: Float[np.ndarray, "H W"], rng: np.random.Generator
) -> Float32[np.ndarray, "H W"]:
    """Depth as a structured-light sensor measures it, in whole millimetres; 0 where it measures nothing.

    Noise along the ray grows with the square of the depth, edges fray, and depth is lost at edges, on
    surfaces seen at a grazing angle, too near and too far.

    Args:
        depth_m: exact, 0 where there is none.
        facing: cosine between the ray and the surface's normal.
        rng: makes the noise.
    """
    shift = rng.standard_normal((2, *depth_m.shape), dtype=np.float32) * np.float32(_LATERAL_PX * 0.5)
    axial = rng.standard_normal(depth_m.shape, dtype=np.float32)
    chance = rng.random(depth_m.shape, dtype=np.float32)
    return _measured(depth_m.astype(np.float32), facing.astype(np.float32), (shift, axial, chance))


@parallel_kernel
def _measured(
    depth: Float32[np.ndarray, "H W"],
    facing: Float32[np.ndarray, "H W"],
    draws: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Float32[np.ndarray, "H W"]:
    shift, axial, chance = draws
    H, W = depth.shape
    result = np.zeros((H, W), dtype=np.float32)
    for v in numba.prange(H):
        for u in range(W):
            b = min(max(v + round(shift[0, v, u]), 0), H - 1)
            a = min(max(u + round(shift[1, v, u]), 0), W - 1)
            z = depth[b, a]
            if z < _NEAREST_M or z > _FARTHEST_M:
                continue
            low, high = z, z
            for j in range(max(b - 1, 0), min(b + 2, H)):
                for i in range(max(a - 1, 0), min(a + 2, W)):
                    low, high = min(low, depth[j, i]), max(high, depth[j, i])
            sharp = high - low > _EDGE * z * (1 + 2 * (1 - facing[b, a]))
            lost = _SPECKLE_LOST + (_EDGE_LOST if sharp else 0.0)
            lost += max(0.0, (_GRAZING - facing[b, a]) / _GRAZING_WIDTH)
            if chance[v, u] < lost:
                continue
            sigma = _AXIAL_M + _AXIAL_PER_M * (z - _AXIAL_NEAREST_M) ** 2
            result[v, u] = round((z + sigma * axial[v, u]) * 1000) / np.float32(1000)
    return result
