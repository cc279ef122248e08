"""The ensemble: kept as scores it is what keeping features would be; labels follow it; files are checked."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.student.minkunet import build_student
from ops.self_distillation import pseudo_labels
from schema.config_stages import DistillConfig, SelfDistillationConfig
from schema.errors import StoreError
from storage.ensemble import EnsembleFolder
from training.data import BatchMaker
from training.scenes import MemoryScenes
from training.schedule import rngs_of
from training.self_distillation import Classes, Ensemble

_SPEC = importlib.util.spec_from_file_location(
    "student_scenes", Path(__file__).with_name("student_scenes.py")
)
student_scenes = importlib.util.module_from_spec(_SPEC)
sys.modules["student_scenes"] = student_scenes
_SPEC.loader.exec_module(student_scenes)
config, scene = student_scenes.config, student_scenes.scene

C, K, EPOCHS, ALPHA = 512, 20, 20, 0.9


class Features:
    """The ensemble as the paper writes it: features of every point."""

    def __init__(self, start: np.ndarray) -> None:
        self.kept = start

    def update(self, new: np.ndarray) -> None:
        self.kept = np.float32(ALPHA) * self.kept + np.float32(1 - ALPHA) * new


def superpoint_means(values: np.ndarray, superpoint_id: np.ndarray) -> np.ndarray:
    return np.stack([values[superpoint_id == s].mean(0) for s in np.unique(superpoint_id)])


def agree(scores: np.ndarray, of_features: np.ndarray) -> None:
    """Scores to 1e-4; the best class identical wherever the two best differ by more than 2e-4."""
    scale = np.abs(of_features).max()
    assert np.abs(scores - of_features).max() < 1e-4 * max(scale, 1.0)
    two = np.sort(of_features, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2e-4
    assert clear.mean() > 0.95
    assert (scores.argmax(1) == of_features.argmax(1))[clear].all()


def test_an_ensemble_of_scores_is_the_ensemble_of_features(tmp_path):
    scenes = [scene(seed, channels=C) for seed in range(2)]
    recipe = config(self_distillation={"epochs": EPOCHS, "alpha": ALPHA})
    rng = np.random.default_rng(3)
    text = rng.standard_normal((K, C)).astype(np.float32)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    network = build_student(recipe, C, 0)
    batches = BatchMaker(MemoryScenes(scenes), recipe)
    files = EnsembleFolder(tmp_path, "f")
    everything = Classes(text, np.ones(K, dtype=bool))
    ensemble = Ensemble(files, everything, recipe.self_distillation)
    ensemble.begin(network, batches, range(2), "cpu")
    network.eval()
    features = []
    with torch.no_grad():
        for index in range(2):
            batch = batches.batch((index,), None)
            feat = network(batch.voxel_coords).numpy()
            features.append(Features(feat[batch.scenes[0].point_to_voxel]))
        network.train()
        for epoch in range(EPOCHS):
            batch = batches.batch((0, 1), rngs_of(epoch, (0, 1), recipe), stage_two=True)
            feat = network(batch.voxel_coords)
            ensemble.lesson(batch, ensemble.scores(feat), epoch)
            for of_scene, points in zip(features, batch.scenes, strict=True):
                of_scene.update(feat.numpy()[points.point_to_voxel])
    for of_scene, one in zip(features, scenes, strict=True):
        scores = files.read(one.scene_id, EPOCHS)
        agree(scores, of_scene.kept @ text.T)
        agree(
            superpoint_means(scores, one.superpoint_id),
            superpoint_means(of_scene.kept, one.superpoint_id) @ text.T,
        )


@pytest.mark.parametrize(("C", "K", "ratio"), [(512, 20, 12.8), (768, 16, 24.0)])
def test_bytes_are_those_of_the_formula(tmp_path, C, K, ratio):
    num_points = 20_000
    EnsembleFolder(tmp_path, "f").write("room", 0, np.zeros((num_points, K), dtype=np.float32))
    [path] = tmp_path.iterdir()
    payload = num_points * K * 4
    assert payload < path.stat().st_size < payload + 1000
    assert num_points * C * 2 / payload == pytest.approx(ratio)  # against float16 features


def lesson_of(files: EnsembleFolder, **changes: object):
    one = scene(0)
    recipe = config(augment=False)
    classes = student_scenes.classes()
    stage_two = SelfDistillationConfig.model_validate({"alpha": 0.5, **changes})
    ensemble = Ensemble(files, classes, stage_two)
    batches = BatchMaker(MemoryScenes([one]), recipe)
    network = build_student(recipe, 8, 0)
    ensemble.begin(network, batches, [0], "cpu")
    batch = batches.batch((0,), None, stage_two=True)
    logit = torch.from_numpy(np.random.default_rng(1).standard_normal((len(batch.voxel_coords), 5))).float()
    return one, batch, logit, ensemble.lesson(batch, logit, 0), classes


def test_a_lesson_labels_every_point_by_the_updated_ensemble(tmp_path):
    files = EnsembleFolder(tmp_path, "f")
    one, batch, logit, lesson, classes = lesson_of(files)
    before, after = files.read("room0", 0), files.read("room0", 1)
    new = logit.numpy()[batch.scenes[0].point_to_voxel]
    assert np.allclose(after, 0.5 * before + 0.5 * new, atol=1e-6)
    every = np.ones(len(after), dtype=bool)
    expected = pseudo_labels(after, one.superpoint_id, every, counted=classes.counted, of_superpoint=False)
    former = pseudo_labels(before, one.superpoint_id, every, counted=classes.counted, of_superpoint=False)
    assert int(lesson.counts.sum()) == len(one.points_world)
    assert lesson.num_changed == int((expected.point != former.point).sum()) > 0
    assert not lesson.counts[:, -1].any()  # void
    assert lesson.superpoint_label.tolist() == expected.superpoint.tolist()
    assert len(lesson.superpoint_label) == len(one.target)  # superpoints nobody saw are labelled, too


def test_filling_the_ensemble_leaves_nothing_that_cannot_be_differentiated(tmp_path, monkeypatch):
    # as on another device, where every move of a tensor makes a new one
    move = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: move(self, *a, **k).clone())
    recipe = config(augment=False)
    ensemble = Ensemble(EnsembleFolder(tmp_path, "f"), student_scenes.classes(), recipe.self_distillation)
    network = build_student(recipe, 8, 0)
    ensemble.begin(network, BatchMaker(MemoryScenes([scene(0)]), recipe), [0], "cpu")
    feat = torch.randn(3, 8, requires_grad=True)
    ensemble.scores(feat).sum().backward()
    assert feat.grad is not None


def test_the_released_start_is_pooled(tmp_path):
    files = EnsembleFolder(tmp_path, "f")
    one, *_ = lesson_of(files, pooled_start=True)
    start = files.read("room0", 0)
    for s in np.unique(one.superpoint_id):
        assert np.ptp(start[one.superpoint_id == s], axis=0).max() == 0


def test_damaged_missing_and_foreign_files_are_refused_by_name(tmp_path):
    files = EnsembleFolder(tmp_path, "f")
    with pytest.raises(StoreError, match=r"room~0\.safetensors.*delete the folder"):
        files.read("room", 0)
    files.write("room", 0, np.ones((4, 2), dtype=np.float32))
    with pytest.raises(StoreError, match="another training"):
        EnsembleFolder(tmp_path, "g").read("room", 0)
    [path] = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="checksum"):
        files.read("room", 0)


def test_only_generations_that_no_state_needs_are_forgotten(tmp_path):
    files = EnsembleFolder(tmp_path, "f")
    for generation in (0, 1, 2, 10):
        files.write("a~b", generation, np.zeros((1, 1), dtype=np.float32))
    files.forget(2)
    assert [files.has("a~b", generation) for generation in (0, 1, 2, 10)] == [False, False, True, True]


def test_the_released_variant_is_a_set_of_defaults_that_stay_changeable():
    recipe = DistillConfig.model_validate({"variant": "released", "self_distillation": {"alpha": 0.99}})
    assert (recipe.epochs, recipe.batch_scenes, recipe.repeats, recipe.schedule) == (100, 16, 5, "poly")
    assert recipe.self_distillation.epochs == 100
    assert recipe.self_distillation.alpha == 0.99
    assert recipe.self_distillation.losses == "alone"
    assert DistillConfig().self_distillation.losses == "added"
