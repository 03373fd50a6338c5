"""An exercise with a student's answers in it: whatever else stood in the file does not count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence


def graft(
    cells: Iterable[tuple[str, str]],
    answers: Mapping[str, Sequence[str]],
    before: Iterable[str] = (),
) -> Iterator[tuple[str, str]]:
    """The names and sources of code cells, with answers in the place of those they are given for.

    ``answers`` are lists of cells, by the name of the answer cell, which the first of them keeps;
    the others are `name__1`, ... (see `owner`). ``before`` run ahead of the first answer.
    """
    before = list(before)
    for name, source in cells:
        if name not in answers:
            yield name, source
            continue
        yield from ((f"before-{k}", each) for k, each in enumerate(before))
        before = []
        yield from ((f"{name}__{k}" if k else name, each) for k, each in enumerate(answers[name]))


def owner(name: str) -> str:
    """The answer cell that a grafted cell belongs to."""
    return name.partition("__")[0]
