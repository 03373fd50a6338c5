"""Submissions that are damaged, foreign, rearranged or forged, and the points that are fair.

Each is made when it is asked for: some are large. `HandedIn` has, beside a `Case`, the student's
and the file's name, what else lies in the folder, and whether it comes in an archive.
"""

import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import mutilations
from grading_kit import FULL, NAME, SETS, SMALL, SOLUTION, Case, notebook
from mutilations import percent, text, version_3

from coursekit.dataclass_json import encode
from coursekit.submissions.reading import CELL_LIMIT, SIZE_LIMIT

NOTHING = dict.fromkeys(FULL, 0)
PATH = f"{NAME}.ipynb"
WRONG = "def merge(trunk, mask):\n    return mask * trunk"
RIGHT = "def merge(trunk, mask):\n    return trunk + trunk * mask"
SCRIPT = "</pre></script><script>alert('ran')</script><img src=x onerror=alert(1)>"
MARK = "student-code-ran"  # what is left behind where a student's file beside it is executed


@dataclass(frozen=True)
class HandedIn(Case):
    """A submission as it lies in the folder."""

    make: Callable[[], bytes] | None = None
    student: str = ""  # the case's name, if nothing else is said
    path: str = PATH  # in the student's folder; without a folder if ``archive`` is set
    archive: str = ""  # a zip at the top of the folder that holds ``path``
    beside: Mapping[str, bytes] = field(default_factory=dict)
    link: str = ""  # the file is a link to this one
    more: int = 0  # bytes that follow, all NUL, and take no room

    @property
    def who(self) -> str:
        """The student's name."""
        return self.student or self.name

    def content(self) -> bytes:
        """What is handed in."""
        return self.make() if self.make else super().content()

    def write(self, folder: Path) -> None:
        """Put it into the folder of a class."""
        if self.archive:
            (folder / self.archive).write_bytes(zipped({self.path: self.content()}))
            return
        for path, data in self.beside.items():
            place = folder / self.who / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        place = folder / self.who / self.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if self.link:
            place.symlink_to(self.link)
            return
        place.write_bytes(self.content())
        for path in self.beside:
            os.utime(folder / self.who / path, (1_793_000_000, 1_793_000_000))
        if self.more:
            os.truncate(place, place.stat().st_size + self.more)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip as bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 11, 2, 10, 0, 0)), data)
    return target.getvalue()


# What is done to a notebook: each takes its content, and changes it


Change = Callable[[dict], object]


def changed(*changes: Change, **answers: str) -> dict:
    """A solved notebook, some answers replaced, after these changes."""
    content = json.loads(json.dumps(notebook(answers)))
    for change in changes:
        change(content)
    return content


def cell(content: dict, name: str) -> dict:
    """The cell with this id."""
    return next(each for each in content["cells"] if each and each.get("id") == name)


def put(after: str, *sources: str, kind: str = "code") -> Change:
    """Cells of the student's own behind a cell."""

    def change(content):
        k = content["cells"].index(cell(content, after)) + 1
        content["cells"][k:k] = [
            {"cell_type": kind, "id": f"own-{after}-{j}", "metadata": {}, "source": source}
            for j, source in enumerate(sources)
        ]

    return change


def source(name: str, *pairs: str) -> Change:
    """A cell's source, replaced as a whole, or piece by piece."""

    def change(content):
        there = cell(content, name)
        for old, new in zip(pairs[::2], pairs[1::2], strict=False):
            assert old in there["source"]
            there["source"] = there["source"].replace(old, new)
        if len(pairs) == 1:
            there["source"] = pairs[0]

    return change


def below(name: str, more: str) -> Change:
    """Lines at the end of a cell."""
    return lambda content: source(name, f"{cell(content, name)['source']}\n\n{more}")(content)


def fields(name: str, **values: object) -> Change:
    """Fields of a cell; None removes one."""

    def change(content):
        there = cell(content, name)
        there.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del there[key]

    return change


def metadata(**values: object) -> Change:
    """The notebook's own metadata."""
    return lambda content: content["metadata"].update(values)


def each(**values: object) -> Change:
    """Fields of all cells; with None the field is null, with `...` it is not there."""

    def change(content):
        for k, there in enumerate(content["cells"]):
            there.update(
                {key: value(k) if callable(value) else value for key, value in values.items()}
            )
            for key in [key for key, value in values.items() if value is ...]:
                del there[key]

    return change


def without(*names: str) -> Change:
    """Cells deleted."""

    def change(content):
        content["cells"] = [there for there in content["cells"] if there.get("id") not in names]

    return change


def copied(name: str, **values: object) -> Change:
    """A copy of a cell at the end, with other fields."""
    return lambda content: content["cells"].append({**cell(content, name), **values})


def ordered(key: Callable[[int, dict], object]) -> Change:
    """The cells in another order."""

    def change(content):
        numbered = list(enumerate(content["cells"]))
        content["cells"] = [there for _, there in sorted(numbered, key=lambda pair: key(*pair))]

    return change


def swapped(content: dict) -> None:
    """The answers of two tasks have each other's ids and titles."""
    one, other = cell(content, "square-answer"), cell(content, "merge-answer")
    for key in ("id", "metadata"):
        one[key], other[key] = other[key], one[key]


anonymous = each(id=..., metadata=lambda k: {"id": f"c{k}"})
tags = lambda *names: {"tags": list(names)}  # noqa: E731
outputs = lambda *printed: [  # noqa: E731
    {"output_type": "stream", "name": "stdout", "text": line} for line in printed
]


def saved(*changes: Change, encoding: str = "utf-8", **answers: str) -> Callable[[], bytes]:
    """The file of a changed notebook."""
    return lambda: text(changed(*changes, **answers)).encode(encoding, "replace")


def of_bytes(change: Callable[[bytes], bytes], *changes: Change, **answers: str):
    """The same, with its bytes changed."""
    return lambda: change(saved(*changes, **answers)())


def script(content: dict, mark: str = "") -> bytes:
    """A notebook as a percent script, or as nbconvert writes one."""
    if not mark:
        return percent(content).encode()
    pieces = [
        f"{mark}\n\n{there['source']}\n"
        for there in content["cells"]
        if there["cell_type"] == "code"
    ]
    return "\n\n".join(pieces).encode()


def until(name: str) -> Callable[[bytes], bytes]:
    """All that stands before a cell, and a piece of it."""
    return lambda data: data[: data.index(f'"id": "{name}"'.encode()) + 60]


def conflict(data: bytes) -> bytes:
    """Git has left both sides of an answer."""
    line = next(one for one in data.split(b"\n") if b"def merge" in one)
    stub = json.dumps("raise NotImplementedError('merge: your turn')").encode()
    return data.replace(
        line,
        b"<<<<<<< HEAD\n" + line + b'\n=======\n   "source": ' + stub + b"\n>>>>>>> 1a2b3c (mine)",
    )


LOSES = {"merge": 0}
KNOWN = {"merge": "equation 3"}


def wrong(name: str, *changes: Change, **more) -> HandedIn:
    """A notebook with a wrong answer to `merge`, and something that is to hide it."""
    return HandedIn(
        name, make=saved(*changes, merge=WRONG), **{"fair": LOSES, "says": KNOWN, **more}
    )


def full(name: str, *changes: Change, **answers: str) -> HandedIn:
    """A notebook whose answers are all right, whatever was done to it."""
    return HandedIn(name, make=saved(*changes, **answers))


def nothing(name: str, data: bytes | Callable[[], bytes], why: str, **more) -> HandedIn:
    """A file that gives nothing to grade. It costs no kernel, so `make test` tries all of them."""
    make = data if callable(data) else lambda: data
    case = HandedIn(name, make=make, status="unreadable", says={"why": why}, **more)
    return case.as_sample()


ENCODED = [
    *(
        HandedIn(f"encoded-{name}", make=saved(encoding=name))
        for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
    ),
    HandedIn(
        "encoded-latin-1",
        make=saved(source("merge-hints", "Na\u00efve, for \u00c9tienne"), encoding="latin-1"),
    ).as_sample(),
    HandedIn("crlf", make=of_bytes(lambda data: data.replace(b"\n", b"\r\n"))),
    HandedIn("crlf-in-sources", make=of_bytes(lambda data: data.replace(b"\\n", b"\\r\\n"))),
    HandedIn("no-final-newline", make=of_bytes(bytes.strip)),
    HandedIn("nul-first", make=of_bytes(lambda data: b"\0\0" + data)),
    HandedIn("rubbish-after", make=of_bytes(lambda data: data + b"\n}}]\0\0<<<<")),
    HandedIn("cut-in-the-last-hints", make=of_bytes(until("noise-hints"))),
    HandedIn(
        "cut-in-the-last-answer",
        make=of_bytes(until("noise-answer")),
        status="partly",
        fair={"noise": 0},
        says={"noise": "is not in the notebook"},
    ),
    HandedIn("conflict-of-git", make=of_bytes(conflict)),
]

SHAPED = [
    HandedIn("nbformat-3", make=lambda: text(version_3(changed())).encode()),
    HandedIn(
        "nbformat-3-anonymous", make=lambda: text(version_3(changed(anonymous))).encode()
    ).as_sample(),
    full("no-ids", each(id=...)),
    full("null-metadata", each(metadata=None)),
    full("no-ids-no-metadata", each(id=..., metadata=...)),
    full("null-ids", each(id=None, metadata=[])),
    full(
        "colab",
        anonymous,
        metadata(colab={"provenance": [], "toc_visible": True}, accelerator="GPU"),
    ),
    full(
        "vs-code",
        each(id=lambda k: f"#VSC-{k:08x}", metadata={"vscode": {"languageId": "python"}}),
        metadata(language_info={"name": "python"}),
    ),
    full("all-ids-the-same", each(id="same", metadata={})),
    full(
        "null-cells",
        lambda content: content["cells"].__setitem__(slice(2, 2), [None, 3, "cell", [], {}]),
    ),
    full(
        "sources-as-lists",
        each(source=...),
        lambda content: [
            there.update(source=made.source.splitlines(True))
            for there, made in zip(content["cells"], notebook().cells, strict=True)
        ],
    ),
    full(
        "widgets-and-attachments",
        metadata(
            widgets={
                "application/vnd.jupyter.widget-state+json": {
                    "state": {"a": {"model_name": "Evil"}}
                }
            }
        ),
        fields("merge-hints", attachments={"x.png": {"image/png": "aGk="}}),
    ),
    HandedIn("percent-script", make=lambda: script(changed()), path=f"{NAME}.py").as_sample(),
    HandedIn(
        "percent-script-anonymous", make=lambda: script(changed(anonymous)), path="my-work.py"
    ),
    HandedIn("script-of-nbconvert", make=lambda: script(changed(), "# In[7]:"), path=f"{NAME}.py"),
    HandedIn(
        "script-with-a-syntax-error",
        make=lambda: script(changed(merge="def merge(trunk, mask:\n    return 1")),
        path=f"{NAME}.py",
        fair=LOSES,
        says={"merge": "your cell does not run: SyntaxError"},
    ),
    HandedIn("script-named-notebook", make=lambda: script(changed())),
    HandedIn(
        "percent-script-in-utf-16",
        path=f"{NAME}.py",
        make=lambda: script(changed()).decode().encode("utf-16"),
    ),
    HandedIn(
        "percent-script-of-spyder",
        path=f"{NAME}.py",
        make=lambda: script(changed()).replace(b"# %%", b"#%%"),
    ),
    nothing("notebook-named-script", saved(), "no notebook was handed in", path=f"{NAME}.py"),
    nothing(
        "script-without-marks",
        b"def merge(trunk, mask):\n    return 1\n",
        "no notebook was handed in, only 77_small.py",
        path=f"{NAME}.py",
    ),
    HandedIn("renamed", make=saved(), path="final (3) really FINAL - Copy.ipynb"),
    HandedIn("saved-by-a-browser", make=saved(), path="77_small.ipynb.txt"),
    HandedIn("capital-ending", make=saved(), path="WORK.IPYNB"),
    nothing("no-ending", saved(), "no notebook was handed in, only homework", path="homework"),
    HandedIn("deep-folders", make=saved(), path=f"week 3/mine/done/{PATH}"),
    HandedIn(
        "zip-in-a-zip",
        make=lambda: zipped({"in/a.zip": zipped({PATH: saved()()})}),
        path="work.zip",
    ).as_sample(),
    nothing(
        "zips-nested-too-deep",
        lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({PATH: saved()()})})})}),
        "nested more than 3 deep",
        path="work.zip",
    ),
]

FOREIGN = [
    nothing("empty-file", b"", "the file is empty"),
    nothing("only-blanks", b" \n\0\n", "the file is empty"),
    nothing("json-but-no-notebook", b'{"scores": [1, 2, 3]}', "no notebook"),
    nothing("a-list", b"[1, 2]", "no notebook"),
    nothing("no-cells", b'{"cells": [], "metadata": {}, "nbformat": 4}', "no notebook"),
    nothing("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj", "no notebook"),
    nothing("html", b"<!DOCTYPE html><html><script>alert(1)</script></html>", "no notebook"),
    nothing("docx", lambda: zipped({"word/document.xml": b"<w:t>merge</w:t>"}), "no notebook"),
    nothing("pickle", b"\x80\x04\x95cos\nsystem\n(S'touch /tmp/x'\ntR.", "no notebook"),
    nothing(
        "another-set",
        lambda: text(mutilations.notebook("06_attention_kinds")).encode(),
        "no notebook of the sets",
        path="work.ipynb",
    ),
    HandedIn(
        "another-set-by-this-name",
        make=lambda: text(mutilations.notebook("05_arl_fix")).encode(),
        fair=NOTHING | {"merge": (0, 25)},
        status="partly",
        says={"square": "is not in the notebook"},
    ),
    HandedIn(
        "the-solution-itself",
        make=lambda: text(json.loads(json.dumps(SMALL.exercises.notebook))).encode(),
    ),
    HandedIn(
        "unsolved",
        fair=NOTHING,
        says=dict.fromkeys(FULL, "not written yet"),
        make=lambda: text(
            {
                "cells": [
                    encode(cell) | ({"outputs": []} if cell.cell_type == "code" else {})
                    for cell in SMALL.given.notebook
                ],
                "metadata": {},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        ).encode(),
    ),
    nothing("a-hundred-megabytes", saved(), f"larger than {SIZE_LIMIT:,} bytes", more=100_000_000),
    HandedIn(
        "huge-outputs",
        make=saved(
            fields(
                "merge-answer",
                outputs=[
                    {
                        "output_type": "display_data",
                        "metadata": {},
                        "data": {"image/png": "iVBO" * 7_000_000},
                    },
                    {"output_type": "stream", "name": "stdout", "text": ["a line\n"] * 300_000},
                ],
            )
        ),
    ),
    nothing(
        "five-thousand-cells",
        saved(put("setup", *["1"] * 5_000)),
        f"more than {CELL_LIMIT:,} cells",
    ),
    full("many-texts", put("setup", *["A thought."] * (CELL_LIMIT - 30), kind="markdown")),
    nothing("link-to-the-solution", b"", "a link or a device", link=str(SETS / f"{NAME}.py")),
    nothing("link-to-a-neighbour", b"", "a link or a device", link=f"../neighbour-0/{PATH}"),
]

TWICE = [
    full(
        "copy-last-right", source("merge-answer", WRONG), copied("merge-answer", source=RIGHT)
    ).as_sample(),
    HandedIn("copy-last-wrong", make=saved(copied("merge-answer", source=WRONG)), fair=LOSES),
    full(
        "copy-is-the-stub",
        copied(
            "merge-answer",
            source=SMALL.given.given("merge"),
        ),
    ),
    full(
        "copy-pasted-under-another-id",
        source("merge-answer", WRONG),
        copied("merge-answer", id="pasted", source=RIGHT),
    ),
    full("checks-copied", copied("merge-check"), copied("merge-check"), copied("square-check")),
    wrong("checks-of-other-tasks-copied", copied("square-check", id="merge-check")).as_sample(),
    full("setup-copied", copied("setup")),
    full("whole-notebook-twice", lambda content: content["cells"].extend(content["cells"][:])),
]

PRINTS = "print('merge-check: 15 of 15 points')"
OWN_CHECK = (
    "class Check:\n    def __init__(self, name): self.name = name\n    def __call__(self, "
    "*_): print('fine')\n    def done(self): print(self.name + ': 15 of 15 points')\n"
)
OWN_TOOLS = {task: (0, points) for task, points in FULL.items()} | LOSES  # all tasks get them
CHECKS = [
    full("check-altered", source("merge-check", "4, 5", "1, 1")),
    full("check-deleted", without("merge-check", "square-check-2", "gate-check")),
    wrong("check-deleted-answer-wrong", without("merge-check")),
    wrong(
        "check-to-the-taste",
        source("merge-check", "check.uniform(2, 3, 4, 5)", "torch.ones(2, 3, 4, 5).double()"),
    ),
    wrong("check-is-a-print", source("merge-check", PRINTS)).as_sample(),
    wrong("check-prints-and-passes", source("merge-check", "check.done()", PRINTS)),
    wrong("check-altered-anonymous", source("merge-check", "check.done()", PRINTS), anonymous),
    wrong("points-in-the-metadata", fields("merge-check", metadata={"points": 1000})),
    *(
        HandedIn(
            f"points-{name}",
            fair=LOSES,
            make=saved(
                fields("merge-check", metadata={"title": "merge-check", "points": value}),
                fields(
                    "merge", metadata={"title": "merge", "points": value, "task": {"points": value}}
                ),
                merge=WRONG,
            ),
        )
        for name, value in (
            ("negative", -5),
            ("nan", float("nan")),
            ("text", "all of them"),
            ("list", [25]),
        )
    ),
    wrong("check-class-of-its-own", source("merge-check", OWN_CHECK + PRINTS)),
    *(
        HandedIn(f"check-class-in-{name}", make=saved(change, merge=WRONG), fair=OWN_TOOLS)
        for name, change in (
            ("the-setup", below("setup", OWN_CHECK)),
            ("an-own-cell", put("setup", OWN_CHECK)),
        )
    ),
    wrong("check-patched-in-the-setup", below("setup", "Check.__call__ = lambda *a: print('x')")),
    wrong(
        "outputs-forged",
        *(
            fields(
                f"merge-{part}",
                execution_count=9,
                outputs=outputs(
                    "maps: tensor (2, 3, 4, 5)\n",
                    "merge-check: 15 of 15 points\n",
                    "15 of 15 points\n",
                ),
            )
            for part in ("check", "answer")
        ),
    ).as_sample(),
    wrong(
        "outputs-with-a-pickle",
        fields(
            "merge-check",
            outputs=[
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/python-pickle": "gASVCwAAAAAAAACMB2J1aWx0aW5zlIwEZXhlY5STlC4="
                    },
                }
            ],
        ),
    ),
    wrong(
        "skipped-by-tags",
        *(
            fields(
                name,
                metadata={
                    "title": name,
                    **tags("nbval-skip", "nbval-ignore-output", "raises-exception", "NBVAL_SKIP"),
                },
            )
            for name in ("merge-answer", "merge-check")
        ),
    ).as_sample(),
    *(
        wrong(
            f"comment-{word}",
            source("merge-answer", f"# {word}\n{WRONG}"),
            source("merge-check", "check = Check", f"# {word}\ncheck = Check"),
        )
        for word in (
            "NBVAL_SKIP",
            "NBVAL_IGNORE_OUTPUT",
            "NBVAL_RAISES_EXCEPTION",
            "PYTEST_VALIDATE_IGNORE_OUTPUT",
        )
    ),
    HandedIn(
        "raises-as-its-tag-says",
        fair=LOSES,
        says={"merge": "does not run"},
        make=saved(
            fields("merge-answer", metadata=tags("raises-exception")),
            merge="# NBVAL_RAISES_EXCEPTION\nraise ValueError('as the tag says')",
        ),
    ),
    full("comments-in-a-right-answer", merge=f"# NBVAL_SKIP\n# NBVAL_IGNORE_OUTPUT\n{RIGHT}"),
    full(
        "tags-on-a-right-answer",
        fields("merge-answer", metadata=tags("raises-exception", "nbval-skip", "remove-cell")),
    ),
]

KERNELS = [
    *(
        full(f"kernel-{name}", metadata(kernelspec=each_spec))
        for name, each_spec in {
            "bash": {"name": "bash", "language": "bash", "display_name": "Bash"},
            "missing": {"name": "conda-env-mine", "display_name": "mine"},
            "with-argv": {"name": "python3", "argv": ["sh", "-c", f"touch /tmp/{MARK}"]},
            "null": None,
            "a-path": {"name": "../../../tmp/x", "display_name": "\u202e"},
        }.items()
    ),
    full("another-nbformat", lambda content: content.update(nbformat=99, nbformat_minor=-1)),
    full("metadata-is-a-list", lambda content: content.update(metadata=[1])),
    full("ids-swapped", swapped).as_sample(),
    full("id-of-no-task", fields("merge-answer", id="merge-answer-2", metadata={})),
    full("id-and-title-disagree", fields("merge-answer", metadata={"title": "square-answer"})),
    full("id-is-a-path", fields("merge-answer", id="../../merge", metadata={})),
    full(
        "nbgrader-metadata",
        fields(
            "merge-answer",
            metadata={
                "nbgrader": {
                    "grade": True,
                    "grade_id": "merge",
                    "locked": False,
                    "points": 999,
                    "solution": True,
                }
            },
        ),
    ).as_sample(),
]

TOUCH = (
    f"import os, tempfile\nfor place in ('/tmp', tempfile.gettempdir(), os.getcwd(), "
    f"os.path.expanduser('~')):\n    open(os.path.join(place, '{MARK}'), 'w').close()\n"
).encode()
PLUGIN = TOUCH + b"def pytest_runtest_makereport(item, call):\n    raise SystemExit(0)\n"
BESIDE = {
    "conftest.py": PLUGIN,
    "sitecustomize.py": TOUCH,
    "usercustomize.py": TOUCH,
    "torch.py": TOUCH,
    "resattn.py": TOUCH,
    "nbval.py": TOUCH,
    "json.py": TOUCH,
    "setup.py": TOUCH,
    "ipython_config.py": TOUCH,
    "jupyter_notebook_config.py": TOUCH,
    "x.pth": b"import os",
    "pytest.ini": b"[pytest]\naddopts = --collect-only -p conftest\n",
    "setup.cfg": b"[tool:pytest]\naddopts = --nbval-lax\n",
    "tox.ini": b"[pytest]\naddopts = -x\n",
    "pyproject.toml": b"[tool.pytest.ini_options]\naddopts = '--nbval-lax'\n",
    "sanitize.cfg": b"[all]\nregex: .*\nreplace: x\n",
    ".ipython/profile_default/startup/00.py": TOUCH,
    ".jupyter/jupyter_config.py": TOUCH,
    "kernels/python3/kernel.json": b'{"argv": ["false"]}',
    "results.pkl": b"cos\nsystem\n(S'touch /tmp/" + MARK.encode() + b"'\ntR.",
    "results/neighbour-0--77_small.json": b'{"points": 0}',
    "grades.csv": b"student,total\n",
    "manual.csv": b"student,set,task,kind,points\n",
    "session.json": b'{"seed": 0}',
    "expected/77_small.json": b"{}",
    "cells.jsonl": b'{"cell": "merge-check", "passed": true}\n',
}
AROUND = [
    wrong("files-beside-it", beside=BESIDE).as_sample(),
    HandedIn("honest-among-such-files", beside=BESIDE),
    HandedIn(
        "scripts-beside-it",
        beside={"conftest.py": b"# %%\n" + PLUGIN, "helper.py": b"# %% [markdown]\n# Notes\n"},
    ),
    HandedIn("older-file-beside-it", beside={f"old/{PATH}": saved(merge=WRONG)()}),
]

IN_PARTS = (
    "half = 1",
    "def grown(mask):\n    return half + mask",
    "def merge(trunk, mask):\n    return grown(mask) * trunk",
)
ARRANGED = [
    full("reversed", ordered(lambda k, _: -k)),
    full(
        "shuffled-anonymous", anonymous, lambda content: random.Random(7).shuffle(content["cells"])
    ),
    full("headings-deleted", without(*FULL), each(id=..., metadata={})).as_sample(),
    full(
        "under-wrong-headings",
        lambda content: cell(content, "square").update(source="## Task 2: Merge two branches"),
        lambda content: cell(content, "merge").update(source="## Task 1: Square a map"),
        anonymous,
    ),
    full(
        "only-the-answers",
        lambda content: content.update(
            cells=[there for there in content["cells"] if there["id"].endswith("-answer")]
        ),
    ),
    full(
        "only-the-answers-anonymous",
        lambda content: content.update(
            cells=[there for there in content["cells"] if there["id"].endswith("-answer")]
        ),
        anonymous,
    ),
    full(
        "all-in-one-cell",
        without(*(f"{task}-answer" for task in FULL)),
        put("setup", "\n\n\n".join(SOLUTION.values())),
    ),
    full("in-three-cells", source("merge-answer", IN_PARTS[0]), put("merge-answer", *IN_PARTS[1:])),
    full(
        "in-three-cells-anonymous",
        source("merge-answer", IN_PARTS[0]),
        put("merge-answer", *IN_PARTS[1:]),
        anonymous,
    ).as_sample(),
    full("helper-above", put("merge", *IN_PARTS[:2]), merge=IN_PARTS[2]),
    full("helper-below", put("merge-answer", *IN_PARTS[:2]), merge=IN_PARTS[2]),
    full("helper-at-the-top", put("setup", *IN_PARTS[:2]), merge=IN_PARTS[2]),
    full("helper-in-the-task-before", put("square-answer", *IN_PARTS[:2]), merge=IN_PARTS[2]),
    HandedIn(
        "helper-in-the-task-after",
        make=saved(  # the shown check comes before it
            put("gate-answer", *IN_PARTS[:2]), merge=IN_PARTS[2]
        ),
        fair={"merge": 10},
    ),
    full(
        "import-in-the-setup",
        lambda content: cell(content, "setup").update(
            source="import math as m\n" + cell(content, "setup")["source"]
        ),
        merge="def merge(trunk, mask):\n    return trunk * (m.cos(0) + mask)",
    ),
    full("setup-emptied", source("setup", "")),
    full("setup-deleted", without("setup")),
    full(
        "setup-breaks",
        lambda content: cell(content, "setup").update(
            source="import nowhere_to_be_found\n" + cell(content, "setup")["source"]
        ),
    ).as_sample(),
    full(
        "other-tasks-function",
        gate=SOLUTION["gate"].replace(
            "x * scale[:, :, None, None]", "merge(x, scale[:, :, None, None] - 1)"
        ),
    ),
    full("answer-as-raw", fields("merge-answer", cell_type="raw")),
    full(
        "answer-as-markdown",
        fields("merge-answer", cell_type="markdown"),
        lambda content: cell(content, "merge-answer").update(source=f"```python\n{RIGHT}\n```"),
    ),
    full(
        "answer-with-its-check",
        lambda content: cell(content, "merge-answer").update(
            source=RIGHT + "\n\n\n" + cell(content, "merge-check")["source"]
        ),
        without("merge-check"),
    ),
    HandedIn(
        "answer-deleted",
        make=saved(without("merge-answer")),
        status="partly",
        fair=LOSES,
        says={"merge": "is not in the notebook"},
    ).as_sample(),
    HandedIn("answer-emptied", make=saved(source("merge-answer", "")), fair=LOSES),
    HandedIn(
        "function-renamed", make=saved(merge=RIGHT.replace("def merge", "def merged")), fair=LOSES
    ),
    full("lambda-assigned", merge="merge = lambda trunk, mask: trunk * (mask + 1)"),
    full("tabs", merge=RIGHT.replace("    ", "\t")),
    full("very-long-line", merge=f"big = '{'a' * 90_000}'\n{RIGHT}"),
    HandedIn(
        "cell-of-a-megabyte", make=saved(merge=f"big = '{'a' * 1_000_000}'\n{RIGHT}"), fair=LOSES
    ),
    full("blank-lines", merge="\n" * 5_000 + RIGHT + "\n" * 5_000),
    full("own-cells-that-fail", put("merge-answer", "1 / 0", "def broken(:"), put("setup", "2 +")),
    full("own-cells-of-magics", put("setup", "%load_ext autoreload\n%autoreload 2", "!pip list")),
    HandedIn(
        "cell-magic-of-bash", make=saved(source("merge-answer", "%%bash\nrm -rf / ~")), fair=LOSES
    ),
    HandedIn(
        "shell-below",
        make=saved(put("merge-answer", "!rm -rf / ~ ../.. 2>/dev/null")),
        fair={"merge": (0, 25)},
        says={"merge": "your instructor will look at it"},
    ).as_sample(),
    HandedIn(
        "runs-another-file",
        make=saved(merge="%run other.py"),
        fair=LOSES,
        beside={"other.py": RIGHT.encode()},
    ),
    HandedIn(
        "load-ext-in-an-answer",
        make=saved(merge=f"%load_ext autoreload\n{RIGHT}"),
        fair={"merge": (0, 25)},
    ),
]

WRITTEN = [
    full("script-in-words", source("gate-words", f"Why the mean?\n\n{SCRIPT}")).as_sample(),
    HandedIn(
        "script-in-an-answer", make=saved(merge=f"# {SCRIPT}\n{WRONG}"), fair=LOSES, says=KNOWN
    ).as_sample(),
    HandedIn(
        "script-in-an-error",
        fair=LOSES,
        says={"merge": "does not run"},
        make=saved(merge=f"raise ValueError({SCRIPT!r})"),
    ).as_sample(),
    HandedIn(
        "script-in-a-printed-value",
        fair=LOSES,
        make=saved(merge=f"def merge(trunk, mask):\n    return {SCRIPT!r}"),
    ).as_sample(),
    nothing("script-in-a-file", SCRIPT.encode() + b"\n", "begins with"),
    HandedIn("script-in-a-path", path="<script>alert(1)<!--.ipynb"),
]
NAMES = [
    "<script>alert('ran')<!--",
    "<img src=x onerror=alert(1)>",
    'O\'Neil "Bob"',
    "=cmd()",
    "@SUM(1)",
    "--out",
    "\U0001f469\u200d\U0001f680 Zo\u00eb",
    "anna\u202egnp",
    "bell\x07\x1b[2J",
    "CON",
    "Kim",
    "kim",
    "Ren\u00e9",
    "Rene\u0301",
    "line\nbreak",
    "line\\nbreak",
    "L" * 250,
    "_",
    "&lt;b&gt;",
    "%s%n{0}",
    "neighbour-0--77_small",
    " ",
    "half\udcff",
]
PACKED = [
    HandedIn(
        "a-zip-of-its-own", archive="packed.zip", path=f"work/{PATH}", student="packed"
    ).as_sample(),
    nothing(
        "a-name-that-leads-out",
        saved(),
        "its name leads out of its archive",
        archive="climber.zip",
        path=f"../../{PATH}",
        student="climber",
    ),
]

NAMED = [replace(case, student=student) for case, student in zip(ARRANGED, NAMES, strict=False)]
GROUPS = {
    "encoded": ENCODED,
    "shaped": SHAPED,
    "foreign": FOREIGN,
    "twice": TWICE,
    "checks": CHECKS,
    "kernels": KERNELS,
    "around": AROUND,
    "arranged": [*NAMED, *ARRANGED[len(NAMED) :]],
    "written": WRITTEN,
    "packed": PACKED,
}
CASES: list[HandedIn] = [case for group in GROUPS.values() for case in group]
BY_NAME = {case.name: case for case in CASES}
