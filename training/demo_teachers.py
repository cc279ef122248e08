"""Training of the demo's own small 2D networks, on renders of rooms that no capture of the demo shows.

They are honest small models, not oracles: they see RGB alone and know different label sets. What they are is
left to ``models/teachers/conv.py``, what they learn from to ``training/demo_views.py``.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn import functional

from models.cache import load_text
from models.teachers.conv import text_coordinates, text_logits
from models.teachers.conv_file import ConvModel, conv_bytes, description
from models.teachers.conv_net import STRIDE, ConvNet, build_conv_net, to_input
from ops.metrics import confusion, json_number, scores_from_confusion
from ops.rooms import GENERATOR_VERSION
from schema.config_demo import DemoTeacherConfig, DemoTeachersConfig
from schema.errors import ConfigError
from schema.progress import Tracker
from storage.disk import read_json, write_atomically, write_json
from storage.fingerprint import file_digest, fingerprint
from storage.label_sets import load_synonyms
from storage.sources.synthetic_labels import LABEL_NAMES
from training.demo_views import LabelledImages, class_to_output, render_rooms

LOG = logging.getLogger(__name__)
VERSION = 1
"""Raised whenever the same configuration gives another network."""

_RARE_WEIGHT = 4.0  # at most: a class of few pixels must not drown the others
_GAIN_RANGE = 0.3  # colours of an image are multiplied with 1 -+ half of this
_SAME_TEXT = 0.999  # cosine
_WARM_UP = 0.2  # share of the steps over which the learning rate rises


@dataclass(frozen=True)
class _Job:
    """One network to train: its name, label set, texts, and what makes its files out of date."""

    name: str
    teacher: DemoTeacherConfig
    text: Float[torch.Tensor, "K C"] | None
    text_space: str | None
    fingerprint: str


def train_demo_teachers(config: DemoTeachersConfig, folder: Path) -> list[Path]:
    """Train the networks that are not up to date, all at once, each on one thread of its own.

    One thread makes the weights the same on any number of cores. Beside each network's weights stands the
    JSON that says what they mean and how good they are on held-out rooms.

    Args:
        config: what to train.
        folder: for the files; made if missing.

    Returns:
        The weight files.

    Raises:
        ConfigError: a class is none of the rooms', or two labels of a dense network have one text.
    """
    jobs = [_job(name, teacher, config) for name, teacher in config.teachers.items()]
    todo = [job for job in jobs if not _up_to_date(folder / f"{job.name}.json", job)]
    if todo:
        train = render_rooms(config, config.training_rooms, "render rooms to train on")
        held_out = render_rooms(config, config.held_out_rooms, "render held-out rooms")
        nets = _train_all(todo, train, config)
        for job in todo:
            _write(folder, job, nets[job.name], held_out, config=config)
    return [folder / f"{job.name}.safetensors" for job in jobs]


def _job(name: str, teacher: DemoTeacherConfig, config: DemoTeachersConfig) -> _Job:
    class_to_output(teacher, name)
    text = space = None
    if teacher.kind == "dense":
        encoder = load_text(config.text, synonyms=load_synonyms())
        space = encoder.space
        text = torch.from_numpy(encoder.encode([config.template.format(label=k) for k in teacher.names]))
        if bool((torch.triu(text @ text.T, diagonal=1) > _SAME_TEXT).any()):
            raise ConfigError(
                "two labels have the same text in this text space",
                field=f"teachers.{name}.labels",
                value=list(teacher.names),
                remedy="merge them, or choose other words",
            )
    shared = config.model_dump(mode="json", exclude={"teachers", "text", "template"})
    texts = {} if text is None else {"text": text.numpy().tobytes().hex()}
    identity = {
        **shared,
        "teacher": {**teacher.model_dump(mode="json"), "labels": list(teacher.labels.items())},
    }
    versions = {"rooms": str(GENERATOR_VERSION), "text_space": str(space), **texts}
    return _Job(name, teacher, text, space, fingerprint(f"demo teacher {name}", VERSION, identity, versions))


def _up_to_date(sidecar: Path, job: _Job) -> bool:
    facts = read_json(sidecar)
    if not isinstance(facts, dict) or facts.get("fingerprint") != job.fingerprint:
        return False
    weights = sidecar.with_suffix(".safetensors")
    return weights.is_file() and file_digest(weights) == facts.get("weights_sha256")


def _train_all(jobs: list[_Job], views: LabelledImages, config: DemoTeachersConfig) -> dict[str, ConvNet]:
    nets = {job.name: build_conv_net(len(job.teacher.names), config.width, config.seed) for job in jobs}
    with (
        _one_thread_each(),
        Tracker("train demo teachers", config.steps * len(jobs)) as tracker,
        ThreadPoolExecutor(len(jobs), initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        futures = [
            pool.submit(_train, nets[job.name], job, views, config=config, tracker=tracker) for job in jobs
        ]
        for future in futures:
            future.result()
    return nets


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    net: ConvNet, job: _Job, views: LabelledImages, *, config: DemoTeachersConfig, tracker: Tracker
) -> None:
    """AdamW with one cycle of the learning rate; cross-entropy of text cosines, or of plain scores."""
    color = torch.from_numpy(views.color)
    label = torch.from_numpy(_targets(job, views)[:, ::STRIDE, ::STRIDE].astype(np.int64))
    weight = _class_weight(label, len(job.teacher.names))
    coordinates = None if job.text is None else text_coordinates(job.text)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=0.01)
    generator = torch.Generator().manual_seed(config.seed)
    net.train()
    for step, chosen in enumerate(_batches(len(color), config, generator)):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * _cycle(step / config.steps)
        image, target = _augment(to_input(color[chosen]), label[chosen], generator)
        numbers = net(image)
        logits = numbers if coordinates is None else text_logits(numbers, coordinates)
        loss = functional.cross_entropy(logits, target, weight=weight, ignore_index=-1)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        tracker.advance(1, f"{job.name} {float(loss.detach()):.2f}")
    net.eval()


def _targets(job: _Job, views: LabelledImages) -> Int[np.ndarray, "V H W"]:
    return np.asarray(class_to_output(job.teacher, job.name)[views.label])


def _class_weight(label: Int[torch.Tensor, "V h w"], num_outputs: int) -> Float[torch.Tensor, "K"]:
    """Inverse fourth root of the labels' frequencies, 1 for an average one."""
    count = torch.bincount(label[label >= 0].flatten(), minlength=num_outputs).double()
    return (count.mean() / count.clamp(min=1)).pow(0.25).clamp(max=_RARE_WEIGHT).float()


def _batches(
    num_views: int, config: DemoTeachersConfig, generator: torch.Generator
) -> Iterator[torch.Tensor]:
    needed = config.steps * config.batch_views
    rounds = -(-needed // num_views)
    order = torch.cat([torch.randperm(num_views, generator=generator) for _ in range(rounds)])[:needed]
    for start in range(0, needed, config.batch_views):
        yield order[start : start + config.batch_views]


def _cycle(progress: float) -> float:
    """Learning rate as a share of the highest: linear up, then a cosine down."""
    if progress < _WARM_UP:
        return 0.04 + 0.96 * progress / _WARM_UP
    return 0.5 + 0.5 * float(np.cos(np.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def _augment(
    image: Float[torch.Tensor, "B H W 3"], label: Int[torch.Tensor, "B h w"], generator: torch.Generator
) -> tuple[Float[torch.Tensor, "B H W 3"], Int[torch.Tensor, "B h w"]]:
    """Mirror every other image, change the strength of the colours."""
    flip = torch.rand(len(image), generator=generator) < 0.5
    gain = 1 + _GAIN_RANGE * (torch.rand(len(image), 1, 1, 3, generator=generator) - 0.5)
    mirrored = torch.where(flip[:, None, None, None], image.flip(2), image)
    return (mirrored + 1) * gain - 1, torch.where(flip[:, None, None], label.flip(2), label)


def _write(
    folder: Path, job: _Job, net: ConvNet, held_out: LabelledImages, *, config: DemoTeachersConfig
) -> None:
    """Weights first, then the description that makes them valid."""
    model = ConvModel(net, job.teacher.names, job.text, job.text_space)
    quality = measure(model, job.teacher, held_out)
    LOG.info("%s: pixel accuracy %.3f in held-out rooms", job.name, quality["pixel_accuracy"])
    weights = conv_bytes(net, job.text)
    facts = description(
        model,
        job.teacher.kind,
        width=config.width,
        weights=weights,
        provenance={
            "fingerprint": job.fingerprint,
            "trained_on": {
                "rooms": list(config.training_rooms),
                "views": config.num_rooms * config.frames_per_room,
                "steps": config.steps,
                "batch_views": config.batch_views,
                "seed": config.seed,
                "means": {label: list(classes) for label, classes in job.teacher.labels.items()},
                "rest": job.teacher.rest,
            },
            "held_out": {"rooms": list(config.held_out_rooms), **quality},
        },
    )
    write_atomically(folder / f"{job.name}.safetensors", weights)
    write_json(folder / f"{job.name}.json", facts)


def measure(model: ConvModel, teacher: DemoTeacherConfig, views: LabelledImages) -> Mapping[str, Any]:
    """How good a network is on labelled views, every pixel of the image counted.

    Returns:
        ``pixel_accuracy`` and ``accuracy`` per label, in the network's own label set; ``iou`` per class of
        the rooms, by name: 0 for a class it has no label for.
    """
    K = len(LABEL_NAMES)
    own = np.zeros((len(teacher.names), len(teacher.names) + 1), dtype=np.int64)
    rooms = np.zeros((K, K + 1), dtype=np.int64)
    table = class_to_output(teacher, "?")
    by_name = np.array([LABEL_NAMES.index(k) if k in LABEL_NAMES else -1 for k in teacher.names])
    for color, label in zip(views.color, views.label, strict=True):
        output = predict(model, color)
        own += confusion(output.ravel(), table[label].ravel(), len(teacher.names))
        rooms += confusion(by_name[output].ravel(), label.ravel(), K)
    scores, iou = scores_from_confusion(own), scores_from_confusion(rooms).iou
    accuracy = map(json_number, np.round(scores.accuracy, 4))
    return {
        "pixel_accuracy": json_number(round(scores.point_accuracy, 4)),
        "accuracy": dict(zip(teacher.names, accuracy, strict=True)),
        "iou": dict(zip(LABEL_NAMES, map(json_number, np.round(iou, 4)), strict=True)),
    }


@torch.inference_mode()
def predict(model: ConvModel, color: np.ndarray) -> Int[np.ndarray, "H W"]:
    """The most likely output at each pixel of an RGB image, nearest cell."""
    numbers = model.net(to_input(torch.from_numpy(np.array(color[None]))))
    logits = numbers if model.text is None else text_logits(numbers, text_coordinates(model.text))
    cells = logits[0].argmax(dim=0).numpy()
    height, width = color.shape[:2]
    return np.repeat(np.repeat(cells, STRIDE, axis=0), STRIDE, axis=1)[:height, :width]
