"""Every scale model by name: a literal table from a name to the function that makes it.

Nothing is imported before it is made; what a model is, is its own module's business.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schema.config_scale import ScaleModelsConfig
from schema.errors import unknown_name
from training.scale.publish import publish_figures, read_figures

MODELS: Mapping[str, str] = {
    "text_image": "training.scale.text_image:make",
    "dense_teacher": "training.scale.teachers:make_dense",
    "mask_teacher": "training.scale.teachers:make_mask",
    "generator": "training.scale.generator:make",
    "segmenter": "training.scale.segmenter:make",
}
"""In the order in which they are made: the dense teacher needs the text encoder."""


def make_models(config: ScaleModelsConfig, folder: Path, only: Sequence[str] = ()) -> dict[str, Path]:
    """Make the models that are not up to date.

    Args:
        config: of all of them.
        folder: for a folder of each; renders and unfinished trainings are kept there too.
        only: names of those to make; none: all.

    Returns:
        The folder of each model asked for, by name, in the order of ``MODELS``.

    Raises:
        ConfigError: a name is not in the table.
    """
    _check(only)
    return {name: _load(path)(config, folder) for name, path in MODELS.items() if not only or name in only}


def _check(names: Sequence[str]) -> None:
    for name in names:
        if name not in MODELS:
            raise unknown_name("scale model", name, MODELS, field="only")


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


MEASURES: Mapping[str, str] = {
    "text_image": "training.scale.text_image:measure_again",
    "dense_teacher": "training.scale.teachers:measure_dense",
    "mask_teacher": "training.scale.teachers:measure_mask",
    "generator": "training.scale.generator:measure_again",
    "segmenter": "training.scale.segmenter:measure_again",
}
"""Functions from the configuration, the folder of the models and one for renders to held-out figures."""


def measure_models(
    config: ScaleModelsConfig, folder: Path, renders: Path, only: Sequence[str] = (), *, write: bool = False
) -> dict[str, Any]:
    """The held-out figures of models that are there, measured now.

    Args:
        config: says which rooms are held out.
        folder: of the models.
        renders: folder for the views.
        only: names of models; none: all that are there.
        write: replace the figures beside the models.

    Raises:
        ConfigError: a name is not in the table.
        WeightsError: a model asked for is not there, or a file is missing or damaged.
    """
    _check(only)
    there = only or [name for name in MODELS if (folder / name).is_dir()]
    for name in there:
        read_figures(folder / name)
    found = {name: _load(MEASURES[name])(config, folder, renders) for name in MODELS if name in there}
    for name in found if write else ():
        publish_figures(folder / name, found[name])
    return found


def figures_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Figures of the models that are in a folder, by name.

    Raises:
        WeightsError: a model's file is missing or is not the one its figures describe.
    """
    return {name: read_figures(folder / name) for name in MODELS if (folder / name).is_dir()}
