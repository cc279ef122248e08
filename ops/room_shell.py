"""What a room is before it is furnished: floor, walls with skirting, ceiling, and its lights.

Furniture is ``ops/room_plans.py``'s business, light falling on surfaces ``ops/raycast.py``'s.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ops.finishes import Finish, fabric, painted, plain, shade, stone, wood
from ops.room_layout import Layout, turn
from ops.shapes import Part, box

FIRST_PIECE = 7
"""Instance id of the first piece: 0 floor, 1-4 walls, 5 ceiling, 6 the corner an L-shaped room lacks."""

MAX_LIGHTS = 3
_THICK_M = 0.1
_PALE = ("white", "white", "beige", "white", "grey")

Shell = list[tuple[str, int, Part]]
"""Class name, instance id and surface."""


@dataclass(frozen=True)
class Lights:
    """Lights of a room, the strongest first.

    Attributes:
        position: metres.
        color: strength of red, green and blue at a metre.
        normal: the way a window looks into the room; zero for lamps, which shine everywhere.
        radius_m: how large the light is, for soft shadows.
        ambient: light that comes from everywhere.
    """

    position: Float[np.ndarray, "L 3"]
    color: Float[np.ndarray, "L 3"]
    normal: Float[np.ndarray, "L 3"]
    radius_m: Float[np.ndarray, "L"]
    ambient: Float[np.ndarray, "3"]


def make_shell(layout: Layout, plan: str) -> Shell:
    """Floor, four walls, ceiling, the missing corner if there is one, and skirting."""
    rng, (x, y, z), t = layout.rng, layout.size_m, _THICK_M
    wet = plan in {"bathroom", "kitchen"}
    wall, floor = _wall_finish(rng, wet), _floor_finish(rng, plan)
    accent = painted(rng) if rng.random() < 0.2 else wall
    ceiling = plain(shade(rng, ("white",)), "painted", 0.0)
    shell: Shell = [
        ("floor", 0, box((0, 0, -t), (x, y, 0), floor)),
        ("wall", 1, box((-t, -t, -t), (x + t, 0, z), wall)),
        ("wall", 2, box((-t, 0, -t), (0, y, z), accent)),
        ("wall", 3, box((-t, y, -t), (x + t, y + t, z), wall)),
        ("wall", 4, box((x, 0, -t), (x + t, y, z), wall)),
        ("ceiling", 5, box((-t, -t, z), (x + t, y + t, z + t), ceiling)),
    ]
    if layout.notch is not None:
        low, high = layout.notch
        shell.append(("wall", 6, box(tuple(low), tuple(high), wall)))
    if rng.random() < 0.8 and wall.pattern != "tiles":
        shell += _skirting(
            layout, painted(rng, ("white", "white", "beige", "grey")) if rng.random() < 0.7 else wood(rng)
        )
    return shell


def _skirting(layout: Layout, finish: Finish) -> Shell:
    tall, ids = float(layout.rng.uniform(0.06, 0.12)), (1, 2, 3, 4, 6, 6)
    strips: Shell = []
    for wall, number in zip(layout.walls, ids, strict=False):
        rotation = turn(wall.yaw_rad)
        strip = box((0, 0, 0), (wall.length_m, 0.012, tall), finish)
        moved = Part(strip.vertices @ rotation.T + (*wall.start, 0.0), strip.faces, finish)
        strips.append(("wall", number, moved))
    return strips


def _wall_finish(rng: np.random.Generator, wet: bool) -> Finish:
    draw = rng.random()
    if wet and draw < 0.5:
        color = shade(rng, ("white", "white", "beige", "grey", "blue", "green", "turquoise", "pink", "black"))
        grout = shade(rng, ("white", "grey", "beige"))
        return Finish("ceramic", color, grout, "tiles", float(rng.choice([0.1, 0.15, 0.2, 0.3])), 0.35)
    if draw < 0.08:
        return Finish("stone", (0.58, 0.30, 0.22), (0.75, 0.72, 0.68), "bricks", 0.2, 0.0)
    if draw < 0.3:
        paper = fabric(rng, ("white", "beige", "grey", "blue", "green", "pink", "yellow"))
        return replace(paper, material="paper", scale_m=max(paper.scale_m, 0.1) * 2, second=shade(rng, _PALE))
    return painted(rng, (*_PALE, *_PALE, "blue", "green", "yellow", "pink", "turquoise", "orange"))


def _floor_finish(rng: np.random.Generator, plan: str) -> Finish:
    draw = rng.random()
    if draw < (0.65 if plan == "bathroom" else 0.4 if plan == "kitchen" else 0.08):
        color, grout = (
            shade(rng, ("white", "grey", "beige", "brown", "black", "blue")),
            shade(rng, ("grey", "white")),
        )
        return Finish("ceramic", color, grout, "tiles", float(rng.choice([0.2, 0.3, 0.45])), 0.3)
    if draw < 0.75 or plan in {"bathroom", "kitchen"}:
        if plan == "bathroom" and rng.random() < 0.3:
            return stone(rng)
        return replace(wood(rng), pattern="planks", scale_m=float(rng.uniform(0.09, 0.2)))
    color = shade(rng, ("grey", "beige", "brown", "blue", "green", "red", "grey", "purple"))
    return Finish("carpet", color, shade(rng, ("grey", "beige")), "carpet", 0.03, 0.0)


def make_lights(layout: Layout) -> Lights:
    """A ceiling lamp, windows and standing lamps; at least one of them is on."""
    rng = layout.rng
    found: list[tuple[float, np.ndarray, np.ndarray, np.ndarray, float]] = []
    day = rng.random() < 0.75
    for placed in layout.placed:
        piece = placed.furniture
        if piece.label == "window" and day:
            width, _, height = piece.size_m
            strength = float(rng.uniform(1.4, 2.6)) * width * height
            color = strength * np.array([0.92, 1.0, 1.12])
            into = turn(placed.yaw_rad) @ (0, 1, 0)
            found.append((strength, placed.at(0, 0.3, height / 2), color, into, 0.35 * width))
        elif piece.light is not None:
            x, y, z, strength = piece.light
            ceiling = piece.design in {"bowl", "pendant"} and placed.offset[2] > 1.5
            strength *= float(rng.uniform(1.6, 2.6)) if not ceiling or not day or rng.random() < 0.6 else 0.0
            color = strength * np.array([1.08, 1.0, 0.82 if rng.random() < 0.7 else 1.0])
            found.append((strength, placed.at(x, y, z), color, np.zeros(3), 0.08))
    kept = sorted((light for light in found if light[0] > 0), key=lambda light: -light[0])[:MAX_LIGHTS]
    if not kept:
        middle = np.array([*(np.array(layout.size_m[:2]) / 2), layout.size_m[2] - 0.4])
        kept = [(2.0, middle, np.array([2.1, 2.0, 1.8]), np.zeros(3), 0.08)]
    ambient = sum(light[2] for light in kept) * float(rng.uniform(0.13, 0.22))
    return Lights(
        position=np.stack([light[1] for light in kept]).astype(np.float32),
        color=np.stack([light[2] for light in kept]).astype(np.float32),
        normal=np.stack([light[3] for light in kept]).astype(np.float32),
        radius_m=np.array([light[4] for light in kept], dtype=np.float32),
        ambient=np.asarray(ambient, dtype=np.float32),
    )
