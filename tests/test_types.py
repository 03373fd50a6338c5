"""Both packages pass the type checker, with the settings of pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).resolve().parents[1]


def mypy(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Run mypy in a folder, with this project's settings."""
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--no-incremental"]
    command = [sys.executable, "-m", "mypy", *settings, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_both_packages_are_typed():
    done = mypy(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_function_without_types_and_a_wrong_type_are_found(tmp_path):
    (tmp_path / "odd.py").write_text("def f(x):\n    return x\n\n\nn: int = 'one'\n")
    done = mypy(tmp_path, "odd.py")
    assert done.returncode == 1
    assert "no-untyped-def" in done.stdout and "assignment" in done.stdout
