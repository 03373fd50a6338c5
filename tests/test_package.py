"""The package by itself: built, installed and used where the repository is not."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import resattn

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what is in version control, without a network."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    names = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "LICENSE-TEXT.md",
            "resattn",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    run(
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-build-isolation",
        "--no-deps",
        "-w",
        str(folder),
        "-q",
        cwd=source,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_code_data_records_and_its_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for each in (
        "resattn/py.typed",
        "resattn/data/digits.npz",
        "coursekit/sanitize.cfg",
        "coursekit/sandbox/client.py",
    ):
        assert each in names
    assert any(name.startswith("resattn/experiments/results/") for name in names)
    assert not [name for name in names if name.startswith(("course", "solutions", "tests"))]


def test_the_wheel_works_without_the_repository(wheel, tmp_path):
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    code = "import resattn; print(resattn.__file__)"
    where = run("-c", code, cwd=tmp_path, PYTHONPATH=str(place))
    assert where.startswith(str(place))
    table = run("-m", "resattn", "models", cwd=tmp_path, PYTHONPATH=str(place))
    assert "| `attention56` | 56 | 31,810,728 |" in table
    verdicts = run("-m", "resattn", "results", "claims", cwd=tmp_path, PYTHONPATH=str(place))
    assert "not supported" in verdicts
    code = (
        "import resattn; data = resattn.data.ClutteredDigits('train', 8); "
        "print(resattn.create_model('small_attention32')(data[0][0][None]).shape)"
    )
    assert "torch.Size([1, 10])" in run("-c", code, cwd=tmp_path, PYTHONPATH=str(place))


def test_the_metadata_say_who_what_and_under_which_licence(wheel):
    archive = zipfile.ZipFile(wheel)
    text = archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))).decode()
    for line in (
        "License-Expression: MIT",
        "License-File: LICENSE",
        "Author: The resattn authors",
        f"Requires-Python: {PROJECT['requires-python']}",
        "Classifier: Typing :: Typed",
        "Provides-Extra: cluster",
        "Description-Content-Type: text/markdown",
    ):
        assert line in text, line


def test_the_citation_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == PROJECT["version"] == resattn.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["references"][0]["url"].endswith("1704.06904")
