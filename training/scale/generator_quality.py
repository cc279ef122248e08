"""How good the generator is: whether its images show what they should, and its attention points there.

Two judges decide that were trained on renders and are used for nothing else: ``judges.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from models.generators.protocol import GeneratedImages, Generator
from models.generators.tokens import fill_prompt
from ops.metrics import json_number
from ops.roc import roc_auc
from ops.rooms import ROOM_CLASSES
from schema.config_scale import ScaleFitConfig, ScaleJudgesConfig
from schema.progress import track
from training.scale.batches import TEMPLATE, class_name
from training.scale.judges import ClassifierRecipe, ObjectClassifier, SegmentationRecipe, named, segmented
from training.scale.loop import Recipe, fit_as
from training.scale.object_views import ObjectViews, cached_object_views

LEAST_MASK_SHARE = 0.01
"""Of the pixels: where the segmentation network sees less of the class, there is nothing to point at."""

FIRST_SEED = 7_000_000
"""Of the noise of judged images; the stage that makes images for capabilities counts from 0."""


@dataclass(frozen=True)
class Judges:
    """Trained networks, in evaluation mode, and how good they are on held-out renders."""

    classifier: ObjectClassifier
    segmentation: nn.Module
    held_out: Mapping[str, Any]


def train_judges(config: ScaleJudgesConfig, folder: Path, *, save_every_s: float = 60.0) -> Judges:
    """The judges, trained now or taken up where a killed training was.

    Args:
        config: what is trained.
        folder: of views; the judges' own states come into ``work`` below it.
        save_every_s: seconds between two states.
    """
    views = cached_object_views(config.views, config.views.training_rooms, folder)
    held_out = cached_object_views(config.views, config.views.held_out_rooms, folder)
    classifier, segmentation = ClassifierRecipe(config, views), SegmentationRecipe(config, views)
    trainings: tuple[tuple[Recipe, ScaleFitConfig], ...] = (
        (classifier, config.classifier),
        (segmentation, config.segmentation),
    )
    for recipe, how in trainings:
        fit_as(
            recipe,
            folder / "work" / recipe.name,
            how,
            label=f"train {recipe.name}",
            save_every_s=save_every_s,
        )
    accuracy = judges_accuracy(classifier.net, segmentation.net, held_out)
    return Judges(classifier.net, segmentation.net, accuracy)


def judges_accuracy(
    classifier: ObjectClassifier, segmentation: nn.Module, views: ObjectViews
) -> dict[str, Any]:
    """How often the judges are right on renders they have not seen, per class and over all."""
    wanted, said = views.classes(), named(classifier, views.color)
    label = np.asarray(views.semantic, dtype=np.int64)
    pixels = segmented(segmentation, views.color)
    return {
        "views": len(views),
        "classifier": _shares(said == wanted, wanted),
        "segmentation_pixels": json_number(round(float((pixels == label)[label >= 0].mean()), 4)),
        "segmentation": _shares((pixels == label)[label >= 0], label[label >= 0]),
    }


def measure_generator(
    generator: Generator,
    judges: Judges,
    *,
    images_per_class: int,
    num_steps: int,
    guidance: float,
    classes: Sequence[str] = ROOM_CLASSES,
) -> dict[str, Any]:
    """Images of "a good photo of a {class}" for every class, judged.

    Args:
        generator: makes them.
        judges: see ``train_judges``.
        images_per_class: how many.
        num_steps: denoising steps.
        guidance: of the prompt.
        classes: some of the rooms'.

    Returns:
        ``accuracy``: share of the images whose class the classifier names; ``auc``: mean over images of the
        area under the ROC curve of attention against the pixels of the class as the segmentation network sees
        them; ``judged_by_auc``: how many images that is; ``without_mask``: in how many the network sees
        almost nothing of the class (the rest show nothing else). Each per class and, as ``all``, over all
        images. ``named_instead``: per class what its other images were called.
    """
    rows = {}
    for label in track(classes, "generate and judge"):
        prompt, span = fill_prompt(TEMPLATE, class_name(label))
        seeds = range(FIRST_SEED, FIRST_SEED + images_per_class)
        made = generator.generate(prompt, span, seeds, num_steps=num_steps, guidance=guidance)
        rows[label] = judged(made, ROOM_CLASSES.index(label), judges)
    return {
        "prompt": TEMPLATE,
        "images_per_class": images_per_class,
        "num_steps": num_steps,
        "guidance": guidance,
        "accuracy": {"all": _mean([row["right"] for row in rows.values()])}
        | {label: _mean([row["right"]]) for label, row in rows.items()},
        "auc": {"all": _mean([row["auc"] for row in rows.values()])}
        | {label: _mean([row["auc"]]) for label, row in rows.items()},
        "judged_by_auc": {"all": sum(len(row["auc"]) for row in rows.values())}
        | {label: len(row["auc"]) for label, row in rows.items()},
        "without_mask": {"all": sum(row["without_mask"] for row in rows.values())}
        | {label: row["without_mask"] for label, row in rows.items()},
        "named_instead": {label: row["named_instead"] for label, row in rows.items()},
    }


def judged(made: GeneratedImages, wanted: int, judges: Judges) -> dict[str, Any]:
    """One class's images: which are named rightly, and the AUC of those that show the class at all."""
    said = named(judges.classifier, made.images)
    masks = segmented(judges.segmentation, made.images) == wanted
    seen = masks.mean(axis=(1, 2)) >= LEAST_MASK_SHARE
    pairs = zip(made.attention[seen], masks[seen], strict=True)
    auc = [roc_auc(attention.ravel().astype(np.float64), mask.ravel()) for attention, mask in pairs]
    others, count = np.unique(said[said != wanted], return_counts=True)
    return {
        "right": (said == wanted).astype(np.float64),
        "auc": np.array([value for value in auc if np.isfinite(value)]),
        "without_mask": int((~seen).sum()),
        "named_instead": {ROOM_CLASSES[k]: int(n) for k, n in zip(others, count, strict=True)},
    }


def _mean(parts: Sequence[np.ndarray]) -> float | None:
    values = np.concatenate(parts)
    return json_number(round(float(values.mean()), 4)) if len(values) else None


def _shares(right: np.ndarray, classes: np.ndarray) -> dict[str, float | None]:
    return {"all": _mean([right])} | {
        name: _mean([right[classes == number]]) for number, name in enumerate(ROOM_CLASSES)
    }
