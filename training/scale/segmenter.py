"""The scale segmenter from seeds to a published file, and how good it is with a single point.

Its training is ``sam.py``'s business.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from safetensors.torch import save

from models.segmenters.protocol import Segmenter
from models.segmenters.sam import SamSegmenter
from ops.metrics import json_number
from ops.rooms import ROOM_CLASSES, Piece
from schema.config_scale import ScaleModelsConfig, ScaleSegmenterConfig
from schema.config_synthesis import SamConfig
from schema.progress import track
from storage.fingerprint import fingerprint
from training.scale.loop import fit_as, seconds_trained, sweep
from training.scale.object_views import ObjectViews, cached_object_views, object_views_identity
from training.scale.prompts import innermost_point, points_on
from training.scale.publish import half, is_current, machine, publish, publish_figures
from training.scale.sam import VERSION, SamRecipe
from training.scale.views import Views, held_out_views, training_views, views_identity

NAME = "segmenter"
WEIGHTS_FILE = "sam.safetensors"

_LEAST_SHARE = 0.005  # of an image's pixels: smaller objects are not asked for
_OBJECTS_PER_VIEW = 4


def make(config: ScaleModelsConfig, folder: Path) -> Path:
    """The segmenter of a whole configuration."""
    return train_segmenter(config.segmenter, folder)


def measure_again(config: ScaleModelsConfig, folder: Path, renders: Path) -> dict[str, Any]:
    """The held-out figures of the segmenter in ``folder``."""
    segmenter = SamSegmenter(SamConfig(architecture="scale", weights=folder / NAME / WEIGHTS_FILE))
    return measure_segmenter(segmenter, config.segmenter, renders)


def train_segmenter(config: ScaleSegmenterConfig, folder: Path) -> Path:
    """Train the segmenter unless it is up to date.

    Args:
        config: what is trained.
        folder: of all scale models.

    Returns:
        The segmenter's own folder.
    """
    place, work, identity = folder / NAME, folder / "work" / NAME, segmenter_fingerprint(config)
    if is_current(place, identity):
        return place
    rooms = training_views(config.rooms, folder)
    objects = cached_object_views(config.objects, config.objects.training_rooms, folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recipe = SamRecipe(config, rooms, objects, identity=identity, device=device)
    fit_as(recipe, work, config.fit, label="train segmenter")
    weights = save({name: half(tensor) for name, tensor in recipe.sam.state_dict().items()})
    figures = {
        "model": "segment_anything.modeling.Sam",
        "parameters": sum(p.numel() for p in recipe.sam.parameters()),
        "trained_on": {
            "rooms": [config.rooms.training_rooms[0], config.rooms.training_rooms[-1]],
            "object_rooms": [config.objects.training_rooms[0], config.objects.training_rooms[-1]],
            "views": len(rooms.color) + len(objects),
            "steps": config.fit.steps,
            "batch": config.fit.batch,
            "prompts": config.prompts,
            "seed": config.fit.seed,
        },
        "seconds": round(seconds_trained(work), 1),
        "machine": machine(),
    }
    publish(place, {WEIGHTS_FILE: weights}, fingerprint="not measured yet", figures=figures)
    segmenter = SamSegmenter(SamConfig(architecture="scale", weights=place / WEIGHTS_FILE))
    publish_figures(place, measure_segmenter(segmenter, config, folder), fingerprint=identity)
    sweep(work)
    return place


def segmenter_fingerprint(config: ScaleSegmenterConfig) -> str:
    """Of everything that decides the segmenter and its figures."""
    own = {key: value for key, value in config.result_fields().items() if key not in ("rooms", "objects")}
    inputs = {
        "rooms": views_identity(config.rooms, config.rooms.training_rooms),
        "held_out_rooms": views_identity(config.rooms, config.rooms.held_out_rooms),
        "objects": object_views_identity(config.objects, config.objects.training_rooms),
        "held_out_objects": object_views_identity(config.objects, config.objects.held_out_rooms),
    }
    return fingerprint(f"scale {NAME}", VERSION, own, inputs)


def measure_segmenter(
    segmenter: Segmenter, config: ScaleSegmenterConfig, folder: Path, *, num_views: int = 200
) -> dict[str, Any]:
    """Mean IoU of masks for one positive point, on held-out views of rooms and of single objects.

    Args:
        segmenter: what is measured.
        config: which views are held out.
        folder: of all scale models.
        num_views: of each kind, at most.

    Returns:
        For ``rooms`` and ``objects``, and for the point farthest from the object's edge (``innermost``) and a
        random one (``random``): ``mean_iou``, ``iou`` per class, ``quality_error`` (mean absolute difference
        of the predicted IoU) and ``masks``, how many were asked for.
    """
    sources: dict[str, Views | ObjectViews] = {
        "rooms": held_out_views(config.rooms, folder),
        "objects": cached_object_views(config.objects, config.objects.held_out_rooms, folder),
    }
    return {
        name: {point: _measured(segmenter, views, point, num_views) for point in ("innermost", "random")}
        for name, views in sources.items()
    }


def asked_objects(
    views: Views | ObjectViews, num_views: int
) -> Iterator[tuple[int, Piece | None, Bool[np.ndarray, "H W"]]]:
    """Views spread over all, and in each the object it was made of, or a few that are large enough."""
    for view in np.linspace(0, len(views.color) - 1, min(num_views, len(views.color))).astype(np.int64):
        instance = np.asarray(views.instance[view])
        if isinstance(views, ObjectViews):
            yield int(view), views.pieces[view], instance == views.pieces[view].instance_id
            continue
        known, count = np.unique(instance[instance >= 0], return_counts=True)
        known = known[count >= _LEAST_SHARE * instance.size]
        rng = np.random.default_rng([int(view), 5])
        for found in rng.permutation(known)[:_OBJECTS_PER_VIEW]:
            yield int(view), views.pieces(int(view)).get(int(found)), instance == found


def _measured(segmenter: Segmenter, views: Views | ObjectViews, point: str, num_views: int) -> dict[str, Any]:
    iou, error, label = [], [], []
    for view, piece, wanted in track(list(asked_objects(views, num_views)), f"segment {point} points"):
        if point == "innermost":
            at = innermost_point(wanted)[None]
        else:
            at = points_on(wanted[None], 1, np.random.default_rng([view, 6])).at_px[0].double().numpy()
        mask, quality = segmenter.segment(np.array(views.color[view]), at)
        iou.append(float((mask & wanted).sum() / (mask | wanted).sum()))
        error.append(abs(quality - iou[-1]))
        label.append("" if piece is None else piece.label)
    of = {
        name: [value for value, known in zip(iou, label, strict=True) if known == name]
        for name in ROOM_CLASSES
    }
    return {
        "mean_iou": _rounded(iou),
        "iou": {name: _rounded(values) for name, values in of.items()},
        "quality_error": _rounded(error),
        "masks": len(iou),
    }


def _rounded(values: list[float]) -> float | None:
    return json_number(round(float(np.mean(values)), 4)) if values else None
