"""`python -m resattn data NAME`: fetches a dataset, the one place from which anything downloads."""

import argparse

from resattn.data.cifar_files import fetch


def run(options: argparse.Namespace) -> int:
    """Fetch, check and unpack the dataset, and print where it lies."""
    print(fetch(options.name, options.root))
    return 0
