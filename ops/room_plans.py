"""What each plan of a room is furnished with, and how things belong together.

Where a piece may stand is ``ops/room_layout.py``'s business; bathrooms and kitchens, whose pieces are built
in, are ``ops/room_wet_plans.py``'s.
"""

from collections.abc import Sequence

import numpy as np

from ops.furniture import MAKERS
from ops.furniture_base import Furniture
from ops.furniture_seats import make_chair_of
from ops.furniture_walls import make_curtain
from ops.room_layout import Layout, Placed, turn

SMALL_THINGS = ("books", "vase", "small plant", "small box", "bowl", "bottles", "table lamp", "bag", "box")


def make(layout: Layout, name: str) -> Furniture:
    """A new piece by its name in ``MAKERS``."""
    return MAKERS[name](layout.rng)


def add_door(layout: Layout) -> None:
    """A door with free space before it."""
    layout.add_at_wall(make(layout, "door"), free_in_front_m=0.6)


def add_windows(layout: Layout, curtain: float, most: int = 2, sill_m: float = 0.85) -> None:
    """One or more windows, each on a wall of its own, with curtains or a radiator below at random."""
    rng = layout.rng
    for wall in rng.permutation(len(layout.walls))[: int(rng.integers(1, most + 1))]:
        number = layout.add_at_wall(
            make(layout, "window"),
            height_m=sill_m + float(rng.uniform(0.0, 0.15)),
            wall=int(wall),
            from_corner_m=0.28,
        )
        if number < 0:
            continue
        window = layout.placed[number]
        if rng.random() < curtain:
            piece = make_curtain(rng, window.furniture.size_m[0])
            offset = window.at(0.0, 0.0)
            offset[2] = max(0.02, 2.25 - piece.size_m[2])  # short ones hang from the same height
            forward = turn(window.yaw_rad) @ (0.0, 0.13, 0.0)
            layout.add(Placed(piece, window.yaw_rad, offset + forward, number))
        elif rng.random() < 0.4:
            piece = make(layout, "radiator")
            offset = window.at(0.0, 0.0)
            offset[2] = 0.0
            layout.add(Placed(piece, window.yaw_rad, offset))


def add_ceiling_lamp(layout: Layout) -> None:
    """A lamp near the middle of the ceiling."""
    piece = make(layout, "ceiling lamp")
    middle = np.array(layout.size_m[:2]) / 2 * layout.rng.uniform(0.85, 1.15, 2)
    layout.add(
        Placed(
            piece,
            0.0,
            np.array([*middle - (0, piece.size_m[1] / 2), layout.size_m[2] - piece.size_m[2] - 1e-3]),
        )
    )


def add_wall_things(layout: Layout, names: Sequence[str], low: float = 1.2, high: float = 1.5) -> None:
    """Things that hang on walls."""
    for name in names:
        layout.add_at_wall(make(layout, name), height_m=float(layout.rng.uniform(low, high)))


def add_at_walls(layout: Layout, names: Sequence[str], free_in_front_m: float = 0.3) -> list[int]:
    """Large things with their backs to walls; the numbers of those for which there was room."""
    numbers = [layout.add_at_wall(make(layout, name), free_in_front_m=free_in_front_m) for name in names]
    return [number for number in numbers if number >= 0]


def add_clutter(layout: Layout, names: Sequence[str], share: float = 0.6, most: int = 3) -> None:
    """Small things on tops, each top with the given probability."""
    rng = layout.rng
    for host in range(len(layout.placed)):
        if layout.placed[host].furniture.tops and rng.random() < share:
            for _ in range(int(rng.integers(1, most + 1))):
                layout.add_on(host, make(layout, names[int(rng.integers(len(names)))]), turned=True)


def add_floor_things(layout: Layout, names: Sequence[str], count: int) -> None:
    """Things on the floor, along the walls more often than not."""
    rng = layout.rng
    for name in (names[int(i)] for i in rng.integers(len(names), size=count)):
        piece = make(layout, name)
        if rng.random() < 0.75:
            layout.add_at_wall(piece)
        else:
            layout.add_free(piece)


def add_dining(layout: Layout, table: str, chairs: tuple[int, int]) -> None:
    """A table near the middle with chairs alike around it."""
    rng = layout.rng
    number = layout.add_free(make(layout, table), spread=0.55)
    if number < 0:
        return
    placed = layout.placed[number]
    width, depth, _ = placed.furniture.size_m
    middle, seed = placed.at(0, depth / 2), int(rng.integers(2**31))
    for side in rng.permutation(4)[: int(rng.integers(*chairs))]:
        chair = MAKERS["chair"](np.random.default_rng(seed))
        outward = placed.yaw_rad + side * np.pi / 2
        reach = (depth, width)[side % 2] / 2 + chair.size_m[1] + float(rng.uniform(0.05, 0.2))
        offset = middle + turn(outward) @ (0, reach, 0)
        offset[2] = 0.0
        layout.add(Placed(chair, outward + np.pi + float(rng.uniform(-0.15, 0.15)), offset))


def furnish_living_room(layout: Layout) -> None:
    """Sofas around a low table, a television on a sideboard, shelves, lamps; perhaps a dining table."""
    rng = layout.rng
    sofa = layout.add_at_wall(make(layout, "sofa"), free_in_front_m=1.0)
    if sofa >= 0:
        depth = float(rng.uniform(0.3, 0.4))
        table = layout.add_in_front(sofa, make(layout, "coffee table"), depth, facing=False)
        if table >= 0 and rng.random() < 0.7:
            rug = make(layout, "rug")
            layout.add(Placed(rug, layout.placed[sofa].yaw_rad, layout.placed[table].at(0, -0.35)))
        for side in (-1, 1):
            name = ("side table", "floor lamp", "plant", "armchair")[int(rng.integers(4))]
            layout.add_beside(sofa, make(layout, name), side)
    for number in add_at_walls(layout, ["sideboard"] if rng.random() < 0.8 else []):
        if rng.random() < 0.75:
            layout.add_on(number, make(layout, "television"))
    wanted = ["bookshelf", "sofa", "armchair", "cabinet", "bookshelf", "desk"]
    keep = rng.random(len(wanted)) < (0.75, 0.35, 0.6, 0.5, 0.3, 0.1)
    add_at_walls(layout, [name for name, kept in zip(wanted, keep, strict=True) if kept])
    if rng.random() < 0.5:
        add_dining(layout, "table" if rng.random() < 0.6 else "small table", (2, 5))
    add_wall_things(
        layout, ["picture"] * int(rng.integers(2, 5)) + ["clock", "mirror"][: int(rng.integers(3))]
    )
    add_floor_things(
        layout, ("plant", "floor lamp", "stool", "bag", "box", "basket"), int(rng.integers(2, 5))
    )
    add_clutter(layout, SMALL_THINGS, 0.8)


def furnish_bedroom(layout: Layout) -> None:
    """One or two beds between nightstands, a wardrobe, a chest, perhaps a desk and a television."""
    rng = layout.rng
    bed = _add_bed(layout)
    if bed >= 0 and layout.placed[bed].furniture.size_m[0] < 1.25 and rng.random() < 0.5:
        layout.add_at_wall(make(layout, "bed"), free_in_front_m=0.3)
    if rng.random() < 0.8:
        add_at_walls(layout, ["wardrobe"], 0.5)
    if rng.random() < 0.6:
        add_workplace(layout)
    if rng.random() < 0.25:
        for number in add_at_walls(layout, ["sideboard"]):
            layout.add_on(number, make(layout, "television"))
    wanted = ["cabinet", "chair", "bookshelf", "armchair"]
    keep = rng.random(4) < (0.6, 0.4, 0.35, 0.25)
    add_at_walls(layout, [name for name, kept in zip(wanted, keep, strict=True) if kept])
    add_wall_things(layout, ["picture"] * int(rng.integers(1, 4)) + ["mirror"] * int(rng.integers(2)))
    things = ("plant", "bag", "basket", "box", "floor lamp", "stool")
    add_floor_things(layout, things, int(rng.integers(2, 5)))
    add_clutter(layout, SMALL_THINGS, 0.6)


def _add_bed(layout: Layout) -> int:
    """A bed with nightstands alike and a rug; its number, -1 if there is no room."""
    rng = layout.rng
    bed = layout.add_at_wall(make(layout, "bed"), free_in_front_m=0.4)
    if bed < 0:
        return bed
    stand = int(rng.integers(2**31))
    for side in (-1, 1):
        if rng.random() < 0.75:
            number = layout.add_beside(bed, MAKERS["nightstand"](np.random.default_rng(stand)), side)
            if number >= 0 and rng.random() < 0.6:
                layout.add_on(number, make(layout, "table lamp"))
    if rng.random() < 0.5:
        layout.add(Placed(make(layout, "rug"), layout.placed[bed].yaw_rad, layout.placed[bed].at(0, 1.1)))
    return bed


def add_workplace(layout: Layout) -> None:
    """A desk with a chair before it, a screen and papers on it."""
    rng = layout.rng
    piece = make(layout, "desk")
    desk = layout.add_at_wall(piece, free_in_front_m=0.8)
    if desk < 0:
        return
    chair = (
        make(layout, "office chair")
        if rng.random() < 0.7
        else make_chair_of(rng, "panel" if rng.random() < 0.5 else "slat")
    )
    x = float(rng.uniform(-0.15, 0.15))
    behind = -0.32 if piece.design == "corner" else float(rng.uniform(0.05, 0.2))
    if layout.add_in_front(desk, chair, behind, facing=True, x=x) < 0:
        layout.add_in_front(desk, chair, 0.1, facing=True)
    for name in ("monitor", "monitor", "books", "table lamp", "books", "small plant")[
        : int(rng.integers(1, 6))
    ]:
        layout.add_on(desk, make(layout, name))


def furnish_office(layout: Layout) -> None:
    """Desks with chairs, shelves, filing cabinets, a whiteboard; perhaps a meeting table or a sofa."""
    rng = layout.rng
    for _ in range(int(rng.integers(1, 4))):
        add_workplace(layout)
    if rng.random() < 0.4:
        for number in add_at_walls(layout, ["cabinet"]):
            layout.add_on(number, make(layout, "printer"))
    wanted = ["bookshelf", "filing cabinet", "cabinet", "bookshelf", "sofa", "filing cabinet"]
    keep = rng.random(6) < (0.8, 0.6, 0.4, 0.4, 0.2, 0.3)
    add_at_walls(layout, [name for name, kept in zip(wanted, keep, strict=True) if kept])
    if rng.random() < 0.35:
        add_dining(layout, "table", (2, 5))
    walls = (
        ["picture"] * int(rng.integers(1, 3))
        + ["whiteboard"] * int(rng.random() < 0.6)
        + ["clock"] * int(rng.random() < 0.5)
    )
    add_wall_things(layout, walls, 1.0, 1.3)
    things = ("trash can", "trash can", "plant", "box", "bag", "floor lamp", "stool")
    add_floor_things(layout, things, int(rng.integers(2, 6)))
    add_clutter(layout, ("books", "small plant", "small box", "printer", "box", "table lamp", "bottles"), 0.7)
