"""Training of the scale teachers: a network with text-space vectors per pixel, and one with labelled masks.

What they see is ``teacher_data``'s business, what the networks are ``models/teachers/conv.py``'s; how good
they are is measured by ``teacher_figures``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from models.cache import load_text
from models.teachers.conv_file import ConvModel, conv_bytes, description, read_conv
from models.teachers.conv_net import STRIDE, ConvNet, build_conv_net
from models.text.open_clip_files import CONFIG_FILE
from models.text.protocol import TextEncoder
from ops.rooms import ROOM_CLASSES
from schema.config_models import OpenClipTextConfig
from schema.config_scale import ScaleModelsConfig, ScaleTeacherConfig, ScaleViewsConfig
from schema.errors import ConfigError, WeightsError
from storage.fingerprint import fingerprint
from training.scale.loop import fit_as, rng_of, seconds_trained, sweep
from training.scale.publish import half, is_current, machine, publish, round_to_half
from training.scale.teacher_data import TeacherViews, batch, class_weight, output_table, teacher_views
from training.scale.teacher_figures import measure
from training.scale.text_image import NAME as TEXT_IMAGE
from training.scale.text_image import WEIGHTS_FILE as TEXT_IMAGE_FILE
from training.scale.text_image_figures import class_texts
from training.scale.views import held_out_views, training_views, views_identity

DENSE, MASK = "dense_teacher", "mask_teacher"
WEIGHTS_FILE, ABOUT_FILE = "model.safetensors", "model.json"
VERSION = 1
"""Raised whenever the same configuration gives another network."""

_LOGIT_SCALE = 30.0
"""Cosines times this are logits. With less (LSeg learns about 14) vectors must point past texts as close to
each other as "chair" and "table" to tell them apart, and then lie near no text at all."""

_RARE_POWER = {"dense": 0.4, "mask": 0.25}  # of how rare a label is, in its weight
_SAME_TEXT = 0.999999  # cosine; an encoder of few steps tells different words apart by little
_EVERY = 2  # of the cells along each axis one in so many is learned from in a step of a dense network


class TeacherRecipe:
    """Cross-entropy over the teacher's labels; a dense one also turns to the captions of objects.

    Args:
        name: of the model.
        net: the network.
        data: its views.
        config: batches, steps, seed.
        fingerprint: of the training.
        encoder: of texts; None for a mask teacher.
    """

    def __init__(
        self,
        name: str,
        net: ConvNet,
        data: TeacherViews,
        config: ScaleTeacherConfig,
        *,
        fingerprint: str,
        encoder: TextEncoder | None,
    ) -> None:
        self.name, self.steps, self.fingerprint = name, config.steps, fingerprint
        self.modules: Mapping[str, nn.Module] = {"net": net}
        self._net, self._data, self._config = net, data, config
        device = next(net.parameters()).device
        self._device = device
        self._weight = class_weight(data, len(config.names), STRIDE, _RARE_POWER[config.kind]).to(device)
        self._labels = self._captions = None
        if encoder is not None:
            self._labels = label_texts(config, encoder).to(device)
            self._captions = torch.from_numpy(encoder.encode(data.texts)).to(device)

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of a step's views."""
        rng = rng_of(self._config.seed, step)
        chosen = rng.choice(self._data.chosen, size=self._config.batch)
        views = batch(self._data, [int(i) for i in chosen], stride=STRIDE, rng=rng)
        numbers = self._net(views.image.to(self._device))
        target = views.output.to(self._device)
        if self._labels is None or self._captions is None:
            return functional.cross_entropy(numbers, target, weight=self._weight, ignore_index=-1), {}
        # a quarter of the cells: other ones in other steps, and the rest is much like its neighbours
        row, column = map(int, rng.integers(0, _EVERY, 2))
        cells = (..., slice(row, None, _EVERY), slice(column, None, _EVERY))
        unit, target = functional.normalize(numbers[cells], dim=1), target[cells]
        logits = _LOGIT_SCALE * torch.einsum("bchw,kc->bkhw", unit, self._labels)
        of_labels = functional.cross_entropy(logits, target, weight=self._weight, ignore_index=-1)
        text = views.text[cells].to(self._device)
        of_captions = caption_loss(unit, text, self._captions, self._weight[target.clamp(min=0)])
        values = {"labels": float(of_labels.detach()), "captions": float(of_captions.detach())}
        return of_labels + self._config.caption_weight * of_captions, values


def caption_loss(
    unit: Float[Tensor, "B C h w"],
    text: Int[Tensor, "B h w"],
    captions: Float[Tensor, "T C"],
    weight: Float[Tensor, "B h w"],
) -> Float[Tensor, ""]:
    """Cross-entropy of each cell's own caption among those of all objects in the batch.

    Args:
        unit: the network's vectors.
        text: row of ``captions`` that is true of each cell, -1 none.
        captions: unit vectors.
        weight: of each cell.
    """
    known = text >= 0
    rows, target = torch.unique(text[known], return_inverse=True)
    logits = _LOGIT_SCALE * unit.permute(0, 2, 3, 1)[known] @ captions[rows].T
    each = functional.cross_entropy(logits, target, reduction="none")
    loss: Tensor = (each * weight[known]).sum() / weight[known].sum().clamp(min=1e-6)
    return loss


def train_teacher(name: str, config: ScaleTeacherConfig, views: ScaleViewsConfig, folder: Path) -> Path:
    """Train a teacher unless it is up to date; a dense one needs the text encoder in the same folder.

    Args:
        name: ``DENSE`` or ``MASK``.
        config: of the teacher.
        views: of the rooms it sees.
        folder: of all scale models.

    Returns:
        The teacher's own folder.

    Raises:
        ConfigError: two labels of a dense teacher have the same text.
        WeightsError: there is no text encoder.
    """
    place = folder / name
    encoder = scale_encoder(folder) if config.kind == "dense" else None
    identity = teacher_fingerprint(name, config, views, encoder)
    if is_current(place, identity):
        return place
    work = folder / "work" / name
    data = teacher_views(config, training_views(views, folder))
    outputs = len(config.names) if encoder is None else encoder.dim
    net = build_conv_net(outputs, config.width, config.seed)
    net.to("cuda" if torch.cuda.is_available() else "cpu")
    recipe = TeacherRecipe(name, net, data, config, fingerprint=identity, encoder=encoder)
    fit_as(recipe, work, config, label=f"train {name.replace('_', ' ')}")
    round_to_half(net)
    text = None if encoder is None else half(label_texts(config, encoder)).float()
    space = None if encoder is None else encoder.space
    model = ConvModel(net.cpu(), config.names, text, space)
    classes = None if encoder is None else class_vectors(encoder)
    held_out = {"held_out": measure(model, config, held_out_views(views, folder), classes)}
    about = {
        "model": "models.teachers.conv_net.ConvNet",
        "parameters": sum(p.numel() for p in net.parameters()),
        "trained_on": _trained_on(config, views, data),
        "seconds": round(seconds_trained(work), 1),
        "machine": machine(),
    }
    publish(place, _files(model, config), fingerprint=identity, figures={**about, **held_out})
    sweep(work)
    return place


def make_dense(config: ScaleModelsConfig, folder: Path) -> Path:
    """The dense teacher of a whole configuration; see ``train_teacher``."""
    return train_teacher(DENSE, config.dense_teacher, config.views, folder)


def make_mask(config: ScaleModelsConfig, folder: Path) -> Path:
    """The mask teacher of a whole configuration; see ``train_teacher``."""
    return train_teacher(MASK, config.mask_teacher, config.views, folder)


def measure_dense(config: ScaleModelsConfig, folder: Path, renders: Path) -> dict[str, Any]:
    """The held-out figures of the dense teacher in ``folder``."""
    return _measure_again(DENSE, config.dense_teacher, config.views, folder, renders=renders)


def measure_mask(config: ScaleModelsConfig, folder: Path, renders: Path) -> dict[str, Any]:
    """The held-out figures of the mask teacher in ``folder``."""
    return _measure_again(MASK, config.mask_teacher, config.views, folder, renders=renders)


def _measure_again(
    name: str, config: ScaleTeacherConfig, views: ScaleViewsConfig, folder: Path, *, renders: Path
) -> dict[str, Any]:
    model = read_conv(folder / name / WEIGHTS_FILE, config.kind, "cpu")
    classes = class_vectors(scale_encoder(folder)) if config.kind == "dense" else None
    return measure(model, config, held_out_views(views, renders), classes)


def scale_encoder(folder: Path) -> TextEncoder:
    """The text encoder among the scale models.

    Raises:
        WeightsError: it is not there.
    """
    place = folder / TEXT_IMAGE
    if not (place / TEXT_IMAGE_FILE).is_file():
        raise WeightsError(
            "the scale text encoder is not there",
            file=place,
            remedy="train it first: teach3d train-scale-models --only text_image",
        )
    config = OpenClipTextConfig(architecture=str(place / CONFIG_FILE), weights=place / TEXT_IMAGE_FILE)
    return load_text(config, synonyms=[])


def class_vectors(encoder: TextEncoder) -> Float[Tensor, "K C"]:
    """The text vector of each class of the rooms, as the pipeline asks for it."""
    return torch.from_numpy(encoder.encode(class_texts()))


def label_texts(config: ScaleTeacherConfig, encoder: TextEncoder) -> Float[Tensor, "K C"]:
    """The text vector of each label.

    Raises:
        ConfigError: two labels have the same one.
    """
    text = torch.from_numpy(encoder.encode([config.template.format(label=name) for name in config.names]))
    if bool((torch.triu(text @ text.T, diagonal=1) > _SAME_TEXT).any()):
        raise ConfigError(
            "two labels have the same text in this text space",
            field="labels",
            value=list(config.names),
            remedy="merge them, or choose other words",
        )
    return text


def teacher_fingerprint(
    name: str, config: ScaleTeacherConfig, views: ScaleViewsConfig, encoder: TextEncoder | None
) -> str:
    """Of everything that decides the network and its figures."""
    inputs = {
        "views": views_identity(views, views.training_rooms),
        "held_out": views_identity(views, views.held_out_rooms),
        "text_space": "" if encoder is None else encoder.space,
    }
    return fingerprint(
        name, VERSION, {**config.result_fields(), "order": list(config.labels.items())}, inputs
    )


def _files(model: ConvModel, config: ScaleTeacherConfig) -> dict[str, bytes]:
    weights = conv_bytes(model.net, model.text, keep=half)
    about = description(model, config.kind, width=config.width, weights=weights, provenance={})
    return {WEIGHTS_FILE: weights, ABOUT_FILE: json.dumps(about, indent=1).encode()}


def _trained_on(config: ScaleTeacherConfig, views: ScaleViewsConfig, data: TeacherViews) -> dict[str, Any]:
    of = output_table(config)
    return {
        "rooms": [views.training_rooms[0], views.training_rooms[-1]],
        "plans": list(config.plans) or sorted({room.plan for room in data.views.rooms}),
        "views": len(data.chosen),
        "steps": config.steps,
        "batch": config.batch,
        "seed": config.seed,
        "labels": {label: list(means) for label, means in config.labels.items()},
        "rest": config.rest,
        "unknown": [name for name in ROOM_CLASSES if of(name, name) in (-1, len(config.labels))],
    }
