"""The schedules against their definitions, the paper's recipes, and the refusal of bad values."""

import math

import pytest

from resattn.training import TrainConfig, learning_rate_at, paper_cifar, paper_imagenet


def rates(**fields):
    config = TrainConfig(**fields)
    return [learning_rate_at(config, step) for step in range(1, config.steps + 1)]


def test_constant_after_a_linear_warm_up():
    expected = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    got = rates(steps=6, learning_rate=0.4, warmup_steps=4, schedule="constant")
    assert got == pytest.approx(expected)


def test_step_divides_after_each_milestone():
    got = rates(steps=6, learning_rate=1.0, schedule="step", milestones=(2, 5), factor=0.5)
    assert got == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


def test_cosine_starts_whole_is_half_at_the_middle_and_falls():
    got = rates(steps=12, learning_rate=0.8, warmup_steps=2, schedule="cosine")
    assert got[:3] == pytest.approx([0.4, 0.8, 0.8])
    assert got[7] == pytest.approx(0.4)  # 5 of the 10 steps after warm-up are done
    assert got[11] == pytest.approx(0.4 * (1 + math.cos(0.9 * math.pi)))
    assert sorted(got[1:], reverse=True) == got[1:]


def test_a_run_that_is_all_warm_up():
    assert rates(steps=2, learning_rate=0.2, warmup_steps=2) == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
    ("config", "milestones", "steps", "batch", "nesterov"),
    [
        (paper_cifar(), (64_000, 96_000), 160_000, 64, True),
        (paper_imagenet(), (200_000, 400_000, 500_000), 530_000, 256, False),
    ],
)
def test_the_papers_recipes(config, milestones, steps, batch, nesterov):
    assert (config.steps, config.batch_size, config.nesterov) == (steps, batch, nesterov)
    assert (config.momentum, config.weight_decay, config.warmup_steps) == (0.9, 1e-4, 0)
    assert learning_rate_at(config, 1) == 0.1
    for n, milestone in enumerate(milestones):
        assert learning_rate_at(config, milestone) == pytest.approx(0.1 / 10**n)
        assert learning_rate_at(config, milestone + 1) == pytest.approx(0.1 / 10 ** (n + 1))


def test_epochs_leave_out_the_images_that_fill_no_batch():
    assert TrainConfig(steps=30, batch_size=8).epochs(83) == 3
    assert paper_cifar().epochs(50_000) == pytest.approx(204.9, abs=0.05)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 0}, "steps must be a whole number, 1 or more, got 0"),
        ({"steps": 2.5}, "steps must be a whole number, 1 or more, got 2.5"),
        ({"steps": True}, "got True"),
        ({"batch_size": -1}, "batch_size must be a whole number, 1 or more, got -1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"learning_rate": math.inf}, "got inf"),
        ({"learning_rate": math.nan}, "got nan"),
        ({"learning_rate": "0.1"}, "got '0.1'"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
        ({"momentum": 0}, "set nesterov=False"),
        ({"weight_decay": -0.1}, "weight_decay must be a number, 0 or more, got -0.1"),
        ({"factor": 10}, "factor must be above 0 and below 1, got 10"),
        ({"warmup_steps": 11}, "warmup_steps must be at most steps = 10, got 11"),
        (
            {"schedule": "linear"},
            "unknown schedule 'linear'.* choose one of cosine, step, constant",
        ),
        ({"schedule": "step"}, "needs one or more"),
        ({"milestones": (5,)}, "with schedule 'cosine'"),
        ({"schedule": "step", "milestones": (5, 5)}, "rising whole numbers"),
        ({"schedule": "step", "milestones": (5, 10)}, "below steps = 10"),
        ({"schedule": "step", "milestones": (0.5,)}, r"got \(0.5,\)"),
        ({"schedule": "step", "milestones": ("5",)}, "rising whole numbers"),
        ({"precision": "float16"}, "unknown precision 'float16'.* choose one of float32, bfloat16"),
        ({"channels_last": 1}, "channels_last must be True or False, got 1"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"eval_every": -1}, "eval_every"),
        ({"checkpoint_every": None}, "checkpoint_every"),
    ],
)
def test_a_bad_value_is_named_with_its_limit(fields, words):
    with pytest.raises(ValueError, match=words) as caught:
        TrainConfig(**{"steps": 10} | fields)
    assert "\n" not in str(caught.value)
