"""Batches of object views: which views a step takes, their images as tensors, and prompts naming the object.

What is learned from them is the trainers' business.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8

from models.generators.tokens import Span, fill_prompt
from ops.captions import indefinite_article
from ops.rooms import Piece
from ops.scale_captions import OTHER
from ops.scale_words import COLOR_WORDS, MATERIAL_WORDS, OTHER_NAMES, SIZE_WORDS, is_plural, names_of

TEMPLATE = "a good photo of a {class}"
_TEMPLATES = (TEMPLATE, "a good photo of {class}", "a photo of {class}", "{class}", "{class} in a room")
_SAY = (0.3, 0.6, 0.4)  # shares of captions that tell size, colour and material


class ClassBalance:
    """Draws views so that every class comes equally often, whatever the rooms hold.

    Args:
        classes: of each view.
    """

    def __init__(self, classes: Int64[np.ndarray, "V"]) -> None:
        self._members = [np.flatnonzero(classes == known) for known in np.unique(classes)]

    def draw(self, size: int, rng: np.random.Generator) -> Int64[np.ndarray, "B"]:
        """View indices, sorted (they are read from a memory-mapped file)."""
        chosen = rng.integers(len(self._members), size=size)
        drawn = [self._members[k][int(rng.integers(len(self._members[k])))] for k in chosen]
        return np.sort(np.array(drawn, dtype=np.int64))


def to_tensor(color: UInt8[np.ndarray, "B H W 3"]) -> Float[torch.Tensor, "B 3 H W"]:
    """RGB bytes in -1..1, as the autoencoder takes them."""
    channels_first = np.ascontiguousarray(np.moveaxis(color, 3, 1))
    return torch.from_numpy(channels_first).float() / 127.5 - 1


def mirrored(
    images: Float[torch.Tensor, "B C H W"], rng: np.random.Generator
) -> Float[torch.Tensor, "B C H W"]:
    """Every other image with left and right exchanged."""
    flip = torch.from_numpy(rng.random(len(images)) < 0.5)
    return torch.where(flip[:, None, None, None], images.flip(3), images)


def class_name(label: str) -> str:
    """How a class is called in a prompt of its own.

    >>> class_name("shower curtain"), class_name("otherfurniture")
    ('shower curtain', 'other furniture')
    """
    return OTHER_NAMES[1] if label == OTHER else label


def prompt_of(piece: Piece, plain_share: float, rng: np.random.Generator) -> tuple[str, Span]:
    """A prompt for a view of an object, and the characters that name it.

    Args:
        piece: the object.
        plain_share: how often it is the evaluation's prompt, which names the class alone.
        rng: decides.
    """
    if rng.random() < plain_share:
        return fill_prompt(TEMPLATE, class_name(piece.label))
    name = _one(names_of(piece.kind), rng)
    words = _adjectives(piece, rng)
    phrase = " ".join([*words, "{class}"])
    if not is_plural(name):
        phrase = f"{indefinite_article(words[0] if words else name)} {phrase}"
    template = _one(_TEMPLATES[1:], rng).replace("{class}", phrase)
    return fill_prompt(template, name)


def _adjectives(piece: Piece, rng: np.random.Generator) -> list[str]:
    facts = (
        (SIZE_WORDS, piece.size_word),
        (COLOR_WORDS, piece.color_name),
        (MATERIAL_WORDS, piece.material),
    )
    told = rng.random(3) < np.array(_SAY)
    return [
        _one(words.get(key, (key,)), rng)
        for (words, key), say in zip(facts, told, strict=True)
        if say and key
    ]


def _one(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
