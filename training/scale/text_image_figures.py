"""How good the scale encoder is: pictures of held-out rooms against texts, and synonyms against class names.

Training it is ``text_image``'s business.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from ops.colour_names import COLOUR_NAMES
from ops.rooms import ROOM_CLASSES
from ops.scale_captions import FACTS, OTHER, attribute_text, facts_of
from ops.scale_words import NAMES, OTHER_NAMES, names_of, plural
from schema.config_scale import ScaleTextImageConfig
from training.scale.captions_data import Objects, find_objects, object_batch, object_image, scene_batch
from training.scale.loop import rng_of
from training.scale.views import Views

TEMPLATE = "a {name} in a scene"
_MAX_OBJECTS = 4000
_BATCH = 200
_CAPTION_BATCHES = 10

Encode = Callable[[Sequence[str]], Float[np.ndarray, "T C"]]


def measure(model: nn.Module, tokenizer: Any, views: Views, config: ScaleTextImageConfig) -> dict[str, Any]:
    """All figures of the encoder, rounded.

    Returns:
        ``objects`` measured on; ``class``, ``color``, ``material``: share of pictures whose own text is the
        nearest, over all pictures, with ``mean_over_classes`` and ``by_class`` for classes, and how many
        texts there were to choose from; ``synonyms``: see ``synonym_figures``; ``captions``: see
        ``caption_figures``.
    """
    objects = find_objects(views)
    chosen = _sample(objects, config.seed)
    pieces = [objects.pieces[i] for i in chosen]
    image = _encode_images(model, views, objects, chosen, config=config)
    encode = text_encoder(model, tokenizer)
    right = _nearest(image, encode(class_texts())) == [ROOM_CLASSES.index(piece.label) for piece in pieces]
    by_class = {
        name: _share([hit for hit, piece in zip(right, pieces, strict=True) if piece.label == name])
        for name in ROOM_CLASSES
    }
    seen = [value for value in by_class.values() if value is not None]
    true_material = [facts_of(piece)[FACTS.index("material")] for piece in pieces]
    materials = sorted(set(true_material) - {""})
    of_color = [_names(piece.kind, COLOUR_NAMES, "color") for piece in pieces]
    of_material = [_names(piece.kind, materials, "material") for piece in pieces]
    return {
        "rooms": len(views.rooms),
        "objects": len(chosen),
        "class": {
            "texts": len(ROOM_CLASSES),
            "accuracy": _share(right),
            "mean_over_classes": round(float(np.mean(seen)), 4),
            "by_class": by_class,
        },
        "color": _property(
            image, of_color, [piece.color_name for piece in pieces], names=COLOUR_NAMES, encode=encode
        ),
        "material": _property(image, of_material, true_material, names=materials, encode=encode),
        "synonyms": synonym_figures(encode, sorted({piece.kind for piece in objects.pieces})),
        "captions": caption_figures(_captions(views, objects, config.seed)),
    }


def class_texts() -> list[str]:
    """The text of each class of the rooms, in their order."""
    return [TEMPLATE.format(name=name) if name != OTHER else OTHER_NAMES[0] for name in ROOM_CLASSES]


def synonym_figures(encode: Encode, kinds: Sequence[str]) -> dict[str, Any]:
    """Whether each further name of a kind lands nearer its kind's usual name than any other's.

    Args:
        encode: texts to unit vectors.
        kinds: kinds of object in the pictures, whose usual names are what may be nearest.

    Returns:
        ``right`` of ``total``, and for each synonym its kind, the nearest name, and by how much its own name
        is nearer (in cosine) than the nearest other.
    """
    usual = {kind: names_of(kind)[0] for kind in kinds if kind}
    names = list(usual.values())
    texts = encode([TEMPLATE.format(name=name) for name in names])
    table: dict[str, Any] = {}
    for kind, own in usual.items():
        for synonym in NAMES.get(kind, ())[1:]:
            cosine = texts @ encode([TEMPLATE.format(name=synonym)])[0]
            others = np.delete(cosine, names.index(own))
            margin = float(cosine[names.index(own)] - others.max(initial=-1.0))
            nearest = names[int(cosine.argmax())]
            table[synonym] = {"kind": kind, "nearest": nearest, "margin": round(margin, 4)}
    right = sum(row["nearest"] == usual[row["kind"]] for row in table.values())
    return {"right": right, "total": len(table), "by_name": table}


def caption_figures(texts: Sequence[str]) -> dict[str, int]:
    """How many of the captions hold two names of one kind of object, so that a text alone would link them."""
    patterns = [
        [re.compile(rf"\b({re.escape(name)}|{re.escape(plural(name))})\b") for name in names]
        for names in NAMES.values()
        if len(names) > 1
    ]
    twice = sum(
        any(sum(bool(p.search(text)) for p in patterns_of_kind) > 1 for patterns_of_kind in patterns)
        for text in texts
    )
    return {"looked_at": len(texts), "with_two_names": twice}


def text_encoder(model: Any, tokenizer: Any) -> Encode:
    """A function from texts to unit vectors."""
    device = next(model.parameters()).device

    @torch.inference_mode()
    def encode(texts: Sequence[str]) -> Float[np.ndarray, "T C"]:
        rows: np.ndarray = model.encode_text(tokenizer(list(texts)).to(device), normalize=True).cpu().numpy()
        return rows

    return encode


@torch.inference_mode()
def _encode_images(
    model: Any, views: Views, objects: Objects, chosen: Sequence[int], *, config: ScaleTextImageConfig
) -> Float[np.ndarray, "N C"]:
    device = next(model.parameters()).device
    rows = []
    for start in range(0, len(chosen), _BATCH):
        images = [
            object_image(views, objects, i, config.image_px, rng=rng_of(config.seed, i, 9))
            for i in chosen[start : start + _BATCH]
        ]
        batch = torch.stack(images).to(device) * 2 - 1
        rows.append(model.encode_image(batch, normalize=True).cpu().numpy())
    return np.concatenate(rows)


def _captions(views: Views, objects: Objects, seed: int) -> list[str]:
    """Captions of objects and of whole views, as a training draws them."""
    texts: list[str] = []
    for step in range(_CAPTION_BATCHES):
        for make in (object_batch, scene_batch):
            texts += make(views, objects, count=_BATCH, side_px=8, rng=rng_of(seed, step, 10)).texts
    return texts


def _sample(objects: Objects, seed: int) -> list[int]:
    count = len(objects.view)
    return sorted(int(i) for i in rng_of(seed, 0, 8).permutation(count)[:_MAX_OBJECTS])


def _names(kind: str, words: Sequence[str], key: str) -> list[str]:
    return [attribute_text(kind, **{key: word}) for word in words]


def _property(
    image: Float[np.ndarray, "N C"],
    texts: Sequence[Sequence[str]],
    true: Sequence[str],
    *,
    names: Sequence[str],
    encode: Encode,
) -> Mapping[str, Any]:
    """Accuracy of a property among its words, the kind being given; where it is unknown, nothing is asked."""
    distinct = sorted({text for row in texts for text in row})
    vector = dict(zip(distinct, encode(distinct), strict=True)) if distinct else {}
    right = [
        names[int(np.argmax(np.stack([vector[text] for text in row]) @ own))] == word
        for own, row, word in zip(image, texts, true, strict=True)
        if word in names
    ]
    return {"texts": len(names), "objects": len(right), "accuracy": _share(right)}


def _nearest(image: Float[np.ndarray, "N C"], texts: Float[np.ndarray, "T C"]) -> Any:
    return (image @ texts.T).argmax(axis=1)


def _share(right: Sequence[bool]) -> float | None:
    return round(float(np.mean(right)), 4) if len(right) else None
