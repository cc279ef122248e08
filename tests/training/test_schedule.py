"""Steps as functions of their number."""

import pytest

from schema.config_stages import DistillConfig
from training.schedule import learning_rate, num_steps, rng_of_step, scenes_of_step, steps_per_epoch


def test_every_epoch_visits_each_scene_once_in_a_new_order():
    config = DistillConfig(epochs=3, batch_scenes=4)
    assert steps_per_epoch(10, config) == 3
    assert num_steps(10, config) == 9
    epochs = [[scenes_of_step(3 * epoch + i, 10, config) for i in range(3)] for epoch in range(3)]
    for steps in epochs:
        assert [len(chosen) for chosen in steps] == [4, 4, 2]
        assert sorted(i for chosen in steps for i in chosen) == list(range(10))
    assert epochs[0] != epochs[1]


def test_random_numbers_depend_on_seed_and_step_only():
    config = DistillConfig(seed=5)
    draws = [rng_of_step(step, config).random() for step in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]
    assert rng_of_step(0, DistillConfig(seed=6)).random() != draws[0]


def test_learning_rate_is_linear_between_its_ends():
    config = DistillConfig(lr_start=1e-4, lr_end=1e-5)
    assert learning_rate(0, 11, config) == 1e-4
    assert learning_rate(5, 11, config) == pytest.approx(5.5e-5)
    assert learning_rate(10, 11, config) == pytest.approx(1e-5)
    assert learning_rate(0, 1, config) == 1e-4
