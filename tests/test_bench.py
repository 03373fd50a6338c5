"""The benchmarks run, compare what they say they compare, and refuse in one sentence."""

import importlib
import importlib.util

import pytest
import torch

import resattn
from resattn.__main__ import main
from resattn.bench import BENCHMARKS, interleaved_medians
from resattn.bench.attention56 import peak_memory
from resattn.bench.steps import WAYS, matrix_rate, training_step


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_a_module_that_measures(name):
    assert callable(importlib.import_module(f"resattn.bench.{name}").measure)


def test_actions_take_turns_after_a_warm_up(capsys):
    turns = []
    taken = interleaved_medians({n: lambda n=n: turns.append(n) for n in "ab"}, 3)
    assert turns == list("ab" * 4)
    assert set(taken) == {"a", "b"} and min(taken.values()) >= 0


@pytest.mark.parametrize("way", [way for way in WAYS if "compile" not in way])
def test_a_step_reaches_every_weight(way):
    torch.manual_seed(0)
    model = resattn.create_model("small_attention8")
    step = training_step(model, torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3]), way)
    step()
    assert all(weight.grad is not None for weight in model.parameters())
    last_format = (
        model.stages[0][0].branch[2].weight.is_contiguous(memory_format=torch.channels_last)
    )
    assert last_format == ("channels_last" in way)


def test_rates_and_peaks_are_those_of_a_machine():
    assert matrix_rate(torch.float32, side=256) > 1e6
    assert 1e7 < peak_memory() < 1e12


def test_an_unknown_benchmark_is_refused(capsys):
    assert main(["bench", "speed"]) == 2
    assert "unknown benchmark 'speed'" in capsys.readouterr().err


def test_a_missing_rival_is_named_with_its_mend(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["bench", "attention56"]) == 2
    assert "run `pip install pytorchcv`" in capsys.readouterr().err


def test_images_a_second_are_measured_for_every_way_of_training(capsys):
    from resattn.bench import training

    if torch.cuda.is_available():
        pytest.skip("takes minutes where there is a GPU")
    rows = dict(training.measure(steps=1))
    assert [name.split(", ", 2)[2] for name in rows if "images" in rows[name]] == [
        "plain loop",
        *training.WAYS,
    ]
