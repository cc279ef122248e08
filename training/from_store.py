"""A training whose scenes and words come from a store, by one process or by several.

The training itself is ``distill``'s business, starting processes ``launch``'s.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.cache import load_text
from schema.config import PipelineConfig
from storage.label_sets import load_label_set, load_synonyms
from storage.scene_io import fusion_space
from storage.store import Store
from training.distill import DistillResult, TrainingSet, distill
from training.scenes import StoreScenes
from training.self_distillation import Classes


@dataclass(frozen=True)
class TrainingOrder:
    """What to train, and where.

    Attributes:
        config: the recipe.
        train: scenes to learn from.
        validate: scenes that choose the weights.
        folder: existing folder of the training.
        fingerprint: names the training.
    """

    config: PipelineConfig
    train: tuple[str, ...]
    validate: tuple[str, ...]
    folder: Path
    fingerprint: str


def train_from_store(order: TrainingOrder) -> DistillResult:
    """Carry out an order in this process (every process of torchrun calls this).

    Raises:
        Teach3dError: see ``training.distill.distill``.
    """
    config = order.config
    scenes = _scenes(order, order.train)
    validation = _scenes(order, order.validate) if order.validate else None
    space = fusion_space(Store(config.store).scene(order.train[0]))
    return distill(
        TrainingSet(scenes, _classes(config), validation),
        config.distill,
        order.folder,
        fingerprint=order.fingerprint,
        runtime=config.runtime,
        extra={"text_space": space},
    )


def _scenes(order: TrainingOrder, scene_ids: tuple[str, ...]) -> StoreScenes:
    config, store = order.config, Store(order.config.store)
    units = [store.scene(scene_id) for scene_id in scene_ids]
    cache_bytes = config.runtime.scene_cache_mb * 10**6
    return StoreScenes(units, config.distill.targets, cache_bytes=cache_bytes)


def _classes(config: PipelineConfig) -> Classes | None:
    """The vocabulary the teachers were weighed on; its fingerprint is part of every fused scene's."""
    if config.distill.self_distillation.epochs == 0:
        return None
    vocabulary = load_label_set(config.fuse.vocabulary)
    text = load_text(config.text, synonyms=load_synonyms())
    embedding = text.encode(vocabulary.texts(config.fuse.template))
    counted = np.array([name not in vocabulary.void for name in vocabulary.names])
    return Classes(np.asarray(embedding, dtype=np.float32), counted)
