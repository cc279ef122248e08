"""Training of the scale generator's denoising network together with its text tower.

The two are trained jointly: a tower of 0.2 M parameters learns its few hundred words from the same images at
no extra cost, and what it says need only be understood by this network. Architectures are
``models/generators/scale_diffusion.py``'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float16
from torch import Tensor, nn
from torch.nn import functional

from models.generators.attention import recording, token_weights
from models.generators.scale_diffusion import LATENT_PX, build_scheduler, build_text_encoder, build_unet
from models.generators.tokens import token_positions
from ops.rooms import Piece
from schema.config_scale import ScaleDiffusionConfig
from storage.fingerprint import fingerprint
from training.scale.batches import ClassBalance, prompt_of
from training.scale.loop import generator_of, rng_of
from training.scale.object_views import ObjectViews

VERSION = 1
"""Raised whenever the same configuration gives another network."""


@dataclass(frozen=True)
class Lessons:
    """What the network learns from.

    Attributes:
        latents: of each view, times the autoencoder's scaling factor.
        masks: share of each latent cell that shows what the prompt names.
        pieces: the object of each view.
        classes: of the objects.
        identity: of views, autoencoder and vocabulary.
    """

    latents: Float16[np.ndarray, "V 4 h w"]
    masks: Float16[np.ndarray, "V h w"]
    pieces: tuple[Piece, ...]
    classes: np.ndarray
    identity: str


def make_lessons(
    views: ObjectViews, latents: Float16[np.ndarray, "V 4 h w"], factor: float, identity: str
) -> Lessons:
    """Latents of unit spread, and the objects' masks on their grid."""
    cell = views.color.shape[1] // LATENT_PX
    masks = [
        views.mask(view).reshape(LATENT_PX, cell, LATENT_PX, cell).mean(axis=(1, 3))
        for view in range(len(views))
    ]
    scaled = (latents.astype(np.float32) * factor).astype(np.float16)
    return Lessons(scaled, np.stack(masks).astype(np.float16), views.pieces, views.classes(), identity)


class AttentionLoss:
    """Takes a UNet's cross-attention while it trains, and compares it with where the named object is.

    The divergence from an even spread over the object to the attention, which is normalised over the image:
    each part of the object must be attended to, nothing else should. Images without a prompt do not count.
    """

    def __init__(self, token_weight: Float[Tensor, "B L"], mask: Float[Tensor, "B h w"]) -> None:
        self.token_weight = token_weight
        self._mask = mask
        self._told = token_weight.sum(dim=1) > 0
        self._parts: list[Tensor] = []

    def add(self, attention: Float[Tensor, "B Q"]) -> None:
        """One layer's map; see ``AttentionSink``."""
        side = round(attention.shape[1] ** 0.5)
        wanted = functional.adaptive_avg_pool2d(self._mask[:, None], side).flatten(1)
        wanted = wanted / wanted.sum(dim=1, keepdim=True).clamp(min=1e-6)
        given = (attention + 1e-6) / (attention + 1e-6).sum(dim=1, keepdim=True)
        divergence = (wanted * (wanted.clamp(min=1e-6).log() - given.log())).sum(dim=1)
        self._parts.append(divergence[self._told].sum() / self._told.sum().clamp(min=1))

    def value(self) -> Float[Tensor, ""]:
        """Mean over layers."""
        return torch.stack(self._parts).mean()


class DiffusionRecipe:
    """Learns v (Salimans & Ho 2022) of noisy latents from prompts; see ``Recipe``.

    Args:
        config: what is trained.
        lessons: to learn from.
        tokenizer: a ``CLIPTokenizer``.
        device: ``cpu`` or ``cuda``.
    """

    name = "generator-unet"

    def __init__(
        self, config: ScaleDiffusionConfig, lessons: Lessons, tokenizer: Any, *, device: str = "cpu"
    ) -> None:
        self._config, self._lessons, self._tokenizer = config, lessons, tokenizer
        self._device = device
        self._balance = ClassBalance(lessons.classes)
        self._scheduler = build_scheduler()
        self.unet = build_unet(config.fit.seed).to(device)
        self.text_encoder = build_text_encoder(tokenizer, config.fit.seed + 1).to(device)
        self.modules: Mapping[str, nn.Module] = {"unet": self.unet, "text_encoder": self.text_encoder}
        self.steps = config.fit.steps
        self.fingerprint = fingerprint(
            "scale diffusion", VERSION, config.result_fields(), {"lessons": lessons.identity}
        )

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """See ``Recipe``."""
        config = self._config
        rng, generator = rng_of(config.fit.seed, step), generator_of(config.fit.seed, step, 1)
        chosen = self._balance.draw(config.fit.batch, rng)
        ids, weight = (tensor.to(self._device) for tensor in self._prompts(chosen, rng))
        latents, mask = (
            torch.from_numpy(array[chosen].astype(np.float32)).to(self._device)
            for array in (self._lessons.latents, self._lessons.masks)
        )
        steps = self._scheduler.config.num_train_timesteps
        noise = torch.randn(latents.shape, generator=generator).to(self._device)
        time = torch.randint(steps, (len(chosen),), generator=generator).to(self._device)
        noisy = self._scheduler.add_noise(latents, noise, time)
        attention = AttentionLoss(weight, mask)
        with recording(self.unet, attention):
            predicted = self.unet(noisy, time, self.text_encoder(ids).last_hidden_state).sample
        denoising = functional.mse_loss(predicted, self._scheduler.get_velocity(latents, noise, time))
        pointing = attention.value()
        return denoising + config.attention_weight * pointing, {
            "denoising": float(denoising.detach()),
            "attention": float(pointing.detach()),
        }

    def _prompts(self, chosen: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Float[Tensor, "B L"]]:
        """Token ids, and the weights of the tokens that name the object; none for a dropped prompt."""
        prompts, positions = [], []
        for view in chosen:
            prompt, span = prompt_of(self._lessons.pieces[view], self._config.plain_share, rng)
            told = rng.random() >= self._config.no_prompt_share
            prompts.append(prompt if told else "")
            positions.append(token_positions(self._tokenizer, prompt, span) if told else ())
        length = int(self._tokenizer.model_max_length)
        ids = self._tokenizer(
            prompts, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        return ids, token_weights(positions, length)
