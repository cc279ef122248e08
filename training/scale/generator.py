"""The scale generator from seeds to a published folder: views, autoencoder, latents, denoising network.

Each training is its own module's business (``vae.py``, ``diffusion.py``); how good the result is,
``generator_quality.py``'s.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.generators.pipeline_folder import load_pipeline
from models.generators.scale_diffusion import build_scheduler, load_tokenizer, save_pipeline
from models.generators.stable_diffusion import StableDiffusionGenerator
from schema.config_scale import ScaleGeneratorConfig, ScaleJudgesConfig, ScaleModelsConfig
from schema.config_synthesis import StableDiffusionConfig
from schema.errors import WeightsError
from storage.disk import read_json
from storage.fingerprint import file_digest, fingerprint
from training.scale.diffusion import VERSION as DIFFUSION_VERSION
from training.scale.diffusion import DiffusionRecipe, make_lessons
from training.scale.generator_quality import measure_generator, train_judges
from training.scale.judges import VERSION as JUDGES_VERSION
from training.scale.loop import fit_as, seconds_trained, sweep
from training.scale.object_views import ObjectViews, cached_object_views, object_views_identity
from training.scale.publish import (
    FIGURES_FILE,
    REMEDY,
    damaged,
    is_current,
    machine,
    publish,
    publish_figures,
)
from training.scale.vae import VERSION as VAE_VERSION
from training.scale.vae import VaeRecipe, encoded_views, psnr_db, scaling_factor

NAME = "generator"
VOCABULARY = "text_image"
"""The scale model whose vocabulary the text tower reads."""

_TOKENIZER_FILES = ("vocab.json", "merges.txt")


def make(config: ScaleModelsConfig, folder: Path) -> Path:
    """The generator of a whole configuration, with the text and image encoder's vocabulary."""
    return train_generator(config.generator, config.judges, folder, folder / VOCABULARY)


def measure_again(config: ScaleModelsConfig, folder: Path, renders: Path) -> dict[str, Any]:
    """The held-out figures of the generator in ``folder``; its judges are trained for it."""
    return measured(folder / NAME, config.generator, config.judges, renders)


def train_generator(
    config: ScaleGeneratorConfig, judges: ScaleJudgesConfig, folder: Path, vocabulary: Path
) -> Path:
    """Train the generator unless it is up to date, and judge it.

    Args:
        config: what is trained.
        judges: what judges it.
        folder: of all scale models.
        vocabulary: folder with ``vocab.json`` and ``merges.txt``.

    Returns:
        The pipeline's own folder.

    Raises:
        WeightsError: the vocabulary is missing.
    """
    place = folder / NAME
    trained = training_fingerprint(config, vocabulary)
    identity = generator_fingerprint(config, judges, vocabulary)
    if is_current(place, identity):
        return place
    figures = read_json(place / FIGURES_FILE)
    if not isinstance(figures, dict) or figures.get("training") != trained or damaged(place, figures):
        _train(config, folder, vocabulary, trained)
    publish_figures(place, measured(place, config, judges, folder), fingerprint=identity)
    for part in (VaeRecipe.name, DiffusionRecipe.name):
        sweep(folder / "work" / part)
    return place


def _train(config: ScaleGeneratorConfig, folder: Path, vocabulary: Path, identity: str) -> None:
    """Publish the pipeline, not judged yet."""
    work = folder / "work"
    device = "cuda" if torch.cuda.is_available() else "cpu"
    views = cached_object_views(config.views, config.views.training_rooms, folder)
    first = VaeRecipe(config.vae, views, device=device)
    fit_as(first, work / first.name, config.vae.fit, label=f"train {first.name}")
    latents = encoded_views(first.vae, views, work / f"latents-{first.fingerprint[:12]}.npy")
    factor = scaling_factor(latents)
    first.vae.register_to_config(scaling_factor=factor)
    tokenizer = load_tokenizer(vocabulary)
    second = DiffusionRecipe(
        config.diffusion, make_lessons(views, latents, factor, identity), tokenizer, device=device
    )
    fit_as(second, work / second.name, config.diffusion.fit, label=f"train {second.name}")
    files = pipeline_bytes(
        {
            "vae": first.vae.cpu(),
            "unet": second.unet.cpu(),
            "text_encoder": second.text_encoder.cpu(),
            "tokenizer": tokenizer,
            "scheduler": build_scheduler(),
        }
    )
    figures = {
        "model": "diffusers.StableDiffusionPipeline",
        "parameters": {
            name: sum(p.numel() for p in part.parameters())
            for name, part in (
                ("vae", first.vae),
                ("unet", second.unet),
                ("text_encoder", second.text_encoder),
            )
        },
        "trained_on": _trained_on(config, views),
        "seconds": {recipe.name: round(seconds_trained(work / recipe.name), 1) for recipe in (first, second)},
        "machine": machine(),
    }
    publish(folder / NAME, files, fingerprint="not judged yet", figures={"training": identity, **figures})


def measured(
    place: Path, config: ScaleGeneratorConfig, judges: ScaleJudgesConfig, folder: Path
) -> dict[str, Any]:
    """How good the published generator is.

    Args:
        place: its folder.
        config: says which views are held out.
        judges: trained now, or taken up where a killed training was.
        folder: of views and unfinished trainings.

    Returns:
        ``vae_psnr_db``, ``judges`` (their own accuracy) and ``images``: see ``measure_generator``.
    """
    where = StableDiffusionConfig(folder=place)
    held_out = cached_object_views(config.views, config.views.held_out_rooms, folder)
    trained = train_judges(judges, folder)
    images = measure_generator(
        StableDiffusionGenerator(where),
        trained,
        images_per_class=judges.images_per_class,
        num_steps=judges.num_steps,
        guidance=judges.guidance,
    )
    psnr = round(psnr_db(load_pipeline(where).vae, held_out), 2)
    return {"vae_psnr_db": psnr, "judges": trained.held_out, "images": images}


def training_fingerprint(config: ScaleGeneratorConfig, vocabulary: Path) -> str:
    """Of everything that decides the generator's weights.

    Raises:
        WeightsError: the vocabulary is missing.
    """
    inputs = {"views": object_views_identity(config.views, config.views.training_rooms)}
    for name in _TOKENIZER_FILES:
        if not (vocabulary / name).is_file():
            raise WeightsError("the vocabulary is missing", file=vocabulary / name, remedy=REMEDY)
        inputs[name] = file_digest(vocabulary / name)
    own = {key: value for key, value in config.result_fields().items() if key != "views"}
    versions = {"vae": VAE_VERSION, "diffusion": DIFFUSION_VERSION}
    return fingerprint(f"scale {NAME} training", 1, {**own, "versions": versions}, inputs)


def generator_fingerprint(config: ScaleGeneratorConfig, judges: ScaleJudgesConfig, vocabulary: Path) -> str:
    """Of everything that decides the generator and its figures; judging it anew does not train it again.

    Raises:
        WeightsError: the vocabulary is missing.
    """
    inputs = {
        "training": training_fingerprint(config, vocabulary),
        "held_out": object_views_identity(config.views, config.views.held_out_rooms),
    }
    how = {**judges.result_fields(), "version": JUDGES_VERSION}
    return fingerprint(f"scale {NAME}", 1, how, inputs)


def pipeline_bytes(parts: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a pipeline's folder by path below it, weights in 16 bits."""
    with tempfile.TemporaryDirectory() as name:
        save_pipeline(dict(parts), Path(name))
        paths = sorted(path for path in Path(name).rglob("*") if path.is_file())
        return {path.relative_to(name).as_posix(): path.read_bytes() for path in paths}


def _trained_on(config: ScaleGeneratorConfig, views: ObjectViews) -> dict[str, Any]:
    rooms = config.views.training_rooms
    return {
        "rooms": [rooms[0], rooms[-1]],
        "views": len(views),
        "steps": {"vae": config.vae.fit.steps, "unet": config.diffusion.fit.steps},
        "batch": {"vae": config.vae.fit.batch, "unet": config.diffusion.fit.batch},
        "seed": {"vae": config.vae.fit.seed, "unet": config.diffusion.fit.seed},
    }
