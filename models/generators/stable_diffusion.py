"""Any Stable Diffusion pipeline of diffusers as a generator: images of a prompt with the class's attention.

Loading is ``pipeline_folder``'s business, recording attention ``attention``'s.
"""

from collections.abc import Sequence

import numpy as np
import torch

from models.generators.attention import AttentionSums, recording, token_weights
from models.generators.pipeline_folder import load_pipeline
from models.generators.protocol import GeneratedImages
from models.generators.tokens import Span, token_positions
from schema.config_synthesis import StableDiffusionConfig


class StableDiffusionGenerator:
    """A pipeline that stays in memory; see ``Generator``.

    Args:
        config: folder, and how attention is averaged.
        device: ``cpu`` or ``cuda``.

    Raises:
        WeightsError: a file is missing or damaged, or weights do not fit.
        MissingPartError: diffusers or transformers is not installed.
    """

    def __init__(self, config: StableDiffusionConfig, *, device: str = "cpu") -> None:
        self._config = config
        self._pipe = load_pipeline(config).to(device)
        self._pipe.set_progress_bar_config(disable=True)
        for part in (self._pipe.unet, self._pipe.vae, self._pipe.text_encoder):
            part.eval().requires_grad_(requires_grad=False)

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of an image, px."""
        height, width = self._latent_hw
        return height * self._pipe.vae_scale_factor, width * self._pipe.vae_scale_factor

    def generate(
        self, prompt: str, span: Span, seeds: Sequence[int], *, num_steps: int, guidance: float
    ) -> GeneratedImages:
        """One image per seed; see ``Generator``."""
        positions = token_positions(self._pipe.tokenizer, prompt, span)
        height, width = self.image_hw
        images = [np.zeros((0, height, width, 3), dtype=np.uint8)]
        attention = [np.zeros((0, height, width), dtype=np.float32)]
        for start in range(0, len(seeds), self._config.images_at_once):
            chosen = seeds[start : start + self._config.images_at_once]
            made = self._generate(prompt, positions, chosen, num_steps=num_steps, guidance=guidance)
            images.append(made.images)
            attention.append(made.attention)
        return GeneratedImages(np.concatenate(images), np.concatenate(attention))

    @property
    def _latent_hw(self) -> tuple[int, int]:
        size = self._pipe.unet.config.sample_size
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def _generate(
        self,
        prompt: str,
        positions: tuple[int, ...],
        seeds: Sequence[int],
        *,
        num_steps: int,
        guidance: float,
    ) -> GeneratedImages:
        pipe, (height, width) = self._pipe, self.image_hw
        weight = token_weights([positions] * len(seeds), int(pipe.tokenizer.model_max_length))
        sums = AttentionSums(weight.to(pipe.unet.device), self._latent_hw)
        with recording(pipe.unet, sums):
            out = pipe(
                [prompt] * len(seeds),
                height=height,
                width=width,
                num_inference_steps=num_steps,
                guidance_scale=guidance,
                generator=[torch.Generator().manual_seed(int(seed)) for seed in seeds],
                output_type="np",
            )
        maps = sums.maps(self._config.attention, (height, width))
        pixels = np.clip(np.asarray(out.images, dtype=np.float32) * 255 + 0.5, 0, 255).astype(np.uint8)
        return GeneratedImages(pixels, maps.float().cpu().numpy())
