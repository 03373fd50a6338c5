"""Damaged, foreign, rearranged and forged notebooks through the whole grader, and its command."""

import csv
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import mutilations
import nbformat
import psutil
import pytest
from attacks.notebooks import (
    BY_NAME,
    CASES,
    GROUPS,
    MARK,
    NAMES,
    PATH,
    WRONG,
    HandedIn,
    saved,
    zipped,
)
from grading_kit import FULL, NAME, SETS, SMALL, SOLUTION, grade, selected, tiers, unfair

from coursekit.__main__ import main
from coursekit.grader import grade as command
from coursekit.grader.results import Graded, failed
from coursekit.sandbox import guard, levels
from coursekit.submissions.intake import collect, survey
from coursekit.submissions.listing import shown
from coursekit.submissions.matching import match
from coursekit.submissions.reading import Unreadable, read_notebook

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or levels.best() == "plain",
    reason="needs a machine that shuts kernels in",
)

OPTIONS = ("--seed", "3", "--seconds", "1", "--jobs", "2")
WRITTEN = {
    "canvas.csv",
    "feedback",
    "grades.csv",
    "grades.json",
    "index.html",
    "junit.xml",
    "manual.csv",
    "moodle.csv",
    "results",
    "session.json",
    "similarity.csv",
}
POINTS = sum(FULL.values())


@dataclass
class Place:
    """A folder of submissions and one of grades, in a home and a temporary folder of their own."""

    base: Path
    before: set = field(default_factory=set)

    def __getattr__(self, name: str) -> Path:
        return self.base / name

    def rows(self) -> dict[str, list[dict]]:
        """The results of each student, those of the set first."""
        found: dict[str, list[dict]] = {}
        for path in sorted((self.base / "out" / "results").glob("*.json")):
            result = json.loads(path.read_text())
            found.setdefault(result["student"], []).append(result)
        return {
            name: sorted(each, key=lambda one: one["set"] is None) for name, each in found.items()
        }

    def left(self) -> list[str]:
        """Processes that the grader has left behind."""
        return sorted(_processes() - self.before)


@contextmanager
def place() -> Iterator[Place]:
    """Where a test grades; short, as socket files lie in it."""
    guard.subreaper()  # what the grader leaves to nobody comes to us
    made = Place(Path(tempfile.mkdtemp(prefix="rt-", dir="/tmp")), _processes())
    try:
        with pytest.MonkeyPatch.context() as patch:
            for folder, variable in (("home", "HOME"), ("spare", "TMPDIR"), ("in", "")):
                (made.base / folder).mkdir()
                if variable:
                    patch.setenv(variable, str(made.base / folder))
            yield made
    finally:
        shutil.rmtree(made.base, ignore_errors=True)


def _processes() -> set[str]:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return {f"{each.pid} {each.name()}" for each in psutil.Process().children(recursive=True)}


def _files(folder: Path) -> dict[str, str]:
    """All files below a folder, with what is in them and when it was written."""
    return {
        str(path): f"{path.lstat().st_mtime_ns} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in folder.rglob("*")
    }


# The class: all cases, one of each kind of mutilated notebook, and honest neighbours


def _mutilated() -> list[mutilations.Mutilated]:
    """Two hundred notebooks of the small set, mutilated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutilations, "SETS", [NAME])
        patch.setattr(mutilations, "record", lambda name: SMALL.given)
        patch.setattr(mutilations, "answers", lambda name: SOLUTION)
        return [mutilations.mutilate(seed) for seed in range(200)]


def _found(made: mutilations.Mutilated) -> object:
    """What the grader takes out of a file: two files with the same are graded the same."""
    try:
        found = match(read_notebook(made.data, made.name).cells, SMALL.given)
    except Unreadable as error:
        return str(error)
    return found.before, *((task, each.sources, each.added) for task, each in found.answers.items())


MUTILATED = _mutilated()
KINDS = {_found(made): k for k, made in reversed(list(enumerate(MUTILATED)))}
DISTINCT = {f"mutilated-{k:03}": MUTILATED[k] for k in sorted(KINDS.values())}
HANDED_IN = [
    HandedIn(name, make=lambda data=made.data: data, path=made.name, sample=k % 8 == 0)
    for k, (name, made) in enumerate(DISTINCT.items())
]


@pytest.fixture(scope="module")
def town(request) -> Iterator[SimpleNamespace]:
    """The notebooks of the selected tests, graded in one call."""
    names = selected(request)
    cases = [case for case in (*CASES, *HANDED_IN) if case.name in names]
    neighbours = [HandedIn(f"neighbour-{k}") for k in range(len(cases) // 8 + 1)]
    with place() as here:
        for case in [*cases, *neighbours]:
            case.write(here.base / "in")
        files, home = _files(here.base / "in"), _files(here.base / "home")
        done = grade(here.base / "in", here.base / "out", *OPTIONS)
        yield SimpleNamespace(
            here=here,
            out=here.base / "out",
            rows=here.rows(),
            neighbours=neighbours,
            cases=[*cases, *neighbours],
            said=done.stdout + done.stderr,
            left=here.left(),
            changed=files.items() ^ _files(here.base / "in").items(),
            home=home.items() ^ _files(here.base / "home").items(),
            spare=list((here.base / "spare").iterdir()),
        )


def test_every_family_has_a_sample():
    assert [name for name, cases in GROUPS.items() if not any(each.sample for each in cases)] == []


@linux
@pytest.mark.parametrize("name", tiers(CASES))
def test_every_notebook_gets_fair_points_and_a_reason(town, name):
    case = BY_NAME[name]
    rows = town.rows[shown(case.who)]
    result = rows[0]
    assert unfair(case, result) == []
    assert case.says.get("why", "") in result["why"]
    assert (result["status"] == "graded") == (not result["why"])
    others = [path for path, data in case.beside.items() if b"# %%" in data]
    assert [row["why"].startswith("it is no notebook of the sets") for row in rows[1:]] == (
        [True] * len(others)
    )
    if result["sha256"] and not case.archive and not case.path.endswith(".zip"):
        assert result["sha256"] == hashlib.sha256(case.content()).hexdigest()


@linux
@pytest.mark.every_tier
def test_neighbours_have_all_points_and_nothing_was_left_or_changed(town):
    for case in town.neighbours:
        (result,) = town.rows[case.who]
        assert (result["points"], result["status"], result["notes"]) == (POINTS, "graded", [])
    assert town.left == [] and town.spare == [] and not town.home and not town.changed
    assert {path.name for path in town.out.iterdir()} == WRITTEN
    assert not [
        path
        for folder in ("/tmp", "/dev/shm", str(Path.cwd()), str(SETS))
        for path in Path(folder).glob(f"{MARK}*")
    ]


@linux
@pytest.mark.every_tier
def test_every_student_has_a_valid_result_and_a_row(town):
    assert set(town.rows) == {shown(case.who) for case in town.cases}
    for rows in town.rows.values():
        for result in rows:
            assert result["status"] in ("graded", "partly", "unreadable")
            assert (result["points"], result["of"]) == tuple(
                sum(task[key] for task in result["tasks"].values()) for key in ("points", "of")
            )
            assert set(result["tasks"]) == (set(FULL) if result["set"] else set())
    for name in ("grades.csv", "moodle.csv", "canvas.csv"):
        text = (town.out / name).read_text(encoding="utf-8-sig")
        table = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(line) for line in table}) == 1
        assert not [cell for line in table for cell in line if cell[:1] in ("=", "+", "@")]
        assert name != "grades.csv" or len(table) == 1 + len(town.rows)
    graded = json.loads((town.out / "grades.json").read_text())
    assert len(graded["results"]) == sum(map(len, town.rows.values()))
    suites = ElementTree.parse(town.out / "junit.xml").getroot()
    assert len(list(suites.iter("testsuite"))) == len(town.rows)
    assert "Traceback" not in town.said and "\x1b" not in town.said


class _Page(HTMLParser):
    """The tags of a page, and what in it could run."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        if tag in ("script", "img", "iframe", "object", "embed", "link", "form", "base"):
            self.live.append(tag)
        self.live += [
            f"{name}={value}"
            for name, value in attrs
            if name.startswith("on") or (name in ("href", "src") and ":" in (value or ""))
        ]


SCRIPTS = [name for name in BY_NAME if name.startswith("script-in-")]


@linux
@pytest.mark.every_tier
@pytest.mark.cases(*SCRIPTS)
def test_nothing_that_a_student_wrote_is_live_in_a_page(town):
    pages = [town.out / "index.html", *(town.out / "feedback").glob("*.html")]
    assert len(pages) > len(town.cases)
    for path in pages:
        page = _Page()
        page.feed(text := path.read_text(encoding="utf-8"))
        assert page.live == [], path
        assert not set(text) & set("\u202e\x07\x1b\0"), path
    said = "".join(path.read_text(encoding="utf-8") for path in pages)
    assert said.count("&lt;script&gt;alert(&#39;ran&#39;)") >= 4  # it is shown, and as text
    for path in (town.out / "feedback").glob("*.ipynb"):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        assert {cell.cell_type for cell in book.cells} == {"markdown"}
        outside = [piece for cell in book.cells for piece in cell.source.split("```")[::2]]
        assert not [piece for piece in outside if "<script" in piece or "<img" in piece]


# The property: two hundred mutilated notebooks


@linux
def test_two_hundred_mutilated_notebooks_have_a_set_or_a_reason(tmp_path):
    for k, made in enumerate(MUTILATED):
        HandedIn(f"{k:03}", make=lambda data=made.data: data, path=made.name).write(tmp_path)
    entries = survey(collect(tmp_path), {NAME: SMALL.given})
    assert [entry.student for entry in entries] == [f"{k:03}" for k in range(len(MUTILATED))]
    assert all((entry.set == NAME) != bool(entry.why) for entry in entries)
    assert all(entry.set or not made.whole for entry, made in zip(entries, MUTILATED, strict=True))
    assert sum(len(made.whole) == len(FULL) for made in MUTILATED) > 100
    assert len({entry.set for entry in entries}) == 2 and len(DISTINCT) > 20


@linux
@pytest.mark.parametrize("name", tiers(HANDED_IN))
def test_a_mutilated_notebook_gets_the_points_of_its_whole_answers(town, name):
    made, (result,) = DISTINCT[name], town.rows[name]
    if result["status"] == "unreadable":
        assert not made.whole and result["why"], made.done
        return
    taken = match(read_notebook(made.data, made.name).cells, SMALL.given).answers
    for task, full in FULL.items():
        got = result["tasks"][task]
        assert 0 <= got["points"] <= full
        spoilt = any("_cut" in each or "_insert" in each for each in made.done) and (
            taken[task].sources[-1:] != (SOLUTION[task],)
        )  # a second copy that was damaged
        assert got["points"] == full or task not in made.whole or spoilt, (task, made.done)
        assert got["points"] == full or got["reason"]


# Exports, and the seed


CHOSEN = [
    BY_NAME[name]
    for name in (
        "encoded-utf-16",
        "nbformat-3-anonymous",
        "in-three-cells",
        "check-is-a-print",
        "unsolved",
        "docx",
        "cut-in-the-last-answer",
        "another-set-by-this-name",
    )
]


def same_points(result: dict, other: dict) -> bool:
    """Whether two results differ in nothing that counts."""

    def seen(each: dict) -> tuple:
        return (
            each["status"],
            each["why"],
            each["notes"],
            {
                name: [task[key] for key in ("points", "found", "answer", "words")]
                for name, task in each["tasks"].items()
            },
        )

    return seen(result) == seen(other)


@linux
@pytest.mark.slow
@pytest.mark.cases(*(case.name for case in CHOSEN))
def test_exports_give_the_points_of_folders_and_another_seed_other_inputs(town):
    long, files = "M" * 300, {}
    for k, case in enumerate([*CHOSEN, HandedIn(long)]):
        files[f"{case.name}_{k}_assignsubmission_file_/{PATH}"] = case.content()
    canvas = {f"canvas{k}_{700 + k}_123456_{PATH}": case.content() for k, case in enumerate(CHOSEN)}
    with place() as here:
        (here.base / "in" / "moodle.zip").write_bytes(zipped(files))
        (here.base / "in" / "canvas.zip").write_bytes(zipped(canvas))
        grade(here.base / "in", here.base / "out", *OPTIONS[2:], "--seed", "4")
        rows = here.rows()
    assert len(rows) == 2 * len(CHOSEN) + 1
    for k, case in enumerate(CHOSEN):
        want = town.rows[shown(case.who)][0]
        (moodle,), (canvas,) = rows[case.name], rows[f"canvas{k}"]
        assert moodle["ids"] == {"moodle": str(k)} and canvas["ids"] == {"canvas": str(700 + k)}
        if want["set"]:
            assert same_points(moodle, want) and same_points(canvas, want), case.name
        else:
            assert moodle["status"] == canvas["status"] == "unreadable"
    (wide,) = (each for name, (each,) in rows.items() if name.startswith(long))
    assert wide["points"] == POINTS  # a name longer than files have is not searched for an id
    one, other = (
        each["tasks"]["merge"]
        for each in (
            town.rows[shown(BY_NAME["check-is-a-print"].who)][0],
            rows["check-is-a-print"][0],
        )
    )
    assert one["mistake"] == other["mistake"] and one["reason"] != other["reason"]


# Killed, resumed, graded anew


def _stamps(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}


def _kill_in_the_middle(here: Place, at_least: int) -> None:
    """Start the command, and kill it and its group when so many results exist."""
    arguments = [
        sys.executable,
        "-m",
        "coursekit",
        "grade",
        str(here.base / "in"),
        "--out",
        str(here.base / "out"),
        "--sets",
        str(SETS),
        *OPTIONS,
    ]
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 300
    while len(_stamps(here.base / "out")) < at_least and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


@linux
@pytest.mark.slow
@pytest.mark.cases(*(case.name for case in CHOSEN))
def test_a_killed_run_goes_on_and_a_regrade_says_whose_points_moved(town):
    with place() as here:
        folder, out = here.base / "in", here.base / "out"
        for k, case in enumerate(CHOSEN):  # flat files, and zips, one a student
            (folder / f"flat{k}_{PATH}").write_bytes(case.content())
            (folder / f"packed{k}.zip").write_bytes(zipped({f"work/{PATH}": case.content()}))
        _kill_in_the_middle(here, 6)
        until = time.monotonic() + 30
        while here.left() and time.monotonic() < until:
            time.sleep(0.1)
        assert here.left() == []
        kept = _stamps(out)
        assert 6 <= len(kept) < 2 * len(CHOSEN)
        broken = sorted(name for name in kept if "unknown" not in name)[:3]
        for name, text in zip(broken, ('{"student": "fl', "{}", "[1]"), strict=True):
            (out / "results" / name).write_text(text)
        HandedIn(
            "picky",
            make=saved(
                square=("def square(x):\n    assert x.is_floating_point()\n    return x * x.abs()")
            ),
        ).write(folder)
        told = grade(folder, out, *OPTIONS, "--resume").stdout
        assert f"17 submissions, {17 - len(kept) + 3} to grade" in told
        now, rows = _stamps(out), here.rows()
        assert sorted(name for name in kept if now[name] != kept[name]) == broken
        for k, case in enumerate(CHOSEN):
            want = town.rows[shown(case.who)][0]
            for student in (f"flat{k}", f"packed{k}"):
                assert len(rows[student]) == 1
                assert not want["set"] or same_points(rows[student][0], want), student
        assert here.left() == []
        _regrade(here, folder, out, rows)


def _regrade(here: Place, folder: Path, out: Path, rows: dict[str, list[dict]]) -> None:
    """One check asks for more, and one mark is given: both show."""
    sets = here.base / "private" / "solutions"
    shutil.copytree(SETS, sets)
    source = sets / f"{NAME}.py"
    source.write_text(
        source.read_text().replace(
            'check("other maps", square, check.normal(3, 1, 4, 2))',
            'check("other maps", square, check.normal(3, 1, 4, 2))\n'
            'check("whole numbers", square, torch.arange(-2, 3).reshape(1, 1, 1, 5))',
        )
    )
    _mark(out / "manual.csv", "flat0", "4", "clear")
    done = grade(folder, out, *OPTIONS[2:], "--regrade", sets=sets)
    assert "17 submissions, 17 to grade; seed 3;" in done.stdout
    moved = [line for line in done.stdout.splitlines() if " -> " in line]
    assert len(moved) == 1 and moved[0].startswith("picky 77_small/square: 25 -> 15")
    assert "right for the inputs shown, and not for others" in moved[0]
    again = here.rows()
    assert {name for name in rows if again[name][0]["points"] != rows[name][0]["points"]} == {
        "picky"
    }
    marks = (out / "manual.csv").read_text(encoding="utf-8-sig")
    row = next(
        row for row in csv.DictReader(io.StringIO(marks, newline="")) if row["student"] == "flat0"
    )
    assert (row["points"], row["comment"], row["flag"]) == ("4", "clear", "")
    grades = csv.DictReader(
        io.StringIO((out / "grades.csv").read_text(encoding="utf-8-sig"), newline="")
    )
    assert next(row["total"] for row in grades if row["student"] == "flat0") == str(POINTS + 4)


def _mark(path: Path, student: str, points: str, comment: str) -> None:
    """What an instructor does in a spreadsheet."""
    table = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    head = table[0]
    for row in table[1:]:
        if row[head.index("student")] == student:
            row[head.index("points")], row[head.index("comment")] = points, comment
    sheet = io.StringIO()
    csv.writer(sheet).writerows(table)
    path.write_text(sheet.getvalue(), encoding="utf-8-sig", newline="")


# Troubles with the results on disk: what is graded is made up, so that no kernel is needed


def _made_up(entry, exercises) -> Graded:
    result = failed(entry, exercises, RuntimeError("made up")).result
    return Graded(entry, replace(result, status="graded", why=""))


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Call the command on twelve students; returns its status and what it said of a trouble."""
    for k in range(12):
        HandedIn(f"s{k:02}").write(tmp_path / "in")
    monkeypatch.setattr(command, "open_engine", nullcontext)
    monkeypatch.setattr(command.levels, "best", lambda: "plain")

    def graded(options, exercises, session, engine, readings, ready):
        for entry, _ in readings:
            yield _made_up(entry, exercises)

    monkeypatch.setattr(command, "_grade_set", graded)

    def call(*options: str, out: Path = tmp_path / "out", grades=None) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            if grades:
                patch.setattr(command, "_grade_set", grades)
            status = main(
                [
                    "grade",
                    str(tmp_path / "in"),
                    "--out",
                    str(out),
                    "--sets",
                    str(SETS),
                    "--unsafe",
                    *options,
                ]
            )
        return status, capsys.readouterr().err

    return call


def _one_sentence(said: str) -> bool:
    return said.startswith("coursekit grade: ") and said.count("\n") == 1


@pytest.fixture
def small_disk():
    """A disk of 60 kB; gives a function that makes it larger."""
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(folder)]
    if (
        not hasattr(os, "geteuid")
        or os.geteuid()
        or not shutil.which("mount")
        or (subprocess.run(mount, capture_output=True).returncode)
    ):
        folder.rmdir()
        pytest.skip("no small disk can be mounted here")
    try:
        yield (
            folder,
            lambda: subprocess.run(["mount", "-o", "remount,size=20m", str(folder)], check=True),
        )
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def _goes_on(call, out: Path, kept: dict[str, int], *options: str) -> None:
    assert call("--resume", out=out) == (0, "")
    now = _stamps(out)
    assert len(now) == 12 and all(now[name] == stamp for name, stamp in kept.items())
    assert not list(out.rglob("*.tmp"))


def test_a_full_disk_is_told_and_loses_nothing(call, small_disk):
    disk, enlarge = small_disk
    status, said = call(out=disk / "out")
    assert status == 2 and _one_sentence(said), said
    assert "could not be written (No space left on device)" in said and "make room" in said
    kept = _stamps(disk / "out")
    assert 0 < len(kept)
    for name in kept:
        json.loads((disk / "out" / "results" / name).read_text())
    enlarge()
    _goes_on(call, disk / "out", kept)


def test_a_disk_that_fills_up_between_two_results_loses_nothing(call, tmp_path, monkeypatch):
    real, opened = open, []

    def limited(path, mode="r", **more):
        file = real(path, mode, **more)
        if "results" in str(path) and "w" in mode:
            opened.append(path)
            if len(opened) > 5:
                file.close()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coursekit.files.open", limited, raising=False)
        status, said = call()
    assert status == 2 and _one_sentence(said) and "No space left on device" in said, said
    kept = _stamps(tmp_path / "out")
    assert len(kept) == 5
    _goes_on(call, tmp_path / "out", kept)


def test_a_result_truncated_in_a_race_is_told_and_graded_again(call, tmp_path):
    def racing(options, exercises, session, engine, readings, ready):
        for entry, _ in readings:
            yield _made_up(entry, exercises)
            if entry.student == "s07":
                os.truncate(tmp_path / "out" / "results" / f"s03--{NAME}.json", 40)

    status, said = call(grades=racing)
    assert status == 2 and _one_sentence(said), said
    assert f"s03--{NAME}.json is no whole result" in said and "--resume" in said
    kept = _stamps(tmp_path / "out")
    assert len(kept) == 12
    del kept[f"s03--{NAME}.json"]
    _goes_on(call, tmp_path / "out", kept)


def test_where_the_grader_itself_failed_a_resumed_run_tries_again(call, tmp_path):
    def failing(options, exercises, session, engine, readings, ready):
        for entry, _ in readings:
            full = OSError(errno.ENOSPC, "No space left on device")
            fails = entry.student == "s05"
            yield failed(entry, exercises, full) if fails else _made_up(entry, exercises)

    assert call(grades=failing) == (0, "")
    kept = _stamps(tmp_path / "out")
    before = json.loads((tmp_path / "out" / "results" / f"s05--{NAME}.json").read_text())
    assert "the grader failed on it" in before["why"] and before["points"] == 0
    del kept[f"s05--{NAME}.json"]
    _goes_on(call, tmp_path / "out", kept)
    again = json.loads((tmp_path / "out" / "results" / f"s05--{NAME}.json").read_text())
    assert again["status"] == "graded"


def test_results_of_another_format_are_graded_again_or_refused(call, tmp_path):
    out = tmp_path / "out"
    assert call() == (0, "")
    kept = _stamps(out)
    old = out / "results" / f"s03--{NAME}.json"
    old.write_text(json.dumps(json.loads(old.read_text()) | {"format": 0}))
    status, said = call("--regrade")
    assert status == 2 and _one_sentence(said), said
    assert f"s03--{NAME}.json has format 0" in said and "--resume" in said
    kept.pop(old.name)
    _goes_on(call, out, kept)
    session = json.loads((out / "session.json").read_text())
    (out / "session.json").write_text(json.dumps(session | {"format": 99}))
    status, said = call("--resume")
    assert status == 2 and _one_sentence(said), said
    assert "session.json has format 99" in said and "--seed" in said
    kept = _stamps(out)
    assert call("--resume", "--seed", str(session["seed"])) == (0, "")
    assert _stamps(out) == kept


def test_files_taken_back_and_handed_in_anew_are_seen(call, tmp_path):
    call()
    kept = _stamps(tmp_path / "out")
    shutil.rmtree(tmp_path / "in" / "s03")
    HandedIn("s04", make=saved(merge=WRONG)).write(tmp_path / "in")
    assert call("--resume") == (0, "")
    now = _stamps(tmp_path / "out")
    assert kept.keys() - now.keys() == {f"s03--{NAME}.json"}
    assert [name for name in now if now[name] != kept[name]] == [f"s04--{NAME}.json"]
    assert not list((tmp_path / "out" / "feedback").glob("s03*"))


# Options


REFUSED = {
    "no such set": (("--set", "99"), "there is no set 99; there are 77"),
    "a set that is a word": (("--set", "seventy"), "there is no set seventy; there are 77"),
    "a set that is no number": (("--set", "\u00b2"), "there is no set \u00b2; there are 77"),
    "no solutions": (("--sets", "in"), "in has no solutions, which are files such as 05_name.py"),
    "no sets": (("--sets", "nowhere"), "there is no folder nowhere with solutions"),
    "no jobs": (("--jobs", "0"), "--jobs is 0; at least 1"),
    "no time": (("--seconds", "0"), "--seconds is 0; it lies between 0.1 and 3600"),
    "no number of seconds": (("--seconds", "nan"), "--seconds is nan; it lies between"),
    "a negative seed": (("--seed", "-1"), "--seed is -1; it"),
    "a huge seed": (("--seed", str(2**40)), f"--seed is {2**40}; it"),
    "no deadlines": (("--deadlines", "nowhere.csv"), "nowhere.csv"),
    "out among the submissions": (("--out", "in/grades"), "lies in"),
    "out is a file": (("--out", f"in/s00/{PATH}"), "is a file; name a folder"),
    "no isolation": (("--isolation", "plain"), "add --unsafe if you trust every submission"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_option_is_one_sentence_and_costs_nothing(name, tmp_path, monkeypatch, capsys):
    options, says = REFUSED[name]
    HandedIn("s00").write(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "_grade", lambda *_: pytest.fail("it was graded all the same"))
    given = ["grade", "in", "--out", "out", "--sets", str(SETS), *options]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert _one_sentence(said) and says in said, said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--jobs", "many"), "invalid int value: 'many'"),
        (("--resume", "--regrade"), "not allowed with argument"),
        (("--isolation", "magic"), "invalid choice: 'magic'"),
        (("--faster",), "there is no option '--faster'"),
    ],
)
def test_an_unknown_option_ends_with_status_2(options, says, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["grade", str(tmp_path), "--out", str(tmp_path / "out"), *options])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and says in said.splitlines()[0]


def test_nothing_to_grade_and_grades_that_are_there_are_one_sentence(call, tmp_path, capsys):
    assert call() == (0, "")
    status, said = call()
    assert status == 2 and _one_sentence(said)
    assert "holds grades already; --resume goes on, --regrade grades all anew" in said
    for broken in ("", "{}", '{"seed": "x"}', "[1]"):
        (tmp_path / "out" / "session.json").write_text(broken)
        status, said = call("--resume")
        assert status == 2 and _one_sentence(said) and "session.json" in said, said
    (tmp_path / "empty").mkdir()
    for folder, says in (
        (tmp_path / "empty", "there is nothing to grade in"),
        (tmp_path / "absent", "there is no folder"),
        (tmp_path / "out" / "session.json", "there is no folder"),
    ):
        assert (
            main(
                [
                    "grade",
                    str(folder),
                    "--out",
                    str(tmp_path / "o"),
                    "--sets",
                    str(SETS),
                    "--unsafe",
                ]
            )
            == 2
        )
        said = capsys.readouterr().err
        assert _one_sentence(said) and says in said, said


def test_sets_by_number_and_by_name(call, tmp_path):
    for wanted in ("77", NAME):
        assert call("--set", wanted, out=tmp_path / wanted) == (0, "")
        assert len(_stamps(tmp_path / wanted)) == 12


def test_the_names_that_are_tried_are_awkward_and_all_different():
    assert len({shown(name) for name in NAMES}) == len(NAMES) > 20
    assert len({case.who for case in CASES}) == len(CASES)
