"""`resattn COMMAND`: mistakes are answered at once and in one sentence, help has one style."""

import io
import subprocess
import sys

import pytest

from resattn import __main__ as command_line
from resattn import __version__, commands
from resattn.__main__ import main, parse


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trian width", "unknown command 'trian'; did you mean 'train'?"),
        ("fly", "unknown command 'fly'; choose one of models, train, results, bench, data"),
        ("", "give a command: models, train, results, bench, data"),
        ("--verison", "unknown option '--verison'; did you mean '--version'?"),
        ("train", "the following arguments are required: RECIPE"),
        ("train staking", "unknown recipe 'staking'; did you mean 'stacking'?"),
        ("train cifar10-atention56", "did you mean 'cifar10-attention56'?"),
        ("train width --scael full", "unknown option '--scael'; did you mean '--scale'?"),
        ("train width --scael=full", "unknown option '--scael'; did you mean '--scale'?"),
        ("train width --scale fulll", "unknown scale 'fulll'; did you mean 'full'?"),
        ("train width --scale paper", "unknown scale of width 'paper'; choose one of small, full"),
        ("train imagenet-attention56 --scale small", "choose one of paper, fast"),
        ("train width --scale", "argument --scale: expected one argument"),
        ("train width --seeds -1", "a seed must be a whole number from 0 to 4294967295, got '-1'"),
        ("train width --seeds 1 2.5", "a seed must be a whole number"),
        ("train width --threads 0", "threads must be a whole number from 1 to 4096, got '0'"),
        ("train width --workers many", "workers must be a whole number from 0 to 4096"),
        ("train width --device cudaa", "unknown device 'cudaa'; did you mean 'cuda'?"),
        ("train width --device gpu", "unknown device 'gpu'; choose one of auto, cpu, cuda, mps"),
        ("train width --device cuda:x", "unknown device 'cuda:x'; give a number only to a GPU"),
        ("train width depth --variants arl-m1", "--variants belong to one recipe"),
        ("train all --variants arl-m1", "--variants belong to one recipe"),
        ("train all width", "'all' stands for every recipe"),
        ("results clams", "unknown recipe 'clams'; did you mean 'claims'?"),
        ("results nothing", "unknown recipe 'nothing'; choose one of claims, paper, stacking"),
        ("results width depth", "there is one argument too many: 'depth'"),
        ("results --scale paper", "unknown scale of stacking 'paper'"),
        ("results claims --scale fast", "unknown scale"),
        ("bench stepp", "unknown benchmark 'stepp'; did you mean 'step'?"),
        ("data cifar1o", "unknown dataset 'cifar1o'; did you mean 'cifar10'?"),
        ("models all", "there is one argument too many: 'all'"),
    ],
)
def test_a_mistake_is_one_sentence_with_what_was_meant(words, said, capsys, monkeypatch):
    monkeypatch.setattr(command_line, "load", lambda name: pytest.fail("something heavy began"))
    with pytest.raises(SystemExit) as left:
        main(words.split())
    sentence, where = capsys.readouterr().err.splitlines()
    assert left.value.code == 2
    assert said in sentence and sentence.startswith("resattn")
    assert where.endswith("--help` shows how to call it.")


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_has_one_style(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    said = capsys.readouterr().out
    assert left.value.code == 0 and said.startswith(f"usage: resattn {name}")
    assert commands.COMMANDS[name].purpose in said


def test_the_list_of_commands_and_the_version(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(command.purpose in said for command in commands.COMMANDS.values())
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"resattn {__version__}\n"


LIGHT = """
import sys
from resattn.__main__ import parse
from resattn.commands import COMMANDS
for words in (["train", "width", "--device", "cuda:1", "--seeds", "0"], ["results", "claims"],
              ["bench", "step"], ["data", "cifar10"], ["models"], ["trian"], ["train", "staking"],
              ["--version"], *([name, "--help"] for name in COMMANDS)):
    try:
        parse(words)
    except SystemExit:
        pass
print(*sorted({name.partition(".")[0] for name in sys.modules}
              & {"torch", "torchvision", "numpy", "safetensors", "matplotlib"}), file=sys.stderr)
"""


def test_nothing_heavy_is_imported_before_the_arguments_are_parsed():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == ""


def test_all_recipes_are_named_one_by_one():
    _, options = parse(["train", "all", "--threads", "2"])
    assert options.recipes[0] == "stacking" and len(options.recipes) == 11
    assert (options.threads, options.workers, options.device) == (2, 0, "auto")
    assert parse(["results"])[1].recipe is None


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_hears_of_the_loading_at_once(monkeypatch):
    screen, seen = Terminal(), []

    def load(module):
        seen.append(screen.getvalue())

        class Loaded:
            @staticmethod
            def run(options):
                raise ValueError("no")

        return Loaded

    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(command_line.importlib, "import_module", load)
    assert main(["models"]) == 2
    assert seen == ["resattn models: loading torch ..."]
    assert screen.getvalue() == f"{seen[0]}\r\x1b[K\x1b[31mresattn models: no\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["models"]) == 2
    assert screen.getvalue().endswith("\r\x1b[Kresattn models: no\n")


def test_an_interrupt_ends_a_command_in_one_line(monkeypatch, capsys):
    class Loaded:
        @staticmethod
        def run(options):
            raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "load", lambda name: Loaded)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "\nresattn models: stopped\n"
