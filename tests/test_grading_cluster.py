"""Grading on a real Dask scheduler with two workers on this machine, one of them lost midway."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from grading_kit import SETS, Case, grade, results, unfair, write_class

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

CASES = [
    *(Case(f"student{k:02}") for k in range(8)),
    Case("dies", {"square": "import os\nos.kill(os.getpid(), 9)"}, {"square": 0}),
    Case(
        "wrong",
        {"merge": "def merge(trunk, mask):\n    return mask * trunk"},
        {"merge": 0},
        says={"merge": "you computed M*T"},
    ),
]


@contextlib.contextmanager
def dask(*arguments: str) -> Iterator[subprocess.Popen]:
    """A scheduler or worker, ended with all it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_lost_worker_loses_no_submission_and_changes_no_grade(tmp_path):
    folder, here, there = write_class(tmp_path / "class", CASES), tmp_path / "a", tmp_path / "b"
    grade(folder, here, "--seed", "5", "--seconds", "2")
    address = tmp_path / "scheduler.json"
    worker = (
        "dask_worker",
        "--scheduler-file",
        str(address),
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
        "--local-directory",
        str(tmp_path / "dask"),
    )
    with dask(
        "dask_scheduler",
        "--scheduler-file",
        str(address),
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ):
        until = time.monotonic() + 300
        while not address.exists() and time.monotonic() < until:
            time.sleep(0.1)
        scheduler = json.loads(address.read_text())["address"]
        with dask(*worker) as lost, dask(*worker):
            command = [
                sys.executable,
                "-m",
                "coursekit",
                "grade",
                str(folder),
                "--out",
                str(there),
                "--sets",
                str(SETS),
                "--seed",
                "5",
                "--seconds",
                "2",
                "--scheduler",
                scheduler,
            ]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as grader:
                seen = []
                for line in grader.stdout:
                    seen.append(line)
                    if line.startswith("2 of "):
                        os.kill(lost.pid, signal.SIGKILL)
    assert grader.returncode == 0, "".join(seen)
    assert sum(line[0].isdigit() and " of 10: " in line for line in seen) == 10
    assert results(there) == results(here)
    assert not [fault for case in CASES for fault in unfair(case, results(there)[case.name])]


def test_no_scheduler_is_told_in_one_sentence(tmp_path):
    folder = write_class(tmp_path / "class", CASES[:1])
    with pytest.raises(AssertionError, match="no Dask workers at tcp://127.0.0.1:9"):
        grade(folder, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
