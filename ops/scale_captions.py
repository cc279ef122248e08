"""Captions of procedural rooms and their objects, made from what is known of each.

The words are ``ops/scale_words.py``'s; which captions stand beside which pictures in a training is
``training/scale/captions_data.py``'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ops.captions import indefinite_article
from ops.rooms import Piece
from ops.scale_words import (
    COLOR_WORDS,
    MATERIAL_WORDS,
    OTHER_NAMES,
    PLAN_WORDS,
    SIZE_WORDS,
    SUBSTANCES,
    is_plural,
    names_of,
    plural,
)

OTHER = "otherfurniture"
FACTS = ("label", "kind", "color", "material", "size")
Facts = tuple[str, str, str, str, str]
"""What is true of an object, or said of it, in the order of ``FACTS``; empty: not known, or not said."""

_THING_TEMPLATES = (
    "{thing}", "{thing}", "a photo of {thing}", "a good photo of {thing}", "{thing} in a scene",
    "{thing} in a scene", "{thing} in a room", "{thing} in the room", "an image of {thing}",
    "this is {thing}", "there is {thing}", "there is {thing} in the scene", "a view of {thing}",
    "a close view of {thing}", "a render of {thing}", "{thing} in {plan}", "a photo of {thing} in {plan}",
)  # fmt: skip
_SCENE_TEMPLATES = (
    "{plan}", "a photo of {plan}", "a view of {plan}", "{plan} with {things}", "{plan} with {things}",
    "a photo of {plan} with {things}", "{things} in {plan}", "{things} in a scene", "{things}",
    "a scene with {things}",
)  # fmt: skip
_SAY_COLOR, _SAY_MATERIAL, _SAY_SIZE = 0.5, 0.3, 0.2
_SAY_OTHER = 0.25  # an object of the class of everything else is called "other"
_SAY_SOMETHING = 0.08  # no name at all: "something red"
_SAY_MANY, _SAY_BARE = 0.06, 0.12


@dataclass(frozen=True)
class Caption:
    """A text and what it says.

    Attributes:
        text: in lower case.
        said: of each object it names.
        plan: of the room, or empty.
    """

    text: str
    said: tuple[Facts, ...]
    plan: str = ""


def facts_of(piece: Piece) -> Facts:
    """What is true of an object; that a plant is made of plant is left out."""
    material = piece.material if piece.material != piece.kind else ""
    return piece.label, piece.kind, piece.color_name, material, piece.size_word


def object_caption(piece: Piece, plan: str, rng: np.random.Generator) -> Caption:
    """A caption of a picture of one object: one of its names, some of its properties, in one of many forms.

    Args:
        piece: the object.
        plan: of its room.
        rng: decides what is said and how.
    """
    template = _one(_THING_TEMPLATES, rng)
    if rng.random() < _SAY_SOMETHING:
        thing, said = _something(piece, rng)
    else:
        thing, said = _thing(piece, rng, say=1.0)
    shown = plan if "{plan}" in template else ""
    text = template.format(thing=thing, plan=_with_article(_one(PLAN_WORDS.get(plan, (plan,)), rng)))
    if template == "{thing}" and rng.random() < _SAY_BARE:
        text = _without_article(text)
    return Caption(text, (said,), shown)


def scene_caption(pieces: Sequence[Piece], plan: str, rng: np.random.Generator) -> Caption:
    """A caption of a whole view: the kind of room, and up to three kinds of object in it, each named once.

    Args:
        pieces: objects that the view shows.
        plan: of the room.
        rng: decides what is said and how.
    """
    template = _one(_SCENE_TEMPLATES, rng)
    by_kind = {piece.kind: piece for piece in pieces}
    kinds = [str(kind) for kind in rng.permutation(sorted(by_kind))[: 1 + int(rng.integers(3))]]
    if "{things}" not in template or not kinds:
        template, kinds = template if "{things}" not in template else "{plan}", []
    told = [_thing(by_kind[kind], rng, say=0.6) for kind in kinds]
    name = _with_article(_one(PLAN_WORDS.get(plan, (plan,)), rng))
    text = template.format(plan=name, things=_listed([thing for thing, _ in told]))
    return Caption(text, tuple(said for _, said in told), plan if "{plan}" in template else "")


def attribute_text(kind: str, *, color: str = "", material: str = "", size: str = "") -> str:
    """The plain phrase for a kind of object with some properties, in the usual words.

    >>> attribute_text("table", color="red", material="wood")
    'a red wooden table'
    """
    words = [
        _first(SIZE_WORDS, size),
        _first(COLOR_WORDS, color),
        _first(MATERIAL_WORDS, material),
        names_of(kind)[0],
    ]
    return _with_article(" ".join(word for word in words if word))


def _first(words: Mapping[str, tuple[str, ...]], key: str) -> str:
    return words.get(key, (key,))[0]


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _thing(piece: Piece, rng: np.random.Generator, *, say: float) -> tuple[str, Facts]:
    """A noun phrase with its article, and what it says; ``say`` scales how often properties are told."""
    label, kind, its_color, its_material, its_size = facts_of(piece)
    if label == OTHER and rng.random() < _SAY_OTHER:
        kind, name = "", _one(OTHER_NAMES, rng)
    else:
        name = _one(names_of(kind), rng)
    told = rng.random(3) < say * np.array([_SAY_SIZE, _SAY_COLOR, _SAY_MATERIAL])
    size = its_size if told[0] else ""
    color = its_color if told[1] else ""
    material = its_material if told[2] else ""
    said: Facts = (label, kind, color, material, size)
    if material in SUBSTANCES and rng.random() < 0.15:
        made_of = f"{_adjectives(rng, size, color, '')} {name} made of {material}".strip()
        return _with_article(made_of), said
    if color and not material and not size and rng.random() < 0.1:
        verb = "are" if is_plural(name) else "is"
        return _with_article(f"{name} that {verb} {_word(COLOR_WORDS, color, rng)}"), said
    if name not in OTHER_NAMES and rng.random() < _SAY_MANY:
        return f"{_adjectives(rng, size, color, material)} {plural(name)}".strip(), said
    return _with_article(f"{_adjectives(rng, size, color, material)} {name}".strip()), said


def _something(piece: Piece, rng: np.random.Generator) -> tuple[str, Facts]:
    """A phrase without a name: "something red", "a wooden thing"."""
    _, _, color, material, _ = facts_of(piece)
    if not color or (material and rng.random() < 0.4):
        color = ""
    else:
        material = ""
    words = _adjectives(rng, "", color, material)
    said: Facts = ("", "", color, material, "")
    if not words:
        return "something", said
    thing = _one(("something {}", "{} thing", "{} object"), rng).format(words)
    return (thing if thing.startswith("something") else _with_article(thing)), said


def _adjectives(rng: np.random.Generator, size: str, color: str, material: str) -> str:
    """Words for properties, in the order people use; now and then joined by "and"."""
    pairs = ((SIZE_WORDS, size), (COLOR_WORDS, color), (MATERIAL_WORDS, material))
    words = [_word(table, key, rng) for table, key in pairs if key]
    return (" and " if rng.random() < 0.15 else " ").join(words)


def _word(words: Mapping[str, tuple[str, ...]], key: str, rng: np.random.Generator) -> str:
    return _one(words.get(key, (key,)), rng)


def _with_article(phrase: str) -> str:
    head = phrase.partition(" that ")[0].partition(" made of ")[0]
    if is_plural(head) or head in OTHER_NAMES:
        return phrase
    return f"{indefinite_article(phrase)} {phrase}"


def _without_article(phrase: str) -> str:
    return phrase.removeprefix("a ").removeprefix("an ")


def _listed(things: Sequence[str]) -> str:
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"
