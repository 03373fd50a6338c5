"""The real JupyterLab server over a student's folder: nothing is lost, nothing tracked changes."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from exercise_kit import ROOT

from coursekit.__main__ import main
from coursekit.student import lab
from coursekit.student.notebook import read

EXERCISE = "exercises/01_small.ipynb"
LESSON = "course/00_start.ipynb"
ANSWER = "def square(x):\n    return x * x.abs()"
TOKEN = "lab"


class Server:
    """JupyterLab's contents as its pages ask for them."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/api"

    def ask(self, path: str, method: str = "GET", content: object = None) -> dict:
        """Call the server; raises HTTPError if it refuses."""
        request = urllib.request.Request(
            f"{self.address}/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def open(self, path: str) -> dict:
        """Open a notebook."""
        return self.ask(f"contents/{path}")["content"]

    def save(self, path: str, content: dict) -> None:
        """Save a notebook, as autosave does."""
        model = {"type": "notebook", "format": "json", "content": content}
        self.ask(f"contents/{path}", "PUT", model)


@contextlib.contextmanager
def served(folder: Path, home: Path, *words: str) -> Iterator[Server]:
    """Start `python -m coursekit lab` in a folder, with settings that pair every notebook."""
    settings = home / ".config" / "jupytext"
    settings.mkdir(parents=True)
    (settings / "jupytext.toml").write_text('formats = "ipynb,py:percent"\n')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = ("--no-browser", f"--port={port}", f"--IdentityProvider.token={TOKEN}")
    names = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    with open(home / "lab.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coursekit", "lab", *words, "--", *own],
            cwd=folder,
            env=os.environ | dict.fromkeys(names, str(home)) | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        server = Server(port)
        for _ in range(600):
            with contextlib.suppress(OSError):
                server.ask("status")
                break
            assert process.poll() is None, (home / "lab.log").read_text()
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def cloned(_small_course, tmp_path_factory) -> Path:
    """A clone of a small course with the true .gitignore, opened."""
    folder = Path(shutil.copytree(_small_course, tmp_path_factory.mktemp("lab") / "course"))
    shutil.copy(ROOT / ".gitignore", folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "the course")
    return folder


@pytest.fixture(scope="module")
def server(cloned, tmp_path_factory) -> Iterator[Server]:
    with served(cloned, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def course(cloned, server, monkeypatch):
    """The clone as on the first day, with the server over it."""
    monkeypatch.chdir(cloned)
    shutil.rmtree("work/exercises")
    shutil.rmtree("work/course")
    assert main(["open"]) == 0
    yield cloned
    assert git(cloned, "status", "--porcelain") == ""
    assert not list(Path("work").rglob("*.py")) and not list(Path("exercises").glob("*.py"))


def answered(content):
    """Write the answer into an opened exercise."""
    (cell,) = (cell for cell in content["cells"] if cell["id"] == "square-answer")
    cell["source"] = ANSWER
    return content


def edit_elsewhere(path=Path("work", EXERCISE)):
    """Write the answer as VS Code or Colab would: the file alone, with their own metadata."""
    notebook = nbformat.read(path, as_version=4)
    answered(notebook)
    notebook.metadata.kernelspec = {"name": "venv", "display_name": ".venv (3.12)"}
    notebook.metadata.colab = {"provenance": []}
    nbformat.write(notebook, path)


def is_answered(path=Path("work", EXERCISE)):
    return read(path).answer("square") == [ANSWER]


def test_the_first_page_shows_lessons_and_exercises_once_each(course, server):
    assert {each["name"] for each in server.open("")} == {"course", "exercises", "mine"}
    assert [each["name"] for each in server.open("exercises")] == ["01_small.ipynb"]
    assert {each["name"] for each in server.open("course")} == {"00_start.ipynb", "glossary.md"}


@pytest.mark.parametrize("path", [LESSON, EXERCISE])
def test_a_run_and_autosave_changes_nothing_that_is_tracked(course, server, path):
    content = server.open(path)
    content["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    content["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 5
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "5\n"}]
    server.save(path, content)
    assert main(["open"]) == 0
    assert server.open(path)["cells"][1]["execution_count"] == 5


def test_a_page_is_opened_and_saved_as_it_is(course, server):
    before = Path("work/course/glossary.md").read_bytes()
    model = server.ask("contents/course/glossary.md")
    keys = ("type", "format", "content")
    server.ask("contents/course/glossary.md", "PUT", {key: model[key] for key in keys})
    assert Path("work/course/glossary.md").read_bytes() == before


def test_an_answer_in_jupyterlab_is_on_the_disk(course, server):
    server.save(EXERCISE, answered(server.open(EXERCISE)))
    assert is_answered()


def test_an_answer_from_another_editor_survives_opening_and_saving(course, server):
    edit_elsewhere()
    server.save(EXERCISE, server.open(EXERCISE))
    assert is_answered()
    edit_elsewhere()  # again, while the notebook is open
    server.save(EXERCISE, server.open(EXERCISE))
    assert is_answered()


def test_an_answer_survives_a_copy_of_the_folder_with_equal_times(course, server):
    edit_elsewhere()
    copy = Path(shutil.copytree("work/exercises", "work/mine/copy"))
    for path in [*copy.iterdir(), *Path("work/exercises").iterdir()]:
        os.utime(path, (10**9, 10**9))
    for place in ("mine/copy/01_small.ipynb", EXERCISE):
        server.save(place, server.open(place))
        assert is_answered(Path("work", place))
    shutil.rmtree(copy)


def test_a_notebook_that_was_renamed_in_jupyterlab_is_still_checked(course, server):
    server.save(EXERCISE, answered(server.open(EXERCISE)))
    server.ask(f"contents/{EXERCISE}", "PATCH", {"path": "exercises/my solution.ipynb"})
    assert is_answered(Path("work/exercises/my solution.ipynb"))
    assert main(["submit", "work/exercises/my solution.ipynb"]) == 0
    assert main(["open"]) == 0  # a fresh copy is there again, the renamed one is left alone
    assert is_answered(Path("work/exercises/my solution.ipynb")) and not is_answered()


def test_authors_see_the_whole_course_and_its_pairs(cloned, tmp_path):
    with served(cloned, tmp_path, "--root", ".") as server:
        names = {each["name"] for each in server.open("")}
        assert {"course", "exercises", "work"} <= names
        source = server.ask("contents/course/00_start.py?type=notebook")
        assert source["type"] == "notebook"  # as only jupytext opens it


@pytest.mark.parametrize("root", [True, False])
def test_root_is_let_in_on_this_machine_alone(root, monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "as_root", lambda: root)
    given = lab.arguments(tmp_path, tmp_path / "work", [])
    assert ("--ServerApp.allow_root=True" in given) is root
    assert ("--ServerApp.ip=127.0.0.1" in given) is root
    asked = lab.arguments(tmp_path, tmp_path / "work", ["--ip=0.0.0.0"])
    assert "--ServerApp.ip=127.0.0.1" not in asked and asked[-1] == "--ip=0.0.0.0"


def test_a_container_is_told_what_to_open(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/.dockerenv")
    monkeypatch.delenv("CODESPACES", raising=False)
    monkeypatch.delenv("REMOTE_CONTAINERS", raising=False)
    assert lab.in_container()
    monkeypatch.setenv("CODESPACES", "true")
    assert not lab.in_container()


def test_a_port_that_is_taken_is_named_and_nothing_is_lost(cloned, tmp_path):
    before = git(cloned, "status", "--porcelain", "--ignored")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        done = subprocess.run(
            [sys.executable, "-m", "coursekit", "lab", "--", *words],
            cwd=cloned,
            env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode != 0 and f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert git(cloned, "status", "--porcelain", "--ignored") == before


def test_a_wrong_folder_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["lab"]) == 2
    said = capsys.readouterr().err
    assert "lies in no course; go to" in said and said.count("\n") == 1
