"""Lifting virtual views of a mesh against lifting the real images it was made from.

    python -m benchmarks.virtual_views [--recipe configs/default.yaml] [--seeds 200000] [--frames 80]

Each scene is ingested from its images, enough of them for a mesh without large holes, as scans have; the
mesh is written to a PLY file, and that file, without any image, goes through ``render``, ``lift`` and
``fuse`` with the same teachers. Both fusions are judged on their own points against the rooms' truth.
Written to benchmarks/results/virtual-views.json, and the first views to
docs/pictures/virtual-views.png.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.conditions import conditions, use_threads, write_results
from flows.pipeline import TASKS
from flows.plan import make_plan
from ops.metrics import confusion, scores_from_confusion
from schema.config import PipelineConfig
from schema.config_clouds import CloudFilesConfig
from schema.config_source import SyntheticConfig
from schema.seeds import TEST
from schema.summary import PROCEDURAL
from storage.export import export_cloud
from storage.label_sets import load_label_set
from storage.recipes import load_recipe
from storage.scene_io import read_cloud
from storage.sources.synthetic import SyntheticRooms
from storage.store import Store
from storage.truth import read_truth
from storage.unit import Unit

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "virtual-views.png"
TO_FUSION = ("render", "ingest", "oversegment", "lift", "fuse")


def run_to_fusion(config: PipelineConfig) -> tuple[Store, dict[str, float]]:
    """All stages up to the fusion, without a scheduler; seconds by stage word."""
    store = Store(config.store, create=True)
    seconds: dict[str, float] = {}
    for job in make_plan(config, store).jobs:
        if job.word in TO_FUSION:
            began = time.perf_counter()
            TASKS[job.word].fn(config, job)
            seconds[job.word] = round(seconds.get(job.word, 0.0) + time.perf_counter() - began, 2)
    return store, seconds


def judged(unit: Unit, truth_from: PipelineConfig, scene_id: str) -> tuple[np.ndarray, dict[str, float]]:
    """Confusion of the fused labels with the truth, and what the views saw."""
    truth = read_truth(truth_from.source, scene_id, unit.array("ingest", "points_world"))
    assert truth is not None
    names = load_label_set(truth_from.fuse.vocabulary).names
    assert names == truth.names
    views = [unit.array(f"lift/{name}", "num_views") for name in truth_from.teachers]
    dense = views[0]
    facts = {
        "points": len(dense),
        "frames": len(unit.attrs("ingest")["frame_names"]),
        "coverage": round(float((dense > 0).mean()), 4),
        "views_per_point": round(float(dense.mean()), 2),
    }
    return confusion(unit.array("fuse", "label"), truth.semantic_label, len(names)), facts


def contact_sheet(unit: Unit, columns: int = 4, rows: int = 3) -> None:
    """The views taken first."""
    color = unit.rows("render", "color", slice(0, columns * rows))
    sheet = [np.hstack(list(color[i : i + columns])) for i in range(0, len(color) - columns + 1, columns)]
    Image.fromarray(np.vstack(sheet)).save(PICTURE)


def main() -> None:
    """Run both ways and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--seeds", nargs="+", type=int, default=TEST[:5], help="of the rooms")
    parser.add_argument("--frames", type=int, default=80, help="real images of a room")
    parser.add_argument("--voxel-m", type=float, default=0.01, help="of the meshes: coarser ones are blurred")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    use_threads(args.threads)
    recipe = load_recipe(args.recipe)
    assert isinstance(recipe.source, SyntheticConfig)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = SyntheticConfig(seeds=tuple(args.seeds), num_frames=args.frames)
        scenes = SyntheticRooms(source).scene_ids()
        split = recipe.split.model_copy(update={"train": tuple(scenes), "evaluate": tuple(scenes)})
        ingest = recipe.ingest.model_copy(update={"voxel_m": args.voxel_m})
        real = recipe.model_copy(
            update={"store": folder / "real", "source": source, "split": split, "ingest": ingest}
        )
        stores = {"real images": run_to_fusion(real)}
        for scene_id in scenes:
            cloud = read_cloud(stores["real images"][0].scene(scene_id))
            export_cloud(
                folder / f"{scene_id}.ply",
                "ply",
                points=cloud.points_world,
                colors=cloud.colors,
                faces=cloud.faces,
            )
        bare = real.model_copy(
            update={"store": folder / "virtual", "source": CloudFilesConfig(root=folder, scenes=("*.ply",))}
        )
        stores["virtual views"] = run_to_fusion(bare)
        rows: dict[str, Any] = {}
        for name, (store, seconds) in stores.items():
            parts = [judged(store.scene(scene_id), real, scene_id) for scene_id in scenes]
            scores = scores_from_confusion(sum(part[0] for part in parts))
            rows[name] = {
                "miou": round(float(scores.miou), 4),
                "scenes": {scene_id: part[1] for scene_id, part in zip(scenes, parts, strict=True)},
                "seconds": seconds,
            }
        contact_sheet(stores["virtual views"][0].scene(scenes[0]))
    write_results(
        "virtual-views",
        {
            **conditions(args.threads),
            "what": f"fused labels; {PROCEDURAL}",
            "real_images": args.frames,
            "mesh_voxel_m": args.voxel_m,
            "rows": rows,
            "miou_difference": round(rows["virtual views"]["miou"] - rows["real images"]["miou"], 4),
        },
    )


if __name__ == "__main__":
    main()
