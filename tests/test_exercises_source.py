"""A malformed set is refused with one sentence; a derived file with one wrong letter is found."""

from pathlib import Path

import nbformat
import pytest
from exercise_kit import edit, small_set, tried_text

from coursekit.__main__ import main
from coursekit.checks import record
from coursekit.source import cut
from coursekit.source.answers import read_answers
from coursekit.source.build import derive
from coursekit.source.pairs import strays
from coursekit.source.rehearse import faults, rehearse
from coursekit.source.tasks import read_set


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The percent file of a small set, in the folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    small_set(tmp_path)
    return Path("solutions/01_small.py")


@pytest.fixture
def made(source):
    """The same, with its exercises made."""
    derive(source)
    return source


def test_the_task_on_the_page_for_authors_is_proven(source):
    rehearsals = rehearse(read_set(source))
    assert faults(rehearsals) == []
    assert len(rehearsals[0].answers.wrong) == 6


MALFORMED = {
    "# Exercises 01: squares": ("# Some exercises", "must begin with '# Exercises 01:"),
    'exercise_set("01_small")': ('exercise_set("02_small")', 'must call exercise_set("01_small")'),
    "Task 1:": ("Task 2:", "'square': must begin with '## Task 1:"),
    '"difficulty": 1': ('"difficulty": 6', "'square': needs task="),
    '"minutes": 5': ('"minutes": 0', "'square': needs task="),
    '"minutes": 5}': ('"minutes": 5, "time": 5}', "its field 'time' is unknown"),
    "5}\n# ## Task": (
        '5, "needs": ["cube"]}\n# ## Task',
        "needs 'cube', which is not an earlier task",
    ),
    "# %% square-answer": ("# %% squares-answer", "'squares-answer': stands in the task 'square'"),
    "# %% square-hints [m": ("# %% hints [m", "'square': has no cell `square-hints`"),
    "# %% square-check points=100": ("# %% check points=100", "has no cell `square-check`"),
    "    # answer\n": ("", "'square-answer': line 4: `# end answer` is out of place"),
    "    # end answer\n": ("", "needs `# answer` above and `# end answer` below"),
    "    return x * x.abs()\n": ("", "there is no answer above this marker"),
    "    # answer\n    return": ("# answer\n    return", "must stand inside a function"),
    "def square(x):": ("y = 2\n\n\ndef square(x):", "line 1 is not a function, class or import"),
    "def square(x): ": (
        "import torchvision\n\n\ndef square(x):",
        "uses torchvision, which its task does not list",
    ),
    "points=100": ("points=90", "the points make 90, and not 100 (square 90)"),
    " points=100": ("", "'square-check': needs points=n"),
    'Check("square-check")': ('Check("other")', 'must contain the line check = Check("square-'),
    "    check(f": ("    print(f", "prints no line of what the student's code computes"),
    "check.done()": ("assert True\ncheck.done()", "'square-check': asserts"),
    "\ncheck.done()": ("", "'square-check': must end with check.done()"),
    "for shape in": ("for shape on", "'square-check': is not plain Python, line 2"),
    "Hint 2": ("Hint 3", "'square-hints': needs at least two folds"),
}


@pytest.mark.parametrize("old", MALFORMED)
def test_a_malformed_source_is_refused(source, old):
    new, said = MALFORMED[old]
    edit(source, old, new)
    with pytest.raises(ValueError) as refusal:
        read_set(source)
    assert str(refusal.value).startswith("solutions/01_small.py") and said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_two_cells_of_one_name_and_words_without_markers_are_refused(source):
    text = source.read_text()
    source.write_text(text + "\n# %% square-answer\nx = 1\n")
    with pytest.raises(ValueError, match="two cells would be called 'square-answer'"):
        read_set(source)
    source.write_text(text + "\n# %% square-words [markdown] manual=5\n# Why?\n")
    with pytest.raises(ValueError, match="'square-words': needs the answer in words between"):
        read_set(source)


TRIED = {
    '[[square.wrong]]\nname = "cube"': ('[[cube.wrong]]\nname = "cube"', "[cube] is not a task"),
    "different =": ("another =", "[square] has different ="),
    'name = "cube"': ('name = "size"', "has 'size' twice"),
    'says = "you took the third power"': ("", "'cube' must have name, says, and either old"),
    'says = "you took': ('says = ""\nextra = "', "'cube' must have name, says"),
    'old = "x * x.abs()"': ('old = "x"', "old text occurs 4 times"),
    'new = "x * x"': ('new = "x * x.abs()"', "'no-sign' is the solution itself"),
    "'''\n\n[[": ("\n\n[[", "is not valid TOML"),
}


@pytest.mark.parametrize("old", TRIED)
def test_malformed_answers_are_refused(source, old):
    new, said = TRIED[old]
    edit(source.with_suffix(".toml"), old, new)
    with pytest.raises(ValueError) as refusal:
        read_answers(read_set(source))
    assert str(refusal.value).startswith("solutions/01_small.toml") and said in str(refusal.value)


def test_five_wrong_answers_or_none_at_all_are_too_few(source):
    tried = source.with_suffix(".toml")
    tried.write_text(tried_text()[: tried_text().rindex("[[square.wrong]]")])
    with pytest.raises(ValueError, match="has 5 wrong answers; a task needs at least 6"):
        read_answers(read_set(source))
    tried.unlink()
    with pytest.raises(ValueError, match="01_small.toml is missing"):
        read_answers(read_set(source))


UNPROVEN = [
    (
        ".py",
        "check.normal(*shape))",
        "check.normal(*shape).abs())",
        "the wrong answer 'no-sign' gets full points",
    ),
    (
        ".py",
        'Check("square-check")\n',
        'Check("square-check")\nsquare(check.normal(2))\n',
        "'square-check': raises NotImplementedError",
    ),
    (
        ".py",
        "    return x * x.abs()",
        "    return x * x.abs() + x.lost()",
        "without a value for the solution",
    ),
    (
        ".py",
        "    # answer",
        "    # answer\n    raise NotImplementedError('your turn')",
        "prints a line without a value for the solution",
    ),
    (
        ".py",
        "    # end answer",
        "    # given\n    # return abs(x) * x\n    # end answer",
        "the unsolved exercise passes square-check",
    ),
    (".toml", "x.sign() * x**2", "x**2", "the different right answer loses points: maps of"),
    (".toml", 'new = "x * x * x"', 'new = "x * x"', "gets both feedbacks"),
    (".toml", 'new = "x * x * x"', 'new = "x.nothing"', "only raises errors"),
    (
        ".toml",
        "[[square",
        '[square.within]\n"no line" = [0, 1]\n\n[[square',
        "[within] must have an interval for each line of check.measure",
    ),
]


@pytest.mark.parametrize(("kind", "old", "new", "said"), UNPROVEN)
def test_a_set_that_proves_nothing_is_not_built(source, kind, old, new, said, capsys):
    edit(source.with_suffix(kind), old, new)
    assert main(["build", str(source)]) == 2
    assert said in capsys.readouterr().err
    assert not Path("exercises").exists()


def test_a_wrong_answer_without_an_end_is_refused_by_its_name(source, capsys, monkeypatch):
    monkeypatch.setattr("coursekit.source.cells.LINE_LIMIT", 2)
    endless = "[x for each in iter(int, 1) if each]"
    edit(source.with_suffix(".toml"), 'new = "x * x * x"', f'new = "{endless}"')
    assert main(["build", str(source)]) == 2
    said = capsys.readouterr().err
    assert "takes longer than 2 s (the wrong answer 'cube')" in said
    assert not Path("exercises").exists()


def test_an_exercise_has_stubs_fields_and_no_answers(made):
    exercise = nbformat.read("exercises/01_small.ipynb", as_version=4)
    nbformat.validate(exercise)
    cells = {cell.id: cell for cell in exercise.cells}
    assert 'raise NotImplementedError("square: your turn")' in cells["square-answer"].source
    assert "return" not in cells["square-answer"].source
    assert "*Difficulty 1 of 5, 5 minutes, 100 points*" in cells["square"].source
    assert "*1 tasks, about 5 minutes, 100 points*" in exercise.cells[0].source
    assert cells["square"].metadata.task == {"difficulty": 1, "minutes": 5}
    assert cells["square-check"].metadata.points == 100
    assert not any(cell.get("outputs") for cell in exercise.cells)
    assert {path.name for path in Path("exercises").iterdir()} == {"01_small.ipynb", "expected"}


DERIVED = [
    ("exercises/01_small.ipynb", "your turn", "your torn"),
    ("exercises/01_small.ipynb", '"points": 100', '"points": 101'),
    ("exercises/01_small.ipynb", '"square-check"', '"square-chick"'),
    ("exercises/expected/01_small.json", "float64", "float65"),
    ("exercises/expected/01_small.json", '"points": 100', '"points": 900'),
]


@pytest.mark.parametrize(("name", "old", "new"), DERIVED)
def test_one_letter_in_a_derived_file_is_found_and_built_away(made, name, old, new):
    assert cut.differences(made) == []
    edit(Path(name), old, new)
    found = cut.differences(made)
    assert len(found) == 1 and found[0].startswith(name) and "`make build` repairs it" in found[0]
    derive(made)
    assert cut.differences(made) == []
    Path(name).unlink()
    assert cut.differences(made) == [f"{name} is missing; `make build` repairs it"]


def test_one_letter_in_the_executed_solution_is_found(made, capsys):
    assert main(["build", str(made)]) == 0
    assert main(["build", "--check"]) == 0
    edit(made.with_suffix(".ipynb"), "return x", "return y")
    assert main(["build", "--check"]) == 1
    assert "cell 'square-answer': its source differs" in capsys.readouterr().out


def test_files_without_a_solution_are_astray(made):
    assert strays(Path()) == []
    for name in (
        "exercises/02_lost.ipynb",
        "exercises/01_small.py",
        "exercises/expected/02_lost.json",
        "solutions/notes.txt",
        "solutions/02_lost.toml",
        "exercises/notes.json",
    ):
        Path(name).write_text("")
        assert [fault for fault in strays(Path()) if fault.startswith(name)], name
        Path(name).unlink()
    Path("exercises/mine").mkdir()
    Path("exercises/mine/progress.json").write_text("{}")
    assert strays(Path()) == []


def test_building_keeps_a_copy_of_a_students_work(made):
    path = Path("exercises/01_small.ipynb")
    edit(path, "your turn", "mine")
    text = path.read_text()
    derive(made)
    kept = list(Path("work/mine/kept").iterdir())
    assert [each.read_text() for each in kept] == [text] and path.read_text() != text
    derive(made)
    assert len(list(Path("work/mine/kept").iterdir())) == 1


def test_the_record_tells_the_right_lines_and_hides_the_wrong_ones(made):
    task = record.read(Path("exercises/expected/01_small.json")).tasks["square"]
    assert all(line.startswith("maps of (") for line in task.cells["square-check"].lines)
    assert [wrong.name for wrong in task.wrong][:2] == ["no-sign", "twice"]
    assert task.hints and task.imports == ()
