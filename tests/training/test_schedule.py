"""Steps as functions of their number."""

import pytest

from schema.config_stages import DistillConfig
from training.schedule import Schedule, micro_batches, rngs_of, share_of


def schedule(num_scenes: int, **values: object) -> Schedule:
    return Schedule(num_scenes, DistillConfig.model_validate(values))


def test_every_pass_visits_each_scene_once_in_a_new_order():
    plan = schedule(10, epochs=2, batch_scenes=4, self_distillation={"epochs": 1})
    assert plan.steps_per_epoch == 3
    assert (plan.steps_of_stage_one, plan.num_steps) == (6, 9)
    epochs = [[plan.scenes(3 * epoch + i) for i in range(3)] for epoch in range(3)]
    for steps in epochs:
        assert [len(chosen) for chosen in steps] == [4, 4, 2]
        assert sorted(i for chosen in steps for i in chosen) == list(range(10))
    assert epochs[0] != epochs[1]


def test_an_epoch_of_several_passes():
    plan = schedule(3, epochs=2, batch_scenes=2, repeats=5, self_distillation={"epochs": 0})
    assert (plan.steps_per_pass, plan.steps_per_epoch, plan.num_steps) == (2, 10, 20)
    assert [plan.epoch(step) for step in (0, 9, 10, 19)] == [0, 0, 1, 1]
    assert len({tuple(plan.scenes(2 * number) + plan.scenes(2 * number + 1)) for number in range(5)}) > 1


def test_stage_two_begins_after_stage_one_and_counts_its_passes():
    plan = schedule(4, epochs=2, batch_scenes=2, repeats=2, self_distillation={"epochs": 1})
    assert plan.steps_of_stage_one == 8
    assert [plan.stage(step) for step in (0, 7, 8, 11)] == [1, 1, 2, 2]
    assert [plan.generation(step) for step in (8, 9, 10, 11)] == [0, 0, 1, 1]


def test_random_numbers_depend_on_seed_step_and_scene_only():
    config = DistillConfig(seed=5)
    draws = [rngs_of(step, scenes, config)[-1].random() for step, scenes in ((0, [3]), (1, [3]), (0, [1, 3]))]
    assert draws[0] == draws[2] != draws[1]
    assert rngs_of(0, [3], DistillConfig(seed=6))[0].random() != draws[0]
    assert rngs_of(0, [4], config)[0].random() != draws[0]


def test_learning_rate_is_linear_over_both_stages():
    plan = schedule(1, batch_scenes=1, epochs=7, self_distillation={"epochs": 4})
    assert plan.learning_rate(0) == 1e-4
    assert plan.learning_rate(5) == pytest.approx(5.5e-5)
    assert plan.learning_rate(10) == pytest.approx(1e-5)
    assert schedule(1, epochs=1, self_distillation={"epochs": 0}).learning_rate(0) == 1e-4


def test_the_released_schedule_is_polynomial_and_starts_again():
    plan = schedule(1, variant="released", repeats=1, epochs=10, self_distillation={"epochs": 5})
    assert plan.learning_rate(0) == plan.learning_rate(10) == 1e-3
    assert plan.learning_rate(5) == pytest.approx(1e-3 * 0.5**0.9)
    assert plan.learning_rate(14) == pytest.approx(1e-3 * 0.2**0.9)


def test_scenes_of_a_step_are_divided_among_processes_without_loss():
    shares = [share_of((1, 4, 5, 8, 9), rank, 3) for rank in range(3)]
    assert shares == [(1, 8), (4, 9), (5,)]
    assert share_of((7,), 1, 2) == ()
    assert micro_batches((1, 2, 3), 2) == ((1, 2), (3,))
    assert micro_batches((1, 2, 3), None) == ((1, 2, 3),)
    assert micro_batches((), 2) == ()
