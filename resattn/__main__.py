"""The command line: `python -m resattn COMMAND ...`, also installed as `resattn`.

Arguments are parsed before a command's module, and with it torch, is imported: a mistake in them is
answered at once (see `resattn.commands`).
"""

import argparse
import importlib
import os
import sys
from types import ModuleType
from typing import NoReturn

from resattn import __version__
from resattn.commands import COMMANDS, unknown


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, with the word that was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and leave with status 2."""
        argument, _, sentence = message.partition(": ")
        named = sentence.startswith("expected ") or not argument.startswith("argument ")
        say(f"{self.prog}: {message if named else sentence}")
        self.exit(2, f"`{self.prog} --help` shows how to call it.\n")

    def parse_all(self, words: list[str]) -> argparse.Namespace:
        """Parse all words; one that is unknown is named, with the option that was meant."""
        options, extra = self.parse_known_args(words)
        if extra and extra[0].startswith("-"):
            known = [text for action in self._actions for text in action.option_strings]
            self.error(unknown("option", extra[0].split("=")[0], known))
        if extra:
            self.error(f"there is one argument too many: {extra[0]!r}")
        return options


def parse(words: list[str]) -> tuple[str, argparse.Namespace]:
    """Return the command's name and its options; leaves with status 2 after a mistake in them."""
    top = Parser(
        prog="resattn",
        usage="resattn COMMAND ...",
        description="Residual attention networks: build, train, look inside.",
        epilog="`resattn COMMAND --help` shows the arguments of a command.",
    )
    top.add_argument("--version", action="version", version=f"resattn {__version__}")
    listed = top.add_argument_group("commands")
    for name, command in COMMANDS.items():
        listed.add_argument(name, nargs="?", help=command.purpose)
    if not words or words[0].startswith("-"):
        top.parse_all(words)
        top.error(f"give a command: {', '.join(COMMANDS)}")
    name = words[0]
    if name not in COMMANDS:
        top.error(unknown("command", name, list(COMMANDS)))
    own = Parser(prog=f"resattn {name}", description=COMMANDS[name].purpose)
    COMMANDS[name].arguments(own)
    options = own.parse_all(words[1:])
    try:
        getattr(options, "check", lambda _: None)(options)
    except ValueError as error:
        own.error(str(error))
    return name, options


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input becomes one sentence on stderr."""
    name, options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status: int = load(name).run(options)
        return status
    except (ValueError, RuntimeError, OSError, ModuleNotFoundError) as error:
        say(f"resattn {name}: {error}")
        return 2
    except KeyboardInterrupt:
        say(f"\nresattn {name}: stopped")
        return 130


def load(name: str) -> ModuleType:
    """Import a command's module; in a terminal, say so while it lasts."""
    watched = sys.stderr.isatty()
    if watched:
        print(f"resattn {name}: loading torch ...", end="", file=sys.stderr, flush=True)
    try:
        return importlib.import_module(COMMANDS[name].module)
    finally:
        if watched:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def say(sentence: str) -> None:
    """Print a sentence on stderr, in red where a person watches who has not set NO_COLOR."""
    red = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    print(f"\x1b[31m{sentence}\x1b[0m" if red else sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
