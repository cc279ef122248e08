"""Stage two against stage one continued for as many steps, on targets part of which are wrong.

Rooms to learn from and rooms to be judged on are disjoint; one pair of students a seed. A seed changes
initial weights, order, augmentation and which superpoints are mislabelled; the rooms stay. Prints every
epoch's loss in the logs; the table has mean IoU on the held-out rooms.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, use_threads, write_results
from benchmarks.lessons import class_vectors, lesson, make_rooms, miou, num_voxels
from schema.config_stages import DistillConfig
from schema.seeds import STUDENT, TEST
from training.distill import TrainingSet, distill
from training.infer import load_student, student_features
from training.metrics_log import read_metrics, step_lines
from training.scenes import MemoryScenes
from training.self_distillation import Classes

CHANNELS = 64
WRONG = 0.2


def recipe(args: argparse.Namespace, seed: int, second: int) -> DistillConfig:
    """A small student; ``second`` of its epochs are stage two."""
    return DistillConfig.model_validate(
        {
            "architecture": "MinkUNet14A",
            "planes": [32, 32, 64, 64, 64, 64, 32, 32],
            "voxel_m": args.voxel_m,
            "epochs": args.epochs - second,
            "self_distillation": {"epochs": second},
            "batch_scenes": 2,
            "lr_start": args.lr,
            "lr_end": args.lr / 10,
            "augment": args.augment,
            "seed": seed,
        }
    )


def main() -> None:
    """Train the pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--held-out", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=150, help="of both stages together")
    parser.add_argument("--stage-two", type=int, default=45, help="of these, epochs of stage two")
    parser.add_argument("--voxel-m", type=float, default=0.10)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--name", default="self-distillation")
    args = parser.parse_args()
    use_threads(args.threads)
    began = time.perf_counter()
    train, held_out = (
        make_rooms(STUDENT[300 : 300 + args.rooms]),
        make_rooms(TEST[: args.held_out]),
    )
    text = class_vectors(len(train[0].names), CHANNELS)
    classes = Classes(text, np.ones(len(text), dtype=bool))
    print(f"{len(train)} + {len(held_out)} rooms in {time.perf_counter() - began:.0f} s")
    rows: list[dict[str, Any]] = []
    for seed in range(args.seeds):
        lessons = MemoryScenes([lesson(room, text, wrong=WRONG, seed=seed) for room in train])
        row: dict[str, Any] = {"seed": seed}
        for name, second in (("stage one continued", 0), ("stage two", args.stage_two)):
            with tempfile.TemporaryDirectory() as folder:
                config = recipe(args, seed, second)
                distill(TrainingSet(lessons, classes), config, Path(folder), fingerprint="benchmark")
                student = load_student(Path(folder))
                features = [
                    student_features(student, room.points_world, voxel_m=args.voxel_m) for room in held_out
                ]
                lines = step_lines(read_metrics(Path(folder)))
            row[name] = round(miou(held_out, features, text), 4)
            row[f"{name}, s"] = round(sum(line["seconds"] for line in lines), 1)
        row["difference"] = round(row["stage two"] - row["stage one continued"], 4)
        rows.append(row)
        print(row, flush=True)
    differences = [row["difference"] for row in rows]
    write_results(
        args.name,
        {
            **conditions(args.threads),
            "what": f"mIoU on {len(held_out)} held-out procedural rooms; {WRONG:.0%} of superpoints wrong",
            "settings": {key: value for key, value in vars(args).items() if key != "name"},
            "voxels": [num_voxels(room, args.voxel_m) for room in train],
            "rows": rows,
            "mean": {
                name: round(statistics.mean(row[name] for row in rows), 4)
                for name in ("stage one continued", "stage two", "difference")
            },
            "standard deviation of the difference": round(statistics.stdev(differences), 4)
            if len(differences) > 1
            else None,
        },
    )


if __name__ == "__main__":
    main()
