"""A step's gradient does not depend on how its scenes are divided; precision; which losses count."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.student.minkunet import build_student
from storage.ensemble import EnsembleFolder
from training.data import BatchMaker
from training.parallel import World
from training.scenes import MemoryScenes
from training.self_distillation import Ensemble
from training.steps import Learner, StepPlan

_SPEC = importlib.util.spec_from_file_location(
    "student_scenes", Path(__file__).with_name("student_scenes.py")
)
student_scenes = importlib.util.module_from_spec(_SPEC)
sys.modules["student_scenes"] = student_scenes
_SPEC.loader.exec_module(student_scenes)
config, scene = student_scenes.config, student_scenes.scene
ALONE = World(0, 1, "cpu")


def gradients(groups, tmp_path, *, stage: int = 1, counted=None, **changes):
    """Losses and gradients of one step over groups of scenes; batch norm by running statistics."""
    recipe = config(augment=False, self_distillation={"epochs": 1, **changes.pop("stage_two", {})}, **changes)
    batches = BatchMaker(MemoryScenes([scene(seed) for seed in range(3)]), recipe)
    network = build_student(recipe, 8, 0).eval()
    folder = EnsembleFolder(tmp_path, "f")
    ensemble = Ensemble(folder, student_scenes.classes(), recipe.self_distillation)
    ensemble.begin(network, batches, range(3), "cpu")
    learner = Learner(network, recipe, ALONE, ensemble)
    made = [batches.batch(group, None, stage_two=stage == 2) for group in groups]
    values = learner.step(made, counted or [True] * len(made), StepPlan(0.0, stage, 0))
    return values, {name: p.grad.clone() for name, p in network.named_parameters()}


def assert_equal(one, two):
    for name, value in one[0].items():
        assert two[0][name] == pytest.approx(value, rel=1e-5), name
    for name, gradient in one[1].items():
        scale = gradient.norm().item() + 1e-6
        assert (two[1][name] - gradient).norm().item() < 1e-4 * scale, name


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("targets", ["superpoint", "superpoint_seen_only"])
def test_micro_batches_add_up_to_the_gradient_of_the_whole(tmp_path, stage, targets):
    whole = gradients([(0, 1, 2)], tmp_path, stage=stage, targets=targets)
    parts = gradients([(0,), (1, 2)], tmp_path, stage=stage, targets=targets)
    assert_equal(whole, parts)
    assert ("loss_pseudo_point" in whole[0]) == (stage == 2)


def test_a_batch_that_is_not_counted_changes_nothing(tmp_path):
    plain = gradients([(0, 1)], tmp_path)
    padded = gradients([(0, 1), (2,)], tmp_path, counted=[True, False])
    assert_equal(plain, padded)


def test_losses_added_and_alone(tmp_path):
    names = ("loss_point", "loss_superpoint", "loss_pseudo_point", "loss_pseudo_superpoint")
    added, with_both = gradients([(0, 1, 2)], tmp_path, stage=2)
    assert added["loss"] == pytest.approx(sum(added[name] for name in names))
    alone, with_pseudo = gradients([(0, 1, 2)], tmp_path, stage=2, stage_two={"losses": "alone"})
    assert alone["loss"] == pytest.approx(sum(alone[name] for name in names[2:]))
    assert not torch.allclose(with_both["final.kernel"], with_pseudo["final.kernel"], rtol=1e-2)


def test_bfloat16_is_near_float32_and_weights_stay_float32(tmp_path):
    exact, half = gradients([(0, 1)], tmp_path), gradients([(0, 1)], tmp_path, precision="bfloat16")
    assert half[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.02)
    gradient, rough = exact[1]["final.kernel"], half[1]["final.kernel"]
    assert rough.dtype == torch.float32
    assert not torch.equal(gradient, rough)
    assert (gradient - rough).norm() < 0.1 * gradient.norm()


def test_the_sample_of_the_released_code_bounds_what_is_learned(tmp_path):
    recipe = config(targets="superpoint_sample", sample_voxels=50)
    scenes = MemoryScenes([scene(seed, pixel_point=True) for seed in range(2)])
    batches = BatchMaker(scenes, recipe)
    rngs = [np.random.default_rng(k) for k in range(2)]
    first = batches.batch((0, 1), rngs)
    assert first.links.num_points == 50
    assert int(first.links.voxel_count.max()) == 1
    second = batches.batch((0, 1), rngs, stage_two=True)
    assert second.superpoints is not None
    assert second.superpoints.num_points == 50
    assert second.links.num_points < 50  # some of the sample were never seen
