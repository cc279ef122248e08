"""A scene's columns as files for other programs; the formats themselves are storage's."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from report.query import score_colors
from storage.export import export_cloud
from storage.scene_io import read_cloud
from storage.unit import Unit


def write_scored_cloud(path: Path, unit: Unit, scores: Float[np.ndarray, "N"]) -> Path:
    """The scene's cloud coloured by a query's scores, with the scores as a column; PLY."""
    cloud = read_cloud(unit)
    return export_cloud(
        path,
        "ply",
        points=cloud.points_world,
        normals=cloud.normals,
        colors=score_colors(scores),
        faces=cloud.faces,
        scalars={"score": scores.astype(np.float32)},
    )


def export_scene(unit: Unit, path: Path, *, format: str, features: bool) -> list[str]:  # noqa: A002
    """Write everything per point that is in the store; returns the names of the columns.

    Args:
        unit: the scene.
        path: file to write.
        format: name of a format known to ``storage.export``.
        features: also the student's features (only in formats that can hold a matrix).
    """
    cloud = read_cloud(unit)
    columns = scene_columns(unit)
    if features:
        columns["student_feat"] = unit.array("evaluate", "student_feat")
    export_cloud(
        path,
        format,
        points=cloud.points_world,
        normals=cloud.normals,
        colors=cloud.colors,
        faces=cloud.faces,
        scalars=columns,
    )
    return list(columns)


def scene_columns(unit: Unit) -> dict[str, Any]:
    """One value a point for each result that the store holds: superpoints, views, labels and scores."""
    columns: dict[str, Any] = {}
    for key in (entry.stage for entry in unit.entries()):
        if key == "oversegment":
            columns["superpoint_id"] = unit.array(key, "superpoint_id")
        if key.startswith("lift/"):
            columns[f"views_{key[5:]}"] = unit.array(key, "num_views")
        if key == "fuse":
            columns["fused_label"] = unit.array(key, "label")
        if key == "evaluate":
            rows = unit.attrs(key)["rows"]
            label, score = unit.array(key, "label"), unit.array(key, "score").astype(np.float32)
            for index, name in enumerate(rows):
                word = "".join(c if c.isalnum() else "_" for c in name)
                columns[f"label_{word}"] = label[:, index]
                columns[f"score_{word}"] = score[:, index]
    return columns
