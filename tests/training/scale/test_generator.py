"""The scale generator: losses that fall, prompts, attention, and a published folder that works."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from models.generators.attention import token_weights
from models.generators.stable_diffusion import StableDiffusionGenerator
from models.generators.tokens import fill_prompt
from ops.rooms import ROOM_CLASSES
from schema.config_scale import (
    ObjectViewsConfig,
    ScaleDiffusionConfig,
    ScaleFitConfig,
    ScaleGeneratorConfig,
    ScaleJudgesConfig,
    ScaleVaeConfig,
)
from schema.config_synthesis import StableDiffusionConfig
from schema.errors import WeightsError
from tests.pipelines import tokenizer, write_vocabulary
from training.scale.batches import ClassBalance, class_name, mirrored, prompt_of, to_tensor
from training.scale.diffusion import AttentionLoss, DiffusionRecipe, Lessons
from training.scale.generator import train_generator
from training.scale.object_views import ObjectViews, cached_object_views
from training.scale.publish import is_current, read_figures
from training.scale.vae import VaeRecipe, edge_loss, pixel_loss

VIEWS = ObjectViewsConfig(num_rooms=2, num_held_out_rooms=1, views_per_room=6)
FEW = ScaleFitConfig(steps=2, batch=2, learning_rate=1e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="module")
def views(folder: Path) -> ObjectViews:
    return cached_object_views(VIEWS, VIEWS.training_rooms, folder)


def descend(recipe: object, steps: int, rate: float) -> list[float]:
    parameters = [p for module in recipe.modules.values() for p in module.parameters()]  # type: ignore[attr-defined]
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    losses = []
    for step in range(steps):
        torch.manual_seed(step)
        loss, _ = recipe.loss(step)  # type: ignore[attr-defined]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def lessons(views: ObjectViews, count: int = 4) -> Lessons:
    """Latents with structure, cheaply: the image at the latents' size, and its brightness."""
    color = to_tensor(views.color[:count])
    small = torch.nn.functional.avg_pool2d(color, 8)
    latents = torch.cat([small, small.mean(dim=1, keepdim=True)], dim=1)
    latents = ((latents - latents.mean()) / latents.std()).numpy().astype(np.float16)
    masks = np.stack([views.mask(i).reshape(16, 8, 16, 8).mean(axis=(1, 3)) for i in range(count)])
    return Lessons(latents, masks.astype(np.float16), views.pieces[:count], np.arange(count), "x")


def test_classes_come_equally_often() -> None:
    balance = ClassBalance(np.array([0] * 90 + [3] * 10))
    drawn = balance.draw(2000, np.random.default_rng(0))
    assert (drawn >= 90).mean() == pytest.approx(0.5, abs=0.04)
    assert (np.diff(drawn) >= 0).all()


def test_bytes_become_numbers_and_some_are_mirrored() -> None:
    color = np.zeros((8, 4, 4, 3), dtype=np.uint8)
    color[:, :, 0, 0] = 255
    images = to_tensor(color)
    assert images[0, 0, 0].tolist() == [1, -1, -1, -1]
    left = mirrored(images, np.random.default_rng(0))[:, 0, 0, 0] == 1
    assert 0 < left.sum() < 8


def test_prompts_name_the_object(views: ObjectViews) -> None:
    rng = np.random.default_rng(0)
    piece = dataclasses.replace(views.pieces[0], label="sofa", kind="sofa", color_name="red", size_word="")
    plain, span = prompt_of(piece, 1.0, rng)
    assert plain == "a good photo of a sofa"
    assert plain[slice(*span)] == "sofa"
    made = [prompt_of(piece, 0.0, rng) for _ in range(60)]
    assert {prompt[slice(*span)] for prompt, span in made} == {"sofa", "couch", "settee"}
    assert 0 < sum("red" in prompt for prompt, _ in made) < 60
    other = dataclasses.replace(piece, label="otherfurniture", kind="lamp")
    assert prompt_of(other, 1.0, rng)[0] == "a good photo of a other furniture"
    assert {prompt[slice(*span)] for prompt, span in (prompt_of(other, 0.0, rng) for _ in range(30))} == {
        "lamp",
        "light",
    }
    assert [class_name(label) for label in ROOM_CLASSES][:2] == ["wall", "floor"]


def test_losses_of_the_autoencoder_by_hand() -> None:
    a, b = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    assert float(pixel_loss(a, b)) == pytest.approx(1)
    assert float(edge_loss(a, b)) == 0  # a shift of brightness is no edge
    checks = torch.zeros(1, 3, 4, 4)
    checks[:, :, ::2, ::2] = checks[:, :, 1::2, 1::2] = 1
    assert float(pixel_loss(checks, a)) == pytest.approx(0.5)
    assert float(edge_loss(checks, a)) == pytest.approx(2)


def test_attention_is_best_when_it_is_spread_over_the_object() -> None:
    mask = torch.zeros(2, 16, 16)
    mask[:, :8, :8] = 1
    weight = token_weights([(1,), ()], 4)  # the second image has no prompt

    def loss(attention: torch.Tensor) -> float:
        sink = AttentionLoss(weight, mask)
        sink.add(attention.flatten(1))
        return float(sink.value())

    spread = mask.clone()
    spot = torch.zeros(2, 16, 16)
    spot[:, 2, 2] = 1
    assert loss(spread) == pytest.approx(0, abs=1e-3)
    assert loss(torch.ones(2, 16, 16)) == pytest.approx(np.log(4), abs=1e-2)
    assert loss(spot) > loss(torch.ones(2, 16, 16))
    spread[1] = 1 - mask[1]
    assert loss(spread) == pytest.approx(0, abs=1e-3)


def test_a_step_is_a_function_of_its_number(views: ObjectViews) -> None:
    recipe = DiffusionRecipe(ScaleDiffusionConfig(fit=FEW), lessons(views), tokenizer())
    first, _ = recipe.loss(5)
    other, _ = recipe.loss(6)
    again, _ = recipe.loss(5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    twin = DiffusionRecipe(ScaleDiffusionConfig(fit=FEW), lessons(views), tokenizer())
    assert torch.equal(twin.loss(5)[0], first)
    changed = ScaleDiffusionConfig(fit=FEW, attention_weight=0.0)
    assert DiffusionRecipe(changed, lessons(views), tokenizer()).fingerprint != recipe.fingerprint


def test_the_attention_loss_teaches_the_network_where_to_look(views: ObjectViews) -> None:
    config = ScaleDiffusionConfig(fit=FEW, no_prompt_share=0.0, attention_weight=1.0)
    recipe = DiffusionRecipe(config, lessons(views), tokenizer())
    before = float(np.mean([recipe.loss(step)[1]["attention"] for step in range(100, 104)]))
    descend(recipe, 15, 1e-3)
    after = float(np.mean([recipe.loss(step)[1]["attention"] for step in range(100, 104)]))
    assert after < 0.9 * before


def test_the_autoencoders_loss_falls(views: ObjectViews) -> None:
    losses = descend(VaeRecipe(ScaleVaeConfig(fit=FEW), views), 6, 2e-3)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_a_few_images_are_learned(views: ObjectViews) -> None:
    fit = ScaleFitConfig(steps=250, batch=8, learning_rate=1.5e-3)
    recipe = DiffusionRecipe(ScaleDiffusionConfig(fit=fit, plain_share=1.0), lessons(views, 8), tokenizer())
    losses = descend(recipe, 250, 1.5e-3)
    assert np.mean(losses[-20:]) < 0.35 * np.mean(losses[:5])


@pytest.mark.slow
def test_from_seeds_to_a_judged_folder(folder: Path, views: ObjectViews, tmp_path: Path) -> None:
    del views  # rendered already
    config = ScaleGeneratorConfig(
        views=VIEWS, vae=ScaleVaeConfig(fit=FEW), diffusion=ScaleDiffusionConfig(fit=FEW)
    )
    judges = ScaleJudgesConfig(
        views=VIEWS, classifier=FEW, segmentation=FEW, width=4, images_per_class=1, num_steps=1
    )
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    place = train_generator(config, judges, folder, vocabulary)
    figures = read_figures(place)
    assert figures["parameters"]["unet"] == 4_237_956
    assert figures["bytes"] < 13_000_000
    assert figures["held_out"]["images"]["accuracy"].keys() == {"all", *ROOM_CLASSES}
    assert is_current(place, figures["fingerprint"])
    generator = StableDiffusionGenerator(StableDiffusionConfig(folder=place))
    made = generator.generate(*fill_prompt("a {class}", "sofa"), [1], num_steps=1, guidance=2.0)
    assert made.images.shape == (1, 128, 128, 3)
    stamp = (place / "figures.json").stat().st_mtime_ns
    assert train_generator(config, judges, folder, vocabulary) == place
    assert (place / "figures.json").stat().st_mtime_ns == stamp


def test_without_a_vocabulary_nothing_is_trained(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="vocabulary is missing"):
        train_generator(ScaleGeneratorConfig(), ScaleJudgesConfig(), tmp_path, tmp_path / "none")
