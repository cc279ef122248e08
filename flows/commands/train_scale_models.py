"""``teach3d train-scale-models``: the small models of the default recipe, from seeds."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.console import RichProgress, console, print_json
from schema.config_scale import ScaleModelsConfig
from schema.progress import show_progress_on


def train_scale_models(
    *,
    only: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    folder: Path = Path("weights/scale"),
    renders: Path = Path("weights/scale"),
    ship: Path | None = None,
    measure: bool = False,
    write: bool = False,
    json: bool = False,
) -> int:
    """Make the scale models again: hours on a CPU.

    Each is trained on renders of procedural rooms that no recipe uses. What is up to date is left alone; a
    training that was stopped goes on where it was.

    Args:
        only: names of the models to make (text_image, dense_teacher, mask_teacher, ...); all by default.
        folder: for the models and the renders they are trained on.
        renders: for what --measure renders.
        ship: copy what was made there, e.g. models/data/scale, where recipes look for it.
        measure: make nothing; measure the models in the folder again and print their figures as JSON.
        write: with --measure, replace the figures beside the models.
        json: print where each model is, as JSON.
    """
    from training.scale.catalog import make_models, measure_models
    from training.scale.publish import ship as ship_model

    with RichProgress() as progress:
        show_progress_on(progress)
        try:
            if measure:
                found = measure_models(ScaleModelsConfig(), folder, renders, only, write=write)
            else:
                made = make_models(ScaleModelsConfig(), folder, only)
                if ship is not None:
                    for name in made:
                        ship_model(folder, ship, name)
        finally:
            show_progress_on(None)
    if measure:
        print_json(found)
    elif json:
        print_json({name: str(path) for name, path in made.items()})
    else:
        for name, path in made.items():
            console.print(f"{name}: {path}", markup=False, soft_wrap=True)
    return 0
