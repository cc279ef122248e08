"""The table of all furniture: each kind's maker by name, and sample arguments for those that need a size.

What each looks like is in the ``furniture_*.py`` modules; which pieces a room gets is ``room_plans.py``'s
business.
"""

from collections.abc import Mapping

import numpy as np

from ops.finishes import wood_or_paint
from ops.furniture_base import Furniture, Maker
from ops.furniture_bathroom import make_bathtub, make_shower_curtain, make_shower_tray, make_toilet
from ops.furniture_beds import make_bed
from ops.furniture_clutter import (
    make_bag,
    make_box,
    make_laundry_basket,
    make_radiator,
    make_rug,
    make_stool,
    make_trash_can,
)
from ops.furniture_desks import make_desk
from ops.furniture_hanging import make_clock, make_mirror, make_towel, make_whiteboard
from ops.furniture_kitchen import (
    counter_finish,
    make_bar_counter,
    make_base_cabinet,
    make_counter_top,
    make_microwave,
    make_pot,
    make_refrigerator,
    make_stove,
    make_wall_cabinet,
)
from ops.furniture_lamps import make_ceiling_lamp, make_floor_lamp, make_table_lamp
from ops.furniture_plants import make_plant
from ops.furniture_seats import make_chair, make_chair_of, make_office_chair
from ops.furniture_sinks import make_bathroom_sink, make_bowl_sink, make_inset_sink
from ops.furniture_small import (
    make_books,
    make_bottles,
    make_bowl,
    make_monitor,
    make_printer,
    make_small_box,
    make_small_plant,
    make_television,
    make_vase,
)
from ops.furniture_sofas import make_sofa
from ops.furniture_storage import (
    make_bookshelf,
    make_cabinet,
    make_filing_cabinet,
    make_nightstand,
    make_sideboard,
    make_wardrobe,
)
from ops.furniture_tables import make_coffee_table, make_side_table, make_small_table, make_table
from ops.furniture_walls import make_curtain, make_door, make_picture, make_window


def _base_cabinet(rng: np.random.Generator) -> Furniture:
    return make_base_cabinet(rng, float(rng.uniform(0.5, 2.4)), wood_or_paint(rng))


def _wall_cabinet(rng: np.random.Generator) -> Furniture:
    return make_wall_cabinet(rng, float(rng.uniform(0.5, 1.8)), wood_or_paint(rng))


def _counter_top(rng: np.random.Generator) -> Furniture:
    return make_counter_top(rng, float(rng.uniform(0.9, 2.4)), counter_finish(rng), 0.0)


def _inset_sink(rng: np.random.Generator) -> Furniture:
    return make_inset_sink(rng, float(rng.uniform(0.42, 0.6)), 0.38)


def _curtain(rng: np.random.Generator) -> Furniture:
    return make_curtain(rng, float(rng.uniform(0.8, 1.6)))


def _shower_curtain(rng: np.random.Generator) -> Furniture:
    return make_shower_curtain(rng, float(rng.uniform(0.8, 1.7)))


def _armchair(rng: np.random.Generator) -> Furniture:
    return make_chair_of(rng, "armchair")


MAKERS: Mapping[str, Maker] = {
    "bed": make_bed, "chair": make_chair, "office chair": make_office_chair, "armchair": _armchair,
    "sofa": make_sofa, "table": make_table, "small table": make_small_table,
    "coffee table": make_coffee_table, "side table": make_side_table, "desk": make_desk,
    "cabinet": make_cabinet, "wardrobe": make_wardrobe, "nightstand": make_nightstand,
    "sideboard": make_sideboard, "filing cabinet": make_filing_cabinet, "bookshelf": make_bookshelf,
    "base cabinet": _base_cabinet, "wall cabinet": _wall_cabinet, "counter top": _counter_top,
    "bar counter": make_bar_counter, "refrigerator": make_refrigerator, "stove": make_stove,
    "toilet": make_toilet, "bathtub": make_bathtub, "bathroom sink": make_bathroom_sink,
    "inset sink": _inset_sink, "bowl sink": make_bowl_sink, "shower curtain": _shower_curtain,
    "shower": make_shower_tray, "picture": make_picture, "door": make_door, "window": make_window,
    "curtain": _curtain, "mirror": make_mirror, "whiteboard": make_whiteboard, "clock": make_clock,
    "towel": make_towel, "ceiling lamp": make_ceiling_lamp, "floor lamp": make_floor_lamp,
    "table lamp": make_table_lamp, "plant": make_plant, "box": make_box, "bag": make_bag,
    "trash can": make_trash_can, "rug": make_rug, "stool": make_stool,
    "basket": make_laundry_basket, "radiator": make_radiator, "books": make_books,
    "television": make_television, "monitor": make_monitor, "vase": make_vase, "bottles": make_bottles,
    "bowl": make_bowl, "small plant": make_small_plant, "small box": make_small_box,
    "printer": make_printer, "microwave": make_microwave, "pot": make_pot,
}  # fmt: skip
"""Everything that can stand in a room; makers that need a size draw one here."""
