"""What a scale teacher learns from: views of its rooms with its own labels, and a text for every object.

The network and its losses are ``teachers``'s business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int16

from ops.rooms import ROOM_CLASSES
from ops.scale_captions import attribute_text, facts_of
from schema.config_scale import ScaleTeacherConfig
from schema.errors import ConfigError
from training.scale.views import Views

_RARE_WEIGHT = 4.0  # at most: a class of few pixels must not drown the others
_GAIN = 0.15  # colours of an image are multiplied with 1 -+ this
_COUNTED_VIEWS = 400


@dataclass(frozen=True)
class TeacherViews:
    """Views with the labels of one teacher.

    Attributes:
        views: all of them.
        chosen: those of the rooms it is trained on.
        output: the network's output for each room and instance id, -1 not trained on.
        text: row of ``texts`` for each room and instance id, -1 none.
        texts: what the teacher calls the objects, with colour and material.
    """

    views: Views
    chosen: Int[np.ndarray, "n"]
    output: Int16[np.ndarray, "R I"]
    text: Int[np.ndarray, "R I"]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class TeacherBatch:
    """B views; ``output`` and ``text`` are on a grid of half the views' size, -1 where there is none."""

    image: Float[torch.Tensor, "B H W 3"]
    output: Int[torch.Tensor, "B h w"]
    text: Int[torch.Tensor, "B h w"]


def teacher_views(config: ScaleTeacherConfig, views: Views) -> TeacherViews:
    """The views with a teacher's labels.

    Raises:
        ConfigError: no room has a plan the teacher is trained on, or a label's class is unknown everywhere.
    """
    ids = 1 + max((piece.instance_id for room in views.rooms for piece in room.pieces), default=0)
    output = np.full((len(views.rooms), ids), -1, dtype=np.int16)
    text = np.full((len(views.rooms), ids), -1, dtype=np.int64)
    texts: dict[str, int] = {}
    output_of, called = output_table(config), names_table(config)
    for index, room in enumerate(views.rooms):
        for piece in room.pieces:
            output[index, piece.instance_id] = output_of(piece.label, piece.kind)
            name = called(piece.label, piece.kind)
            if name:
                _, _, color, material, _ = facts_of(piece)
                phrase = attribute_text(name, color=color, material=material)
                text[index, piece.instance_id] = texts.setdefault(phrase, len(texts))
    fits = [not config.plans or room.plan in config.plans for room in views.rooms]
    chosen = np.flatnonzero(np.array(fits)[views.room])
    if not len(chosen):
        plans = sorted({room.plan for room in views.rooms})
        raise ConfigError(
            f"no room is of these plans (there are: {', '.join(plans)})",
            field="plans",
            value=config.plans,
            remedy="name others or render more rooms",
        )
    return TeacherViews(views, chosen, output, text, tuple(texts))


def output_table(config: ScaleTeacherConfig) -> Callable[[str, str], int]:
    """A function from a class and a kind to the network's output; a kind's label goes before its class's."""
    of_name = {name: output for output, names in enumerate(config.labels.values()) for name in names}
    rest = -1 if config.rest is None else len(config.labels)
    return lambda label, kind: of_name.get(kind, of_name.get(label, rest))


def names_table(config: ScaleTeacherConfig) -> Callable[[str, str], str]:
    """A function from a class and a kind to what the teacher calls the object; empty: it has no word.

    Where a label means several classes all are called as the first: who takes refrigerators for cabinets says
    "a white cabinet". Kinds of the class of everything else keep their own names.
    """
    output_of, means = output_table(config), list(config.labels.values())

    def called(label: str, kind: str) -> str:
        output = output_of(label, kind)
        if not 0 <= output < len(means):
            return ""
        first = means[output][0]
        return kind if first in (kind, label) else first

    return called


def class_of_outputs(config: ScaleTeacherConfig) -> Int[np.ndarray, "K"]:
    """The class of the rooms that each output stands for when it is judged: the first it means.

    A kind of object stands for the class of everything else; the rest stands for none (-1).
    """
    table = [
        ROOM_CLASSES.index(means[0]) if means[0] in ROOM_CLASSES else len(ROOM_CLASSES) - 1
        for means in config.labels.values()
    ]
    return np.array([*table, *([] if config.rest is None else [-1])], dtype=np.int64)


def batch(
    data: TeacherViews, indices: Sequence[int], *, stride: int, rng: np.random.Generator
) -> TeacherBatch:
    """Views with what is to be said of each cell; mirrored every other time, their colours changed a little.

    Args:
        data: the views.
        indices: of those in the batch.
        stride: pixels a cell.
        rng: decides how views are changed.
    """
    views, images, outputs, texts = data.views, [], [], []
    for index in indices:
        room = views.room[index]
        cells = (slice(None, None, stride),) * 2
        instance = np.where(views.semantic[index] >= 0, views.instance[index], -1)[cells].astype(np.int64)
        known = (instance >= 0) & (instance < data.output.shape[1])
        safe = np.where(known, instance, 0)
        layers = [
            views.color[index].astype(np.float32) / 127.5 - 1,
            np.where(known, data.output[room, safe], -1),
            np.where(known, data.text[room, safe], -1),
        ]
        if rng.random() < 0.5:
            layers = [layer[:, ::-1] for layer in layers]
        gain = rng.uniform(1 - _GAIN, 1 + _GAIN, 3).astype(np.float32)
        images.append((layers[0] + 1) * gain - 1)
        outputs.append(layers[1])
        texts.append(layers[2])
    return TeacherBatch(
        image=torch.from_numpy(np.stack(images)),
        output=torch.from_numpy(np.stack(outputs).astype(np.int64)),
        text=torch.from_numpy(np.stack(texts).astype(np.int64)),
    )


def class_weight(
    data: TeacherViews, num_outputs: int, stride: int, power: float = 0.25
) -> Float[torch.Tensor, "K"]:
    """How often each label is seen to the power of minus ``power``, 1 for an average one."""
    count = np.zeros(num_outputs)
    picked = data.chosen[np.linspace(0, len(data.chosen) - 1, _COUNTED_VIEWS).astype(int)]
    for index in np.unique(picked):
        output = batch(data, [int(index)], stride=stride, rng=np.random.default_rng(0)).output.numpy()
        count += np.bincount(output[output >= 0], minlength=num_outputs)
    weight = (count.mean() / np.maximum(count, 1)) ** power
    return torch.from_numpy(np.minimum(weight, _RARE_WEIGHT).astype(np.float32))
