"""A contact sheet of what the scale teachers see in held-out rooms, beside the truth.

    python -m tools.make_teacher_sheet

Coloured as the teachers are judged (``training/scale/teacher_figures.py``); dark grey: none of the twenty.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from models.teachers.conv_file import ConvModel, read_conv
from schema.config_scale import ScaleModelsConfig, ScaleTeacherConfig
from schema.config_source import SyntheticConfig
from schema.seeds import MODELS_HELD_OUT
from storage.label_sets import load_label_set
from storage.sources.synthetic_labels import labelled_views
from tools.sheets import beside, legend, save, stacked, titled
from training.scale.teacher_figures import predicted_classes
from training.scale.teachers import DENSE, MASK, WEIGHTS_FILE, class_vectors, scale_encoder

SHOWN = (240, 180)
Judged = tuple[str, ConvModel, ScaleTeacherConfig, torch.Tensor | None]
NONE = (60, 60, 60)


def main() -> None:
    """Write the sheet: two views in a row, each with truth, dense teacher and mask teacher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("models/data/scale"), help="of the models")
    parser.add_argument("--output", type=Path, default=Path("docs/pictures/teachers.png"))
    parser.add_argument("--rooms", type=int, default=10, help="held-out rooms, a view of each")
    parser.add_argument("--frame", type=int, default=6, help="which of a room's views")
    chosen = parser.parse_args()
    config = ScaleModelsConfig()
    texts = class_vectors(scale_encoder(chosen.folder))
    teachers = [
        (name, read_conv(chosen.folder / name / WEIGHTS_FILE, its.kind, "cpu"), its, text)
        for name, its, text in ((DENSE, config.dense_teacher, texts), (MASK, config.mask_teacher, None))
    ]
    blocks = [room_row(seed, chosen.frame, teachers) for seed in MODELS_HELD_OUT[: chosen.rooms]]
    rows = [beside(blocks[i : i + 2]) for i in range(0, len(blocks) - 1, 2)]
    save(stacked([*rows, legend(rows[0].shape[1])]), chosen.output)


def room_row(seed: int, frame: int, teachers: list[Judged]) -> np.ndarray:
    """One view of a room, its truth, and what each teacher says."""
    source = SyntheticConfig(seeds=(seed,), num_frames=frame + 1)
    view, semantic, _ = list(labelled_views(source, seed))[-1]
    tiles = [titled(small(view.color), f"seed {seed}"), titled(small(painted(semantic)), "truth")]
    for name, model, its, text in teachers:
        label = predicted_classes(model, its, view.color, text)
        tiles.append(titled(small(painted(label)), name.replace("_", " ")))
    return beside(tiles)


def painted(label: np.ndarray) -> np.ndarray:
    """Classes in their colours."""
    return np.array([*load_label_set("scannet20").colors, NONE], dtype=np.uint8)[label]


def small(image: np.ndarray) -> np.ndarray:
    """The image at the sheet's size."""
    return np.asarray(Image.fromarray(image).resize(SHOWN, Image.Resampling.BOX))


if __name__ == "__main__":
    main()
