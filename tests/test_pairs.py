"""Every percent file and its notebook agree, cell by cell; and a difference of one letter shows."""

import os
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest

from coursekit.__main__ import main
from coursekit.source.build import build
from coursekit.source.pairs import (
    AS_JUPYTERLAB_WRITES,
    EXECUTED,
    differences,
    read_source,
    sources,
    strays,
)

ROOT = Path(__file__).resolve().parents[1]
LESSON = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A small lesson

# %% greet
print("hello")

# %%
word = "two"
print(word)

# %% [markdown]
# The end.

# %% fail tags=["raises-exception"]
1 / 0
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A built pair in a course folder of its own, which is the working directory's."""
    monkeypatch.chdir(tmp_path)
    path = Path("course") / "00_small.py"
    path.parent.mkdir()
    path.write_text(LESSON)
    build(path)
    return path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_every_pair_of_the_course_agrees():
    faults = [fault for path in sources(ROOT) for fault in differences(path)] + strays(ROOT)
    assert not faults, "\n".join(faults)


def test_build_names_runs_and_agrees(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    names = ["a-small-lesson", "greet", "greet-2", "greet-3", "fail"]
    assert [cell.id for cell in notebook.cells] == names
    assert notebook.cells[2].outputs[0].text == "two\n"
    assert [c.execution_count for c in notebook.cells if c.cell_type == "code"] == [1, 2, 3]
    assert differences(source) == []


def test_one_letter_in_either_file_is_caught_and_built_away(source):
    twin = source.with_suffix(".ipynb")
    edit(twin, r"print(\"hello", r"print(\"hallo")
    assert "cell 'greet': its source differs" in differences(source)[0]
    build(source)
    edit(source, "The end.", "The End.")
    assert "cell 'greet-3': its source differs" in differences(source)[0]
    assert build(source) == "refreshed"  # no code changed: nothing is run again
    assert differences(source) == []
    assert build(source) == "unchanged"


def test_changed_code_is_run_again(source):
    edit(source, '"two"', '"three"')
    assert build(source).startswith("executed")
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert notebook.cells[2].outputs[0].text == "three\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"raises-exception"', '"gpu"', "metadata"),
        ('"cell_type": "markdown"', '"cell_type": "raw"', "cell_type"),
        ('"id": "greet"', '"id": "meet"', "'meet' stands where"),
        ('"execution_count": 1', '"execution_count": null', "was never run"),
        ('"name": "stdout"', '"name": "stderr"', "wrote to stderr"),
    ],
)
def test_edited_notebook_is_caught(source, old, new, said):
    edit(source.with_suffix(".ipynb"), old, new)
    assert said in " ".join(differences(source))


def test_adding_a_cell_leaves_the_names_of_the_others(source):
    before = [cell.id for cell in read_source(source).cells]
    edit(source, "# %% greet\n", "# %% new\nx = 1\n\n# %% greet\n")
    after = [cell.id for cell in read_source(source).cells]
    assert [name for name in after if name != "new"] == before


def test_failing_cell_leaves_the_old_notebook(source, capsys):
    before = source.with_suffix(".ipynb").read_text()
    edit(source, "print(word)", "print(wrd)")
    assert main(["build", str(source)]) == 1
    assert "NameError" in capsys.readouterr().out
    assert source.with_suffix(".ipynb").read_text() == before


def test_check_writes_nothing_and_says_how_to_repair(source, capsys):
    assert main(["build", "--check"]) == 0
    source.with_suffix(".ipynb").unlink()
    Path("course/notes.txt").write_text("stray")
    Path("course/07_alone.ipynb").write_text("{}")
    assert main(["build", "--check"]) == 1
    said = capsys.readouterr().out
    assert "is missing; `make build`" in said and "notes.txt" in said and "07_alone" in said
    assert not source.with_suffix(".ipynb").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("# %% greet", "two cells would be called 'greet'"),
        ("# %% Two Words", "'Two Words' cannot name a cell"),
        ("# %% " + "a" * 65, "cannot name a cell"),
    ],
)
def test_bad_names_are_refused(source, line, said):
    with source.open("a") as file:
        file.write(f"\n{line}\ny = 1\n")
    with pytest.raises(ValueError, match=said):
        read_source(source)


def test_a_source_without_its_header_is_refused(source):
    source.write_text(LESSON[LESSON.index("# %%") :])
    with pytest.raises(ValueError, match="copy the header of another lesson"):
        read_source(source)


def test_build_outside_the_course_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["build"]) == 2
    assert "run this from the root" in capsys.readouterr().err
    assert main(["build", "nowhere.py"]) == 2
    assert "nowhere.py is not a percent file" in capsys.readouterr().err


def jupyterlab(root):
    """JupyterLab's own access to files, as jupytext extends it, for the folder `root`.

    Pairs are configured there as they are in the course.
    """
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    for folder in EXECUTED:
        (root / folder).mkdir(exist_ok=True)
        shutil.copy(ROOT / folder / "jupytext.toml", root / folder)
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
    manager.root_dir = str(root)
    return manager


def test_a_save_in_jupyterlab_reaches_the_source(source, tmp_path):
    os.utime(source, (0, 0))  # older than its twin, as after every build and many a checkout
    manager = jupyterlab(tmp_path)
    model = manager.get("course/00_small.ipynb")
    model["content"]["cells"][1]["source"] = 'print("hello again")'
    manager.save(model, "course/00_small.ipynb")
    saved = read_source(source)
    assert saved.cells[1].source == 'print("hello again")'
    assert [c.id for c in saved.cells] == ["a-small-lesson", "greet", "greet-2", "greet-3", "fail"]
    assert saved.cells[4].metadata.tags == ["raises-exception"]


@pytest.mark.parametrize("newer", [".py", ".ipynb"])
@pytest.mark.parametrize("lesson", sources(ROOT), ids=lambda path: path.stem)
def test_jupyterlab_opens_and_saves_every_lesson_as_it_is(lesson, newer, tmp_path):
    folder = tmp_path / lesson.parent.name
    folder.mkdir()
    twins = [shutil.copy(lesson.with_suffix(end), folder) for end in (".py", ".ipynb")]
    for twin in twins:
        os.utime(twin, (10**9, 10**9) if twin.endswith(newer) else (0, 0))  # a checkout's whim
    manager = jupyterlab(tmp_path)
    name = f"{folder.name}/{lesson.stem}.ipynb"
    model = manager.get(name)
    assert all(c.execution_count for c in model["content"].cells if c.cell_type == "code")
    manager.save(model, name)
    assert Path(twins[0]).read_text(encoding="utf-8") == lesson.read_text(encoding="utf-8")
    assert differences(Path(twins[0])) == []


def test_blank_lines_that_jupyterlab_would_refuse_are_built_away(source):
    edit(source, "# %%\nword", "\n# %%\nword")
    assert "not written as JupyterLab would save it" in differences(source)[0]
    assert build(source) == "refreshed"
    assert differences(source) == []


@pytest.mark.parametrize("folder", EXECUTED)
def test_jupytext_is_told_the_same_in_each_folder_of_pairs(folder):
    told = tomllib.loads((ROOT / folder / "jupytext.toml").read_text())
    for name in ("notebook_metadata_filter", "cell_metadata_filter"):
        assert getattr(AS_JUPYTERLAB_WRITES, name) == told[name]


def test_only_the_folders_of_authors_are_paired():
    """JupyterLab takes the first settings that it finds from a notebook's folder upward."""
    assert "jupytext" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    found = {path.parent.name for path in ROOT.glob("*/*jupytext*")}
    assert found == set(EXECUTED) and not list(ROOT.glob("*jupytext*"))


def test_a_cell_tagged_hide_input_is_folded_in_jupyterlab_and_on_the_site(tmp_path):
    path = tmp_path / "course" / "01_small.py"
    path.parent.mkdir()
    path.write_text(
        LESSON[: LESSON.index("# %%")]
        + '# %% plot tags=["hide-input"]\nx = 1\n\n# %% plain\ny = 2\n'
    )
    folded, plain = read_source(path).cells
    assert folded.metadata == {
        "title": "plot",
        "tags": ["hide-input"],
        "jupyter": {"source_hidden": True},
    }
    assert "jupyter" not in plain.metadata


def test_progress_lines_are_shown_while_a_cell_runs_and_never_stored(source):
    edit(
        source,
        'print("hello")',
        "from IPython.display import display\n\n"
        "shown = {'progress': True}\n"
        "line = display({'text/plain': 'step 1'}, raw=True, metadata=shown, display_id=True)\n"
        "line.update({'text/plain': 'step 2'}, raw=True, metadata=shown)\n"
        'print("trained")',
    )
    build(source)
    cell = nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells[1]
    assert [output.get("text") for output in cell.outputs] == ["trained\n"]
