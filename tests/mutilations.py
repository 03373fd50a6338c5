"""Solved notebooks as students hand them in: damaged, renamed, shuffled, from other programs."""

import copy
import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coursekit.checks.record import Record, read
from coursekit.source.markers import solved
from coursekit.source.tasks import read_set

ROOT = Path(__file__).resolve().parents[1]
SETS = sorted(path.stem for path in (ROOT / "exercises" / "expected").glob("*.json"))


@dataclass(frozen=True)
class Mutilated:
    """A file, what was done to make it, and the tasks whose answer cell is still whole in it."""

    data: bytes
    name: str
    done: tuple[str, ...]
    whole: frozenset[str]


@cache
def record(name: str) -> Record:
    """Return the record of a set."""
    return read(ROOT / "exercises" / "expected" / f"{name}.json")


@cache
def answers(name: str) -> dict[str, str]:
    """The solution's answer to each task of a set."""
    return {
        task.id: solved(task.answer) for task in read_set(ROOT / "solutions" / f"{name}.py").tasks
    }


def notebook(name: str) -> dict:
    """The exercise with all answers of the solution in it, as JupyterLab would save it."""
    tasks = record(name).tasks
    written = {tasks[task].answer: source for task, source in answers(name).items()}
    written |= {
        task.words: f"{source(name, task.words)}\n\nBecause the naïve rule fades."
        for task in tasks.values()
        if task.words
    }
    cells = []
    for cell in record(name).notebook:
        made = {
            "cell_type": cell.cell_type,
            "id": cell.id,
            "metadata": cell.metadata,
            "source": written.get(cell.id, cell.source),
        }
        if cell.cell_type == "code":
            made |= {"execution_count": 3, "outputs": []}
        cells.append(copy.deepcopy(made))
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def source(name: str, cell: str) -> str:
    """What the exercise has in a cell."""
    return next(each.source for each in record(name).notebook if each.id == cell)


def text(content: dict, indent: int | None = 1) -> str:
    """A notebook as JSON."""
    return json.dumps(content, indent=indent, ensure_ascii=False)


def percent(content: dict) -> str:
    """A notebook as a percent script."""
    pieces = []
    for cell in content["cells"]:
        head = " ".join(["# %%", *filter(None, [(cell.get("metadata") or {}).get("title")])])
        body = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] != "code":
            head += " [markdown]"
            body = "\n".join(f"# {line}".rstrip() for line in body.split("\n"))
        pieces.append(f"{head}\n{body}\n")
    return "\n".join(pieces)


def version_3(content: dict) -> dict:
    """A notebook in nbformat 3, which knows no ids."""
    cells = []
    for cell in content["cells"]:
        metadata, body = cell.get("metadata") or {}, cell["source"]
        if cell["cell_type"] == "code":
            cells.append(
                {
                    "cell_type": "code",
                    "collapsed": False,
                    "input": body,
                    "language": "python",
                    "metadata": metadata,
                    "outputs": [],
                }
            )
        elif isinstance(body, str) and body.startswith("## ") and "\n" not in body:
            cells.append(
                {"cell_type": "heading", "level": 2, "metadata": metadata, "source": body[3:]}
            )
        else:
            cells.append({"cell_type": "markdown", "metadata": metadata, "source": body})
    return {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


def _drop(rng, cells):
    del cells[rng.randrange(len(cells))]


def _duplicate(rng, cells):
    cells.insert(rng.randrange(len(cells)), copy.deepcopy(rng.choice(cells)))


def _shuffle(rng, cells):
    rng.shuffle(cells)


def _swap(rng, cells):
    k = rng.randrange(len(cells) - 1)
    cells[k : k + 2] = cells[k : k + 2][::-1]


def _rename(rng, cells):
    for cell in cells:
        cell["id"] = f"{rng.getrandbits(64):016x}"


def _strip_ids(rng, cells):
    for cell in cells:
        cell.pop("id", None)


def _strip_metadata(rng, cells):
    for cell in cells:
        cell["metadata"] = rng.choice([{}, {}, None, [], {"id": f"{rng.getrandbits(64):x}"}])


def _colab(rng, cells):
    _strip_ids(rng, cells)
    for cell in cells:
        cell["metadata"] = {"id": f"{rng.getrandbits(60):012x}"}


def _scribble(rng, cells):
    kind, body = rng.choice(
        [
            ("code", "x = 3\nprint(x)"),
            ("code", ""),
            ("markdown", "My notes"),
            ("code", "import os"),
            ("code", "def broken(:"),
        ]
    )
    cells.insert(
        rng.randrange(len(cells)), {"cell_type": kind, "id": "own", "metadata": {}, "source": body}
    )


def _nothing(rng, cells):
    cells.insert(rng.randrange(len(cells)), rng.choice([None, 3, "cell", [], {}]))


def _lists(rng, cells):
    for cell in cells:
        if cell and isinstance(cell, dict) and isinstance(cell["source"], str):
            cell["source"] = cell["source"].splitlines(keepends=True)


def _alter_checks(rng, cells):
    for cell in cells:
        if "Check(" in cell["source"]:
            cell["source"] = cell["source"].replace("check.done()", "print('10 of 10 points')")


def _edit_headings(rng, cells):
    for cell in cells:
        if cell["source"].startswith("## Task"):
            cell["source"] = cell["source"].replace("## Task", "# TASK", 1).replace(":", " -", 1)


def _fence(rng, cells):
    """One answer is turned into text."""
    chosen = rng.choice([cell for cell in cells if cell["cell_type"] == "code"])
    chosen["cell_type"] = rng.choice(["raw", "markdown"])
    chosen["source"] = f"```python\n{chosen['source']}\n```"


CELLS = [
    _drop,
    _duplicate,
    _shuffle,
    _swap,
    _rename,
    _strip_ids,
    _strip_metadata,
    _colab,
    _scribble,
    _alter_checks,
    _edit_headings,
    _fence,
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"]


def _cut(rng, data):
    k = rng.randrange(len(data))
    return data[:k] + data[k + rng.randrange(1, 300) :]


def _truncate(rng, data):
    return data[: rng.randrange(len(data))]


def _insert(rng, data):
    k = rng.randrange(len(data))
    return data[:k] + rng.randbytes(rng.randrange(1, 40)) + data[k:]


def _trail(rng, data):
    return data + rng.choice([b"\n<<<<", b"}}]", b"\0" * 50, rng.randbytes(30)])


def _no_newlines(rng, data):
    return data.replace(b"\n", b"\r\n")


BYTES = [_cut, _truncate, _insert, _trail, _no_newlines]


def mutilate(seed: int) -> Mutilated:
    """One of all these files."""
    rng = random.Random(seed)
    name = rng.choice(SETS)
    content, done = notebook(name), []
    for _ in range(rng.randrange(1, 5)):
        change = rng.choice(CELLS)
        change(rng, content["cells"])
        done.append(change.__name__)
    body, suffix, cells = _body(rng, name, content, done)
    encoding = rng.choice(ENCODINGS)
    data = body.encode(encoding, "replace")
    done.append(encoding)
    shown = {each: cell.encode(encoding, "replace") for each, cell in cells.items()}
    if encoding in ("utf-8", "utf-8-sig", "latin-1"):
        for _ in range(rng.randrange(3)):
            change = rng.choice(BYTES)
            data = change(rng, data)
            done.append(change.__name__)
    plain = data.replace(b"\r\n", b"\n")
    mark = encoding in ("utf-16", "utf-32")
    whole = {each for each, cell in shown.items() if (cell[4:] if mark else cell) in plain}
    return Mutilated(data, f"{name}{suffix}", tuple(done), frozenset(whole))


def _body(rng, name, content, done):
    """The file as text, and in it the text of a cell for each answer that has one."""
    marks = answers(name)
    if rng.random() < 0.2:
        done.append("percent")
        body = percent(content)
        shown = {task: f"\n{source}\n\n# %%" for task, source in marks.items()}
        return body, ".py", {task: cell for task, cell in shown.items() if cell in body}
    if rng.random() < 0.3:
        _lists(rng, content["cells"])
        done.append("_lists")
    if rng.random() < 0.3:
        _nothing(rng, content["cells"])
        done.append("_nothing")
    if rng.random() < 0.2:
        content = version_3(
            dict(
                content, cells=[c for c in content["cells"] if c and c != 3 and isinstance(c, dict)]
            )
        )
        done.append("version_3")
    indent = rng.choice([1, 1, 2, None])
    body = text(content, indent)
    sheets = content.get("worksheets", [content])
    shown = {}
    for cell in sheets[0]["cells"]:
        if isinstance(cell, dict) and cell:
            read = cell.get("source", cell.get("input"))
            read = read if isinstance(read, str) else "".join(read)
            for task, source in marks.items():
                if read in (source, f"```python\n{source}\n```"):
                    shown[task] = cell
    return body, ".ipynb", {task: _dumped(cell, indent, body) for task, cell in shown.items()}


def _dumped(cell, indent, body):
    """The text of a cell at its depth in a file."""
    flat = json.dumps(cell, indent=indent, ensure_ascii=False)
    for depth in range(5):
        found = flat.replace("\n", "\n" + " " * depth * (indent or 0))
        if found in body:
            return found
    raise AssertionError("a cell is not in its own file")
