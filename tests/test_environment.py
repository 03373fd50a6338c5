"""The files that make an environment agree, and `make` says in one sentence what is wrong.

The set-up runs in a copy with a stub for pip: nothing is downloaded.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENGINE = tomllib.loads((ROOT / "coursekit/pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]


def ranges(*needs):
    """Name to lower bound of plain requirements."""
    plain = [re.fullmatch(r"([\w-]+)(>=[\d.]+)", need) for group in needs for need in group]
    return dict(need.groups() for need in plain)


STUDENT = ranges(
    PROJECT["project"]["dependencies"], ENGINE["project"]["dependencies"], GROUPS["course"]
)
TESTS = ranges(GROUPS["test"])
SETUP = runpy.run_path(str(ROOT / "setup_env.py"))
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


def pins(lock):
    """(name, version) of each package in a lock, all of which have hashes."""
    text = (ROOT / lock).read_text().strip()
    entries = re.split(r"\n(?=\w)", text)
    assert all("--hash=sha256:" in entry for entry in entries)
    return [re.match(r"([\w-]+)==(\S+)", entry).groups() for entry in entries]


def test_the_locks_hold_every_need_within_its_range_and_by_hash():
    student, tests = pins("requirements.lock"), pins("tests/requirements.lock")
    for needs, locked in ((STUDENT, student), (TESTS, student + tests)):
        for name, wanted in needs.items():
            versions = [version for pin, version in locked if pin == name]
            assert versions, f"{name} is not locked; run make lock"
            assert all(numbers(version) >= numbers(wanted[2:]) for version in versions), name


def test_a_student_installs_nothing_that_the_tests_alone_need():
    student = {name for name, _ in pins("requirements.lock")}
    tests = {name for name, _ in pins("tests/requirements.lock")}
    assert not student & tests and {"ruff", "mypy", "distributed"} <= tests


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "tests/requirements.lock", "site/requirements.lock"]
)
def test_a_lock_names_no_host(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", text)


def conda(path):
    """The packages that a conda file asks for, and what pip installs after them."""
    environment = yaml.safe_load((ROOT / path).read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    packages = [each for each in environment["dependencies"] if isinstance(each, str)]
    assert len(packages) == len(set(packages))
    return set(packages), [
        each["pip"] for each in environment["dependencies"] if not isinstance(each, str)
    ]


def test_conda_agrees_with_pyproject():
    wanted = {f"{CONDA_NAMES.get(name, name)}{bound}" for name, bound in STUDENT.items()}
    wanted |= {"python" + PROJECT["project"]["requires-python"], "pip"}
    assert conda("environment.yml") == (wanted, [["-e .", "-e ./coursekit"]])
    tests = {f"{name}{bound}" for name, bound in TESTS.items()}
    assert conda("tests/environment.yml") == (tests, [])


def workflow(name):
    return yaml.safe_load((ROOT / ".github/workflows" / name).read_text())


def steps(flow):
    return [step for job in flow["jobs"].values() for step in job["steps"]]


def test_ci_covers_systems_versions_and_weeks():
    flow = workflow("ci.yml")
    assert {"push", "pull_request", "schedule"} == set(flow[True])  # YAML 1.1 reads `on` as true
    jobs = flow["jobs"]
    matrices = [job["strategy"]["matrix"] for job in jobs.values() if "strategy" in job]
    systems = {name for matrix in matrices for name in matrix.get("os", [])}
    assert {name.split("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    rows = jobs["range"]["strategy"]["matrix"]["include"]
    assert {row["resolution"] for row in rows} == {"lowest-direct", "highest"}
    pythons = [row["python"] for row in rows] + jobs["locked"]["strategy"]["matrix"]["python"]
    ends = [".".join(map(str, end)) for end in (SETUP["OLDEST"], SETUP["NEWEST"])]
    assert set(pythons) == set(ends)
    runs = [step["run"] for step in steps(flow) if "run" in step]
    assert ".ci/run" in runs and 'python -m pytest -m "not slow"' in runs


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")))
def test_a_workflow_pins_what_it_uses_and_hides_no_failure(path):
    flow = workflow(path.name)
    uses = [step["uses"] for step in steps(flow) if "uses" in step]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@(release/)?v\d+(\.\d+)*", each) for each in uses)
    assert not any("continue-on-error" in part for part in [*steps(flow), *flow["jobs"].values()])
    assert "secrets" not in path.read_text()


def test_a_release_is_tested_built_twice_and_published_without_a_password():
    flow = workflow("release.yml")
    assert flow[True] == {"push": {"tags": ["v*"]}}
    build, publish = flow["jobs"]["build"], flow["jobs"]["publish"]
    script = "\n".join(step.get("run", "") for step in build["steps"])
    assert "make test" in script and script.count("-m build --outdir dist") == 2
    assert "__version__" in script  # the tag is compared with both packages
    assert publish["needs"] == "build" and publish["permissions"] == {"id-token": "write"}
    assert "pypi-publish" in publish["steps"][-1]["uses"]


def test_the_container_has_a_suitable_python_and_sets_the_course_up():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    image = re.fullmatch(r"python:(3)\.(\d+)(-[a-z]+)?", container["image"])
    assert SETUP["OLDEST"] <= (int(image[1]), int(image[2])) <= SETUP["NEWEST"]
    assert container["postCreateCommand"] == "make setup"
    assert container["forwardPorts"] == [8888]  # JupyterLab's own
    storage = int(container["hostRequirements"]["storage"].removesuffix("gb"))
    assert storage >= 2 * SETUP["sizes"]("")[1]


def test_the_hooks_before_a_commit_are_the_suites_own_checks():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]  # nothing with versions of its own
    entries = " ".join(hook["entry"] for hook in hooks[0]["hooks"])
    makefile = (ROOT / "Makefile").read_text()
    for tool in ("ruff check", "ruff format", "mypy"):
        assert f"-m {tool}" in entries and f"-m {tool}" in makefile
    assert "coursekit build --check" in entries


def test_the_changelog_keeps_its_form():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\](?: - 20\d\d-\d\d-\d\d|, not released)?$", text, re.M)
    assert versions[0] == "Unreleased" and len(versions) == text.count("\n## ")
    kinds = set(re.findall(r"^### (\w+)$", text, re.M))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_makefile_and_setup_take_the_same_pythons():
    suits = f"{SETUP['OLDEST']} <= sys.version_info[:2] <= {SETUP['NEWEST']}"
    assert suits in (ROOT / "Makefile").read_text()
    assert PROJECT["project"]["requires-python"] == ">=" + ".".join(map(str, SETUP["OLDEST"]))


def test_ci_runs_what_people_run():
    script = ROOT / ".ci/run"
    assert "make test" in script.read_text().splitlines()
    assert "set -euo pipefail" in script.read_text()
    if os.name == "posix":
        assert os.access(script, os.X_OK)


def copied(folder):
    """The set-up's files in a folder."""
    for name in (
        "Makefile",
        "setup_env.py",
        "pyproject.toml",
        "coursekit/pyproject.toml",
        "requirements.lock",
        "tests/requirements.lock",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def stub_pip(environment):
    """Give an environment a pip that only notes how it is called."""
    pip = next(environment.glob("lib/python*/site-packages")) / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(STUB_PIP)


@pytest.fixture
def copy(tmp_path):
    """The set-up's files, and a `.venv` with the stub for pip."""
    folder = tmp_path / "course"
    folder.mkdir()
    environment = copied(folder) / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    stub_pip(environment)
    return folder


def with_pip(folder, donor_python):
    """What a first set-up from this donor finds when it begins: its `.venv`, with the stub."""
    (folder / ".venv/.torch-from").write_text(str(donor_python))


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
    """A Python that runs `change`, without single quotes, before the script it is given."""
    stub = folder / "python-stub"
    stub.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import os, platform, runpy, shutil, subprocess\n"
        f"import sys, sysconfig, tempfile\nsysconfig.get_config_vars()\n{change}\n"
        "sys.argv = sys.argv[1:]\n"
        'runpy.run_path(sys.argv[0], run_name="__main__")\' "$@"\n'
    )
    stub.chmod(0o755)
    return stub


@posix
def test_second_call_installs_nothing_and_a_new_lock_does(copy):
    status, said, pips = make(copy, "setup")
    assert (status, said) == (0, [])
    assert "--no-deps --require-hashes -r requirements.lock" in pips[0]
    assert "--no-deps --no-build-isolation -e . -e ./coursekit" in pips[1]
    assert make(copy, "setup") == (0, [], [])
    with (copy / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert len(make(copy, "setup")[2]) == 2


@posix
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("NewConnectionError: Name or service not known", "connect to the network"),
        ("ERROR: [Errno 28] No space left on device", "The disk is full: free about"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "is damaged or was replaced"),
        ("ERROR: No matching distribution found for torch", "Use conda instead"),
        ("ERROR: something new", "install.log says why"),
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
    assert "The installation needs" in said[0] and "0.0 GB free" in said[0]


@posix
def test_old_and_missing_python_become_one_sentence(copy):
    old = python_that(copy, 'sys.version_info = (3, 9, 18, "final", 0)')
    status, said, pips = make(copy, "setup", python=old)
    assert status != 0 and len(said) == 1 and pips == []
    assert "needs Python 3.11 or newer and found Python 3.9.18" in said[0]
    status, said, _ = make(copy, "setup", python="/no/such/python")
    assert status != 0 and len(said) == 1 and "No Python found (/no/such/python)" in said[0]


INTEL = 'platform.machine = lambda: "x86_64"'
UNSUITABLE = {
    "a new Python": ('sys.version_info = (3, 15, 0, "final", 0)', "use Python 3.11 to 3.14"),
    "PyPy": ('platform.python_implementation = lambda: "PyPy"', "is PyPy, for which"),
    "32 bits": ("sys.maxsize = 2**31 - 1", "is a 32-bit build"),
    "no lock of the interpreter": (
        "sysconfig.get_config_var = lambda name: 1",
        "is a free-threaded build",
    ),
    "Intel Mac": (
        f'sys.platform = "darwin"; {INTEL}; subprocess.Popen.communicate = lambda p: (b"0", b"")',
        "PyTorch stopped at version 2.2.2 for Macs with an Intel processor. Use conda",
    ),
    "Intel Python on another Mac": (
        f'sys.platform = "darwin"; {INTEL}; subprocess.Popen.communicate = lambda p: (b"1", b"")',
        "is built for Intel processors, and this Mac has another one: install Python",
    ),
    "old macOS": (
        'sys.platform = "darwin"; platform.machine = lambda: "arm64"; '
        'platform.mac_ver = lambda: ("13.6", (), "")',
        "PyTorch needs macOS 14 and this is 13.6. Use conda",
    ),
    "Alpine": ('os.confstr = lambda name: ""', "another C library (Alpine: musl). Use conda"),
    "old Linux": ('os.confstr = lambda name: "glibc 2.17"', "and this Linux has glibc 2.17."),
    "another processor": ('platform.machine = lambda: "riscv64"', "no package for riscv64 on"),
    "another system": ('sys.platform = "freebsd15"', "PyTorch publishes no package for"),
    "read-only folder": (
        'tempfile.TemporaryFile = lambda dir: open("/no/such/folder")',
        "cannot be written (No such file or directory): copy the course into a folder",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="what is made up starts from a Linux")
@pytest.mark.parametrize(("change", "sentence"), UNSUITABLE.values(), ids=UNSUITABLE)
def test_what_would_stop_the_install_is_said_before_it(copy, change, sentence):
    status, said, pips = make(copy, "setup", python=python_that(copy, change))
    assert status != 0 and len(said) == 1 and pips == []
    assert sentence in said[0]


@posix
def test_a_folder_with_a_colon_is_refused_before_the_install(tmp_path):
    folder = tmp_path / "lessons:mine"
    folder.mkdir()
    status, said, _ = make(copied(folder), "setup")
    assert status != 0 and len(said) == 1 and 'the path contains ":": rename' in said[0]


@posix
def test_the_tests_needs_are_installed_once_and_on_top(copy):
    assert len(make(copy, "setup-tests")[2]) == 3
    assert make(copy, "setup-tests") == (0, [], [])
    assert make(copy, "setup") == (0, [], [])
    with (copy / "tests/requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert make(copy, "setup") == (0, [], [])
    (again,) = make(copy, "setup-tests")[2]
    assert "--require-hashes -r tests/requirements.lock" in again


@posix
def test_the_size_and_the_time_are_said_first(copy):
    (copy / ".venv/pyvenv.cfg").unlink()  # no environment any more
    shutil.rmtree(copy / ".venv/bin")
    done = subprocess.run(
        ["make", "setup", f"PYTHON={sys.executable}"],
        cwd=copy,
        text=True,
        capture_output=True,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(copy)},
    )
    first = done.stdout.splitlines()[0]
    assert re.search(r"once, with Python 3\.\d+: about [\d.]+ GB to download\.$", first), first
    assert "make lab TORCH=/path/to/its/python" in done.stdout


def donor(folder, *, torch="99.0", torchvision="99.0", broken=False):
    """An environment whose torch is a stand-in; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for name, version in {"torch": torch, "torchvision": torchvision}.items():
        (site / name).mkdir()
        (site / name / "__init__.py").write_text(
            "import no_such_library\n" if broken else f'__version__ = "{version}"\n'
        )
    return folder / "bin/python"


@posix
def test_torch_of_another_environment_is_used_and_not_installed(copy, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    python = donor(tmp_path / "mine")
    with_pip(copy, python)
    status, said, pips = make(copy, "setup", f"TORCH={python.parents[1]}", python=None)
    assert (status, said) == (0, []) and len(pips) == 2
    lock = re.search(r"--require-hashes -r (\S+)", pips[0])[1]
    installed = {name for name, _ in pins(lock)}
    assert not {n for n in installed if re.match("torch|triton|nvidia|cuda", n)}
    assert {"numpy", "jupyterlab", "safetensors"} <= installed
    code = "import torch, torchvision; print(torch.__file__, torchvision.__version__)"
    words = [copy / ".venv/bin/python", "-c", code]
    found = subprocess.run(words, text=True, capture_output=True, check=True).stdout
    assert found.startswith(str(python.parents[1])) and found.endswith("99.0\n")
    assert make(copy, "setup", f"TORCH={python}", python=None) == (0, [], [])
    assert make(copy, "setup") == (0, [], [])  # and the choice is remembered
    with (copy / "requirements.lock").open("a") as text:
        text.write("# changed\n")
    status, said, pips = make(copy, "setup")
    assert (status, said) == (0, []) and "without-torch" in pips[0]
    shutil.rmtree(python.parents[1])
    status, said, _ = make(copy, "setup")
    assert status != 0 and len(said) == 1 and "that Python is gone: run make with TORCH=" in said[0]


@posix
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"torch": "1.13.1+cpu"}, "has torch 1.13.1+cpu and the course needs"),
        ({"torchvision": "0.2"}, "has torchvision 0.2 and the course needs"),
        ({"broken": True}, "(ModuleNotFoundError: No module named 'no_such_library'): install"),
    ],
)
def test_an_unsuitable_torch_becomes_one_sentence(copy, tmp_path, what, sentence):
    python = donor(tmp_path / "mine", **what)
    status, said, pips = make(copy, "setup", f"TORCH={python}", python=None)
    assert status != 0 and len(said) == 1 and pips == [] and sentence in said[0]


@posix
def test_the_courses_own_torch_cannot_be_borrowed(copy):
    status, said, pips = make(copy, "setup", "TORCH=.venv", python=None)
    assert status != 0 and len(said) == 1 and pips == []
    assert "TORCH must name the Python of another environment" in said[0]


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
def test_lab_passes_on_the_options_given(copy):
    told = subprocess.run(
        ["make", "-n", "lab", "LAB_ARGS=--no-browser --port 8899"],
        cwd=copy,
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert told.rstrip().endswith("-m coursekit lab  -- --no-browser --port 8899")
