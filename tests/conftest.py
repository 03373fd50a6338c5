"""What every test shares: figures are drawn without a screen, and workers share the cores."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from coursekit.gate import kernel_environment


def pytest_configure(config):
    """Take this process's share; one that only hands tests to workers must not fix theirs.

    Under `make test`, the variables of that make would change what a make in a test prints.
    """
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    if not config.getoption("numprocesses"):
        os.environ |= kernel_environment() | {"MPLBACKEND": "Agg"}


@pytest.fixture(autouse=True)
def _share_of_the_cores():
    """Each test begins with its worker's share, whatever the one before it has set."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture(scope="session")
def _small_course(tmp_path_factory):
    from exercise_kit import small_course

    return small_course(tmp_path_factory.mktemp("made"))


@pytest.fixture
def small_course(_small_course, tmp_path):
    """A course with a lesson and one small set, in a folder of this test's own."""
    return Path(shutil.copytree(_small_course, tmp_path / "course copy"))
