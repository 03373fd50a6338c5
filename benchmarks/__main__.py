"""`python -m benchmarks [NAME ...]`: what grading costs, in the tables of `resattn bench`."""

import argparse

from resattn.bench import print_tables

BENCHMARKS = {
    "grading": "seconds a submission, ours against nbgrader's autograde and otter run",
    "grading_class": "a class of 1,000 on a real set, one submission in ten faulty",
}


def main(arguments: list[str] | None = None) -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    listed = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{listed} (default: all)")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown benchmark {min(unknown)!r}; choose one of {', '.join(BENCHMARKS)}")
    print_tables("benchmarks", BENCHMARKS, names or BENCHMARKS)


if __name__ == "__main__":
    main()
