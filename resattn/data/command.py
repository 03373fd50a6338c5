"""`python -m resattn data NAME`: fetches a dataset, the one place from which anything downloads."""

import argparse

from resattn.data.cifar_files import fetch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `data`."""
    parser.add_argument("name", help="cifar10 or cifar100")
    parser.add_argument("--root", default="data", help="folder to put it in (default: data)")


def run(options: argparse.Namespace) -> int:
    """Fetches, checks and unpacks the dataset, and prints where it lies."""
    print(fetch(options.name, options.root))
    return 0
