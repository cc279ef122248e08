"""The two networks that judge the scale generator: one names an image's object, one the class of every pixel.

They are trained on renders of rooms of their own and used for nothing else; what they say of generated
images is ``generator_quality.py``'s business.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional

from models.teachers.conv_net import STRIDE, build_conv_net, to_input
from ops.rooms import ROOM_CLASSES
from schema.config_scale import ScaleJudgesConfig
from storage.fingerprint import fingerprint
from training.scale.batches import ClassBalance
from training.scale.loop import rng_of
from training.scale.object_views import ObjectViews

VERSION = 1
"""Raised whenever the same configuration gives other judges."""

_GAIN = 0.3  # colours are multiplied with 1 -+ half of this
_SOFT_SHARE = 0.4  # of the training images that are blurred: generated ones are a little soft
_AT_ONCE = 64


class ObjectClassifier(nn.Module):
    """A small convolutional network: an image to a score per class of the rooms.

    Args:
        width: channels at the finest level.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (3, width, 2 * width, 3 * width, 4 * width, 5 * width)
        layers = [_halving(a, b) for a, b in itertools.pairwise(sizes)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(2 * sizes[-1], len(ROOM_CLASSES))

    def forward(self, image: Float[Tensor, "B H W 3"]) -> Float[Tensor, "B K"]:
        """Scores; ``image`` as ``to_input`` gives it."""
        cells = self.body(image.permute(0, 3, 1, 2))
        scores: Tensor = self.head(torch.cat([cells.mean(dim=(2, 3)), cells.amax(dim=(2, 3))], dim=1))
        return scores


class ClassifierRecipe:
    """Learns the class of the object that a view was made of; see ``Recipe``."""

    name = "judge-classifier"

    def __init__(self, config: ScaleJudgesConfig, views: ObjectViews) -> None:
        self._fit, self._views, self._classes = config.classifier, views, views.classes()
        self._balance = ClassBalance(self._classes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.classifier.seed)
            self.net = ObjectClassifier(config.width)
        self.modules: Mapping[str, nn.Module] = {"net": self.net}
        self.steps = config.classifier.steps
        self.fingerprint = judges_fingerprint(config, views, self.name)

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """Cross-entropy, softened a little: some views hold several objects."""
        rng = rng_of(self._fit.seed, step)
        chosen = self._balance.draw(self._fit.batch, rng)
        image, _ = varied(to_input(torch.from_numpy(self._views.color[chosen])), None, rng)
        wanted = torch.from_numpy(self._classes[chosen])
        scores = self.net(image)
        right = float((scores.detach().argmax(dim=1) == wanted).float().mean())
        return functional.cross_entropy(scores, wanted, label_smoothing=0.05), {"accuracy": right}


class SegmentationRecipe:
    """Learns the class of every pixel; see ``Recipe``."""

    name = "judge-segmentation"

    def __init__(self, config: ScaleJudgesConfig, views: ObjectViews) -> None:
        self._fit, self._views = config.segmentation, views
        self._balance = ClassBalance(views.classes())
        self.net = build_conv_net(len(ROOM_CLASSES), config.width, config.segmentation.seed)
        self.modules: Mapping[str, nn.Module] = {"net": self.net}
        self.steps = config.segmentation.steps
        self.fingerprint = judges_fingerprint(config, views, self.name)

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """Cross-entropy over labelled pixels, on the network's own grid."""
        rng = rng_of(self._fit.seed, step)
        chosen = self._balance.draw(self._fit.batch, rng)
        label = torch.from_numpy(self._views.semantic[chosen][:, ::STRIDE, ::STRIDE].astype(np.int64))
        image, label = varied(to_input(torch.from_numpy(self._views.color[chosen])), label, rng)
        scores = self.net(image)
        right = (scores.detach().argmax(dim=1) == label)[label >= 0].float().mean()
        return functional.cross_entropy(scores, label, ignore_index=-1), {"accuracy": float(right)}


def judges_fingerprint(config: ScaleJudgesConfig, views: ObjectViews, name: str) -> str:
    """Of one judge's training."""
    own = {key: value for key, value in config.result_fields().items() if key != "views"}
    return fingerprint(f"scale {name}", VERSION, own, {"views": views.identity})


def varied(
    image: Float[Tensor, "B H W 3"], label: Int64[Tensor, "B h w"] | None, rng: np.random.Generator
) -> tuple[Float[Tensor, "B H W 3"], Int64[Tensor, "B h w"]]:
    """Mirror every other image, change the strength of the colours, blur some."""
    flip, soft = (torch.from_numpy(rng.random(len(image)) < share) for share in (0.5, _SOFT_SHARE))
    gain = torch.from_numpy(1 + _GAIN * (rng.random((len(image), 1, 1, 3)) - 0.5)).float()
    label = torch.zeros((len(image), 1, 1), dtype=torch.int64) if label is None else label
    image = torch.where(flip[:, None, None, None], image.flip(2), image)
    blurred = functional.avg_pool2d(
        image.permute(0, 3, 1, 2), 3, stride=1, padding=1, count_include_pad=False
    )
    image = torch.where(soft[:, None, None, None], blurred.permute(0, 2, 3, 1), image)
    return (image + 1) * gain - 1, torch.where(flip[:, None, None], label.flip(2), label)


@torch.inference_mode()
def named(net: ObjectClassifier, images: UInt8[np.ndarray, "B H W 3"]) -> Int64[np.ndarray, "B"]:
    """The class of each image, as index into ``ROOM_CLASSES``."""
    parts = [
        net(to_input(torch.from_numpy(np.array(images[start : start + _AT_ONCE])))).argmax(dim=1).numpy()
        for start in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


@torch.inference_mode()
def segmented(net: nn.Module, images: UInt8[np.ndarray, "B H W 3"]) -> Int64[np.ndarray, "B H W"]:
    """The class of each pixel, nearest cell."""
    parts = [np.zeros((0, *images.shape[1:3]), dtype=np.int64)]
    for start in range(0, len(images), _AT_ONCE):
        cells = net(to_input(torch.from_numpy(np.array(images[start : start + _AT_ONCE])))).argmax(dim=1)
        large = cells.repeat_interleave(STRIDE, dim=1).repeat_interleave(STRIDE, dim=2)
        parts.append(large[:, : images.shape[1], : images.shape[2]].numpy())
    return np.concatenate(parts)


def _halving(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
