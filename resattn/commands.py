"""The commands of `python -m resattn`: where each one lives, its purpose, and its arguments.

All arguments are declared and checked here and not beside the code that runs, because that code
imports torch: a mistyped argument or `--help` is answered at once. To add a command, add a line to
`COMMANDS` whose module has `run(options) -> exit status`.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from resattn.bench.names import BENCHMARKS
from resattn.experiments.names import QUESTIONS, RECIPE_NAMES, scale_names

DATASETS = ("cifar10", "cifar100")
TABLES = ("claims", "paper")
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")


@dataclass(frozen=True)
class Command:
    """One command: its module, its purpose in a line, and the function that adds its arguments."""

    module: str
    purpose: str
    arguments: Callable[[argparse.ArgumentParser], None]


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """Return the sentence for a word that is not known: with the one most like it, or with all."""
    near = get_close_matches(word, known, n=1, cutoff=0.7)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
    return f"unknown {what} {word!r}; {hint}"


def one_of(what: str, known: Sequence[str]) -> Callable[[str], str]:
    """Return a reader of arguments that must be one of the known words."""

    def read(word: str) -> str:
        if word not in known:
            raise argparse.ArgumentTypeError(unknown(what, word, known))
        return word

    return read


def whole(what: str, least: int, most: int = 2**32 - 1) -> Callable[[str], int]:
    """Return a reader of arguments that must be whole numbers from ``least`` to ``most``."""

    def read(word: str) -> int:
        if not re.fullmatch(r"-?\d+", word) or not least <= int(word) <= most:
            raise argparse.ArgumentTypeError(
                f"{what} must be a whole number from {least} to {most}, got {word!r}"
            )
        return int(word)

    return read


def device(word: str) -> str:
    """Read the name of a device; whether this machine has it is looked at when torch is loaded."""
    kind, _, number = word.partition(":")
    if kind not in DEVICES:
        raise argparse.ArgumentTypeError(unknown("device", kind, DEVICES))
    if number and not (number.isdigit() and kind in ("cuda", "xpu")):
        raise argparse.ArgumentTypeError(
            f"unknown device {word!r}; give a number only to a GPU, as in cuda:1"
        )
    return word


def check_scale(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Raise ValueError if one of the recipes named has not the scale that was asked for."""
    for name in names if options.scale else ():
        if options.scale not in scale_names(name):
            raise ValueError(unknown(f"scale of {name}", options.scale, scale_names(name)))


def _models(parser: argparse.ArgumentParser) -> None:
    pass


def _train(parser: argparse.ArgumentParser) -> None:
    known = f"all; or some of {', '.join(QUESTIONS)}; or of those that `results paper` lists"
    reader = one_of("recipe", ("all", *RECIPE_NAMES))
    parser.add_argument("recipes", metavar="RECIPE", nargs="+", type=reader, help=known)
    _add_scale(parser)
    parser.add_argument("--variants", nargs="+", help="only these (default: all)")
    seed = whole("a seed", 0)
    parser.add_argument("--seeds", nargs="+", type=seed, help="only these (default: the recipe's)")
    devices = "auto (CUDA, else MPS, else the CPU; default), cpu, cuda, cuda:1, mps"
    parser.add_argument("--device", default="auto", type=device, help=devices)
    threads = "of the CPU (default: as torch finds)"
    parser.add_argument("--threads", type=whole("threads", 1, 4096), help=threads)
    workers = "processes that load images (default: 0, this one does)"
    parser.add_argument("--workers", type=whole("workers", 0, 4096), default=0, help=workers)
    parser.add_argument("--root", default="data", help="folder of CIFAR and imagenet (data)")
    parser.set_defaults(check=_check_train)


def _check_train(options: argparse.Namespace) -> None:
    if options.recipes == ["all"]:
        options.recipes = list(QUESTIONS)
    if "all" in options.recipes:
        raise ValueError("'all' stands for every recipe; name it alone, or name recipes")
    if len(options.recipes) > 1 and options.variants:
        raise ValueError("--variants belong to one recipe; name it alone")
    check_scale(options, options.recipes)


def _results(parser: argparse.ArgumentParser) -> None:
    known = (
        f"claims; paper, for its numbers beside ours; or one of {', '.join(QUESTIONS)}, or of the "
        "paper's (default: all)"
    )
    reader = one_of("recipe", (*TABLES, *RECIPE_NAMES))
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", type=reader, help=known)
    _add_scale(parser)
    parser.set_defaults(check=_check_results)


def _check_results(options: argparse.Namespace) -> None:
    recipes = {"claims": QUESTIONS[:1], "paper": (), None: QUESTIONS}
    check_scale(options, recipes.get(options.recipe, (options.recipe,)))


def _add_scale(parser: argparse.ArgumentParser) -> None:
    scales = ("small", "full", "paper", "fast")
    text = "small (default) or full; paper (default) or fast for the paper's own tasks"
    parser.add_argument("--scale", type=one_of("scale", scales), help=text)


def _bench(parser: argparse.ArgumentParser) -> None:
    listed = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    reader = one_of("benchmark", tuple(BENCHMARKS))
    text = f"{listed} (default: all)"
    parser.add_argument("names", nargs="*", metavar="NAME", type=reader, help=text)


def _data(parser: argparse.ArgumentParser) -> None:
    names = " or ".join(DATASETS)
    parser.add_argument("name", metavar="NAME", type=one_of("dataset", DATASETS), help=names)
    parser.add_argument("--root", default="data", help="folder to put it in (default: data)")


COMMANDS = {
    "models": Command("resattn.models", "print the table of networks", _models),
    "train": Command(
        "resattn.experiments.train", "run the experiments that are not recorded yet", _train
    ),
    "results": Command(
        "resattn.experiments.tables",
        "print what was recorded, and what became of the claims",
        _results,
    ),
    "bench": Command("resattn.bench", "measure what things cost on this machine", _bench),
    "data": Command("resattn.data.command", "fetch CIFAR-10 or CIFAR-100", _data),
}
