"""Draws contact sheets of the procedural world: rooms from above and within, each design of furniture."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ops.cameras import intrinsics_from_fov, look_at
from ops.finishes import plain
from ops.furniture import MAKERS
from ops.furniture_base import Furniture
from ops.raycast import Render, RoomRenderer
from ops.room_layout import Layout, Placed
from ops.room_shell import FIRST_PIECE
from ops.room_walk import camera_walk
from ops.rooms import PLANS, ROOM_CLASSES, Room, assembled, make_room
from ops.sensor import Exposure, exposures
from storage.label_sets import load_label_set
from tools.sheets import GAP, beside, legend, save, stacked, titled

HW = (240, 320)
SHOWN = (240, 180)


def main() -> None:
    """Write the two pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--first-seed", type=int, default=20, help="ten rooms from here on, two of each plan")
    parser.add_argument(
        "--count", type=int, metavar="N", help="print how often classes occur, seeds 0 to N - 1"
    )
    options = parser.parse_args()
    if options.count:
        sys.stdout.write(counts(options.count))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    rooms = rooms_sheet(range(options.first_seed, options.first_seed + 10))
    for name, image in (("rooms", rooms), ("furniture", furniture_sheet())):
        save(image, options.folder / f"{name}.png")


def counts(num_rooms: int) -> str:
    """A table: share of each plan's rooms with at least one object of a class, in percent."""
    rooms = [make_room(seed) for seed in range(num_rooms)]
    lines = ["| class | " + " | ".join(PLANS) + " |", "|---|" + "---:|" * len(PLANS)]
    for name in ROOM_CLASSES[2:]:
        shares = []
        for plan in PLANS:
            found = [any(p.label == name for p in room.pieces) for room in rooms if room.plan == plan]
            shares.append(f"{100 * np.mean(found):.0f}")
        lines.append(f"| {name} | " + " | ".join(shares) + " |")
    sizes = [np.mean([len(room.pieces) for room in rooms if room.plan == plan]) for plan in PLANS]
    lines.append("| objects in a room | " + " | ".join(f"{size:.1f}" for size in sizes) + " |")
    return "\n".join(lines) + "\n"


def rooms_sheet(seeds: Sequence[int]) -> Image.Image:
    """A row per room: from above in colour and in class colours, three views with theirs below."""
    blocks = [_room_row(seed) for seed in sorted(seeds, key=lambda seed: (seed % len(PLANS), seed))]
    rows = [beside(blocks[i : i + 2]) for i in range(0, len(blocks), 2)]
    return stacked([*rows, legend(rows[0].shape[1])])


def _room_row(seed: int) -> np.ndarray:
    room = make_room(seed)
    above = _from_above(room)
    walk = camera_walk(room, seed, 40)
    renderer, track = RoomRenderer(room), exposures(seed, 40)
    views = []
    for i in _best_views(renderer, walk):
        view = renderer.render(
            walk[i], intrinsics_from_fov(HW, 70.0), HW, np.random.default_rng([seed, 2, i]), exposure=track[i]
        )
        views.append(_with_classes(view))
    text = f"{room.plan}, seed {seed}"
    return titled(beside([_with_classes(above), *views]), text)


def _best_views(renderer: RoomRenderer, walk: np.ndarray, count: int = 4) -> list[int]:
    """Frames of the walk in which most objects are seen, far from each other in time."""
    small, score = (48, 64), []
    for pose in walk:
        view = renderer.render(pose, intrinsics_from_fov(small, 70.0), small, np.random.default_rng(0))
        ids, pixels = np.unique(view.instance, return_counts=True)
        large = (ids >= FIRST_PIECE) & (pixels > 25) & (pixels < 1200)
        score.append(np.sqrt(pixels[large]).sum())
    chosen: list[int] = []
    for i in np.argsort(score)[::-1]:
        if all(abs(int(i) - other) >= 6 for other in chosen):
            chosen.append(int(i))
    return sorted(chosen[:count])


def _from_above(room: Room) -> Render:
    """The room without its ceiling, seen from above at a slant."""
    x, y, _ = room.size_m
    open_room = _without(room, 5)
    far = 0.62 * max(x, y * 1.3) / np.tan(np.radians(20))
    eye = np.array([x / 2, y / 2 - 0.18 * far, far + 1.2])
    pose = look_at(eye, np.array([x / 2, y / 2 - 0.1, 0.6]))
    return RoomRenderer(open_room).render(pose, intrinsics_from_fov(HW, 44.0), HW, np.random.default_rng(0))


def _without(room: Room, instance: int) -> Room:
    keep = room.face_instance != instance
    return replace(
        room,
        faces=room.faces[keep],
        face_class=room.face_class[keep],
        face_instance=room.face_instance[keep],
        face_part=room.face_part[keep],
    )


def furniture_sheet() -> Image.Image:
    """Every design of every kind by itself, a row or more per class."""
    tiles = []
    for name, maker in MAKERS.items():
        seen: dict[str, Furniture] = {}
        for seed in range(60):
            piece = maker(np.random.default_rng(seed))
            seen.setdefault(piece.design, piece)
        tiles += [titled(_portrait(piece), f"{name}: {design}") for design, piece in seen.items()]
    width = 12
    rows = [beside(tiles[i : i + width]) for i in range(0, len(tiles), width)]
    blank = np.full((rows[0].shape[0], rows[0].shape[1], 3), 255, np.uint8)
    last = blank.copy()
    last[:, : rows[-1].shape[1]] = rows[-1]
    return stacked([*rows[:-1], last])


def _portrait(piece: Furniture) -> np.ndarray:
    """One piece before a grey wall."""
    hw = (120, 160)
    layout = Layout(np.random.default_rng(0), (6.0, 6.0, 3.2))
    lift = 1.2 if piece.label in {"picture", "window"} or piece.design in {"rail", "framed"} else 0.0
    layout.placed.append(Placed(piece, 0.0, np.array([3.0, 0.02, lift])))
    room = assembled(layout, PLANS[0], plain((0.75, 0.76, 0.78), "painted", 0.0))
    size = float(np.linalg.norm(piece.size_m))
    middle = np.array([3.0, piece.size_m[1] / 2, lift + piece.size_m[2] / 2])
    eye = middle + np.array([0.55, 1.0, 0.42]) * (0.35 + 1.05 * size)
    pose = look_at(eye, middle)
    return (
        RoomRenderer(room)
        .render(pose, intrinsics_from_fov(hw, 50.0), hw, np.random.default_rng(0), exposure=Exposure(0.9))
        .color
    )


def _with_classes(view: Render) -> np.ndarray:
    colors = np.array([*load_label_set("scannet20").colors, (60, 60, 60)], dtype=np.uint8)
    shown = np.where((view.instance < 0)[..., None], 255, view.color).astype(np.uint8)
    classes = np.where((view.instance < 0)[..., None], 255, colors[view.semantic]).astype(np.uint8)
    gap = np.full((GAP, view.color.shape[1], 3), 255, np.uint8)
    images = [
        np.asarray(Image.fromarray(image).resize(SHOWN, Image.Resampling.BOX)) for image in (shown, classes)
    ]
    return np.vstack([images[0], gap[:, : SHOWN[0]], images[1]])


if __name__ == "__main__":
    main()
