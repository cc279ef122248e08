"""Do chairs, table and screen of the kitchen come out where they are? Labels in boxes placed by hand.

Run ``teach3d run configs/kitchen.yaml`` first. Writes benchmarks/results/kitchen-boxes.json and the picture
docs/pictures/kitchen-boxes.png.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.conditions import conditions
from storage.label_sets import load_label_set
from storage.store import Store
from storage.unit import Unit

HERE = Path(__file__).parent
ROWS = ("lift/deeplab", "lift/deeplab_small", "fuse", "student")
PX_PER_M = 220


@dataclass(frozen=True)
class Box:
    """A box that stands level: centre and size in metres, turned by ``yaw_deg`` about the vertical."""

    name: str
    label: str
    center_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_deg: float

    def inside(self, points_level: np.ndarray) -> np.ndarray:
        """Which of [N, 3] points are in the box."""
        own = (points_level - np.array(self.center_m)) @ _turn(self.yaw_deg)
        return (np.abs(own) <= np.array(self.size_m) / 2).all(axis=1)

    def outline(self) -> np.ndarray:
        """The four corners seen from above, [4, 2]."""
        signs = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
        corners = signs * np.array(self.size_m) / 2 @ _turn(self.yaw_deg).T + np.array(self.center_m)
        return corners[:, :2]


def _turn(yaw_deg: float) -> np.ndarray:
    """Rotation whose columns are the box's axes."""
    cos, sin = np.cos(np.deg2rad(yaw_deg)), np.sin(np.deg2rad(yaw_deg))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def load_boxes() -> tuple[np.ndarray, list[Box]]:
    """The level frame (4x4) and the boxes."""
    value = json.loads((HERE / "kitchen_boxes.json").read_text(encoding="utf-8"))
    boxes = [
        Box(**{**box, "center_m": tuple(box["center_m"]), "size_m": tuple(box["size_m"])})
        for box in value["boxes"]
    ]
    return np.array(value["level_from_world"]), boxes


def shares(unit: Unit) -> list[dict[str, Any]]:
    """Per box: how many points, and per row the share of them with the right label."""
    points, label, rows = _level_points(unit), unit.array("evaluate", "label"), unit.attrs("evaluate")["rows"]
    names = unit.attrs("evaluate")["names"]
    found = []
    for box in load_boxes()[1]:
        inside = box.inside(points)
        right = label[inside] == names.index(box.label)
        share = {row: round(float(right[:, rows.index(row)].mean()), 4) for row in ROWS}
        found.append({"box": box.name, "label": box.label, "points": int(inside.sum()), **share})
    return found


def by_class(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The boxes of one label together: of all points inside them, the share with the right label."""
    pooled = []
    for label in dict.fromkeys(row["label"] for row in found):
        rows = [row for row in found if row["label"] == label]
        points = sum(row["points"] for row in rows)
        share = {name: round(sum(row["points"] * row[name] for row in rows) / points, 4) for name in ROWS}
        pooled.append({"box": f"all of {label}", "label": label, "points": points, **share})
    return pooled


def _level_points(unit: Unit) -> np.ndarray:
    level_from_world, _ = load_boxes()
    return unit.array("ingest", "points_world") @ level_from_world[:3, :3].T + level_from_world[:3, 3]


def picture(unit: Unit) -> Image.Image:
    """The kitchen from above, in colour, as fused and as the student says, with the boxes."""
    points = _level_points(unit)
    kept = points[:, 2] < 1.75
    label, rows = unit.array("evaluate", "label"), unit.attrs("evaluate")["rows"]
    palette = np.array([*load_label_set("voc20").colors, (70, 70, 70)], np.uint8)
    panels = [
        _panel(points[kept], unit.array("ingest", "colors")[kept], "colour"),
        _panel(points[kept], palette[label[kept, rows.index("fuse")]], "fused"),
        _panel(points[kept], palette[label[kept, rows.index("student")]], "student"),
    ]
    sheet = Image.new("RGB", (panels[0].width, sum(panel.height for panel in panels)))
    for index, panel in enumerate(panels):
        sheet.paste(panel, (0, index * panel.height))
    return sheet


def _panel(points: np.ndarray, colors: np.ndarray, title: str) -> Image.Image:
    low, high = points[:, :2].min(0) - 0.05, points[:, :2].max(0) + 0.05
    width, height = ((high - low) * PX_PER_M).astype(int)
    canvas = np.zeros((height, width, 3), np.uint8)
    order = np.argsort(points[:, 2], kind="stable")
    column, row = ((points[order, :2] - low) * PX_PER_M).astype(int).T
    for down in range(3):
        for right in range(3):
            v = np.clip(height - 1 - row + down, 0, height - 1)
            canvas[v, np.clip(column + right, 0, width - 1)] = colors[order]
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for box in load_boxes()[1]:
        corners = [
            (float((x - low[0]) * PX_PER_M), float(height - (y - low[1]) * PX_PER_M))
            for x, y in box.outline()
        ]
        draw.line([*corners, corners[0]], fill=(255, 255, 0), width=2)
        draw.text(corners[3], box.name, fill=(255, 255, 255))
    draw.text((6, 4), title, fill=(255, 255, 255))
    return image


def main() -> None:
    """Print, and write the figures and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("store/kitchen"))
    unit = Store(parser.parse_args().store).scene("kitchen")
    found = shares(unit)
    classes = by_class(found)
    for row in [*found, *classes]:
        print(f"{row['box']:24} {row['points']:6d} points", *(f"{name} {row[name]:.2f}" for name in ROWS))
    target = HERE / "results" / "kitchen-boxes.json"
    target.write_text(
        json.dumps({"conditions": conditions(threads=2), "boxes": found, "classes": classes}, indent=1) + "\n"
    )
    image = picture(unit)
    path = HERE.parent / "docs" / "pictures" / "kitchen-boxes.png"
    image.quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
