"""Training of the scale generator's autoencoder, and all views encoded by it once.

The network is ``models/generators/scale_diffusion.py``'s business, the loop ``loop.py``'s.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float16
from torch import Tensor, nn
from torch.nn import functional

from models.generators.scale_diffusion import LATENT_PX, build_vae
from schema.config_scale import ScaleVaeConfig
from schema.progress import track
from storage.disk import write_atomically
from storage.fingerprint import fingerprint
from training.scale.batches import ClassBalance, mirrored, to_tensor
from training.scale.loop import rng_of
from training.scale.object_views import ObjectViews

VERSION = 1
"""Raised whenever the same configuration gives another autoencoder."""

_ENCODE_AT_ONCE = 64


class VaeRecipe:
    """Learns to give an image back: absolute differences of pixels at three scales and of edges, some KL.

    Args:
        config: what is trained.
        views: to learn from.
        device: ``cpu`` or ``cuda``.
    """

    name = "generator-vae"

    def __init__(self, config: ScaleVaeConfig, views: ObjectViews, *, device: str = "cpu") -> None:
        self._config, self._views, self._device = config, views, device
        self._balance = ClassBalance(views.classes())
        self.vae = build_vae(config.fit.seed).to(device)
        self.modules: Mapping[str, nn.Module] = {"vae": self.vae}
        self.steps = config.fit.steps
        self.fingerprint = fingerprint(
            "scale vae", VERSION, config.result_fields(), {"views": views.identity}
        )

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """See ``Recipe``."""
        config = self._config
        rng = rng_of(config.fit.seed, step)
        chosen = self._balance.draw(config.fit.batch, rng)
        image = mirrored(to_tensor(self._views.color[chosen]), rng).to(self._device)
        posterior = self.vae.encode(image).latent_dist
        again = self.vae.decode(posterior.sample()).sample
        pixels, edges = pixel_loss(again, image), edge_loss(again, image)
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        loss = pixels + config.edge_weight * edges + config.kl_weight * kl
        return loss, {
            "pixels": float(pixels.detach()),
            "edges": float(edges.detach()),
            "kl": float(kl.detach()),
        }


def pixel_loss(a: Float[Tensor, "B 3 H W"], b: Float[Tensor, "B 3 H W"]) -> Float[Tensor, ""]:
    """Mean absolute difference, averaged over the image and its halves and quarters in size."""
    difference = a - b
    parts = [difference, *(functional.avg_pool2d(difference, k) for k in (2, 4))]
    return torch.stack([part.abs().mean() for part in parts]).mean()


def edge_loss(a: Float[Tensor, "B 3 H W"], b: Float[Tensor, "B 3 H W"]) -> Float[Tensor, ""]:
    """Mean absolute difference of the steps from pixel to pixel, across and down: blur costs here."""
    difference = a - b
    return difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()


@torch.inference_mode()
def reconstruct(vae: Any, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Images encoded (the mean, no noise) and decoded again."""
    out: Tensor = vae.decode(vae.encode(images).latent_dist.mode()).sample
    return out.clamp(-1, 1)


def psnr_db(vae: Any, views: ObjectViews, at_most: int = 256) -> float:
    """Mean peak signal-to-noise ratio of reconstructed views, decibels."""
    chosen = np.linspace(0, len(views) - 1, min(at_most, len(views))).astype(np.int64)
    found = []
    for start in range(0, len(chosen), _ENCODE_AT_ONCE):
        image = to_tensor(views.color[chosen[start : start + _ENCODE_AT_ONCE]]).to(vae.device)
        error = ((reconstruct(vae, image) - image) / 2).square().mean(dim=(1, 2, 3))
        found.append(-10 * torch.log10(error.clamp(min=1e-10)))
    return float(torch.cat(found).mean())


def encoded_views(vae: Any, views: ObjectViews, path: Path) -> Float16[np.ndarray, "V 4 h w"]:
    """The latents of all views, unscaled, from ``path`` if it has them already.

    The mean of each posterior; its spread is far below the diffusion's own first noise.

    Args:
        vae: in evaluation mode.
        views: what to encode.
        path: of the ``.npy`` file; its name says which autoencoder and views.
    """
    if not path.is_file():
        latents = np.zeros((len(views), 4, LATENT_PX, LATENT_PX), dtype=np.float16)
        with torch.inference_mode():
            for start in track(range(0, len(views), _ENCODE_AT_ONCE), "encode views"):
                image = to_tensor(views.color[start : start + _ENCODE_AT_ONCE]).to(vae.device)
                latents[start : start + _ENCODE_AT_ONCE] = vae.encode(image).latent_dist.mode().cpu().numpy()
        write_atomically(path, _npy_bytes(latents))
    return np.asarray(np.load(path, allow_pickle=False))


def scaling_factor(latents: Float16[np.ndarray, "V 4 h w"]) -> float:
    """What latents are multiplied with to have unit spread, to four digits."""
    return float(f"{1 / latents.astype(np.float32).std():.4g}")


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
