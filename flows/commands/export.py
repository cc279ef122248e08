"""``teach3d export``: a scene as a file that other programs open."""

from pathlib import Path

from flows.commands.inspect import scene_unit
from flows.console import console, print_json


def export(
    scene: str,
    *,
    format: str = "ply",  # noqa: A002 - the option's name
    output: Path | None = None,
    features: bool = False,
    store: Path | None = None,
    json: bool = False,
) -> int:
    """Write a scene: points, colours, normals, superpoints, every row's labels and scores.

    Args:
        scene: scene id.
        format: ply, npz or las.
        output: file to write; by default exports/<scene>.<format> in the store.
        features: also the student's features (npz only; large).
        store: the store to look at; by default the one run into last.
        json: print the file's name and the columns' as JSON.
    """
    from report.exported import export_scene
    from storage.recipes import find_store

    opened = find_store(store)
    path = output or opened.root / "exports" / f"{scene}.{format}"
    columns = export_scene(scene_unit(opened, scene), path, format=format, features=features)
    if json:
        print_json({"scene": scene, "file": str(path), "columns": columns})
    else:
        console.print(f"{path}: {', '.join(columns)}", markup=False, soft_wrap=True)
    return 0
