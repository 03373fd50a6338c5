"""The command line: `python -m coursekit COMMAND ...`, also installed as `coursekit`.

A command is a module with `add_arguments(parser)` and `run(options) -> exit status`, imported only
when it is called: `doctor` must start where torch does not. To add one, add its line below.
"""

import argparse
import importlib
import sys

COMMANDS = {
    "doctor": ("coursekit.doctor", "say what this machine lacks for the course, and the mend"),
    "build": ("coursekit.source.build", "make and execute the notebooks from their sources"),
    "check": ("coursekit.student.check", "check your answers to an exercise set, and get hints"),
    "progress": ("coursekit.student.progress", "show your points in all exercise sets"),
    "submit": ("coursekit.student.submit", "bundle an exercise set to hand in"),
    "reset": ("coursekit.student.reset", "begin an exercise set anew; yours is kept"),
    "grade": ("coursekit.grader.grade", "grade a folder of submissions"),
    "mutants": ("coursekit.source.mutants", "count the wrong answers that the checks catch"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input becomes one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="coursekit", description="Work through a course of notebooks, and grade it."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, purpose) in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    name = parser.parse_known_args(arguments)[0].command
    module, purpose = COMMANDS[name]
    command = importlib.import_module(module)
    own = argparse.ArgumentParser(prog=f"coursekit {name}", description=purpose)
    command.add_arguments(own)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return command.run(own.parse_args(given[given.index(name) + 1 :]))
    except (ValueError, RuntimeError, OSError) as error:
        print(f"coursekit {name}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
