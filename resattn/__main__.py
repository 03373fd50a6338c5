"""The command line: `python -m resattn COMMAND ...`, also installed as `resattn`.

A command is a module with `add_arguments(parser)` and `run(options) -> exit status`, imported only
when it is called: `doctor` must start where torch does not. To add one, add its line below.
"""

import argparse
import importlib
import sys

COMMANDS = {
    "models": ("resattn.models", "print the table of networks"),
    "bench": ("resattn.bench", "measure what things cost on this machine"),
    "train": ("resattn.experiments.train", "run the experiments that are not recorded yet"),
    "results": (
        "resattn.experiments.tables",
        "print what was recorded, and what became of the claims",
    ),
    "data": ("resattn.data.command", "fetch CIFAR-10 or CIFAR-100"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input becomes one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="resattn", description="Residual attention networks: build, train, look inside."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, purpose) in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    name = parser.parse_known_args(arguments)[0].command
    module, purpose = COMMANDS[name]
    command = importlib.import_module(module)
    own = argparse.ArgumentParser(prog=f"resattn {name}", description=purpose)
    command.add_arguments(own)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return command.run(own.parse_args(given[given.index(name) + 1 :]))
    except (ValueError, RuntimeError, OSError) as error:
        print(f"resattn {name}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
