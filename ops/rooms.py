"""Procedural furnished rooms: a seed becomes triangles with class, object id and look.

What furniture looks like is the ``ops/furniture*.py`` modules' business, what a plan is furnished with
``ops/room_plans.py``'s, the camera's walk ``ops/room_walk.py``'s, rendering ``ops/raycast.py``'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from ops.colour_names import name_colours, oklab_from_rgb
from ops.finishes import Finish
from ops.room_layout import Layout, Placed, turn
from ops.room_plans import (
    add_ceiling_lamp,
    add_door,
    add_windows,
    furnish_bedroom,
    furnish_living_room,
    furnish_office,
)
from ops.room_shell import FIRST_PIECE, Lights, Shell, make_lights, make_shell
from ops.room_wet_plans import furnish_bathroom, furnish_kitchen
from ops.shapes import Part

GENERATOR_VERSION = 3
"""Raised whenever the same seed gives another room, walk or image; part of a scene's identity."""

ROOM_CLASSES = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture",
    "counter", "desk", "curtain", "refrigerator", "shower curtain", "toilet", "sink", "bathtub",
    "otherfurniture",
)  # fmt: skip
"""Class names in id order, ScanNet's twenty in the benchmark's order; the ceiling is unlabelled (-1)."""

PLANS = ("living room", "bedroom", "bathroom", "kitchen", "office")
"""Seed modulo 5 gives the plan, so that any five seeds in a row are all of them."""

Furnish = Callable[[Layout], None]
Span = tuple[float, float]

_FURNISH: Mapping[str, Furnish] = {
    "living room": furnish_living_room,
    "bedroom": furnish_bedroom,
    "bathroom": furnish_bathroom,
    "kitchen": furnish_kitchen,
    "office": furnish_office,
}
_SIZES: Mapping[str, tuple[Span, Span]] = {
    "living room": ((4.3, 6.0), (3.8, 5.2)),
    "bedroom": ((3.6, 5.2), (3.3, 4.5)),
    "bathroom": ((2.7, 3.8), (2.4, 3.3)),
    "kitchen": ((3.3, 4.8), (2.9, 4.1)),
    "office": ((3.5, 5.4), (3.2, 4.6)),
}
_CURTAINS: Mapping[str, float] = {
    "living room": 0.8,
    "bedroom": 0.85,
    "bathroom": 0.3,
    "kitchen": 0.4,
    "office": 0.5,
}
_L_SHAPED = 0.25


@dataclass(frozen=True)
class Piece:
    """What a person can say about one object.

    Attributes:
        label: its class, one of ``ROOM_CLASSES``.
        kind: what a person would call it: its class, or "lamp", "plant", "box", ... for other furniture.
        design: name of the shape's variant, unique within the kind.
        color_name: of its body, frame or case, not of a bed's blanket; one of ``COLOUR_NAMES``.
        material: "wood", "metal", "fabric", "ceramic", "glass", "plastic", "stone", "leather", "paper", ...
        size_word: "small", "large" or "".
        instance_id: as in ``Room.face_instance``.
        box: low and high corner of the axis-aligned box around it, metres.
        host_id: instance id of the piece it stands on, is let into or hangs from; -1 if none.
    """

    label: str
    kind: str
    design: str
    color_name: str
    material: str
    size_word: str
    instance_id: int
    box: Float[np.ndarray, "2 3"]
    host_id: int = -1


@dataclass(frozen=True)
class Room:
    """A furnished room; its floor is z = 0, its inside x in 0..size, y in 0..size, z in 0..height.

    Attributes:
        vertices: metres.
        faces: vertex ids.
        face_class: index into ``ROOM_CLASSES``, -1 unlabelled (the ceiling).
        face_instance: object id; 0 floor, 1-4 walls, 5 ceiling, 6 the missing corner, then furniture.
        face_part: index into ``finishes``.
        finishes: the look of each part.
        part_axis: direction along which each part is longest, in its object's frame (0 x, 1 y, 2 z).
        frames: per object id cosine and sine of its turn about z, and where its origin is, metres.
        lights: what lights the room.
        size_m: inner size along x, y, z.
        notch: box of the corner that an L-shaped room lacks.
        pieces: the pieces of furniture, in the order of their instance ids.
        plan: one of ``PLANS``.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "M 3"]
    face_class: Int[np.ndarray, "M"]
    face_instance: Int[np.ndarray, "M"]
    face_part: Int[np.ndarray, "M"]
    finishes: tuple[Finish, ...]
    part_axis: Int[np.ndarray, "P"]
    frames: Float[np.ndarray, "I 5"]
    lights: Lights
    size_m: tuple[float, float, float]
    notch: Float[np.ndarray, "2 3"] | None
    pieces: tuple[Piece, ...]
    plan: str


def make_room(seed: int) -> Room:
    """The room of a seed: the same seed gives the same room to the bit.

    No piece touches another, but for what stands on, is let into or hangs before another, and rugs.
    """
    plan = PLANS[seed % len(PLANS)]
    layout = _empty_layout(np.random.default_rng([seed, 0]), plan)
    add_door(layout)
    high = plan in {"bathroom", "kitchen"}
    add_windows(layout, _CURTAINS[plan], 1 if plan == "bathroom" else 2, 1.08 if high else 0.85)
    _FURNISH[plan](layout)
    add_ceiling_lamp(layout)
    return assembled(layout, plan)


def _empty_layout(rng: np.random.Generator, plan: str) -> Layout:
    (x0, x1), (y0, y1) = _SIZES[plan]
    x, y, z = float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)), float(rng.uniform(2.42, 2.75))
    if rng.random() < 0.5:
        x, y = y, x
    notch = None
    if plan != "bathroom" and min(x, y) > 3.3 and rng.random() < _L_SHAPED:
        low = np.array([x, y]) * (1 - rng.uniform(0.25, 0.38, 2))
        notch = np.array([[*low, -0.05], [x + 0.05, y + 0.05, z + 0.05]])
    return Layout(rng, (x, y, z), notch)


def assembled(layout: Layout, plan: str, wall: Finish | None = None) -> Room:
    """What was placed, in a room of its own; all its surfaces look like ``wall`` if that is given."""
    shell = make_shell(layout, plan)
    if wall is not None:
        shell = [(label, index, replace(part, finish=wall)) for label, index, part in shell]
    return _assemble(layout, shell, plan)


def _assemble(layout: Layout, shell: Shell, plan: str) -> Room:
    lights = make_lights(layout)
    entries = [(label, index, part) for label, index, part in shell]
    axes = [_longest(part) for _, _, part in shell]
    frames = [np.array([1.0, 0.0, 0.0, 0.0, 0.0])] * FIRST_PIECE
    for index, placed in enumerate(layout.placed, start=FIRST_PIECE):
        rotation = turn(placed.yaw_rad)
        frames.append(np.array([rotation[0, 0], rotation[1, 0], *placed.offset]))
        for part in placed.furniture.parts:
            moved = Part(part.vertices @ rotation.T + placed.offset, part.faces, part.finish)
            entries.append((placed.furniture.label, index, moved))
            axes.append(_longest(part))
    starts = np.cumsum([0, *(len(part.vertices) for _, _, part in entries)])
    sizes = [len(part.faces) for _, _, part in entries]
    class_id = {name: index for index, name in enumerate(ROOM_CLASSES)}
    return Room(
        vertices=np.vstack([part.vertices for _, _, part in entries]).astype(np.float32),
        faces=np.vstack([part.faces + start for (_, _, part), start in zip(entries, starts, strict=False)]),
        face_class=np.repeat([class_id.get(label, -1) for label, _, _ in entries], sizes).astype(np.int16),
        face_instance=np.repeat([index for _, index, _ in entries], sizes).astype(np.int32),
        face_part=np.repeat(np.arange(len(entries)), sizes).astype(np.int32),
        finishes=tuple(part.finish for _, _, part in entries),
        part_axis=np.array(axes, dtype=np.int8),
        frames=np.stack(frames).astype(np.float32),
        lights=lights,
        size_m=layout.size_m,
        notch=layout.notch,
        pieces=_pieces(layout.placed),
        plan=plan,
    )


def _longest(part: Part) -> int:
    return int(np.argmax(np.ptp(part.vertices, axis=0)))


def _pieces(placed: list[Placed]) -> tuple[Piece, ...]:
    colors = np.array([piece.furniture.main.color for piece in placed])
    names = name_colours(oklab_from_rgb(np.round(colors * 255).astype(np.uint8)))
    return tuple(
        Piece(
            label=piece.furniture.label,
            kind=piece.furniture.kind,
            design=piece.furniture.design,
            color_name=name,
            material=piece.furniture.main.material,
            size_word=piece.furniture.size_word,
            instance_id=index,
            box=piece.box(),
            host_id=piece.host + FIRST_PIECE if piece.host >= 0 else -1,
        )
        for index, (piece, name) in enumerate(zip(placed, names, strict=True), start=FIRST_PIECE)
    )
