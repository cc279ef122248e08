"""How good a scale teacher is on held-out rooms, class by class, and where two teachers cross.

Training is ``teachers``'s business.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch.nn import functional

from models.teachers.conv_file import ConvModel
from models.teachers.conv_net import STRIDE, to_input
from ops.metrics import confusion, json_number, scores_from_confusion
from ops.rooms import ROOM_CLASSES
from schema.config_scale import ScaleTeacherConfig
from schema.progress import track
from training.scale.teacher_data import class_of_outputs
from training.scale.views import Views

AHEAD = 0.15
"""Share of a class's pixels by which one teacher must be better for the two to cross there."""


def measure(
    model: ConvModel, config: ScaleTeacherConfig, views: Views, text: Float[torch.Tensor, "K C"] | None
) -> dict[str, Any]:
    """Accuracies over every labelled pixel of all views, in the classes of the rooms.

    Args:
        model: the network.
        config: of the teacher.
        views: with labels.
        text: of a dense teacher: unit vectors of the rooms' classes; a pixel counts for the nearest, as in
            the pipeline. Of a mask teacher None: a label counts for the first class it means, the rest's for
            none.

    Returns:
        ``pixel_accuracy``; ``accuracy`` (share of a class's pixels that are found) and ``iou`` by class, None
        where no view shows the class; their means over classes that are shown.
    """
    K = len(ROOM_CLASSES)
    counts = np.zeros((K, K + 1), dtype=np.int64)
    for color, label in track(list(zip(views.color, views.semantic, strict=True)), "measure teacher"):
        found = predicted_classes(model, config, color, text)
        counts += confusion(found.ravel(), label.ravel().astype(np.int64), K)
    scores = scores_from_confusion(counts)
    return {
        "rooms": len(views.rooms),
        "views": len(views.color),
        "pixel_accuracy": json_number(round(scores.point_accuracy, 4)),
        "mean_accuracy": json_number(round(float(np.nanmean(scores.accuracy)), 4)),
        "mean_iou": json_number(round(float(np.nanmean(scores.iou)), 4)),
        "accuracy": _by_class(scores.accuracy),
        "iou": _by_class(scores.iou),
    }


@torch.inference_mode()
def predicted_classes(
    model: ConvModel,
    config: ScaleTeacherConfig,
    color: UInt8[np.ndarray, "H W 3"],
    text: Float[torch.Tensor, "K C"] | None,
) -> Int[np.ndarray, "H W"]:
    """The class at each pixel of an image, nearest cell, -1 none; arguments as of ``measure``."""
    numbers = model.net(to_input(torch.from_numpy(np.array(color[None]))))
    if text is not None:
        numbers = torch.einsum("bchw,kc->bkhw", functional.normalize(numbers, dim=1), text)
    cells = numbers[0].argmax(dim=0).numpy()
    if text is None:
        cells = class_of_outputs(config)[cells]
    height, width = color.shape[:2]
    return np.repeat(np.repeat(cells, STRIDE, axis=0), STRIDE, axis=1)[:height, :width]


def crossing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Classes at which the first teacher is ahead of the second by at least ``AHEAD``, and the other way.

    Args:
        one: accuracy by class.
        other: of the second teacher; a class that neither has seen counts for none.
    """
    lead = {
        name: one[name] - other[name]
        for name in ROOM_CLASSES
        if one.get(name) is not None and other.get(name) is not None
    }
    ahead = [name for name, value in lead.items() if value >= AHEAD]
    return ahead, [name for name, value in lead.items() if value <= -AHEAD]


def _by_class(values: np.ndarray) -> dict[str, Any]:
    return dict(zip(ROOM_CLASSES, map(json_number, np.round(values, 4)), strict=True))
