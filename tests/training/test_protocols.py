"""The openscene protocol: what is summed over turned passes; the other protocol is one plain pass."""

import numpy as np
import pytest

from models.student.minkunet import MinkUNet, build_student
from ops.turns import scene_turns, turned
from schema.config_stages import DistillConfig, EvaluateConfig
from training.infer import student_features
from training.protocols import mean_over_turns, protocol_features, protocol_words

VOXEL_M = 0.1
OPENSCENE = EvaluateConfig(protocol="openscene", num_passes=3, seed=4)


@pytest.fixture(scope="module")
def student() -> MinkUNet:
    config = DistillConfig(architecture="MinkUNet14A", planes=(4, 4, 8, 8, 8, 8, 4, 4))
    return build_student(config, 6, 0).eval()


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (600, 3)).astype(np.float32) * [1, 1, 0.2]


def ask(
    student: MinkUNet, points: np.ndarray, config: EvaluateConfig = OPENSCENE, **more: object
) -> np.ndarray:
    return protocol_features(student, points, config, **{"scene_id": "room", "voxel_m": VOXEL_M, **more})


def test_scores_are_those_summed_over_the_passes(student: MinkUNet, points: np.ndarray) -> None:
    """The long way: score every pass by itself, as the released evaluation does."""
    text = np.random.default_rng(1).standard_normal((5, 6))
    summed = np.zeros((len(points), 5))
    for turn in scene_turns("room", seed=4, num_turns=3):
        feat = student_features(student, turned(points, turn), voxel_m=VOXEL_M)
        summed += feat.astype(np.float64) @ text.T
    scores = ask(student, points) @ text.T
    np.testing.assert_allclose(3 * scores, summed, rtol=1e-4, atol=1e-5 * np.abs(summed).max())
    gap = np.sort(summed, axis=1)
    clear = gap[:, -1] - gap[:, -2] > 1e-4 * np.abs(summed).max()
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(scores.argmax(axis=1)[clear], summed.argmax(axis=1)[clear])


def test_passes_differ_so_that_summing_does_something(student: MinkUNet, points: np.ndarray) -> None:
    turns = scene_turns("room", seed=4, num_turns=3)
    passes = [student_features(student, turned(points, turn), voxel_m=VOXEL_M) for turn in turns]
    spread = np.abs(passes[0] - passes[1]).mean()
    assert spread > 0.01 * np.abs(passes[0]).mean()


def test_one_pass_that_turns_nothing_is_the_single_protocol(student: MinkUNet, points: np.ndarray) -> None:
    single = ask(student, points, EvaluateConfig())
    np.testing.assert_array_equal(single, student_features(student, points, voxel_m=VOXEL_M))
    np.testing.assert_array_equal(mean_over_turns(student, points, [np.eye(3)], voxel_m=VOXEL_M), single)
    np.testing.assert_array_equal(mean_over_turns(student, points, [np.eye(3)] * 2, voxel_m=VOXEL_M), single)
    other = EvaluateConfig(seed=9, num_passes=2)
    np.testing.assert_array_equal(ask(student, points, other, scene_id="hall"), single)


def test_scene_and_seed_decide_and_nothing_else(student: MinkUNet, points: np.ndarray) -> None:
    first = ask(student, points)
    np.random.default_rng().random()
    np.testing.assert_array_equal(ask(student, points), first)
    order = np.random.default_rng(2).permutation(len(points))
    np.testing.assert_array_equal(ask(student, points[order]), first[order])
    reseeded = EvaluateConfig(protocol="openscene", num_passes=3, seed=5)
    assert not np.allclose(ask(student, points, reseeded), first, atol=1e-4)
    assert not np.allclose(ask(student, points, scene_id="hall"), first, atol=1e-4)


def test_options_reach_every_pass(student: MinkUNet, points: np.ndarray) -> None:
    whole = ask(student, points)
    tiled = ask(student, points, max_voxels=100_000)
    np.testing.assert_array_equal(tiled, whole)
    with pytest.raises(TypeError):
        ask(student, points, no_such_option=1)


def test_the_protocol_in_words() -> None:
    assert protocol_words(EvaluateConfig(seed=3)) == "single"
    assert protocol_words(OPENSCENE) == "openscene (3 turned passes, seed 4)"
