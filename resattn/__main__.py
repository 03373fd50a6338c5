"""The command line: `python -m resattn COMMAND ...`, also installed as `resattn`.

A command is a module with `add_arguments(parser)` and `run(options) -> exit status`, imported only
when it is called: `doctor` must start where torch does not. To add one, add its line below.
"""

import argparse
import importlib
import sys

COMMANDS = {
    "doctor": ("resattn.doctor", "say what this machine lacks for the course, and the mend"),
    "models": ("resattn.models", "print the table of networks"),
    "bench": ("resattn.bench", "measure what things cost on this machine"),
    "train": ("resattn.recipes.train", "run the experiments that are not recorded yet"),
    "results": ("resattn.recipes.tables", "print what was recorded, and what became of the claims"),
    "data": ("resattn.data.command", "fetch CIFAR-10 or CIFAR-100"),
    "build": ("resattn.classroom.build", "make and execute the notebooks from their sources"),
    "check": ("resattn.classroom.marking", "check your answers to an exercise set, and get hints"),
    "progress": ("resattn.classroom.progress", "show your points in all exercise sets"),
    "submit": ("resattn.classroom.hand_in", "bundle an exercise set to hand in"),
    "reset": ("resattn.classroom.reset", "begin an exercise set anew; yours is kept"),
    "grade": ("resattn.grading.grade", "grade a folder of submissions"),
    "mutants": ("resattn.classroom.mutants", "count the wrong answers that the checks catch"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input becomes one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="resattn", description="The residual attention course.")
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
