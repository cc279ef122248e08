"""What ``teach3d predict`` needs before it can ask: a student, the text encoder of its space, the question.

Asking and printing are ``predict``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.commands.query import known_texts
from models.cache import load_text
from models.devices import choose_device
from models.text.protocol import TextEncoder
from report.predicted import Legend, make_legend
from schema.config import PipelineConfig
from schema.config_models import TextConfig, WordsTextConfig
from schema.config_stages import EvaluateConfig
from schema.errors import ConfigError, SpaceMismatchError, StoreError
from schema.spaces import check_same_space
from storage.label_sets import load_label_set, load_synonyms
from storage.recipes import find_store, load_text_section, stored_recipe
from storage.store import Store
from training.infer import Student, open_student
from training.predict import Pass, Question

if TYPE_CHECKING:
    from flows.commands.predict import StudentOptions
    from models.student.minkunet import MinkUNet


@dataclass(frozen=True)
class Setup:
    """Everything but the cloud.

    Attributes:
        network: the student.
        question: what it is asked.
        how: how it is run.
        legend: names of the answers.
        described: the student in words.
        notes: what a person should know.
    """

    network: "MinkUNet"
    question: Question
    how: Pass
    legend: Legend
    described: dict[str, Any]
    notes: tuple[str, ...]


def prepare(
    options: "StudentOptions", texts: Sequence[str], label_set: str | None, *, features: bool
) -> Setup:
    """Load the student and encode the question.

    Raises:
        Teach3dError: no such student, no text encoder for it, or one of another space.
    """
    folder, store = _find_student(options)
    config = None if store is None else stored_recipe(store)
    device = choose_device(options.device)
    student = open_student(folder, device, options.engine)
    voxel_m = student.voxel_m if options.voxel_m is None else options.voxel_m
    if voxel_m is None or not voxel_m > 0:
        raise ConfigError(
            "is no edge of a voxel" if voxel_m else "the student's files do not name its voxels' edge",
            field="--voxel-m",
            value=voxel_m,
            remedy="name the one it was trained with, m",
        )
    encoder = load_text(_text_config(options, config, student.text_space), synonyms=load_synonyms())
    check_same_space("the student", student.text_space, encoder.space)
    channels = student.network.channels
    if encoder.dim != channels:
        raise SpaceMismatchError(
            f"the student's features are {channels} long, the encoder's vectors {encoder.dim}",
            field="text",
            remedy="choose the text encoder it was made with",
        )
    question, legend, notes = _question(encoder, config, texts, label_set, features=features)
    described = {
        "folder": str(folder),
        "architecture": student.architecture,
        "channels": channels,
        "voxel_m": voxel_m,
        "text_space": student.text_space,
        "device": device,
    }
    return Setup(
        network=student.network,
        question=question,
        how=Pass(voxel_m, device, options.max_voxels, options.precision),
        legend=legend,
        described=described,
        notes=(*notes, *_space_note(student, encoder), *_unknown_words(encoder, texts, store, config)),
    )


def _find_student(options: "StudentOptions") -> tuple[Path, Store | None]:
    """The student's folder, and the store whose recipe says which text encoder it speaks."""
    if options.student is None:
        store = find_store(options.store)
        return store.student().path, store
    if options.store is not None:
        return options.student, Store(options.store)
    around = options.student.resolve().parents[1]  # <store>/students/<name>
    return options.student, Store(around) if (around / "store.json").is_file() else None


def _text_config(options: "StudentOptions", config: PipelineConfig | None, space: str | None) -> TextConfig:
    if options.recipe is not None:
        return load_text_section(options.recipe)
    if config is not None:
        return config.text
    kind, _, rest = (space or "").partition(":")
    if kind == "words" and rest.partition(":")[0].isdigit():  # needs no file, its name says all
        return WordsTextConfig(dim=int(rest.partition(":")[0]))
    raise ConfigError(
        f"the student lives in text space {space!r}, and no recipe says where that encoder's weights are",
        field="--recipe",
        remedy="give a YAML file with the section text: {kind: open_clip, architecture: ..., weights: ...}",
    )


def _question(
    encoder: TextEncoder,
    config: PipelineConfig | None,
    texts: Sequence[str],
    wanted: str | None,
    *,
    features: bool,
) -> tuple[Question, Legend, list[str]]:
    """Classes and texts as embeddings; several texts without a label set are classes of their own."""
    asked = encoder.encode(list(texts))
    if texts and wanted is None:
        several = len(texts) > 1
        legend = make_legend(texts if several else (), None, texts)
        return Question(asked if several else None, (), asked, features), legend, []
    evaluation = EvaluateConfig() if config is None else config.evaluate
    name = wanted or evaluation.label_set
    label_set = load_label_set(name)
    void = tuple(k for k, word in enumerate(label_set.names) if word in label_set.void)
    classes = encoder.encode(label_set.texts(evaluation.template))
    notes = [] if wanted or config else [f"classes are those of label set {name!r}; choose with --label-set"]
    return Question(classes, void, asked, features), make_legend(label_set.names, name, texts), notes


def _space_note(student: Student, encoder: TextEncoder) -> list[str]:
    if student.text_space is None:
        return ["the student's files do not say its text space; the answers are right only if it is this one"]
    if student.text_space != encoder.space:
        both = f"{student.text_space} and {encoder.space}"
        return [f"text spaces {both} are compared by architecture alone; the weights should be OpenAI's"]
    return []


def _unknown_words(
    encoder: TextEncoder, texts: Sequence[str], store: Store | None, config: PipelineConfig | None
) -> list[str]:
    """Words that the encoder cannot relate to anything the student was taught."""
    if store is None or config is None or not texts:
        return []
    known: dict[str, None] = dict.fromkeys(load_label_set(config.fuse.vocabulary).names)
    for scene_id in store.scene_ids():
        try:
            known.update(dict.fromkeys(known_texts(store.scene(scene_id), config)))
        except StoreError:  # not lifted yet, or since discarded
            continue
    unknown = encoder.unknown_words(texts, known)
    if not unknown:
        return []
    return [
        f"no teacher used the word(s) {', '.join(map(repr, unknown))}; this encoder knows shared words only"
    ]
