"""The scale text and image encoder: open_clip's CLIP at a small size, its vocabulary, and how it is trained.

Pictures and captions come from ``captions_data``; how good the encoder is, is measured by
``text_image_figures``.
"""

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from models.text.bpe import BPE_FILE, byte_symbols, learn_merges, tokenizer_files
from models.text.open_clip import build_model, build_tokenizer
from models.text.open_clip_files import CONFIG_FILE, read_architecture
from models.text.weights import read_state
from ops.colour_names import COLOUR_NAMES
from ops.rooms import ROOM_CLASSES
from ops.scale_captions import object_caption
from ops.scale_words import NAMES, OTHER_NAMES, names_of
from schema.config_scale import ScaleModelsConfig, ScaleTextImageConfig, ScaleViewsConfig
from storage.disk import write_atomically
from storage.fingerprint import fingerprint
from training.scale.captions_data import CaptionedBatch, Objects, find_objects, object_batch, scene_batch
from training.scale.loop import fit_as, generator_of, rng_of, seconds_trained, sweep
from training.scale.publish import half, is_current, machine, publish, round_to_half
from training.scale.text_image_figures import measure
from training.scale.views import Views, held_out_views, training_views, views_identity

NAME = "text_image"
WEIGHTS_FILE = "open_clip_model.safetensors"
VERSION = 1
"""Raised whenever the same configuration gives another encoder."""

_HEAD_WIDTH = 32
_MAX_SCALE = 50.0  # of cosines; more only sharpens what is certain
_TEXTS, _CROPS, _SCENES, _INIT = 0, 1, 2, 3  # purposes of random numbers
_SCENE_WEIGHT = 0.3


class TextImageRecipe:
    """Contrastive training in which every caption may be true of several pictures.

    Args:
        model: the encoder.
        tokenizer: its own.
        views: pictures.
        objects: what they show.
        config: sizes of a batch, steps, seed.
        fingerprint: of the training.
    """

    name = NAME

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Any,
        views: Views,
        objects: Objects,
        *,
        config: ScaleTextImageConfig,
        fingerprint: str,
    ) -> None:
        self.modules: Mapping[str, nn.Module] = {"clip": model}
        self.steps, self.fingerprint = config.steps, fingerprint
        self._model: Any = model
        self._tokenizer, self._views, self._objects = tokenizer, views, objects
        self._config = config
        self._device = next(model.parameters()).device

    def loss(self, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """Crops against their captions, and, at a lower weight, whole views against theirs."""
        config, seed = self._config, self._config.seed
        crops = object_batch(
            self._views,
            self._objects,
            count=config.batch,
            side_px=config.image_px,
            rng=rng_of(seed, step, _CROPS),
        )
        scenes = scene_batch(
            self._views,
            self._objects,
            count=config.scenes,
            side_px=config.image_px,
            rng=rng_of(seed, step, _SCENES),
        )
        split = [len(crops.texts), len(scenes.texts)]
        image = torch.cat([crops.image, scenes.image]).to(self._device) * 2 - 1
        tokens = self._tokenizer([*crops.texts, *scenes.texts]).to(self._device)
        images = self._model.encode_image(image, normalize=True).split(split)
        texts = self._model.encode_text(tokens, normalize=True).split(split)
        scale = self._model.logit_scale.clamp(max=math.log(_MAX_SCALE)).exp()
        of_crops = _loss(scale * images[0] @ texts[0].T, crops)
        of_scenes = _loss(scale * images[1] @ texts[1].T, scenes)
        values = {"crops": float(of_crops.detach()), "scenes": float(of_scenes.detach())}
        return of_crops + _SCENE_WEIGHT * of_scenes, values


def _loss(logits: Float[Tensor, "B B"], batch: CaptionedBatch) -> Tensor:
    return contrastive_loss(logits, batch.true.to(logits.device))


def contrastive_loss(logits: Float[Tensor, "I T"], true: Bool[Tensor, "I T"]) -> Float[Tensor, ""]:
    """Cross-entropy in both directions against targets spread evenly over all that is true.

    With one true caption a picture this is CLIP's loss; in batches of rooms many crops share a class, and
    what is true of a picture must not be pushed away from it.

    Args:
        logits: scaled cosines of pictures (rows) and captions.
        true: which captions are true of which pictures; at least one a row and a column.
    """
    target = true.to(logits.dtype)
    by_image = target / target.sum(dim=1, keepdim=True)
    by_text = target / target.sum(dim=0, keepdim=True)
    of_images = -(by_image * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()
    of_texts = -(by_text * functional.log_softmax(logits, dim=0)).sum(dim=0).mean()
    # what a perfect answer would still cost is taken off, so that 0 is perfect
    floor: Tensor = torch.special.entr(by_image).sum(dim=1).mean()
    floor = floor + torch.special.entr(by_text).sum(dim=0).mean()
    return (of_images + of_texts - floor) * 0.5


def train_text_image(config: ScaleTextImageConfig, views: ScaleViewsConfig, folder: Path) -> Path:
    """Train the encoder unless it is up to date.

    Args:
        config: of the encoder.
        views: of the rooms it sees.
        folder: of all scale models.

    Returns:
        The encoder's own folder.
    """
    place, identity = folder / NAME, text_image_fingerprint(config, views)
    if is_current(place, identity):
        return place
    work = folder / "work" / NAME
    train = training_views(views, folder)
    objects = find_objects(train)
    files = encoder_files(config, train, objects)
    model, tokenizer = build_encoder(files, work, config.seed)
    recipe = TextImageRecipe(model, tokenizer, train, objects, config=config, fingerprint=identity)
    fit_as(recipe, work, config, label="train text and image encoder")
    round_to_half(model)
    figures = measure(model, tokenizer, held_out_views(views, folder), config)
    weights = save({name: half(tensor) for name, tensor in model.state_dict().items()})
    publish(
        place,
        {**files, WEIGHTS_FILE: weights},
        fingerprint=identity,
        figures={
            "model": "open_clip.model.CLIP",
            "parameters": sum(p.numel() for p in model.parameters()),
            "trained_on": _trained_on(config, views, objects),
            "seconds": round(seconds_trained(work), 1),
            "machine": machine(),
            "held_out": figures,
        },
    )
    sweep(work)
    return place


def make(config: ScaleModelsConfig, folder: Path) -> Path:
    """The encoder of a whole configuration; see ``train_text_image``."""
    return train_text_image(config.text_image, config.views, folder)


def measure_again(config: ScaleModelsConfig, folder: Path, renders: Path) -> dict[str, Any]:
    """The held-out figures of the encoder in ``folder``."""
    values = read_architecture(folder / NAME / CONFIG_FILE)
    model = build_model(values).eval()
    model.load_state_dict(read_state(folder / NAME / WEIGHTS_FILE))
    views = held_out_views(config.views, renders)
    return measure(model, build_tokenizer(values), views, config.text_image)


def text_image_fingerprint(config: ScaleTextImageConfig, views: ScaleViewsConfig) -> str:
    """Of everything that decides the encoder and its figures."""
    inputs = {
        "views": views_identity(views, views.training_rooms),
        "held_out": views_identity(views, views.held_out_rooms),
    }
    return fingerprint(NAME, VERSION, config.result_fields(), inputs)


def encoder_files(config: ScaleTextImageConfig, views: Views, objects: Objects) -> dict[str, bytes]:
    """The vocabulary's files and open_clip's configuration, by name."""
    merges = learn_merges(_texts(config, views, objects), config.max_merges)
    model = {
        "embed_dim": config.embed_dim,
        "vision_cfg": {
            "image_size": config.image_px,
            "width": config.image_width,
            "layers": list(config.image_layers),  # four numbers mean a residual network, as CLIP's RN50
            "head_width": 2 * _HEAD_WIDTH,
        },
        "text_cfg": {
            "context_length": config.context_length,
            "vocab_size": 2 * len(byte_symbols()) + len(merges) + 2,
            "width": config.text_width,
            "heads": max(1, config.text_width // _HEAD_WIDTH),
            "layers": config.text_layers,
            "tokenizer_kwargs": {"bpe_path": BPE_FILE},
        },
    }
    pictures = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "resize_mode": "squash"}
    text = json.dumps({"model_cfg": model, "preprocess_cfg": pictures}, indent=1)
    return {CONFIG_FILE: text.encode(), **tokenizer_files(merges, config.context_length)}


def build_encoder(files: Mapping[str, bytes], folder: Path, seed: int) -> tuple[nn.Module, Any]:
    """The encoder with fresh weights from ``seed``, and its tokenizer; the files come into ``folder``."""
    for name, content in files.items():
        write_atomically(folder / name, content)
    values = read_architecture(folder / CONFIG_FILE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator_of(seed, 0, _INIT).initial_seed() % 2**31))
        model = build_model(values)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device), build_tokenizer(values)


def _texts(config: ScaleTextImageConfig, views: Views, objects: Objects) -> list[str]:
    """Captions as the training will see them, and every name and colour, so that none is cut to pieces."""
    rng = rng_of(config.seed, 0, _TEXTS)
    chosen = rng.choice(len(objects.view), size=config.captions, p=objects.odds)
    plans = [room.plan for room in views.rooms]
    captions = [
        object_caption(objects.pieces[i], plans[views.room[objects.view[i]]], rng).text for i in chosen
    ]
    kinds = [*NAMES, *ROOM_CLASSES, *OTHER_NAMES]
    names = itertools.chain.from_iterable(names_of(kind) for kind in kinds)
    return [*captions, *(2 * [*names, *COLOUR_NAMES, *plans, "a view with a room of it"])]


def _trained_on(config: ScaleTextImageConfig, views: ScaleViewsConfig, objects: Objects) -> dict[str, Any]:
    return {
        "rooms": [views.training_rooms[0], views.training_rooms[-1]],
        "views": views.num_rooms * views.frames_per_room,
        "objects": len(objects.view),
        "steps": config.steps,
        "batch": config.batch + config.scenes,
        "seed": config.seed,
    }
