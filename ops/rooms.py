"""Procedural furnished rooms: a seed becomes triangles with class, object id and colour, and a camera's walk.

What furniture looks like is ``ops/furniture.py``'s business, where it may stand
``ops/room_layout.py``'s, rendering ``ops/raycast.py``'s.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ops.cameras import look_at
from ops.furniture import MAKERS
from ops.furniture_base import WOODS, Furniture
from ops.room_layout import Layout, Placed, turn
from ops.shapes import MATERIALS, Color, Part, box

GENERATOR_VERSION = 1
"""Raised whenever the same seed gives another room, walk or image; part of a scene's identity."""

ROOM_CLASSES = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture",
    "desk", "curtain", "refrigerator",
)  # fmt: skip
"""Class names in id order, all of them ScanNet's; the ceiling is unlabelled (-1)."""

_WALL_COLORS: tuple[Color, ...] = (
    (0.88, 0.86, 0.80), (0.80, 0.84, 0.86), (0.86, 0.80, 0.72), (0.80, 0.85, 0.78), (0.90, 0.90, 0.90),
)  # fmt: skip
_TABLE_TRIES = 240


@dataclass(frozen=True)
class Room:
    """A furnished room; its floor is z = 0, its inside x in 0..size, y in 0..size, z in 0..height.

    Attributes:
        vertices: metres.
        faces: vertex ids.
        face_class: index into ``ROOM_CLASSES``, -1 unlabelled (the ceiling).
        face_instance: object id; 0 floor, 1-4 walls, 5 ceiling, then furniture.
        face_color: RGB, 0..1.
        face_material: index into ``ops.shapes.MATERIALS``.
        size_m: inner size along x, y, z.
        boxes: low and high corner of the box around each piece of furniture.
        labels: class name of each piece of furniture; piece i has instance id i + 6.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "M 3"]
    face_class: Int[np.ndarray, "M"]
    face_instance: Int[np.ndarray, "M"]
    face_color: Float[np.ndarray, "M 3"]
    face_material: Int[np.ndarray, "M"]
    size_m: tuple[float, float, float]
    boxes: Float[np.ndarray, "B 2 3"]
    labels: tuple[str, ...]


def make_room(seed: int) -> Room:
    """The room of a seed: the same seed gives the same room to the bit.

    Has a door, one or two windows, a table with chairs and a random choice of other furniture, at least a
    bed or a sofa. No piece touches another.
    """
    rng = np.random.default_rng([seed, 0])
    size_m = (float(rng.uniform(4.4, 6.2)), float(rng.uniform(4.2, 5.4)), float(rng.uniform(2.45, 2.75)))
    layout = Layout(rng, size_m)
    layout.add_at_wall(_make(rng, "door"), free_in_front_m=0.6)
    _add_windows(layout)
    _add_large(layout)
    _add_dining(layout)
    for _ in range(int(rng.integers(2, 4))):
        layout.add_at_wall(_make(rng, "picture"), height_m=float(rng.uniform(1.35, 1.6)))
    return _assemble(layout)


def camera_walk(room: Room, seed: int, num_frames: int) -> Float[np.ndarray, "F 4 4"]:
    """``world_from_cam`` (OpenCV axes) of somebody who walks a round through the room and looks across it.

    No camera is inside or right in front of a piece of furniture.
    """
    rng = np.random.default_rng([seed, 1])
    middle = np.array(room.size_m[:2]) / 2
    phase, turns = rng.uniform(0, 2 * np.pi, 4), rng.choice([-1.0, 1.0])
    poses = []
    for i in range(num_frames):
        angle = phase[0] + turns * 2 * np.pi * i / num_frames
        around = np.array([np.cos(angle), np.sin(angle)])
        share = 0.62 + 0.08 * np.sin(3 * angle + phase[1])
        height = 1.5 + 0.12 * np.sin(2 * angle + phase[2])
        eye = _free_eye(room, middle, around * share * middle, height)
        sway = 0.45 * np.sin(2 * angle + phase[3])
        aside = np.array([-around[1], around[0]]) * sway * middle.min()
        target = np.array([*(middle - 0.55 * around * middle + aside), 0.72 + 0.15 * np.cos(5 * angle)])
        poses.append(look_at(eye, target))
    return np.stack(poses)


def _free_eye(
    room: Room, middle: Float[np.ndarray, "2"], offset: Float[np.ndarray, "2"], height: float
) -> Float[np.ndarray, "3"]:
    keep_m = np.array([0.35, 0.35, 0.25])
    for share in np.linspace(1.0, 0.0, 11):
        eye = np.array([*(middle + share * offset), height])
        inside = (eye > room.boxes[:, 0] - keep_m).all(axis=1) & (eye < room.boxes[:, 1] + keep_m).all(axis=1)
        if not inside.any():
            return eye
    return np.array([*middle, room.size_m[2] - 0.3])


def _make(rng: np.random.Generator, label: str) -> Furniture:
    return MAKERS[label](rng)


def _add_windows(layout: Layout) -> None:
    rng = layout.rng
    for wall in rng.permutation(4)[: int(rng.integers(1, 3))]:
        piece = layout.add_at_wall(_make(rng, "window"), height_m=0.92, wall=int(wall))
        if piece is None or rng.random() < 0.25:
            continue
        curtain = _make(rng, "curtain")
        reach = piece.furniture.size_m[0] / 2 + curtain.size_m[0] / 2 + 0.05
        direction = turn(piece.yaw_rad) @ (1.0, 0.0, 0.0)
        for side in (-1, 1):
            offset = piece.offset + side * reach * direction
            offset[2] = 0.0
            layout.add(Placed(curtain, piece.yaw_rad, offset))


def _add_large(layout: Layout) -> None:
    rng = layout.rng
    wanted = ["bed", "sofa"] if rng.random() < 0.6 else [str(rng.choice(["bed", "sofa"]))]
    others = ["desk", "cabinet", "bookshelf", "refrigerator", "cabinet", "bookshelf"]
    wanted += [others[i] for i in rng.permutation(len(others))[: int(rng.integers(4, 7))]]
    for label in wanted:
        furniture = _make(rng, label)
        piece = layout.add_at_wall(furniture, free_in_front_m=0.75 if label == "desk" else 0.15)
        if piece is not None and label == "desk":
            chair = _make(rng, "chair")
            gap = furniture.size_m[1] + chair.size_m[1] + 0.08
            yaw = piece.yaw_rad + np.pi
            place = piece.offset + turn(piece.yaw_rad) @ (float(rng.uniform(-0.1, 0.1)), gap, 0.0)
            layout.add_in_front(Placed(chair, yaw, place))


def _add_dining(layout: Layout) -> None:
    rng, (length, width, _) = layout.rng, layout.size_m
    for attempt in range(_TABLE_TRIES):
        table = _make(rng, "table")
        spread = 0.25 + attempt / _TABLE_TRIES
        middle = np.array([length / 2, width / 2]) + rng.uniform(-spread, spread, 2) * (length, width) / 2
        yaw = float(rng.choice([0.0, np.pi / 2]))
        corner = middle - (turn(yaw) @ (0, table.size_m[1] / 2, 0))[:2]
        if layout.add(Placed(table, yaw, np.array([*corner, 0.0]))):
            _add_chairs(layout, table, yaw, middle)
            return


def _add_chairs(layout: Layout, table: Furniture, yaw: float, middle: Float[np.ndarray, "2"]) -> None:
    rng = layout.rng
    label_rng = int(rng.integers(2**31))
    for side in rng.permutation(4)[: int(rng.integers(2, 5))]:
        chair = _make(np.random.default_rng(label_rng), "chair")  # chairs of one table are alike
        half = table.size_m[1 - int(side) % 2] / 2
        outward = yaw + side * np.pi / 2
        reach = half + chair.size_m[1] + float(rng.uniform(0.06, 0.2))
        place = middle + (turn(outward) @ (0, reach, 0))[:2]
        turned = outward + np.pi + float(rng.uniform(-0.2, 0.2))
        layout.add(Placed(chair, turned, np.array([*place, 0.0])))


def _shell(rng: np.random.Generator, size_m: tuple[float, float, float]) -> list[tuple[str, Part]]:
    (x, y, z), thick = size_m, 0.1
    wall = _WALL_COLORS[rng.integers(len(_WALL_COLORS))]
    floor = WOODS[rng.integers(len(WOODS))] if rng.random() < 0.65 else (0.58, 0.57, 0.55)
    return [
        ("floor", box((0, 0, -thick), (x, y, 0), floor, "planks")),
        ("wall", box((-thick, -thick, -thick), (x + thick, 0, z), wall)),
        ("wall", box((-thick, 0, -thick), (0, y, z), wall)),
        ("wall", box((-thick, y, -thick), (x + thick, y + thick, z), wall)),
        ("wall", box((x, 0, -thick), (x + thick, y, z), wall)),
        ("ceiling", box((-thick, -thick, z), (x + thick, y + thick, z + thick), (0.93, 0.93, 0.92))),
    ]


def _assemble(layout: Layout) -> Room:
    pieces = [(label, part, index) for index, (label, part) in enumerate(_shell(layout.rng, layout.size_m))]
    for index, placed in enumerate(layout.placed, start=len(pieces)):
        rotation = turn(placed.yaw_rad)
        for part in placed.furniture.parts:
            moved = Part(part.vertices @ rotation.T + placed.offset, part.faces, part.color, part.material)
            pieces.append((placed.furniture.label, moved, index))
    starts = np.cumsum([0, *(len(part.vertices) for _, part, _ in pieces)])
    sizes = [len(part.faces) for _, part, _ in pieces]
    class_id = {name: index for index, name in enumerate(ROOM_CLASSES)}
    return Room(
        vertices=np.vstack([part.vertices for _, part, _ in pieces]).astype(np.float32),
        faces=np.vstack([part.faces + start for (_, part, _), start in zip(pieces, starts, strict=False)]),
        face_class=np.repeat([class_id.get(label, -1) for label, _, _ in pieces], sizes).astype(np.int16),
        face_instance=np.repeat([index for _, _, index in pieces], sizes).astype(np.int32),
        face_color=np.repeat([part.color for _, part, _ in pieces], sizes, axis=0).astype(np.float32),
        face_material=np.repeat([MATERIALS.index(part.material) for _, part, _ in pieces], sizes).astype(
            np.int8
        ),
        size_m=layout.size_m,
        boxes=np.stack([placed.box() for placed in layout.placed]),
        labels=tuple(placed.furniture.label for placed in layout.placed),
    )
