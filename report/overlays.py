"""The kept frames of a scene as pictures with each teacher's labels over them, as data addresses.

Which frames are kept is decided at ingest; what the labels mean by the teachers.
"""

import base64
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from report.layers import lifted_teachers
from report.palette import Rgb, class_colors
from storage.store import Unit

_JPEG_QUALITY = 82


def frame_pictures(scene: Unit, *, teachers: Iterable[str], known: Mapping[str, Rgb]) -> list[dict[str, Any]]:
    """The kept frames: name, JPEG, and per teacher a transparent PNG with its legend; JSON values.

    Args:
        scene: the scene's store; ``ingest`` must be there.
        teachers: names of the recipe's teachers.
        known: colours by class name.
    """
    previews = scene.array("ingest", "preview_color")
    names = [str(name) for name in scene.attrs("ingest")["frame_names"]]
    frame_of = scene.array("ingest", "preview_frame")
    overlays = {
        teacher: _teacher_overlays(scene, teacher, known) for teacher in lifted_teachers(scene, teachers)
    }
    return [
        {
            "name": names[int(frame_of[p])],
            "hw": [int(previews.shape[1]), int(previews.shape[2])],
            "picture": _jpeg(previews[p]),
            "overlays": [
                {"teacher": teacher, **rows[p]} for teacher, rows in overlays.items() if p < len(rows)
            ],
        }
        for p in range(len(previews))
    ]


def _teacher_overlays(scene: Unit, teacher: str, known: Mapping[str, Rgb]) -> list[dict[str, Any]]:
    stage = f"lift/{teacher}"
    if not scene.has(stage, "preview_label"):
        return []
    names = [str(name) for name in scene.attrs(stage)["preview_names"]]
    return [label_overlay(labels, names, known) for labels in scene.array(stage, "preview_label")]


def label_overlay(
    labels: Int[np.ndarray, "h w"], names: list[str], known: Mapping[str, Rgb]
) -> dict[str, Any]:
    """A label image as a PNG that is clear where the label is -1, and its classes, largest first.

    Args:
        labels: index into ``names``, -1 none.
        names: class names.
        known: colours by class name.
    """
    present, counts = np.unique(labels[labels >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = [names[int(k)] for k in present]
    colors = class_colors(shown, known)
    legend = [
        {
            "name": shown[int(i)],
            "color": [int(v) for v in colors[i]],
            "share": round(float(counts[i] / labels.size), 4),
        }
        for i in order
    ]
    index = np.zeros(labels.shape, np.uint8)
    for row, label in enumerate(present[:255]):
        index[labels == label] = row + 1
    return {"picture": _png(index, colors[:255]), "legend": legend}


def _png(index: UInt8[np.ndarray, "h w"], colors: UInt8[np.ndarray, "K 3"]) -> str:
    buffer = io.BytesIO()
    image = Image.fromarray(index)
    image.putpalette([0, 0, 0, *(int(v) for v in colors.ravel())])
    image.save(buffer, "PNG", optimize=True, transparency=0)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _jpeg(color: UInt8[np.ndarray, "h w 3"]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(color).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
