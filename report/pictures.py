"""A scene's cached pictures as PNG files: frames, and each teacher's labels over them."""

from pathlib import Path

import numpy as np

from report.palette import class_color
from storage.images import write_png
from storage.unit import Unit


def write_pictures(unit: Unit, folder: Path) -> list[Path]:
    """One contact sheet of the kept frames, and one a teacher with its labels over them.

    Args:
        unit: the scene.
        folder: where to write.

    Returns:
        The files, frames first; empty before ingest.
    """
    stages = [entry.stage for entry in unit.entries()]
    if "ingest" not in stages:
        return []
    frames = unit.array("ingest", "preview_color")
    written = [write_png(folder / "frames.png", sheet(frames))]
    for key in stages:
        if key.startswith("lift/"):
            label = unit.array(key, "preview_label")
            names = unit.attrs(key)["preview_names"]
            written.append(write_png(folder / f"{key[5:]}.png", sheet(painted(frames, label, names))))
    return written


def sheet(pictures: np.ndarray, columns: int = 4) -> np.ndarray:
    """[P, h, w, 3] pictures in rows of ``columns``, missing places black."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    canvas = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * height, (index % columns) * width
        canvas[top : top + height, left : left + width] = picture
    return canvas


def painted(frames: np.ndarray, label: np.ndarray, names: list[str]) -> np.ndarray:
    """Frames with each labelled pixel half its class's colour."""
    table = np.array([class_color(name) for name in names] or [(0, 0, 0)], np.float32)
    mixed = 0.45 * frames + 0.55 * table[np.clip(label, 0, len(table) - 1)]
    return np.where(label[..., None] >= 0, mixed, 0.6 * frames).astype(np.uint8)
