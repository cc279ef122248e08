"""Training of the scale segmenter the way Segment Anything was trained: points, corrections, three masks.

Where points are put is ``prompts.py``'s business, the network ``models/segmenters/sam_sizes.py``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from models.segmenters.sam_sizes import SCALE_IMAGE_PX, build_scale_sam
from schema.config_scale import ScaleSegmenterConfig
from storage.fingerprint import fingerprint
from training.scale.loop import rng_of
from training.scale.object_views import ObjectViews
from training.scale.prompts import Points, correcting_points, points_on
from training.scale.views import Views

VERSION = 1
"""Raised whenever the same configuration gives another network."""

MASK_PX = 128
"""Side of the grid on which masks are compared: twice the network's own."""

_FOCAL_WEIGHT, _FOCAL_GAMMA = 20.0, 2.0  # Kirillov et al. 2023, appendix A; Lin et al. 2017
_FOCAL_ALPHA = 0.5
"""Weight of the object's pixels. With the 0.25 of Lin et al. a network this small, on batches this small,
calls everything background for hundreds of steps."""

_MOST_POINTS = 3


@dataclass(frozen=True)
class SegmenterImage:
    """An image as the network takes it, and objects in it.

    Attributes:
        image: RGB, 0..255, its longer side S; the network's ``preprocess`` scales and pads it.
        masks: of the objects, on a grid of S x S that is empty where the image is padded.
    """

    image: Float[Tensor, "3 h w"]
    masks: Bool[np.ndarray, "P S S"]


class SamRecipe:
    """Half of the images are views of rooms, half of single objects; see ``Recipe``.

    Args:
        config: what is trained.
        rooms: views to learn from.
        objects: more of them.
        identity: of both.
        device: ``cpu`` or ``cuda``.
    """

    name = "segmenter"

    def __init__(
        self,
        config: ScaleSegmenterConfig,
        rooms: Views,
        objects: ObjectViews,
        *,
        identity: str,
        device: str = "cpu",
    ) -> None:
        self._config = config
        self._sources = (rooms, objects)
        self.sam = build_scale_sam(config.fit.seed).to(device)
        self.modules: Mapping[str, nn.Module] = {"sam": self.sam}
        self.steps = config.fit.steps
        own = {
            name: value for name, value in config.result_fields().items() if name not in ("rooms", "objects")
        }
        self.fingerprint = fingerprint("scale segmenter", VERSION, own, {"views": identity})

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """See ``Recipe``."""
        config = self._config
        rng = rng_of(config.fit.seed, step)
        batch = [self._image(self._sources[number % 2], rng) for number in range(config.fit.batch)]
        return sam_loss(self.sam, batch, corrections=config.corrections, rng=rng)

    def _image(self, source: Views | ObjectViews, rng: np.random.Generator) -> SegmenterImage:
        """A random view with a large enough object, mirrored half of the time."""
        while True:
            view = int(rng.integers(len(source.color)))
            color, instance = np.asarray(source.color[view]), np.asarray(source.instance[view])
            if rng.random() < 0.5:
                color, instance = color[:, ::-1], instance[:, ::-1]
            made = segmenter_image(color, instance, config=self._config, rng=rng)
            if made is not None:
                return made


def segmenter_image(
    color: np.ndarray, instance: np.ndarray, *, config: ScaleSegmenterConfig, rng: np.random.Generator
) -> SegmenterImage | None:
    """An image enlarged or shrunk to the network's input, and randomly chosen objects of it.

    Args:
        color: RGB.
        instance: object ids, -1 none.
        config: how many objects, and how large they must be.
        rng: chooses.

    Returns:
        None if no object is large enough.
    """
    height, width = instance.shape
    scale = SCALE_IMAGE_PX / max(height, width)
    size = (round(height * scale), round(width * scale))
    pixels = torch.from_numpy(np.array(color)).permute(2, 0, 1).float()
    image = functional.interpolate(pixels[None], size, mode="bilinear", antialias=scale < 1)[0]
    rows = np.minimum(((np.arange(size[0]) + 0.5) / scale).astype(np.int64), height - 1)
    columns = np.minimum(((np.arange(size[1]) + 0.5) / scale).astype(np.int64), width - 1)
    ids = np.full((SCALE_IMAGE_PX, SCALE_IMAGE_PX), -1, dtype=np.int64)
    ids[: size[0], : size[1]] = instance[np.ix_(rows, columns)]
    known, count = np.unique(ids[ids >= 0], return_counts=True)
    known = known[count >= config.least_object_px]
    if len(known) == 0:
        return None
    chosen = rng.choice(known, config.prompts, replace=len(known) < config.prompts)
    return SegmenterImage(image, ids[None] == chosen[:, None, None])


def sam_loss(
    sam: Any, batch: list[SegmenterImage], *, corrections: int, rng: np.random.Generator
) -> tuple[Tensor, Mapping[str, float]]:
    """Focal and Dice loss of the best of three masks, then of one mask after each correction, and of its IoU.

    Args:
        sam: a ``segment_anything.modeling.Sam``.
        batch: images with objects.
        corrections: rounds with a further point where the mask before was wrong, and that mask as a prompt.
        rng: draws points.
    """
    features = sam.image_encoder(torch.stack([sam.preprocess(item.image.to(sam.device)) for item in batch]))
    losses, first_iou, last_iou = [], [], []
    for item, feature in zip(batch, features, strict=True):
        points = points_on(item.masks, _MOST_POINTS, rng)
        target = _on_grid(item.masks).to(sam.device)
        logits, guess = _decode(sam, feature[None], points, None, multimask=True)
        loss, best, iou = _judged(logits, guess, target)
        losses.append(loss)
        first_iou.append(iou)
        for _ in range(corrections):
            given = functional.interpolate(best, SCALE_IMAGE_PX, mode="bilinear")[:, 0] > 0
            points = points.joined(correcting_points(item.masks, given.cpu().numpy(), rng))
            logits, guess = _decode(sam, feature[None], points, best, multimask=False)
            loss, best, iou = _judged(logits, guess, target)
            losses.append(loss)
        last_iou.append(iou)
    numbers = {"iou": float(torch.cat(first_iou).mean()), "iou_corrected": float(torch.cat(last_iou).mean())}
    return torch.stack(losses).mean(), numbers


def _decode(
    sam: Any, feature: Float[Tensor, "1 C h w"], points: Points, mask: Tensor | None, *, multimask: bool
) -> tuple[Float[Tensor, "P M m m"], Float[Tensor, "P M"]]:
    asked = (points.at_px.to(sam.device), points.label.to(sam.device))
    sparse, dense = sam.prompt_encoder(points=asked, boxes=None, masks=mask)
    logits, guess = sam.mask_decoder(
        image_embeddings=feature,
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=multimask,
    )
    return logits, guess


def _judged(
    logits: Float[Tensor, "P M m m"], guess: Float[Tensor, "P M"], target: Float[Tensor, "P S S"]
) -> tuple[Float[Tensor, ""], Float[Tensor, "P 1 m m"], Float[Tensor, "P"]]:
    """The loss, each prompt's best mask (its logits, detached) and that mask's IoU."""
    large = functional.interpolate(logits, MASK_PX, mode="bilinear", align_corners=False)
    wanted = target[:, None].expand_as(large)
    each = _FOCAL_WEIGHT * focal_loss(large, wanted) + dice_loss(large, wanted)
    with torch.no_grad():
        iou = mask_iou(large > 0, wanted > 0.5)
    best = each.argmin(dim=1)
    rows = torch.arange(len(best), device=best.device)
    loss = each[rows, best].mean() + functional.mse_loss(guess, iou)
    return loss, logits.detach()[rows, best][:, None], iou[rows, best]


def focal_loss(logits: Float[Tensor, "P M h w"], wanted: Float[Tensor, "P M h w"]) -> Float[Tensor, "P M"]:
    """Focal loss (Lin et al. 2017, Eq. 5) of each mask, mean over its pixels."""
    plain = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    sure = torch.exp(-plain)  # probability given to the truth
    alpha = _FOCAL_ALPHA * wanted + (1 - _FOCAL_ALPHA) * (1 - wanted)
    loss: Tensor = alpha * (1 - sure) ** _FOCAL_GAMMA * plain
    return loss.mean(dim=(2, 3))


def dice_loss(logits: Float[Tensor, "P M h w"], wanted: Float[Tensor, "P M h w"]) -> Float[Tensor, "P M"]:
    """1 - Dice coefficient of each mask."""
    share = logits.sigmoid()
    both, either = (share * wanted).sum(dim=(2, 3)), share.sum(dim=(2, 3)) + wanted.sum(dim=(2, 3))
    return 1 - (2 * both + 1) / (either + 1)


def mask_iou(a: Bool[Tensor, "P M h w"], b: Bool[Tensor, "P M h w"]) -> Float[Tensor, "P M"]:
    """Intersection over union of each pair of masks; 0 where both are empty."""
    both, either = (a & b).sum(dim=(2, 3)), (a | b).sum(dim=(2, 3))
    return both / either.clamp(min=1)


def _on_grid(masks: Bool[np.ndarray, "P S S"]) -> Float[Tensor, "P G G"]:
    """Masks at ``MASK_PX``: 1 where at least half of a cell is the object."""
    step = SCALE_IMAGE_PX // MASK_PX
    cells = masks.reshape(len(masks), MASK_PX, step, MASK_PX, step).mean(axis=(2, 4))
    return torch.from_numpy((cells >= 0.5).astype(np.float32))
