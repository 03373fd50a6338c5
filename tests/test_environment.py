"""The files that make an environment agree, and `make` says in one sentence what is wrong.

The set-up runs in a copy with a stub for pip: nothing is downloaded.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RANGES = dict(
    re.fullmatch(r"([\w-]+)(>=[\d.]+)", need).groups()
    for need in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
)
CONDA_NAMES = {"torch": "pytorch-cpu"}
STUB_PIP = """\
import os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
sys.stdout.write(os.environ.get("PIP_SAYS", ""))
sys.exit(int(os.environ.get("PIP_EXITS", "0")))
"""
posix = pytest.mark.skipif(os.name == "nt", reason="make: Windows goes through conda")


def numbers(version):
    return tuple(map(int, re.match(r"\d+(\.\d+)*", version)[0].split(".")))


def test_lock_holds_every_need_within_its_range_and_by_hash():
    text = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE)
    for name, wanted in RANGES.items():
        versions = [version for pin, version in pins if pin == name]
        assert versions, f"{name} is not locked; run make lock"
        assert all(numbers(version) >= numbers(wanted[2:]) for version in versions), name
    entries = re.split(r"\n(?=\w)", text.strip())
    assert len(entries) == len(pins)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_lock_names_no_host():
    assert not re.search(
        r"://|--(extra-)?index-url|--find-links|@ ", (ROOT / "requirements.lock").read_text()
    )


def test_conda_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    wanted = {f"{CONDA_NAMES.get(name, name)}{bound}" for name, bound in RANGES.items()}
    wanted |= {"python" + PROJECT["project"]["requires-python"], "pip"}
    *packages, pip = environment["dependencies"]
    assert set(packages) == wanted and len(packages) == len(wanted)
    assert pip == {"pip": ["-e ."]}


def test_ci_covers_systems_versions_and_weeks():
    flow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert {"push", "pull_request", "schedule"} == set(flow[True])  # YAML 1.1 reads `on` as true
    jobs = flow["jobs"]
    systems = {
        name
        for job in jobs.values()
        for name in job["strategy"]["matrix"].get("os", [job["runs-on"]])
    }
    assert {name.split("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    resolutions = {row["resolution"] for row in jobs["range"]["strategy"]["matrix"]["include"]}
    assert resolutions == {"lowest-direct", "highest"}
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert all(
        re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", step["uses"]) for step in steps if "uses" in step
    )
    assert not any("continue-on-error" in part for part in [*steps, *jobs.values()])
    runs = [step["run"] for step in steps if "run" in step]
    assert ".ci/run" in runs and "python -m pytest" in runs


def test_ci_runs_what_people_run():
    script = ROOT / ".ci/run"
    assert "make test" in script.read_text().splitlines()
    assert "set -euo pipefail" in script.read_text()
    if os.name == "posix":
        assert os.access(script, os.X_OK)


@pytest.fixture
def copy(tmp_path):
    """The set-up's files, and a `.venv` whose pip only notes how it is called."""
    for name in ("Makefile", "setup_env.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    pip = next((tmp_path / ".venv").glob("lib/python*/site-packages")) / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(STUB_PIP)
    return tmp_path


def make(folder, *words, python=sys.executable, **variables):
    """Run make there; returns its exit status, its words, and the calls of pip."""
    calls = folder / "calls"
    calls.unlink(missing_ok=True)
    done = subprocess.run(
        ["make", *words, *([f"PYTHON={python}"] if python else [])],
        cwd=folder,
        text=True,
        capture_output=True,
        env=os.environ | {"CALLS": str(calls)} | variables,
    )
    pips = calls.read_text().splitlines() if calls.exists() else []
    said = [line for line in done.stderr.splitlines() if line and not line.startswith("make")]
    return done.returncode, said, [line for line in pips if "install" in line]


def python_that(folder, change):
    """A Python that runs `change` before the script it is given."""
    stub = folder / "python-stub"
    stub.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys, runpy, shutil\n{change}\n"
        "sys.argv = sys.argv[1:]\n"
        'runpy.run_path(sys.argv[0], run_name="__main__")\' "$@"\n'
    )
    stub.chmod(0o755)
    return stub


@posix
def test_second_call_installs_nothing_and_a_new_lock_does(copy):
    status, said, pips = make(copy, "setup")
    assert (status, said) == (0, [])
    assert "--require-hashes -r requirements.lock" in pips[0]
    assert "--no-deps --no-build-isolation -e ." in pips[1]
    assert make(copy, "setup") == (0, [], [])
    with (copy / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert len(make(copy, "setup")[2]) == 2


@posix
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("NewConnectionError: Name or service not known", "connect to the network"),
        ("ERROR: [Errno 28] No space left on device", "The disk is full: free about 7 GB"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "is damaged or was exchanged"),
        ("ERROR: No matching distribution found for torch", "install another Python"),
        ("ERROR: something new", "the reason stands at the end of"),
    ],
)
def test_a_failing_pip_becomes_one_sentence(copy, words, sentence):
    status, said, _ = make(copy, "setup", PIP_SAYS=words, PIP_EXITS="1")
    assert status != 0 and len(said) == 1 and sentence in said[0]
    assert words in (copy / ".venv/install.log").read_text()


@posix
def test_no_network_spoils_nothing_and_an_interruption_starts_afresh(copy):
    marker = copy / ".venv/marker"
    marker.touch()
    make(copy, "setup", PIP_SAYS="NewConnectionError", PIP_EXITS="1")
    assert make(copy, "setup")[0] == 0 and marker.exists()
    (copy / ".venv/.installed").unlink()
    (copy / ".venv/.installing").touch()  # what a killed install leaves
    full = python_that(copy, "shutil.disk_usage = lambda path: shutil._ntuple_diskusage(9, 9, 0)")
    status, said, pips = make(copy, "setup", python=full)
    assert status != 0 and len(said) == 1 and pips == []
    assert "needs 7 GB" in said[0] and "0.0 GB free" in said[0]


@posix
def test_old_and_missing_python_become_one_sentence(copy):
    old = python_that(copy, 'sys.version_info = (3, 9, 18, "final", 0)')
    status, said, pips = make(copy, "setup", python=old)
    assert status != 0 and len(said) == 1 and pips == []
    assert "needs Python 3.11 or newer and found 3.9.18" in said[0]
    status, said, _ = make(copy, "setup", python="/no/such/python")
    assert status != 0 and len(said) == 1 and "No Python found (/no/such/python)" in said[0]


@posix
def test_first_suitable_python_is_taken(copy, tmp_path):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name, target in (("python3", "/bin/false"), ("python3.12", sys.executable)):
        (shelf / name).symlink_to(target)
    path = f"{shelf}{os.pathsep}/usr/bin{os.pathsep}/bin"
    status, said, pips = make(copy, "setup", python=None, PATH=path)
    assert (status, said, len(pips)) == (0, [], 2)


@posix
def test_lab_opens_the_first_lesson_with_the_options_given(copy):
    told = subprocess.run(
        ["make", "-n", "lab", "LAB_ARGS=--no-browser --port 8899"],
        cwd=copy,
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert "/lab/tree/course/00_start_here.ipynb --no-browser --port 8899" in told
