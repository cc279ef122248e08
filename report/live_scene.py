"""One scene as the live view needs it: points, layers, features, and the colours that result.

What layers there are is decided in ``report.layers``; the server and its controls are in ``report.live``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from report.layers import Layer, collect_layers, cosine_scores
from report.palette import UNLABELLED, Rgb, id_colors
from report.query import score_colors, score_range
from report.scene_payload import choose_points
from report.start_view import StartView, guess_start_view
from schema.errors import StoreError
from storage.unit import Unit

_GREY = np.array((96, 98, 102), np.uint8)


@dataclass(frozen=True)
class LiveScene:
    """What the live view shows of a scene.

    Attributes:
        scene_id: title.
        points_world: metres.
        normals: unit length, towards the cameras; zero where unknown.
        view: where to look from at first.
        layers: what points can be coloured by, at least one.
        feat: features that queries are compared with; None: no queries.
        text_space: text space of ``feat``, empty without it.
    """

    scene_id: str
    points_world: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    view: StartView
    layers: tuple[Layer, ...]
    feat: Float[np.ndarray, "n C"] | None
    text_space: str


def load_live_scene(
    scene: Unit, *, teachers: Sequence[str], known: Mapping[str, Rgb], max_points: int = 500_000
) -> LiveScene:
    """Read from a scene's store what the live view needs; stages that are missing leave their layers out.

    Args:
        scene: the scene's store.
        teachers: names of the teachers, in the order of the layers.
        known: colours by class name, see ``report.palette.known_colors``.
        max_points: clouds with more points are thinned evenly.

    Raises:
        StoreError: the scene has no cloud.
    """
    if scene.entry("ingest") is None:
        raise StoreError(
            "the scene has no cloud", field="scene", value=scene.name, remedy="run the recipe first"
        )
    points = scene.array("ingest", "points_world")
    if not len(points):
        raise StoreError(
            "the cloud has no points", field="scene", value=scene.name, remedy="check ingest's settings"
        )
    keep = choose_points(len(points), max_points)
    feat, space = None, ""
    for stage, name in (("evaluate", "student_feat"), ("fuse", "feat")):
        if feat is None and scene.has(stage, name):
            feat, space = scene.array(stage, name)[keep], str(scene.attrs(stage).get("text_space", ""))
    normals = scene.array("ingest", "normals")[keep]
    view = guess_start_view(points[keep], normals, scene.array("ingest", "world_from_cam"))
    layers = tuple(collect_layers(scene, keep, teachers=teachers, known=known))
    return LiveScene(
        scene.name, points[keep], normals * np.float32(view.normals_sign), view, layers, feat, space
    )


def query_layer(scene: LiveScene, text: str, embedding: Float[np.ndarray, "C"]) -> Layer:
    """The scalar layer of a query: cosine of every point's feature with the text's vector.

    Raises:
        StoreError: the scene has no features to compare with.
    """
    if scene.feat is None:
        raise StoreError(
            "the scene has no features", field="scene", value=scene.scene_id, remedy="run fuse first"
        )
    scores = cosine_scores(scene.feat, np.asarray(embedding)[None])[:, 0]
    return Layer(f"query:{text}", text, "Queries", "scalar", scores, note=f"cosine with {text!r}")


def layer_colors(layer: Layer, *, threshold: float = 0.0) -> UInt8[np.ndarray, "n 3"]:
    """Colours of the points in a layer.

    Args:
        layer: the layer.
        threshold: 0 to 1 along the drawn range of a scalar layer; points below it turn grey. 0: none.
    """
    if layer.kind == "rgb":
        return np.asarray(layer.values, dtype=np.uint8)
    if layer.kind == "scalar":
        low, high = score_range(layer.values)
        colors = score_colors(layer.values, low=low, high=high, unknown=UNLABELLED)
        colors[_below(layer.values, low + threshold * (high - low)) & (threshold > 0)] = _GREY
        return colors
    table = layer.colors if layer.kind == "labels" else id_colors(int(layer.values.max(initial=-1)) + 1)
    table = np.concatenate([table.reshape(-1, 3), np.array([UNLABELLED], np.uint8)])
    return np.asarray(table[np.where(layer.values < 0, len(table) - 1, layer.values)], dtype=np.uint8)


def _below(values: Float[np.ndarray, "n"], cut: float) -> Bool[np.ndarray, "n"]:
    return np.asarray(np.isfinite(values) & (values < cut))


def facing(scene: LiveScene, eye: Float[np.ndarray, "3"]) -> Bool[np.ndarray, "n"]:
    """Which points show their front to an eye; points without a normal always do."""
    towards = np.einsum("nc,nc->n", scene.normals, np.asarray(eye, np.float32) - scene.points_world)
    return np.asarray((towards >= 0) | ~scene.normals.any(axis=1))


def seen_points(scene: LiveScene, eye: Float[np.ndarray, "3"] | None) -> Float[np.ndarray, "n 3"]:
    """The points; those that turn their back to the eye are moved onto one that does not.

    So a closed room can be looked into from outside without sending fewer points.

    Args:
        scene: the scene.
        eye: world frame, metres; None: nothing is moved.
    """
    if eye is None:
        return scene.points_world
    front = facing(scene, eye)
    if front.all() or not front.any():
        return scene.points_world
    return np.asarray(np.where(front[:, None], scene.points_world, scene.points_world[int(np.argmax(front))]))
