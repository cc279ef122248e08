"""Which seeds of procedural rooms are for what; the ranges share no room.

What a room is made of is ``ops/rooms.py``'s business, which rooms a run takes the configuration's.
"""

STUDENT = range(100_000)
"""Rooms that a student may be trained on."""

VALIDATION = range(100_000, 200_000)
"""Rooms for choosing between settings."""

TEST = range(200_000, 300_000)
"""Rooms read for committed tables of benchmarks alone; nothing is chosen by them."""

MODELS = range(1_000_000, 2_000_000)
"""Rooms that scale models are trained on; ``storage/sources/synthetic.py`` refuses captures of them."""

MODELS_HELD_OUT = MODELS[-1000:]
"""Rooms that no scale model is trained on, for its own accuracies."""

RANGES = {"student": STUDENT, "validation": VALIDATION, "test": TEST, "models": MODELS}
"""The ranges by name."""
