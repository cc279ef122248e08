"""Rendered views of procedural rooms with their classes, as the arrays the demo's networks learn from.

Rooms are ``storage/sources/synthetic_labels.py``'s business, training ``training/demo_teachers.py``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, UInt8

from schema.config_demo import DemoTeacherConfig, DemoTeachersConfig
from schema.config_source import SyntheticConfig
from schema.errors import unknown_name
from schema.progress import track
from storage.sources.synthetic_labels import LABEL_NAMES, labelled_views


@dataclass(frozen=True)
class LabelledImages:
    """V views: RGB, and the class of each pixel (index into the rooms' names, -1 unlabelled)."""

    color: UInt8[np.ndarray, "V H W 3"]
    label: Int16[np.ndarray, "V H W"]


def render_rooms(config: DemoTeachersConfig, seeds: Sequence[int], label: str) -> LabelledImages:
    """All views of the rooms of ``seeds``; ``label`` names the progress."""
    source = SyntheticConfig(
        seeds=tuple(seeds),
        num_frames=config.frames_per_room,
        image_hw=config.image_hw,
        fov_deg=config.fov_deg,
    )
    colors, labels = [], []
    for seed in track(seeds, label):
        for view, semantic, _ in labelled_views(source, seed):
            colors.append(view.color)
            labels.append(semantic.astype(np.int16))
    return LabelledImages(np.stack(colors), np.stack(labels))


def class_to_output(teacher: DemoTeacherConfig, name: str) -> Int16[np.ndarray, "K1"]:
    """The network's output that each class of the rooms is to give, -1 not trained on; the last entry is -1.

    Args:
        teacher: its label set.
        name: of the network, for messages.

    Raises:
        ConfigError: a class is not one of the rooms'.
    """
    rest = -1 if teacher.rest is None else len(teacher.labels)
    table = np.full(len(LABEL_NAMES) + 1, rest, dtype=np.int16)
    table[-1] = -1
    for output, classes in enumerate(teacher.labels.values()):
        for known in classes:
            if known not in LABEL_NAMES:
                raise unknown_name("class of the rooms", known, LABEL_NAMES, field=f"teachers.{name}.labels")
            table[LABEL_NAMES.index(known)] = output
    return table
