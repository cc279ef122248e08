"""Training of the demo's networks, in miniature: files, determinism, what is redone, and what is measured."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from models.cache import load_teacher
from models.teachers.conv_file import read_conv
from schema.config_demo import FIRST_TRAINING_ROOM, DemoTeacherConfig, DemoTeachersConfig
from schema.config_models import ConvDenseTeacherConfig, ConvMaskTeacherConfig
from schema.errors import ConfigError
from storage.sources.synthetic_labels import LABEL_NAMES
from training import demo_teachers
from training.demo_teachers import measure, predict, train_demo_teachers
from training.demo_views import LabelledImages, class_to_output, render_rooms

SMALL = DemoTeachersConfig(
    num_rooms=1, num_held_out_rooms=1, frames_per_room=2, image_hw=(48, 64), width=4, steps=3, batch_views=2
)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    train_demo_teachers(SMALL, folder)
    return folder


def test_files_and_what_they_say(folder: Path) -> None:
    names = {"dense.safetensors", "dense.json", "mask.safetensors", "mask.json"}
    assert set(digests(folder)) == names
    facts = json.loads((folder / "dense.json").read_text())
    assert facts["labels"] == ["wall", "floor", "door", "window", "chair", "sofa", "other"]
    assert facts["text_space"].startswith("words:512:")
    assert facts["trained_on"]["rooms"] == [FIRST_TRAINING_ROOM]
    assert facts["held_out"]["rooms"] == [FIRST_TRAINING_ROOM + 1]
    assert 0 <= facts["held_out"]["pixel_accuracy"] <= 1


def test_the_teachers_load_and_answer(folder: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    dense = load_teacher(ConvDenseTeacherConfig(weights=folder / "dense.safetensors"), aliases={})
    assert dense.encode(image).shape == (24, 32, 512)
    mask = load_teacher(ConvMaskTeacherConfig(weights=folder / "mask.safetensors"), aliases={})
    assert "background" not in mask.labels
    assert mask.segment(image).mask_map.shape == (48, 64)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        train_demo_teachers(SMALL, tmp_path)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert digests(tmp_path) == digests(folder)


def test_another_seed_gives_other_weights(folder: Path, tmp_path: Path) -> None:
    train_demo_teachers(SMALL.model_copy(update={"seed": 1}), tmp_path)
    assert digests(tmp_path)["dense.safetensors"] != digests(folder)["dense.safetensors"]


def test_only_what_is_out_of_date_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_demo_teachers(SMALL, tmp_path)
    before = digests(tmp_path)
    trained: list[str] = []
    real = demo_teachers._train_all

    def spy(jobs: list, *args: object) -> object:
        trained.extend(job.name for job in jobs)
        return real(jobs, *args)

    monkeypatch.setattr(demo_teachers, "_train_all", spy)
    train_demo_teachers(SMALL, tmp_path)
    assert trained == []
    (tmp_path / "mask.safetensors").write_bytes(b"torn")
    train_demo_teachers(SMALL, tmp_path)
    assert trained == ["mask"]
    assert digests(tmp_path) == before
    changed = SMALL.teachers["dense"].model_copy(update={"rest": "something"})
    config = SMALL.model_copy(update={"teachers": {**SMALL.teachers, "dense": changed}})
    train_demo_teachers(config, tmp_path)
    assert trained == ["mask", "dense"]


def test_training_lowers_the_loss_on_a_room(tmp_path: Path) -> None:
    longer = SMALL.model_copy(update={"steps": 40, "width": 8})
    train_demo_teachers(longer, tmp_path)
    model = read_conv(tmp_path / "dense.safetensors", "dense", "cpu")
    views = render_rooms(longer, longer.training_rooms, "test")
    target = class_to_output(longer.teachers["dense"], "dense")[views.label]
    output = np.stack([predict(model, color) for color in views.color])
    known = target >= 0
    # Always saying the most frequent label is what a network that has learnt nothing can do.
    constant = np.bincount(target[known]).max() / known.sum()
    assert (output[known] == target[known]).mean() > constant + 0.05


def test_measure_by_hand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = DemoTeacherConfig(
        kind="mask", labels={"chair": ("chair", "sofa"), "bed": ("bed",)}, rest="none"
    )
    chair, bed, sofa, wall = (LABEL_NAMES.index(name) for name in ("chair", "bed", "sofa", "wall"))
    label = np.array([[[chair, sofa, bed, wall, -1, chair]]], dtype=np.int16)
    monkeypatch.setattr(demo_teachers, "predict", lambda *_: np.array([[0, 0, 0, 2, 1, 2]]))
    model = read_conv(folder / "mask.safetensors", "mask", "cpu")
    result = measure(model, teacher, LabelledImages(np.zeros((1, 1, 6, 3), np.uint8), label))
    assert result["pixel_accuracy"] == pytest.approx(3 / 5)
    assert result["accuracy"] == {"chair": pytest.approx(2 / 3, abs=1e-4), "bed": 0.0, "none": 1.0}
    assert result["iou"]["chair"] == pytest.approx(1 / 4)  # hit 1, sofa and bed called chair, one missed
    assert result["iou"]["sofa"] == 0.0
    assert result["iou"]["desk"] is None


def test_label_sets_are_checked() -> None:
    with pytest.raises(ValidationError, match="under two labels"):
        DemoTeacherConfig(kind="mask", labels={"seat": ("chair",), "chair": ("chair",)})
    with pytest.raises(ValidationError, match="label without classes"):
        DemoTeacherConfig(kind="mask", labels={"seat": ()})
    wrong = DemoTeacherConfig(kind="mask", labels={"seat": ("chiar",)})
    with pytest.raises(ConfigError, match="unknown class of the rooms") as caught:
        class_to_output(wrong, "mine")
    assert "did you mean 'chair'" in str(caught.value)
    table = class_to_output(DemoTeacherConfig(kind="mask", labels={"seat": ("chair",)}), "mine")
    assert (table >= 0).sum() == 1  # without a label for the rest, other pixels are not trained on


def test_labels_of_one_text_are_refused(tmp_path: Path) -> None:
    twice = DemoTeacherConfig(kind="dense", labels={"sofa": ("sofa",), "couch": ("chair",)})
    with pytest.raises(ConfigError, match="same text"):
        train_demo_teachers(SMALL.model_copy(update={"teachers": {"twice": twice}}), tmp_path)


def test_the_two_networks_know_different_classes_and_rooms_are_disjoint() -> None:
    config = DemoTeachersConfig()
    known = [set(teacher.labels) for teacher in config.teachers.values()]
    assert known[0] - known[1]
    assert known[1] - known[0]
    assert len(set().union(*known) & set(LABEL_NAMES)) == 14
    assert not set(config.training_rooms) & set(config.held_out_rooms)
    with pytest.raises(ValidationError):
        DemoTeachersConfig(first_room=0)
