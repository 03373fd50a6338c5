"""The doctor sees each thing that can be wrong, says the fix, and needs nothing to start."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from coursekit import doctor
from coursekit.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
Usage = namedtuple("Usage", "total used free")


def only(checks):
    """The single failure among the checks."""
    failures = [check for check in checks if not check.ok]
    assert len(failures) == 1
    assert failures[0].fix
    return str(failures[0])


def test_this_environment_is_sound():
    assert [str(check) for check in doctor.check_packages() if not check.ok] == []
    assert doctor.check_kernel().ok and doctor.check_writing().ok


@pytest.mark.parametrize(
    ("version", "ok"),
    [
        ("2.13.9", False),
        ("2.14", True),
        ("2.14.0", True),
        ("2.15.0+cpu", True),
        ("10.0", True),
        ("2.9", False),
        ("2.14.0rc1", False),
        ("2.14.1rc1", True),
        ("2.14.0.post1", True),
    ],
)
def test_versions_are_compared_as_python_packages_are(version, ok):
    assert doctor.compare("torch", version, ">=2.14", "fix").ok is ok


def test_a_range_may_have_several_bounds():
    assert doctor.compare("torch", "2.15", ">=2.14,<3,!=2.15.1", "fix").ok
    assert not doctor.compare("torch", "3.0", ">=2.14,<3", "fix").ok


def test_what_the_lab_needs_is_checked_and_other_systems_needs_are_not(monkeypatch):
    found = [check.found.split()[0] for check in doctor.check_packages()]
    assert {"Python", "torch", "nbval", "jupyterlab", "ipywidgets"} <= set(found)
    assert len(found) == len(set(found))
    monkeypatch.setattr(
        metadata, "requires", lambda name: ['lost>=1; sys_platform == "none"', 'more; extra == "x"']
    )
    assert all(check.ok for check in doctor.check_packages())


def test_without_packaging_that_is_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert "packaging is missing" in only(doctor.check_packages())


def test_old_missing_and_gutted_packages_fail(monkeypatch):
    true = metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda n: "0.1" if n == "jupytext" else true(n))
        assert "FAIL  jupytext 0.1 (needs >=" in only(doctor.check_packages())

    def missing(name):
        if name == "nbval":
            raise metadata.PackageNotFoundError(name)
        return true(name)

    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", missing)
        assert "FAIL  nbval is missing" in only(doctor.check_packages())
    find = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    assert "has lost its files" in only(doctor.check_packages())


def test_old_python_and_uninstalled_course_fail(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", (3, 9, 1))
        assert "FAIL  Python 3.9.1" in only(doctor.check_packages())

    def none(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", none)
    assert "is not installed" in only(doctor.check_packages())


def test_little_disk_and_memory_fail(monkeypatch):
    import psutil

    memory = namedtuple("Memory", "available")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 10**8))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(10**8))
    assert str(doctor.check_disk()).startswith("FAIL  0.1 GB of disk free (needs 1)")
    assert str(doctor.check_memory()).startswith("FAIL  0.1 GB of memory free (needs 2)")


def test_a_folder_that_cannot_be_written_fails(monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert "cannot be written (Permission denied)" in only([doctor.check_writing()])


def test_a_missing_kernel_fails(monkeypatch):
    from jupyter_client import kernelspec

    def none(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", none)
    assert "finds no kernel python3" in only([doctor.check_kernel()])


def test_a_broken_torch_is_named_and_does_not_stop_the_doctor(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch is gone')\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-m", "coursekit", "doctor"],
        cwd=ROOT,
        text=True,
        env=environment,
        capture_output=True,
    )
    assert told.returncode == 1
    assert "FAIL  torch and torchvision do not start (ImportError: libtorch is gone)" in told.stdout
    assert "can be written" in told.stdout and "Traceback" not in told.stderr


def test_exit_status_follows_the_checks(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "checks", lambda: iter([doctor.Check(True, "air")]))
    assert main(["doctor"]) == 0
    bad = doctor.Check(False, "water", "drink")
    monkeypatch.setattr(doctor, "checks", lambda: iter([bad]))
    assert main(["doctor"]) == 1
    assert "FAIL  water: drink" in capsys.readouterr().out
