"""Hostile and faulty code through the whole grader: fair points, and nobody else harmed."""

import csv
import hashlib
import os
import select
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from attacks.code import BY_NAME, CASES, GROUPS
from grading_kit import FULL, SETS, Case, grade, results, selected, tiers, unfair, write_class

from coursekit.sandbox import guard, levels

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="kernels are shut in on Linux only"
)

MARK = "student-was-here"
OPTIONS = ("--seed", "3", "--seconds", "1")
REPOSITORY = Path(__file__).parents[1]
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
PUBLIC = "/dev/shm", "/var/tmp", "/tmp", str(REPOSITORY), str(REPOSITORY / "tests"), str(SETS)


@dataclass
class Graded:
    """What became of some cases, and of the world around them."""

    out: Path
    students: dict[str, str]  # by case
    found: dict[str, dict]  # the results by case
    neighbours: list[dict]
    traces: dict[str, list]  # what was left, changed or reached, by its kind; empty lists if fair


@contextmanager
def graded(cases: Iterable[Case], *options: str, backwards: bool = False) -> Iterator[Graded]:
    """Grade cases, with honest neighbours between them, in a home and a folder of their own."""
    base = Path(tempfile.mkdtemp(prefix="rt-", dir="/tmp"))  # short: socket files lie in it
    home, spare, handed, out = (base / name for name in ("home", "tmp", "class", "out"))
    guests: list[str] = []
    try:
        with pytest.MonkeyPatch.context() as patch, _listening(guests) as port:
            for folder, variable in (home, "HOME"), (spare, "TMPDIR"):
                folder.mkdir()
                patch.setenv(variable, str(folder))
            (home / "treasure").write_text("nobody's business")
            places = {
                "HOME": home,
                "TMP": spare,
                "SUBMISSIONS": handed,
                "OUT": out,
                "SETS": SETS,
                "REPOSITORY": REPOSITORY,
                "PORT": port,
                "MARK": MARK,
                "SHELL": "getattr(exit, '_' + 'ip')",
            }
            rows = _rows(cases, backwards)
            write_class(handed, (_placed(case, name, places) for name, case in rows.items()))
            processes, files = _processes(), _files(home, handed)
            grade(handed, out, *OPTIONS, *options)
            found = results(out)
            yield Graded(
                out,
                {case.name: student for student, case in rows.items()},
                {case.name: found[student] for student, case in rows.items()},
                [found[student] for student, case in rows.items() if case.name == "neighbour"],
                {
                    "processes": sorted(_processes() - processes),
                    "guests": guests,
                    "temporary files": sorted(spare.iterdir()),
                    "changed files": sorted(_files(home, handed) ^ files),
                    "public files": [
                        path for folder in PUBLIC for path in Path(folder).glob(f"{MARK}*")
                    ],
                    "foreign files": sorted({path.name for path in out.iterdir()} - WRITTEN),
                },
            )
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _rows(cases: Iterable[Case], backwards: bool) -> dict[str, Case]:
    """The cases by students, who are graded by name; an honest one before each dozen."""
    rows = []
    for k, case in enumerate(cases):
        rows += [Case("neighbour")] * (k % 12 == 0) + [case]
    rows.append(Case("neighbour"))
    return {f"{999 - k if backwards else k:03}-{case.name}": case for k, case in enumerate(rows)}


def _placed(case: Case, student: str, places: dict[str, object]) -> Case:
    """A student's case, with paths for the names in it."""
    answers = dict(case.answers)
    for name, place in places.items():
        answers = {task: text.replace(f"@{name}@", str(place)) for task, text in answers.items()}
    return replace(case, name=student, answers=answers)


@contextmanager
def _listening(guests: list[str]) -> Iterator[int]:
    """Doors of this machine by which no student may come: gives their port, notes who comes."""
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    abstract, (stop, stopped) = socket.socket(socket.AF_UNIX), socket.socketpair()
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", port))
    abstract.bind(f"\0{MARK}-{port}")
    doors = {tcp: "tcp", udp: "udp", abstract: "abstract", stopped: "stop"}

    def welcome() -> None:
        tcp.listen()
        abstract.listen()
        while stopped not in (ready := select.select(doors, [], [])[0]):
            for door in ready:
                guests.append(doors[door])
                if door is udp:
                    door.sendto(b"welcome", door.recvfrom(10)[1])
                else:
                    door.accept()

    porter = threading.Thread(target=welcome)
    porter.start()
    try:
        yield port
    finally:
        stop.close()
        porter.join()
        for door in doors:
            door.close()


def _processes() -> set[str]:
    """The processes under this one, which takes what the grader leaves to nobody."""
    guard.subreaper()
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return {
        f"{each.pid} {each.create_time()}: {each.name()}"
        for each in psutil.Process().children(recursive=True)
    }


def _files(*folders: Path) -> set[tuple[str, str]]:
    """All files below some folders, with what is in them."""
    return {
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for folder in folders
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def town(request) -> Iterator[Graded]:
    """The cases of the selected tests, graded in one call, shut in as well as this machine can."""
    if levels.best() == "plain":
        pytest.skip("this machine cannot shut kernels in")
    names = selected(request)
    cases = [case for case in CASES if case.name in names]
    with graded(cases, "--jobs", "4") as done:  # most of them wait to be ended
        yield done


def test_every_family_has_a_sample():
    assert [name for name, cases in GROUPS.items() if not any(each.sample for each in cases)] == []


@pytest.mark.parametrize("name", tiers(CASES))
def test_points_are_fair(town, name):
    assert unfair(BY_NAME[name], town.found[name]) == []


@pytest.mark.every_tier
def test_no_neighbour_is_harmed(town):
    assert len(town.neighbours) > len(town.found) / 12
    assert [
        unfair(Case("neighbour"), each)
        for each in town.neighbours
        if unfair(Case("neighbour"), each)
    ] == []


@pytest.mark.every_tier
@pytest.mark.parametrize(
    "kind",
    ["processes", "guests", "temporary files", "changed files", "public files", "foreign files"],
)
def test_nothing_is_left_changed_or_reached(town, kind):
    assert town.traces[kind] == []


@pytest.mark.every_tier
def test_every_row_is_whole(town):
    with open(town.out / "grades.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    everything = {each["student"]: each for each in results(town.out).values()}
    assert rows.keys() == everything.keys()
    for student, result in everything.items():
        assert (
            float(rows[student]["total"])
            == result["points"]
            == sum(task["points"] for task in result["tasks"].values())
        )
        assert result["of"] == sum(FULL.values())


@pytest.mark.cases("ipython-shows-hidden-checks")
def test_hidden_checks_stay_hidden(town):
    student = town.students["ipython-shows-hidden-checks"]
    pages = [path for path in (town.out / "feedback").rglob("*") if student in path.name]
    assert pages
    assert not any("1, 4, 2, 3" in page.read_text(encoding="utf-8") for page in pages)


FAST = [
    BY_NAME[name]
    for name in """
    odd-in-place lie-equal steal-by-exec state-no-gradients forged-points patched-check-done
    patched-torch-name environment-seed exit-at-once crash-by-abort signal-kill-self frames
    """.split()
]


@pytest.mark.slow
@pytest.mark.cases(*(case.name for case in FAST))
def test_order_and_workers_change_nothing(town):
    def points(found: dict[str, dict]) -> dict[str, list]:
        return {
            case.name: [
                (task["points"], task["reason"]) for task in found[case.name]["tasks"].values()
            ]
            for case in FAST
        }

    with graded(FAST, "--jobs", "1", backwards=True) as done:
        assert points(done.found) == points(town.found)
        before, handed = _gradebook(done.out), done.out.parent / "class"
        again = done.out.parent / "again"
        grade(handed, again, *OPTIONS, "--jobs", "2")
        assert _gradebook(again) == before


def _gradebook(out: Path) -> dict[str, bytes]:
    """The files of the results, and the tables made of them."""
    return {path.name: path.read_bytes() for path in (*out.glob("results/*"), *out.glob("*.csv"))}


OTHER_LEVELS = {  # the seconds of a call: each kernel that bwrap starts imports torch anew
    "landlock": "1",
    "bubblewrap": "6",
}
REACHING = [
    BY_NAME[name]
    for name in """
    read-solution read-other-submissions read-results read-runs read-home read-users
    reach-server write-outside write-results delete-outside write-package net-tcp net-udp
    net-abstract fork-daemon
    """.split()
]
LIMITED = [
    BY_NAME[name]
    for name in """
    loop-at-top loop-in-call loop-printing-at-top loop-without-alarm exit-at-once
    signal-kill-self crash-by-abort memory-in-steps-in-call disk-one-file output-one-print
    fork-many fork-sleeper
    """.split()
]


@pytest.mark.slow
@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_other_levels_shut_in(level):
    if not levels.works(level):
        pytest.skip(f"{level} does not work on this machine")
    seconds = OTHER_LEVELS[level]
    with graded(REACHING, "--isolation", level, "--jobs", "2", "--seconds", seconds) as done:
        assert _unfair(done) == {}
        assert not any(done.traces.values()), done.traces


@pytest.mark.slow
def test_limits_hold_without_isolation():
    options = "--isolation", "plain", "--unsafe", "--jobs", "2"
    with graded(LIMITED, *options) as done:
        assert _unfair(done) == {}
        assert done.traces["processes"] == []


def _unfair(done: Graded) -> dict[str, list[str]]:
    """What is not fair, by case."""
    neighbour = Case("neighbour")
    pairs = [
        *((BY_NAME[name], result) for name, result in done.found.items() if name in BY_NAME),
        *((neighbour, result) for result in done.neighbours),
    ]
    return {result["student"]: faults for case, result in pairs if (faults := unfair(case, result))}
