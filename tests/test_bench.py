"""The benchmarks run, compare what they say they compare, and refuse in one sentence."""

import importlib
import importlib.util

import pytest
import torch

import benchmarks.__main__ as grading_commands
import resattn
from resattn.__main__ import main
from resattn.bench import interleaved_medians
from resattn.bench.attention56 import peak_memory
from resattn.bench.names import BENCHMARKS
from resattn.bench.steps import WAYS, matrix_rate, training_step


@pytest.mark.parametrize("package", ["resattn.bench", "benchmarks"])
def test_every_benchmark_is_a_module_that_measures(package):
    listed = {"resattn.bench": BENCHMARKS, "benchmarks": grading_commands.BENCHMARKS}[package]
    for name in listed:
        assert callable(importlib.import_module(f"{package}.{name}").measure), name


def test_the_benchmarks_of_grading_print_the_same_tables(monkeypatch, capsys):
    from benchmarks import grading

    monkeypatch.setattr(grading, "measure", lambda: iter([("ours", "1 s")]))
    grading_commands.main(["grading"])
    first, *table = capsys.readouterr().out.splitlines()
    assert "threads" in first and table[-3:] == [
        "| what | measured |",
        "|---|---|",
        "| ours | 1 s |",
    ]
    with pytest.raises(SystemExit):
        grading_commands.main(["speed"])
    assert "unknown benchmark 'speed'; choose one of grading, " in capsys.readouterr().err


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
    assert matrix_rate(torch.float32, largest=128) > 1e5
    assert 1e7 < peak_memory() < 1e12


class SlowMachine:
    """A clock for a machine that makes 10^7 multiply-adds per second, whatever they really take."""

    def __init__(self) -> None:
        self.sides: list[int] = []
        self.spent = 0.0

    def __call__(self, product) -> float:
        self.sides.append(product.__closure__[0].cell_contents.shape[0])
        taken = self.sides[-1] ** 3 / 1e7
        self.spent += taken
        return taken


def test_a_slow_machine_multiplies_small_matrices():
    clock = SlowMachine()
    assert matrix_rate(torch.float32, clock=clock) == pytest.approx(1e7)
    assert clock.spent < 10 and max(clock.sides) == 128  # 2048 would have taken 5,000 s


def test_a_fast_machine_multiplies_the_largest():
    clock = SlowMachine()
    matrix_rate(torch.float32, clock=lambda product: clock(product) / 1e9, largest=300)
    assert clock.sides[-5:] == [300] * 5


@pytest.mark.parametrize("name", ["pytorchcv", "psutil"])
def test_a_missing_rival_is_named_with_its_fix(monkeypatch, capsys, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda other: None if other == name else True)
    assert main(["bench", "attention56"]) == 2
    assert f"run `pip install {name}`" in capsys.readouterr().err


def test_images_a_second_are_measured_for_every_way_of_training(capsys):
    from resattn.bench import training

    if torch.cuda.is_available():
        pytest.skip("takes minutes where there is a GPU")
    rows = dict(training.measure(training.Sizes(steps=1, batch=4, images=64, matrix=64)))
    assert [name.split(", ", 2)[2] for name in rows if "images" in rows[name]] == [
        "plain loop",
        *training.WAYS,
    ]
