"""The loop against a plain one written out here, and its guards."""

import io
import json
import math
import random
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset
from training_kit import conv_net, flat, images, small_config, small_run

from resattn.data import make_loader
from resattn.training import (
    TrainConfig,
    evaluate,
    fit,
    learning_rate_at,
    seed_everything,
    trainer,
)


def plain_sgd(model, train, config):
    """Nesterov SGD from its equations, in the order of the loader: the oracle of `fit`."""
    velocity = [torch.zeros_like(p) for p in model.parameters()]
    losses, epoch = [], 0
    while True:
        for x, y in make_loader(
            train, config.batch_size, shuffle_seed=config.seed, epoch=epoch, drop_last=True
        ):
            if len(losses) == config.steps:
                return losses
            loss = F.cross_entropy(model(x), y)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            rate = learning_rate_at(config, len(losses) + 1)
            losses.append(loss.item())
            with torch.no_grad():
                for p, v, g in zip(model.parameters(), velocity, gradients, strict=True):
                    g = g + config.weight_decay * p
                    v.mul_(config.momentum).add_(g)
                    p -= rate * (g + config.momentum * v if config.nesterov else v)
        epoch += 1


@pytest.mark.parametrize("changes", [{}, {"nesterov": False, "schedule": "constant"}])
def test_equal_to_a_plain_loop(changes):
    config = small_config(weight_decay=0.01, **changes)
    data = images(83, seed=1, dtype=torch.float64)
    model, twin = conv_net(dropout=0).double(), conv_net(dropout=0).double()
    history = fit(model, data, data, config, device="cpu", progress=False)
    assert history.loss == pytest.approx(plain_sgd(twin, data, config), rel=1e-12)
    assert torch.allclose(flat(model.parameters()), flat(twin.parameters()), rtol=0, atol=1e-12)


def test_it_learns():
    model, val = conv_net(dropout=0), images(200, seed=2)
    before = evaluate(model, val, device="cpu")
    config = TrainConfig(steps=150, batch_size=16, learning_rate=0.1)
    history = fit(model, images(400, seed=1), val, config, device="cpu", progress=False)
    assert history.validation[150].error < 0.15 < before.error
    assert history.validation[150].loss < before.loss


def test_history_metrics_file_and_final_evaluation_agree(tmp_path):
    model, history = small_run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == list(range(1, 23))
    assert [line["loss"] for line in lines] == history.loss
    rates = [learning_rate_at(history.config, step) for step in range(1, 23)]
    assert [line["learning_rate"] for line in lines] == rates
    scores = {
        line["step"]: (line["val_error"], line["val_loss"]) for line in lines if "val_loss" in line
    }
    assert list(scores) == [5, 10, 15, 20, 22]
    assert scores == history.validation
    assert evaluate(model, images(37, seed=2), batch_size=8, device="cpu") == scores[22]
    assert history.validation[history.best_step].error == min(e for e, _ in scores.values())
    assert history.images_per_second == pytest.approx(22 * 8 / history.seconds)
    assert history.device == "cpu"


def test_evaluate_equals_one_pass_and_keeps_each_modules_mode():
    model, data = conv_net().train(), images(37, seed=3)
    model[1].eval()
    modes = [module.training for module in model.modules()]
    score = evaluate(model, data, batch_size=8, device="cpu")
    assert [module.training for module in model.modules()] == modes
    x, y = data.tensors
    logits = conv_net().eval()(x)
    assert score.error == (logits.argmax(1) != y).double().mean().item()
    assert score.loss == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)


def test_the_callback_sees_the_steps_gradient_and_modes_are_put_back():
    model = conv_net().eval()
    norms = []

    def keep(step, network):
        assert network is model and network.training
        norms.append((step, flat([p.grad for p in network.parameters()]).norm().item()))

    fit(
        model,
        images(83, seed=1),
        images(37, seed=2),
        small_config(),
        device="cpu",
        progress=False,
        on_step=keep,
    )
    assert not model.training
    assert [step for step, _ in norms] == list(range(1, 23))
    assert all(norm > 0 for _, norm in norms)


def test_a_seed_decides_the_run():
    def losses(seed):
        config = small_config(seed=seed)
        data = images(83, seed=1)
        return fit(conv_net(), data, data, config, device="cpu", progress=False).loss

    assert losses(1) == losses(1) != losses(2)


class Spoils(nn.Module):
    """A model whose logits become ``value`` at the call ``at``."""

    def __init__(self, value, at):
        super().__init__()
        self.net, self.value, self.at, self.calls = conv_net(norm=False), value, at, 0

    def forward(self, x):
        self.calls += self.training
        return self.net(x) * (self.value if self.training and self.calls == self.at else 1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path, value):
    model, sound = Spoils(value, at=7), []
    with pytest.raises(FloatingPointError) as caught:
        fit(
            model,
            images(83, seed=1),
            images(37, seed=2),
            small_config(),
            run_dir=tmp_path,
            device="cpu",
            progress=False,
            on_step=lambda step, model: sound.append(flat(model.parameters())),
        )
    rate = learning_rate_at(small_config(), 7)
    assert f"at step 7 with learning rate {rate:g}; start again with a lower" in str(caught.value)
    assert len(sound) == 6 and torch.equal(flat(model.parameters()), sound[-1])
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 6


def test_spoilt_weights_reach_no_checkpoint(tmp_path):
    def overflow(step, model):
        if step == 8:  # as a backward pass that overflows after a finite loss
            model[4].weight.data[0, 0, 0, 0] = math.inf

    with pytest.raises(FloatingPointError, match="weight 4.weight became nan at step 8"):
        small_run(tmp_path, on_step=overflow)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 4 and state["model"]["4.weight"].isfinite().all()


def test_channels_last_is_the_same_function_in_another_layout():
    def run(config):
        model, data = conv_net(dropout=0).double(), images(83, seed=1, dtype=torch.float64)
        history = fit(model, data, data, config, device="cpu", progress=False)
        return model[4].weight, history.loss

    (_, plain), (weight, fast) = run(small_config()), run(small_config(channels_last=True))
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    assert fast == pytest.approx(plain, rel=1e-10)


def test_bfloat16_computes_maps_in_bfloat16_and_keeps_weights_in_float32():
    model, data, seen = conv_net(dropout=0), images(83, seed=1), set()
    model[4].register_forward_hook(lambda module, x, y: seen.add(y.dtype))
    plain = fit(conv_net(dropout=0), data, data, small_config(), device="cpu", progress=False)
    config = small_config(precision="bfloat16")
    fast = fit(model, data, data, config, device="cpu", progress=False)
    assert seen == {torch.bfloat16}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert fast.loss[:3] == pytest.approx(plain.loss[:3], abs=0.02)


def test_compile_is_handed_the_model(monkeypatch):
    handed = []
    monkeypatch.setattr(torch, "compile", lambda model: handed.append(model) or model)
    model, data = conv_net(), images(83, seed=1)
    fit(model, data, data, small_config(compile=True), device="cpu", progress=False)
    assert handed == [model]


@pytest.mark.parametrize(
    ("sizes", "changes", "options", "words"),
    [
        ((7, 3), {}, {}, "batch_size must be at most the 7 training images, got 8"),
        ((8, 0), {}, {}, "val holds 0 images; it needs 1 or more"),
        (
            (8, 3),
            {},
            {"device": "warp"},
            "there is no device 'warp' here; choose 'auto' or one of cpu",
        ),
        ((8, 3), {}, {"device": "cuda:99"}, "there is no device 'cuda:99' here"),
        ((8, 3), {}, {"workers": -1}, "workers must be a whole number"),
    ],
)
def test_bad_input_is_refused_before_any_work(sizes, changes, options, words, tmp_path):
    model = conv_net()
    before = flat(model.parameters())
    train, val = (images(n, seed=n) for n in sizes)
    with pytest.raises(ValueError, match=words):
        options = {"device": "cpu", "run_dir": tmp_path / "run"} | options
        fit(model, train, val, small_config(**changes), progress=False, **options)
    assert torch.equal(flat(model.parameters()), before)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [
        (0, {}, "dataset holds 0 images"),
        (3, {"precision": "half"}, "unknown precision 'half'"),
        (3, {"batch_size": 0}, "batch_size"),
    ],
)
def test_evaluate_refuses_bad_input(n, options, words):
    empty = TensorDataset(torch.zeros(n, 1, 6, 6), torch.zeros(n, dtype=torch.long))
    with pytest.raises(ValueError, match=words):
        evaluate(conv_net(), empty, device="cpu", **options)


def test_seed_everything_repeats_all_three_generators():
    def draws():
        seed_everything(5)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draws() == draws()
    for bad in (-1, 2**32, 1.5):
        with pytest.raises(ValueError, match="seed must be"):
            seed_everything(bad)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("shown", [True, False])
def test_progress_rewrites_one_line_in_a_terminal(monkeypatch, shown):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    data = images(83, seed=1)
    fit(conv_net(), data, data, small_config(), device="cpu", progress=shown)
    text = screen.getvalue()
    if not shown:
        assert text == ""
        return
    assert text.count("\n") == 1 and text.endswith("\n")
    last = text.rsplit("\r", 1)[1]
    for part in ("step 22/22  loss ", "validation error ", " images/s", "0:00:00 left"):
        assert part in last


def test_a_terminal_sees_a_run_that_has_only_its_last_validation_left(monkeypatch, tmp_path):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    score = trainer.shared_score

    def fails(*args, **options):
        raise OSError("no validation")

    data = images(83, seed=1)
    config = small_config(eval_every=0)
    monkeypatch.setattr(trainer, "shared_score", fails)
    with pytest.raises(OSError, match="no validation"):
        fit(conv_net(), data, data, config, run_dir=tmp_path, device="cpu")
    monkeypatch.setattr(trainer, "shared_score", score)
    fit(conv_net(), data, data, config, run_dir=tmp_path, device="cpu")
    first, last, _ = screen.getvalue().split("\n")
    assert first.startswith("step 0/22  starting\r")
    assert last.startswith("step 22/22  starting\r") and "validation error" in last


def test_progress_outside_a_terminal_is_plain_and_repeats(capsys):
    for _ in range(2):
        data = images(83, seed=1)
        fit(conv_net(), data, data, small_config(), device="cpu")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == lines[5:]
    assert [line.split("  ")[0] for line in lines[:5]] == [
        f"step {step}/22" for step in (5, 10, 15, 20, 22)
    ]
