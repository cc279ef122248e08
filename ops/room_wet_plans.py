"""How bathrooms and kitchens are furnished: pieces that are built into and onto each other.

The other plans are ``ops/room_plans.py``'s, where a piece may stand ``ops/room_layout.py``'s.
"""

from ops.finishes import Finish, wood_or_paint
from ops.furniture_base import Furniture
from ops.furniture_bathroom import make_shower_curtain
from ops.furniture_clutter import make_rug
from ops.furniture_kitchen import (
    BASE_HEIGHT_M,
    counter_finish,
    make_base_cabinet,
    make_counter_top,
    make_wall_cabinet,
)
from ops.furniture_sinks import make_bowl_sink, make_inset_sink
from ops.room_layout import Layout, Placed, Wall
from ops.room_plans import add_clutter, add_dining, add_floor_things, add_wall_things, make

_CORNER_M = 0.68


def furnish_bathroom(layout: Layout) -> None:
    """A bathtub or a shower with its curtain, a toilet, a sink on a foot or in a cabinet."""
    rng = layout.rng
    tub = rng.random() < 0.78
    if tub:
        number = layout.add_at_wall(make(layout, "bathtub"), free_in_front_m=0.35)
        if number >= 0 and rng.random() < 0.5:
            _curtain_before(layout, number)
    if not tub or rng.random() < 0.25:
        number = layout.add_at_wall(make(layout, "shower"), free_in_front_m=0.3)
        if number >= 0 and rng.random() < 0.85:
            _curtain_before(layout, number)
    layout.add_at_wall(make(layout, "toilet"), free_in_front_m=0.4)
    if rng.random() < 0.4 or not _vanity(layout):
        layout.add_at_wall(make(layout, "bathroom sink"), free_in_front_m=0.3)
    if rng.random() < 0.5:
        layout.add_at_wall(make(layout, "cabinet"), free_in_front_m=0.2)
    if rng.random() < 0.8:
        layout.add_free(_mat(layout), spread=0.7)
    walls = ["towel", "mirror", "picture", "towel", "clock"]
    keep = rng.random(5) < (0.8, 0.7, 0.4, 0.4, 0.1)
    add_wall_things(layout, [name for name, kept in zip(walls, keep, strict=True) if kept], 1.05, 1.35)
    add_floor_things(layout, ("trash can", "basket", "plant", "stool", "trash can"), int(rng.integers(1, 4)))
    add_clutter(layout, ("bottles", "small plant", "small box", "vase"), 0.8)


def _mat(layout: Layout) -> Furniture:
    return make_rug(layout.rng, large=False)


def _curtain_before(layout: Layout, number: int) -> None:
    """A curtain before a bathtub or a shower, as wide as it."""
    host = layout.placed[number]
    piece = make_shower_curtain(layout.rng, host.furniture.size_m[0])
    front = host.furniture.size_m[1] - 0.02
    height = min(1.95, layout.size_m[2] - 0.05) - piece.size_m[2] + 0.08
    layout.add(Placed(piece, host.yaw_rad, host.at(0.0, front, max(0.04, height)), number))


def _vanity(layout: Layout) -> bool:
    """A cabinet with a top of its own and a sink let into it or standing on it; whether there was room."""
    rng = layout.rng
    width = float(rng.uniform(0.7, 1.25))
    front, top = wood_or_paint(rng), counter_finish(rng)
    for _ in range(16):
        wall = layout.walls[int(rng.integers(len(layout.walls)))]
        margin = width / 2 + 0.04
        if wall.length_m < 2 * margin:
            continue
        along = float(rng.uniform(margin, wall.length_m - margin))
        if _unit(layout, wall, (along, width), (front, top), sink=True) >= 0:
            return True
    return False


def _unit(
    layout: Layout, wall: Wall, span: tuple[float, float], looks: tuple[Finish, Finish], *, sink: bool
) -> int:
    """A base cabinet, a counter on it, perhaps a sink in that; the cabinet's number, -1 without room."""
    rng, (along, width) = layout.rng, span
    base = make_base_cabinet(rng, width, looks[0])
    if not layout.add(wall.against(base, along), free_in_front_m=0.4):
        return -1
    cabinet = len(layout.placed) - 1
    bowl = sink and rng.random() < 0.25
    place = float(rng.uniform(-1, 1)) * max(0.0, width / 2 - 0.42)
    host, hole = layout.placed[cabinet], place if sink and not bowl else None
    for splash in (True, False):  # a window may be in the way of a splash back
        counter = make_counter_top(rng, width + 0.01, looks[1], hole, splash=splash)
        if layout.add(Placed(counter, host.yaw_rad, host.at(0, 0, BASE_HEIGHT_M), cabinet)):
            break
    else:
        layout.undo()
        return -1
    number = len(layout.placed) - 1
    if bowl:
        layout.add_on(number, make_bowl_sink(rng))
    for (x0, y0, x1, y1), z in counter.holes:
        basin = make_inset_sink(rng, x1 - x0, y1 - y0)
        rim = _rim(basin)
        middle = layout.placed[number].at((x0 + x1) / 2, (y0 + y1) / 2 - rim[1], z - rim[2])
        layout.add_into(number, Placed(basin, host.yaw_rad, middle))
    return cabinet


def _rim(basin: Furniture) -> tuple[float, float, float]:
    """The middle of an inset sink's rim in the sink's frame; the basin is its first part."""
    vertices = basin.parts[0].vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return 0.0, float(low[1] + high[1]) / 2, float(high[2]) - 0.008


def furnish_kitchen(layout: Layout) -> None:
    """Runs of cabinets under counters with a sink and a stove, wall cabinets, a refrigerator, a table."""
    rng = layout.rng
    looks = (wood_or_paint(rng), counter_finish(rng))
    walls = sorted(layout.walls, key=lambda wall: -wall.length_m * float(rng.uniform(0.7, 1)))
    used = next((i for i, wall in enumerate(walls * 3) if _run(layout, wall, looks, sink=True)), None)
    if used is not None and rng.random() < 0.55:
        _run(layout, walls[(used + 1) % len(walls)], looks, sink=False)
    layout.add_at_wall(make(layout, "refrigerator"), free_in_front_m=0.5)
    if rng.random() < 0.3:
        layout.add_free(make(layout, "bar counter"), spread=0.5)
    elif rng.random() < 0.75:
        add_dining(layout, "small table" if rng.random() < 0.5 else "table", (2, 5))
    wanted = ["cabinet", "bookshelf", "chair"]
    for name, chance in zip(wanted, (0.25, 0.12, 0.25), strict=True):
        if rng.random() < chance:
            layout.add_at_wall(make(layout, name), free_in_front_m=0.3)
    for number in range(len(layout.placed)):
        if layout.placed[number].furniture.label == "counter" and rng.random() < 0.4:
            layout.add_on(number, make(layout, "microwave"))
    add_wall_things(layout, ["picture"] * int(rng.integers(0, 3)) + ["clock"] * int(rng.random() < 0.5))
    add_floor_things(layout, ("trash can", "stool", "box", "bag", "plant"), int(rng.integers(1, 4)))
    things = ("bottles", "bowl", "pot", "pot", "microwave", "small box", "small plant", "books", "vase")
    add_clutter(layout, things, 0.95, 4)


def _run(layout: Layout, wall: Wall, looks: tuple[Finish, Finish], *, sink: bool) -> bool:
    """Cabinets, a stove and wall cabinets along a wall; whether the widest unit found its place."""
    rng = layout.rng
    free = wall.length_m - _CORNER_M - 0.05
    if free < 0.8:
        return False
    width = float(min(rng.uniform(1.2, 3.0), free))
    start = _CORNER_M + float(rng.uniform(0, free - width))
    stove = rng.random() < 0.75 and width > 1.7
    spans = [(start, width)]
    if stove:
        left = float(rng.uniform(0.5, 0.65)) * (width - 0.66)
        spans = [(start, left), (start + left + 0.66, width - left - 0.66)]
    for number, (begin, span) in enumerate(spans):
        middle = begin + span / 2
        if span < 0.4:
            continue
        if _unit(layout, wall, (middle, span - 0.035), looks, sink=sink and number == 0 and span > 0.75) < 0:
            if number == 0:
                return False
            continue
        if rng.random() < 0.75:
            piece = make_wall_cabinet(rng, span - 0.035, looks[0])
            layout.add(wall.against(piece, middle, float(rng.uniform(1.42, 1.5))))
    if stove:
        layout.add(wall.against(make(layout, "stove"), start + spans[0][1] + 0.33), free_in_front_m=0.4)
    return True
