"""The command line: `python -m coursekit COMMAND ...`, also installed as `coursekit`.

Arguments are parsed before a command's module is imported (see `coursekit.commands`): a mistake in
them is answered at once, and `doctor` starts where torch does not.
"""

import argparse
import difflib
import importlib
import re
import sys
from collections.abc import Iterable
from typing import NoReturn

from coursekit import __version__
from coursekit.commands import COMMANDS
from coursekit.terminal import paint


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, with the word that was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and leave with status 2."""
        if wrong := re.search(r"invalid choice: '([^']*)'", message):
            choices = [str(each) for action in self._actions for each in action.choices or ()]
            message += meant(wrong[1], choices)
        said = paint(f"{self.prog}: {message}", "red", sys.stderr)
        self.exit(2, f"{said}\n`{self.prog} --help` shows how to call it.\n")

    def parse_all(self, words: list[str]) -> argparse.Namespace:
        """Parse all words; one that is unknown is named, with the option that was meant."""
        options, unknown = self.parse_known_args(words)
        if unknown:
            known = [each for action in self._actions for each in action.option_strings]
            kind = "option" if unknown[0].startswith("-") else "further argument"
            self.error(f"there is no {kind} {unknown[0]!r}{meant(unknown[0], known)}")
        return options


def meant(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that suggests the known word most like this one; or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input becomes one sentence on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    top = Parser(
        prog="coursekit",
        usage="coursekit COMMAND ...",
        description="Work through a course of notebooks, and grade it.",
        epilog="`coursekit COMMAND --help` shows the arguments of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"coursekit {__version__}")
    listed = top.add_argument_group("commands")
    for name, command in COMMANDS.items():
        listed.add_argument(name, nargs="?", help=command.purpose)
    if not words or words[0].startswith("-"):
        top.parse_all(words)
        top.error(f"give a command: {', '.join(COMMANDS)}")
    name = words[0]
    if name not in COMMANDS:
        suggestion = meant(name, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
        top.error(f"there is no command {name!r}{suggestion}")
    own = Parser(prog=f"coursekit {name}", description=COMMANDS[name].purpose)
    COMMANDS[name].arguments(own)
    options = own.parse_all(words[1:])
    try:
        status: int = importlib.import_module(COMMANDS[name].module).run(options)
        return status
    except (ValueError, RuntimeError, OSError) as error:
        _fail(name, str(error))
        return 2
    except ModuleNotFoundError as error:
        _fail(name, f"{error.name} is not installed; run `make lab` once, or `coursekit doctor`")
        return 2
    except KeyboardInterrupt:
        print(f"\ncoursekit {name}: stopped; what was saved before is as it was", file=sys.stderr)
        return 130


def _fail(name: str, message: str) -> None:
    print(paint(f"coursekit {name}: {message}", "red", sys.stderr), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
