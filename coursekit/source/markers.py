"""Markers around the answer in a solution, and the stub that replaces it in the exercise.

In code, each marker is a line of its own inside a function or class:

    # answer
    return (1 + mask) * trunk
    # given                        (optional: faulty code that the student gets to mend)
    # return (1 + mask) * mask
    # end answer

In text they are `<!-- answer -->` and `<!-- end answer -->`.
"""

import re
from collections.abc import Callable

from nbformat import NotebookNode

ANSWER, GIVEN, END = "# answer", "# given", "# end answer"
YOUR_TURN = "your turn"
YOUR_WORDS = f"*Your words here: {YOUR_TURN}.*"
_WORDS = re.compile(r"<!-- answer -->\n(.*?)\n<!-- end answer -->", re.DOTALL)


class Malformed(ValueError):
    """Raised for a malformed cell; the caller adds the file to the message."""

    def __init__(self, cell: NotebookNode, what: str) -> None:
        super().__init__(what)
        self.cell = cell


def regions(cell: NotebookNode) -> list[tuple[int, int, int]]:
    """Return the lines of `# answer`, `# given` (or of the end) and `# end answer`, per answer."""
    found, opened, given = [], None, None
    for i, line in enumerate(cell.source.splitlines()):
        mark = line.strip()
        if mark == ANSWER and opened is None:
            if line == mark:
                raise Malformed(
                    cell,
                    f"line {i + 1}: `# answer` must stand inside a function or class, indented",
                )
            opened, given = i, None
        elif mark == GIVEN and opened is not None and given is None:
            given = i
        elif mark == END and opened is not None:
            if (given or i) == opened + 1:
                raise Malformed(cell, f"line {i + 1}: there is no answer above this marker")
            found.append((opened, given or i, i))
            opened = None
        elif mark in (ANSWER, GIVEN, END):
            raise Malformed(
                cell,
                f"line {i + 1}: `{mark}` is out of place; the order is "
                "`# answer`, perhaps `# given`, `# end answer`",
            )
    if opened is not None or not found:
        raise Malformed(cell, "needs `# answer` above and `# end answer` below what is cut out")
    return found


def solved(cell: NotebookNode) -> str:
    """Return the answer's code without markers and given code."""
    return _without(cell, lambda lines, start, given, end: lines[start + 1 : given])


def stub(cell: NotebookNode, task: str) -> str:
    """Return the answer cell of the exercise: the given code, or a line that says "your turn"."""

    def left(lines: list[str], start: int, given: int, end: int) -> list[str]:
        indent = lines[start].removesuffix(ANSWER)
        bare = [line.strip().removeprefix("#").removeprefix(" ") for line in lines[given + 1 : end]]
        given_code = [indent + line if line else "" for line in bare]
        return given_code or [f'{indent}raise NotImplementedError("{task}: {YOUR_TURN}")']

    return _without(cell, left)


def words_region(cell: NotebookNode) -> re.Match[str]:
    """Return the match of the words in a text cell; refuses a cell without its two markers."""
    found = _WORDS.search(cell.source)
    if found is None or not found[1].strip():
        raise Malformed(
            cell,
            "needs the answer in words between the lines <!-- answer --> and <!-- end answer -->",
        )
    return found


def words_stub(cell: NotebookNode) -> str:
    """Return the text cell of the exercise."""
    start, end = words_region(cell).span()
    return cell.source[:start] + YOUR_WORDS + cell.source[end:]


def _without(cell: NotebookNode, left: Callable[[list[str], int, int, int], list[str]]) -> str:
    """Return a cell whose answers are replaced by the lines that ``left`` returns for each."""
    lines, done, kept = cell.source.splitlines(), 0, list[str]()
    for start, given, end in regions(cell):
        kept += lines[done:start] + left(lines, start, given, end)
        done = end + 1
    return "\n".join(kept + lines[done:])
