"""``teach3d run``: its options and help; what is done with them is in ``flows.execute``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def run(
    recipe: Path,
    *,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Compute everything a recipe asks for and the store does not hold.

    Stages whose configuration and inputs have not changed are not computed again; after a failure or a
    kill, the same command finishes what is missing.

    Args:
        recipe: YAML file, e.g. configs/default.yaml.
        set_: override a key of the recipe, e.g. --set ingest.voxel_m=0.03; may be given several times.
        dry_run: say what would be computed, and why, without computing it.
        json: print the run's summary as JSON (the content of summary.json).
    """
    from flows.execute import execute

    return execute(recipe, set_ or [], dry_run=dry_run, json=json)
