"""One scene as one JavaScript file: quantised points, layers, cameras and frames.

What the layers hold is decided in ``report.layers``; how they are drawn in ``report/page``.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from report.layers import Layer
from report.query import score_range
from report.start_view import StartView, guess_start_view
from storage.store import Unit

_TYPES = {"uint8": "u1", "int8": "i1", "uint16": "u2", "uint32": "u4", "float32": "f4"}
_MAX_CAMERAS = 400
_FRUSTUM_M = 0.12


def choose_points(num_points: int, max_points: int) -> Int[np.ndarray, "n"]:
    """Ids of the points that are drawn: all, or ``max_points`` evenly along the stored (Morton) order."""
    num = min(num_points, max_points)
    return np.arange(num, dtype=np.int64) * num_points // max(num, 1)


def script_json(value: object) -> str:
    """JSON that may stand inside a script of a page: ASCII only, no ``<``, ``>`` or ``&``, no NaN."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def pack(array: np.ndarray) -> dict[str, str]:
    """An array as base64 of deflate: little endian, columns one after another, u2 as wrapped differences.

    Differences of neighbours in Morton order are small, and low and high bytes are kept apart: that halves
    what positions take. ``report/page/decode.js`` is the inverse, ``unpack`` its reference.

    Args:
        array: [n] or [n, k] of u1, i1, u2, u4 or f4.
    """
    columns = np.ascontiguousarray(array.reshape(len(array), -1).T)
    raw = columns
    if array.dtype == np.uint16:
        steps = np.diff(columns, axis=1, prepend=np.uint16(0))
        raw = np.stack([steps & 0xFF, steps >> 8]).astype(np.uint8)
    body = zlib.compress(np.asarray(raw, raw.dtype.newbyteorder("<")).tobytes(), 6)
    return {"type": _TYPES[array.dtype.name], "data": base64.b64encode(body).decode("ascii")}


def unpack(packed: Mapping[str, str], width: int = 1) -> np.ndarray:
    """The array of ``pack``: [n, width]."""
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    if packed["type"] == "u2":
        low, high = np.frombuffer(raw, np.uint8).reshape(2, width, -1).astype(np.uint16)
        return np.asarray(np.cumsum(low | (high << 8), axis=1, dtype=np.uint16).T)
    return np.frombuffer(raw, "<" + packed["type"]).reshape(width, -1).T


def quantise(points_world: Float[np.ndarray, "n 3"]) -> tuple[np.ndarray, list[float], float]:
    """Positions as u2 with one step for all axes: ``origin + step_m * value``; error at most half a step."""
    origin = points_world.min(axis=0).astype(np.float64)
    step = max(float((points_world.max(axis=0) - origin).max()) / 65535.0, 1e-9)
    values = np.rint((points_world.astype(np.float64) - origin) / step)
    return np.clip(values, 0, 65535).astype(np.uint16), [float(v) for v in origin], step


def layer_json(layer: Layer) -> dict[str, Any]:
    """A layer as the page reads it; unknown is 255 (or 65535, 4294967295) in labels, 0 in scalars."""
    head: dict[str, Any] = {
        "key": layer.key,
        "name": layer.name,
        "group": layer.group,
        "kind": layer.kind,
        "note": layer.note,
    }
    if layer.kind == "rgb":
        return {**head, "packed": pack(layer.values.astype(np.uint8))}
    if layer.kind == "scalar":
        return {**head, **_scalar_json(layer.values)}
    top = int(layer.values.max(initial=0))
    kind = np.uint8 if top < 255 else np.uint16 if top < 65535 else np.uint32
    values = np.where(layer.values < 0, np.iinfo(kind).max, layer.values).astype(kind)
    body = {**head, "packed": pack(values)}
    if layer.kind == "labels":
        counts = np.bincount(layer.values[layer.values >= 0], minlength=len(layer.names))
        body |= {
            "names": list(layer.names),
            "colors": [[int(v) for v in row] for row in layer.colors],
            "counts": [int(v) for v in counts],
            "unlabelled": int((layer.values < 0).sum()),
        }
    return body


def _scalar_json(values: Float[np.ndarray, "n"]) -> dict[str, Any]:
    low, high = score_range(values)
    if np.array_equal(values, np.rint(values)):
        low, high = float(np.nanmin(values)), float(max(np.nanmax(values), np.nanmin(values) + 1))
    share = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    quantised = np.where(np.isfinite(values), 1 + np.rint(share * 254), 0).astype(np.uint8)
    return {"packed": pack(quantised), "range": [low, high], "unlabelled": int((quantised == 0).sum())}


def scene_payload(
    scene_id: str, scene: Unit, keep: Int[np.ndarray, "n"], *, layers: Sequence[Layer], frames: Sequence[Any]
) -> dict[str, Any]:
    """Everything the page needs to draw a scene, as JSON values.

    Args:
        scene_id: shown as the title.
        scene: the scene's store.
        keep: ids of the points that are drawn, at least one.
        layers: over the kept points.
        frames: pictures with overlays, see ``report.overlays.frame_pictures``.
    """
    all_points = scene.array("ingest", "points_world")
    points, normals = all_points[keep], scene.array("ingest", "normals")[keep]
    world_from_cam = scene.array("ingest", "world_from_cam")
    view = guess_start_view(points, normals, world_from_cam)
    positions, origin, step = quantise(points)
    return {
        "id": scene_id,
        "numPoints": len(all_points),
        "shown": len(points),
        "positions": pack(positions),
        "origin": origin,
        "step": step,
        "normals": pack(np.rint(normals * (127 * view.normals_sign)).astype(np.int8)),
        "hasNormals": bool(np.any(normals)),
        "view": asdict(view),
        "cameras": pack(_frusta(scene, world_from_cam, view).reshape(-1, 15)),
        "layers": [layer_json(layer) for layer in layers],
        "frames": list(frames),
    }


def _frusta(
    scene: Unit, world_from_cam: Float[np.ndarray, "F 4 4"], view: StartView
) -> Float[np.ndarray, "F 5 3"]:
    """Apex and four image corners of evenly chosen cameras, world frame, metres."""
    chosen = choose_points(len(world_from_cam), _MAX_CAMERAS)
    intrinsics = scene.array("ingest", "intrinsics")[chosen]
    height, width = (float(v) for v in scene.attrs("ingest")["image_hw"])
    size = min(_FRUSTUM_M, view.radius_m / 10)
    corners = np.array([[0, 0], [0, 0], [width, 0], [width, height], [0, height]], np.float64)
    rays = np.ones((len(chosen), 5, 3))
    rays[:, :, 0] = (corners[None, :, 0] - intrinsics[:, 0, 2, None]) / intrinsics[:, 0, 0, None]
    rays[:, :, 1] = (corners[None, :, 1] - intrinsics[:, 1, 2, None]) / intrinsics[:, 1, 1, None]
    rays[:, 0] = 0.0
    pose = world_from_cam[chosen]
    world = np.einsum("fij,fcj->fci", pose[:, :3, :3], rays * size) + pose[:, None, :3, 3]
    return np.asarray(world, dtype=np.float32)


def payload_script(payload: Mapping[str, Any]) -> str:
    """The JavaScript file of a scene: one call that hands the payload to the page."""
    return f"window.teach3d.receive({script_json(payload)});\n"
