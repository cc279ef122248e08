"""``teach3d predict``: a student's answers for any bare cloud or mesh, as a table and a coloured file.

Which student and which text encoder are meant is settled in ``predict_setup``.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from flows.console import RichProgress, console, print_json, print_table
from schema.errors import ConfigError
from schema.progress import show_progress_on

if TYPE_CHECKING:  # help must not wait for what only the command needs
    from flows.predict_setup import Setup
    from report.predicted import Legend
    from schema.prediction import Prediction
    from storage.clouds import BareCloud

SUFFIXES = {".ply": "ply", ".npz": "npz", ".las": "las", ".laz": "las"}
FAR_M, NEAR_M = 1000.0, 0.3
"""Larger or smaller clouds are likely in another unit."""


@Parameter(name="*")
@dataclass(frozen=True)
class CloudOptions:
    """How the file is to be read.

    Attributes:
        scale: metres per unit of the file, e.g. 0.001 for millimetres.
        up: axis of the file that points up; by default z, and y for .glb.
    """

    scale: float = 1.0
    up: Literal["y", "z"] | None = None


@Parameter(name="*")
@dataclass(frozen=True)
class StudentOptions:
    """Which student answers, and how it is run.

    Attributes:
        student: folder with student.json and student.safetensors; by default the store's.
        store: the store whose student and text encoder are meant; by default the one run into last.
        recipe: YAML file with a 'text' section, for a student outside of a store.
        voxel_m: edge of the voxels, m; by default what the student was trained with.
        device: auto, cpu or cuda.
        engine: what computes sparse convolutions: torch, minkowski or spconv.
        max_voxels: larger scenes are cut into tiles of at most so many voxels, with equal results.
        precision: arithmetic of the student.
    """

    student: Path | None = None
    store: Path | None = None
    recipe: Path | None = None
    voxel_m: float | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    engine: str = "torch"
    max_voxels: Annotated[int, Parameter(name="--max-voxels")] = 4_000_000
    precision: Literal["float32", "bfloat16", "float16"] = "float32"


def predict(
    file: Path,
    *,
    text: list[str] | None = None,
    label_set: str | None = None,
    output: Path | None = None,
    features: bool = False,
    cloud_options: CloudOptions = CloudOptions(),
    student_options: StudentOptions = StudentOptions(),
    json: bool = False,
) -> int:
    """Label every point of a bare cloud or mesh, or score it by texts; needs no images.

    Reads ply, pcd, las, laz, npz, obj, stl and glb. Writes the same points in the same order.

    Args:
        file: cloud or mesh.
        text: what to look for, e.g. "a red chair"; may be given several times. With one text points are
            coloured by score, with several by the best.
        label_set: classes to choose from, a name or a .txt or .json file; by default the recipe's, or none
            if there is a text.
        output: .ply, .npz, .las or .laz file to write; by default <file>-predicted beside the input.
        features: also write the student's features, float16, as <output>-features.npz.
        cloud_options: how the file is to be read.
        student_options: which student answers, and how it is run.
        json: print the result as JSON.
    """
    from flows.predict_setup import prepare
    from storage.clouds import read_bare_cloud

    path = _output(file, output)
    cloud = read_bare_cloud(file, scale=cloud_options.scale, up=cloud_options.up)
    setup = prepare(student_options, text or [], label_set, features=features)
    prediction, seconds = _ask(setup, cloud)
    written = _write(path, cloud, prediction, setup.legend)
    result = _result(file, cloud, prediction, setup) | {"seconds": seconds, **written}
    if json:
        print_json(result)
    else:
        _print(result)
    return 0


def _output(file: Path, output: Path | None) -> Path:
    """Where the answers go: what was asked for, else beside the input."""
    ending = file.suffix.lower()
    path = output or file.with_name(f"{file.stem}-predicted{ending if ending in SUFFIXES else '.ply'}")
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            "no format that is written has this ending",
            field="--output",
            value=str(path),
            remedy=f"known are: {', '.join(sorted(SUFFIXES))}",
        )
    if path.resolve() == file.resolve():
        raise ConfigError(
            "is the input itself", field="--output", value=str(path), remedy="choose another name"
        )
    return path


def _ask(setup: "Setup", cloud: "BareCloud") -> tuple["Prediction", float]:
    from training.predict import predict as ask

    began = time.monotonic()
    with RichProgress() as progress:
        show_progress_on(progress)
        try:
            prediction = ask(
                setup.network, cloud.points_world, cloud.faces, question=setup.question, how=setup.how
            )
        finally:
            show_progress_on(None)
    return prediction, round(time.monotonic() - began, 2)


def _write(path: Path, cloud: "BareCloud", prediction: "Prediction", legend: "Legend") -> dict[str, Any]:
    from report.predicted import write_features, write_prediction

    columns = write_prediction(
        path, SUFFIXES[path.suffix.lower()], cloud=cloud, prediction=prediction, legend=legend
    )
    extra = None
    if prediction.feat is not None:
        extra = path.with_name(f"{path.stem}-features.npz")
        write_features(extra, cloud=cloud, prediction=prediction)
    return {"output": str(path), "columns": columns, "features": None if extra is None else str(extra)}


def _result(file: Path, cloud: "BareCloud", prediction: "Prediction", setup: "Setup") -> dict[str, Any]:
    from report.predicted import class_rows, text_rows

    return {
        "file": str(file),
        "points": len(cloud.points),
        "dropped": cloud.num_dropped,
        "faces": 0 if cloud.faces is None else len(cloud.faces),
        "extent_m": list(cloud.extent_m),
        "origin_m": cloud.origin_m.tolist(),
        "up": cloud.up,
        "student": setup.described,
        "voxels": prediction.num_voxels,
        "tiles": prediction.num_tiles,
        "classes": class_rows(prediction, setup.legend),
        "texts": text_rows(prediction, setup.legend),
        "notes": [*_unit_note(cloud), *setup.notes],
    }


def _unit_note(cloud: "BareCloud") -> list[str]:
    longest = max(cloud.extent_m)
    if NEAR_M <= longest <= FAR_M:
        return []
    hint = "0.001 if it is in millimetres" if longest > FAR_M else "1000 if it is in kilometres"
    return [f"the cloud is {longest:.3g} m long; if that is wrong, set --scale ({hint})"]


def _print(result: dict[str, Any]) -> None:
    x, y, z = result["extent_m"]
    dropped = f", {result['dropped']:,} not finite and left out" if result["dropped"] else ""
    console.print(
        f"{result['points']:,} points{dropped}; {x:.2f} x {y:.2f} x {z:.2f} m, {result['up']} up",
        markup=False,
    )
    about = result["student"]
    tiles = f", {result['tiles']} tiles" if result["tiles"] > 1 else ""
    console.print(
        f"{about['architecture']} on {about['device']}: {result['voxels']:,} voxels of "
        f"{about['voxel_m']:g} m{tiles}, {result['seconds']:.1f} s",
        markup=False,
    )
    if result["classes"]:
        rows = [
            [row["class"], row["points"], f"{100 * row['share']:.1f} %", row["score"], row["color"]]
            for row in result["classes"]
        ]
        print_table(["class", "points", "share", "mean score", "colour"], rows)
    if result["texts"]:
        keys = ("min", "mean", "p99", "max")
        print_table(["text", *keys], [[row["text"], *(row[key] for key in keys)] for row in result["texts"]])
    for note in result["notes"]:
        console.print(f"note: {note}", style="yellow", markup=False, soft_wrap=True)
    for key in ("output", "features"):
        if result[key] is not None:
            console.print(f"{key}: {result[key]}", markup=False, soft_wrap=True)
