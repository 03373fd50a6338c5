"""Both packages by themselves: built, installed and used where the repository is not."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

import coursekit
import resattn

ROOT = Path(__file__).parents[1]
HOMES = {"resattn": ROOT, "coursekit": ROOT / "coursekit"}  # of each pyproject.toml
PROJECTS = {
    name: tomllib.loads((home / "pyproject.toml").read_text())["project"]
    for name, home in HOMES.items()
}
OUTSIDE = {  # what a part of resattn asks for in one sentence if it is missing
    "resattn/plots": {"matplotlib", "IPython", "ipywidgets"},
    "resattn/bench": {"psutil", "pytorchcv"},
    "resattn/data/make_digits.py": {"sklearn"},
}


def run(*arguments: str, cwd: Path, **variables: str) -> str:
    """A command's output; fails if it does."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """Top-level names that a file imports: anywhere, or as soon as it is imported itself."""
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(str(node.module).partition(".")[0])
        elif at_once and isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        elif at_once and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
    return found - set(sys.stdlib_module_names)


def needs(package: str) -> set[str]:
    return {need.partition(">=")[0] for need in PROJECTS[package]["dependencies"]}


def test_neither_package_imports_the_other():
    for package, other in (("resattn", "coursekit"), ("coursekit", "resattn")):
        for path in python_files(package):
            assert other not in imported(path), path


def test_resattn_needs_four_packages_and_says_so():
    assert needs("resattn") == {"torch", "torchvision", "numpy", "safetensors"}
    for path in python_files("resattn"):
        place = path.relative_to(ROOT).as_posix()
        allowed = {
            name for part, names in OUTSIDE.items() if place.startswith(part) for name in names
        }
        assert imported(path) <= needs("resattn") | {"resattn"} | allowed, path


COMES_WITH = {  # what the engine needs comes with what it declares
    **dict.fromkeys(("jupyter_client", "jupyter_core", "zmq"), "nbclient"),
    **dict.fromkeys(("ipykernel", "IPython"), "nbval"),
    "markupsafe": "jinja2",
}


def test_what_the_engine_imports_at_once_is_declared():
    for path in python_files("coursekit"):
        for name in imported(path, at_once=True) - {"coursekit"}:
            assert COMES_WITH.get(name, name) in needs("coursekit"), f"{path} imports {name}"


LOADED = """
import sys
before = set(sys.modules)
import {package}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}
              - set(sys.stdlib_module_names)))
"""


@pytest.mark.parametrize("package", HOMES)
def test_importing_a_package_loads_nothing_else(package):
    assert run("-c", LOADED.format(package=package), cwd=ROOT).split() == [package]


ALONE = '''
import sys

class Hiding:
    """A finder that does not find what is hidden."""

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in HIDDEN:
            return self.finder.find_spec(name, path, target)

HIDDEN = {"matplotlib", "IPython", "ipywidgets", "ipykernel", "jupyter", "jupyter_client",
          "jupyter_core", "jupyterlab", "jupytext", "nbclient", "nbformat", "nbval", "notebook",
          "pytest", "_pytest", "psutil", "scipy", "sklearn", "pandas", "yaml", "distributed",
          "coursekit"}
sys.meta_path = [Hiding(finder) for finder in sys.meta_path]
import torch
import resattn
'''
TRAINED = """
print(sum(weight.numel() for weight in resattn.attention56().parameters()))
digits = resattn.data.ClutteredDigits("train", 16, size=16)
network = resattn.create_model("small_attention16")
config = resattn.training.TrainConfig(steps=1, batch_size=8, learning_rate=0.01)
history = resattn.training.fit(network, digits, digits, config, device="cpu", progress=False)
maps = resattn.probes.attention_maps(network, digits[0][0][None])
from resattn.experiments.recorded import recorded
print(len(history.loss), len(maps), len(recorded("width")))
"""
MISSING = """
for use in (lambda: resattn.plots.show, lambda: resattn.plots.Explorer):
    try:
        use()
    except ModuleNotFoundError as error:
        print(error)
"""


def test_the_networks_work_with_their_four_needs_alone(tmp_path):
    printed = run("-c", ALONE + TRAINED, cwd=tmp_path, PYTHONPATH=str(ROOT)).split()
    assert printed == ["31810728", "1", "3", "6"]


def test_what_is_missing_for_figures_is_named_with_the_command_that_installs_it(tmp_path):
    said = run("-c", ALONE + MISSING, cwd=tmp_path, PYTHONPATH=str(ROOT)).splitlines()
    assert len(said) == 2
    assert all('run: pip install "resattn[plots]"' in line for line in said)
    assert "plots" in PROJECTS["resattn"]["optional-dependencies"]
    with_matplotlib = ALONE.replace('"matplotlib", ', "") + (
        "import torch\n"
        "maps, images = {'a': torch.rand(1, 1, 4, 4)}, torch.rand(1, 1, 8, 8)\n"
        "try:\n    resattn.plots.Explorer(maps, images, images[:, 0] > 0.5)\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
        "fig = resattn.plots.bars({'a': 1.0}, title='one', ylabel='nothing')\n"
        "try:\n    resattn.plots.show(fig, alt='A bar of height one, and nothing else.')\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    explorer, show = run("-c", with_matplotlib, cwd=tmp_path, PYTHONPATH=str(ROOT)).splitlines()
    assert "run: pip install ipywidgets" in explorer and "fig.savefig('figure.png')" in show


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """Both wheels, built from a copy of what is in version control, without a network."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    listed = ["git", "ls-files", "-z", "pyproject.toml", "*.md", "LICENSE", "resattn", "coursekit"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    for home in (".", "./coursekit"):
        words = ["wheel", home, "--no-build-isolation", "--no-deps", "-w", str(folder), "-q"]
        run("-m", "pip", *words, cwd=source)
    return {name: next(folder.glob(f"{name}-*.whl")) for name in HOMES}


def contents(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def metadata(wheel: Path) -> Message:
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
    return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("package", HOMES)
def test_a_wheel_holds_its_package_and_nothing_else(wheels, package):
    names = [name for name in contents(wheels[package]) if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == {package}
    written = {path.relative_to(ROOT).as_posix() for path in python_files(package)}
    assert {name for name in names if name.endswith(".py")} == written
    assert f"{package}/py.typed" in names
    assert not [name for name in names if "pyproject" in name or "__pycache__" in name]


def test_data_records_and_templates_travel_with_the_code(wheels):
    ours, engine = contents(wheels["resattn"]), contents(wheels["coursekit"])
    tracked = subprocess.run(
        ["git", "ls-files", "resattn", "coursekit"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    kinds = (".npz", ".json", ".safetensors", ".cfg", ".j2", ".css", ".js", ".html")
    data = [name for name in tracked if name.endswith(kinds)]
    assert len(data) > 200 and set(data) <= {*ours, *engine}


@pytest.mark.parametrize("package", HOMES)
def test_the_metadata_say_who_what_and_under_which_licence(wheels, package):
    said, project = metadata(wheels[package]), PROJECTS[package]
    version = {"resattn": resattn, "coursekit": coursekit}[package].__version__
    assert said["Version"] == version
    assert said["License-Expression"] == "MIT" and said["Author"] == "The resattn authors"
    assert said["Requires-Python"] == project["requires-python"]
    assert "Typing :: Typed" in said.get_all("Classifier")
    assert said.get_all("Provides-Extra") == list(project["optional-dependencies"])
    needed = [need for need in said.get_all("Requires-Dist") if "extra ==" not in need]
    assert sorted(needed) == sorted(project["dependencies"])


def test_the_licence_and_the_description_are_those_of_the_repository(wheels):
    said = metadata(wheels["resattn"])
    assert said.get_all("License-File") == ["LICENSE", "LICENSE-TEXT.md"]
    assert said["Description-Content-Type"] == "text/markdown"


def test_the_wheel_works_without_the_repository(wheels, tmp_path):
    place = tmp_path / "site"
    zipfile.ZipFile(wheels["resattn"]).extractall(place)
    code = "import resattn; print(resattn.__file__)"
    where = run("-c", code, cwd=tmp_path, PYTHONPATH=str(place))
    assert where.startswith(str(place))
    table = run("-m", "resattn", "models", cwd=tmp_path, PYTHONPATH=str(place))
    assert "| `attention56` | 56 | 31,810,728 |" in table
    verdicts = run("-m", "resattn", "results", "claims", cwd=tmp_path, PYTHONPATH=str(place))
    assert "not supported" in verdicts


@pytest.mark.parametrize("package", HOMES)
def test_each_command_starts_from_its_wheel(wheels, tmp_path, package):
    zipfile.ZipFile(wheels[package]).extractall(tmp_path)
    said = run("-m", package, "--version", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert said == f"{package} {metadata(wheels[package])['Version']}\n"


def test_the_citation_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == resattn.__version__ == coursekit.__version__
    assert citation["license"] == PROJECTS["resattn"]["license"]
    assert citation["references"][0]["url"].endswith("1704.06904")
