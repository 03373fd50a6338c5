"""Students' notebooks as they come: read whole, and every answer found where it is."""

import contextlib
import copy
import json
import random
import time
from dataclasses import replace

import pytest
from mutilations import SETS, answers, mutilate, notebook, percent, record, source, text, version_3

from coursekit.checks.record import GivenCell
from coursekit.dataclass_json import encode
from coursekit.submissions.contents import PARTS_LIMIT
from coursekit.submissions.matching import match, set_of
from coursekit.submissions.reading import CELL_LIMIT, SIZE_LIMIT, Unreadable, read_notebook

SET = "05_arl_fix"
RECORD = record(SET)
CODE = "x = 'caf\u00e9'"


def one(source=CODE, **fields):
    """A notebook of one cell, as JSON."""
    cell = {"cell_type": "code", "metadata": {}, "source": source} | fields
    return text({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def read(content, name="x.ipynb"):
    """The reading of a notebook, of its text, or of bytes."""
    content = text(content) if isinstance(content, dict) else content
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return read_notebook(data, name)


def sources(content, name="x.ipynb"):
    return [cell.source for cell in read(content, name).cells]


# Reading


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-32-be", "UTF-32"),
        ("latin-1", "Latin-1"),
    ],
)
@pytest.mark.parametrize("script", [False, True])
def test_every_encoding_is_read(encoding, note, script):
    content = f"# %%\n{CODE}\n" if script else one()
    got = read(content.encode(encoding))
    assert [cell.source for cell in got.cells] == [CODE]
    assert [note in each for each in got.notes] == [True] * bool(note)


def test_bytes_of_another_encoding_damage_their_own_characters_alone():
    got = read(one("a = '\u00e9\u4e2d'\nb = '?'").encode().replace(b"?", b"\xff\xe9"))
    assert got.cells[0].source == "a = '\u00e9\u4e2d'\nb = '\u00ff\u00e9'"
    assert got.notes == ("Bytes that are no UTF-8 were read as Latin-1: 2.",)


def version_2(content):
    return version_3(content) | {"nbformat": 2}


@pytest.mark.parametrize("older", [version_2, version_3])
def test_older_formats_are_read(older):
    cells = [
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": {}},
        {"cell_type": "markdown", "source": "## Task 1: Merge", "metadata": {}},
    ]
    got = read(older({"cells": cells}))
    assert [(cell.kind, cell.source, cell.id) for cell in got.cells] == [
        ("code", "a = 1\nb = 2", None),
        ("markdown", "## Task 1: Merge", None),
    ]
    assert got.notes == ()


@pytest.mark.parametrize(
    ("written", "source", "noted"),
    [
        (["a\n", "b"], "a\nb", False),
        (["a", "b"], "a\nb", False),
        ("a\r\nb\rc", "a\nb\nc", False),
        (None, "", True),
        (7, "", True),
        ({"a": 1}, "", True),
        (["a\n", None, 3, "b"], "a\nb", True),
        ("a\0b", "ab", True),
        ("a\ud800b", "a\ufffdb", True),
        ("\U0001f600", "\U0001f600", False),
    ],
)
def test_odd_sources_are_mended(written, source, noted):
    for content in (one(written), json.dumps(json.loads(one(written)))):
        got = read(content)
        if "\ud800" in str(written) and content == one(written):
            continue  # UTF-8 has no such bytes: they were read as Latin-1
        assert got.cells[0].source == source and bool(got.notes) == noted
        got.cells[0].source.encode("utf-8")


@pytest.mark.parametrize(
    ("fields", "identity"),
    [
        ({}, None),
        ({"id": "a"}, "a"),
        ({"id": 3}, None),
        ({"metadata": {"id": "b"}}, "b"),
        ({"metadata": None}, None),
        ({"metadata": [1]}, None),
        ({"id": None, "extra": [[]]}, None),
    ],
)
def test_ids_and_metadata_may_be_missing(fields, identity):
    cell = read(one(**fields)).cells[0]
    assert (cell.id, cell.source) == (identity, CODE) and isinstance(cell.metadata, dict)


def test_null_cells_and_repeated_ids():
    cells = [
        None,
        {"cell_type": "code", "id": "a", "source": "1"},
        3,
        [],
        {},
        {"cell_type": "raw", "id": "a", "source": "2"},
    ]
    got = read({"cells": cells})
    assert [(cell.id, cell.kind, cell.source) for cell in got.cells if cell.source] == [
        ("a", "code", "1"),
        ("a", "markdown", "2"),
    ]
    assert "Cells that were null, or no cells at all, were left out." in got.notes


SOLVED = notebook(SET)
WHOLE = [cell["source"] for cell in SOLVED["cells"]]


@pytest.mark.parametrize("indent", [1, None])
def test_all_whole_cells_of_a_truncated_file_are_saved(indent):
    full = text(SOLVED, indent)
    ends = [full.index(json.dumps(WHOLE[k + 1], ensure_ascii=False)) for k in range(len(WHOLE) - 1)]
    for k, end in enumerate(ends):
        got = read(full[:end])
        assert [cell.source for cell in got.cells] == WHOLE[: k + 1]
        assert got.notes == (f"The file is damaged; whole cells that were saved: {k + 1}.",)


@pytest.mark.parametrize("tail", ["}", "\n]}\n", "<<<", "\0\0", '{"a": 1}', "\ud800", "# %%\n"])
def test_what_follows_the_end_is_ignored(tail):
    got = read(text(SOLVED) + tail)
    assert [cell.source for cell in got.cells] == WHOLE and "were ignored" in got.notes[-1]


def test_what_precedes_the_beginning_and_a_second_copy():
    assert sources("Here is my work:\n" + text(SOLVED)) == WHOLE
    assert sources(text(SOLVED) * 2) == WHOLE * 2
    assert sources("\0" + text(SOLVED)) == WHOLE


@pytest.mark.parametrize(
    "bad", ["[" * 100_000, '{"a":' * 100_000, "nul", '"open', "1" * 9_000 + "x"]
)
def test_a_damaged_cell_costs_no_other(bad):
    cells = [json.dumps(cell, ensure_ascii=False) for cell in SOLVED["cells"]]
    cells[3] = cells[3].replace('"metadata": {"title"', f'"metadata": {bad}{{"title"')
    assert sources('{"cells": [' + ", ".join(cells) + "]}") == WHOLE[:3] + WHOLE[4:]


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "1" * 9_000, '"\n\t\x01"'])
def test_what_json_does_not_have_is_read(value):
    cell = f'{{"cell_type": "code", "source": "x", "execution_count": {value}}}'
    assert sources(f'{{"cells": [{cell}]}}') == ["x"]


def conflict(upper, lower):
    """A notebook in which Git has left both sides of its second cell."""

    def lines(source):
        return f'  "source": {json.dumps(source)}\n'

    sides = [
        f"<<<<<<< HEAD\n{lines(upper)}",
        f"||||||| base\n{lines('old')}",
        f"=======\n{lines(lower)}",
        ">>>>>>> 1a2b3c (Solve it)\n",
    ]
    return (
        '{"cells": [\n {"cell_type": "code", "source": "a"},\n {"cell_type": "code",\n'
        + "".join(sides)
        + ' },\n {"cell_type": "code", "source": "c"}\n]}'
    )


@pytest.mark.parametrize(
    ("upper", "lower", "side"),
    [
        ("mine", "theirs", "upper"),
        ("raise NotImplementedError('x: your turn')", "mine", "lower"),
        ("mine", "raise NotImplementedError('x: your turn')", "upper"),
    ],
)
def test_of_a_merge_conflict_the_side_with_more_written_is_read(upper, lower, side):
    got = read(conflict(upper, lower))
    assert [cell.source for cell in got.cells] == ["a", "mine", "c"]
    assert got.notes == (
        f"Git's conflict marks were in the file; the {side} side of each was read.",
    )


def test_huge_outputs_are_read_within_the_limit_and_refused_in_a_sentence_above_it():
    image = {"output_type": "display_data", "data": {"image/png": "iVBO" * 2_000_000}}
    lines = {"output_type": "stream", "name": "stdout", "text": ["a line\n"] * 200_000}
    got = read(one(outputs=[image, lines]))
    assert [cell.source for cell in got.cells] == [CODE] and got.notes == ()
    with pytest.raises(Unreadable, match="64,000,001 bytes and the limit is 64,000,000; clear its"):
        read_notebook(b" " * (SIZE_LIMIT + 1), "x.ipynb")
    with pytest.raises(Unreadable, match=f"values and the limit is {PARTS_LIMIT:,}"):
        read('{"cells": [' + "{}," * (PARTS_LIMIT // 2 + 1))


@pytest.mark.parametrize("cells", ["# %%\n1\n", '{"cell_type": "code", "source": "1"},'])
def test_too_many_cells_are_refused(cells):
    assert len(read("x " + cells * CELL_LIMIT).cells) in (CELL_LIMIT, CELL_LIMIT + 1)
    with pytest.raises(Unreadable, match=f"more than {CELL_LIMIT:,} cells; delete those"):
        read("x " + cells * (CELL_LIMIT + 9))


def test_pictures_pasted_into_a_text_are_left_out_and_so_are_endless_cells():
    picture = f"![me](data:image/png;base64,{'iVBO' * 100_000}) as drawn"
    assert sources(one(picture, cell_type="markdown")) == ["![me]() as drawn"]
    got = read(
        {
            "cells": [
                {"cell_type": "code", "source": "x" * 100_001},
                {"cell_type": "code", "source": "y" * 100_000},
            ]
        }
    )
    assert [len(cell.source) for cell in got.cells] == [0, 100_000]
    assert got.notes == ("Cells of more than 100,000 characters were read as empty.",)
    with pytest.raises(Unreadable, match="2,100,000 characters in its cells and the limit is"):
        read({"cells": [{"cell_type": "code", "source": "y" * 100_000}] * 21})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n \0",
        b"%PDF-1.7",
        b"PK\3\4",
        b"<!DOCTYPE html>",
        b"\x89PNG\r\n",
        b"{}",
        b"[]",
        b"null",
        b'{"cells": null}',
        b'{"cells": []}',
        b'{"worksheets": 3}',
        b"\xff\xfe",
        b"\x80" * 99,
        b'{"cells": [null]}',
        b'{"cells": {}}',
        b"x = 1",
    ],
)
def test_what_is_no_notebook_is_refused_in_one_sentence(data):
    with pytest.raises(Unreadable) as refused:
        read_notebook(data, "x.ipynb")
    assert str(refused.value).startswith("the file is ") and str(refused.value).isprintable()


HOSTILE = {
    "conflicts": b"<<<<<<< a\n" * 500_000,
    "cells": b'{"cell_type":' * 500_000,
    "ids": b'{"id":{}' * 500_000,
    "braces": b"{" * 3_000_000,
    "quotes": b'"' * 3_000_000,
    "titles": b"# %% " + b" " * 1_000_000 + b"x",
    "headers": b"# ---\n" * 300_000,
    "digits": b'{"cells":[],"a":' + b"1" * 3_000_000 + b"}",
    "bytes": b"\xe9" * 3_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_takes_long(name):
    start = time.process_time()
    with contextlib.suppress(Unreadable):
        read_notebook(HOSTILE[name], "x.ipynb")
    assert time.process_time() - start < 20  # it takes tenths; a square of it, hours


@pytest.mark.parametrize("name", SETS)
def test_a_script_gives_the_cells_of_its_notebook(name):
    want = notebook(name)
    got = read(percent(want), "x.py")
    assert [(cell.source, cell.kind, cell.metadata.get("title")) for cell in got.cells] == [
        (cell["source"], cell["cell_type"], cell["metadata"].get("title")) for cell in want["cells"]
    ]


@pytest.mark.parametrize(
    ("script", "cells"),
    [
        ("# %%\na\n# %% [markdown]\n# b\n#\n#  c\n", [("code", "a"), ("markdown", "b\n\n c")]),
        ('# %% [markdown]\n"""\nb\n"""\n#%%\na', [("markdown", "b"), ("code", "a")]),
        ("x = 1\n# %% t points=3\na\n# %%time\nb", [("code", "x = 1"), ("code", "a\n# %%time\nb")]),
        ("# In[ ]:\n\na\n\n# In[12]:\nb\n", [("code", "a"), ("code", "b")]),
        ("# ---\n# jupyter: 3\n# ---\n\nonly = 1\n", [("code", "only = 1")]),
        ("# %%\ns = '''\n", [("code", "s = '''")]),
    ],
)
def test_scripts_of_other_programs(script, cells):
    assert [(cell.kind, cell.source) for cell in read(script, "x.py").cells] == cells


# Matching


def solved():
    """A fresh copy of the solved notebook, and its cells by id."""
    content = copy.deepcopy(SOLVED)
    return content, {cell["id"]: cell for cell in content["cells"]}


def put(content, after, *codes, kind="code"):
    """Add cells of the student's own after a cell."""
    place = next(k for k, cell in enumerate(content["cells"]) if cell.get("id") == after) + 1
    content["cells"][place:place] = [
        {"cell_type": kind, "id": f"own-{after}-{k}", "metadata": {}, "source": code}
        for k, code in enumerate(codes)
    ]


def remove(content, *ids):
    content["cells"] = [cell for cell in content["cells"] if cell.get("id") not in ids]


def anonymous(content):
    """As after Colab: other ids, no titles."""
    for k, cell in enumerate(content["cells"]):
        cell.pop("id", None)
        cell["metadata"] = {"id": f"colab{k}"}
    return content


def matched(content, name="x.ipynb"):
    return match(read(content, name).cells, RECORD)


def only(source, how="by its cell id", added=()):
    return ((source,), how, tuple(added))


def found(content, task="merge"):
    got = matched(content).answers[task]
    return got.sources, got.how, got.added


ANSWERS = answers(SET)
MERGE = "def merge(trunk, mask):\n    return trunk + trunk * mask"


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("form", "how"),
    [
        (lambda content: content, "by its cell id"),
        (lambda content: percent(content), "by its title"),
        (lambda content: version_3(content), "by its title"),
        (anonymous, "by what it defines"),
        (lambda content: version_3(anonymous(content)), "by what it defines"),
        (lambda content: percent(anonymous(content)), "by what it defines"),
    ],
)
def test_a_solved_notebook_gives_its_answers_and_nothing_else(name, form, how):
    content = read(form(notebook(name)))
    got = match(content.cells, record(name))
    assert {task: each.sources for task, each in got.answers.items()} == {
        task: (answer,) for task, answer in answers(name).items()
    }
    assert {each.how for each in got.answers.values()} == {how}
    assert all(each.added == () for each in got.answers.values())
    assert got.before == () and got.notes == ()
    spoken = [name for name, task in record(name).tasks.items() if task.words]
    assert got.words == dict.fromkeys(spoken, "Because the na\u00efve rule fades.")


@pytest.mark.parametrize("name", SETS)
def test_an_unsolved_notebook_gives_the_stubs_and_no_words(name):
    given = {"cells": [encode(cell) for cell in record(name).notebook]}
    for content in (given, anonymous(copy.deepcopy(given))):
        got = match(read(content).cells, record(name))
        assert {task: each.sources for task, each in got.answers.items()} == {
            task: (source(name, each.answer),) for task, each in record(name).tasks.items()
        }
        assert got.words == {} and got.before == () and got.notes == ()


@pytest.mark.parametrize("name", SETS)
def test_shuffled_and_anonymous_answers_are_found(name):
    content = anonymous(notebook(name))
    random.Random(name).shuffle(content["cells"])
    got = match(read(content).cells, record(name))
    assert {task: each.sources for task, each in got.answers.items()} == {
        task: (answer,) for task, answer in answers(name).items()
    }


def test_a_missing_answer_is_absent_and_the_others_are_not():
    content, _ = solved()
    remove(content, "merge-answer")
    got = matched(content)
    assert (got.answers["merge"].sources, got.answers["merge"].how) == ((), "not found")
    assert got.answers["slopes"].sources == (ANSWERS["slopes"],)


def test_copies_run_in_order_and_stubs_count_only_alone():
    content, cells = solved()
    first = len(content["cells"])
    content["cells"].append(dict(cells["merge-answer"], source=MERGE))
    assert found(content)[:2] == ((ANSWERS["merge"], MERGE), "by its cell id, in 2 cells")
    content["cells"][first]["id"] = "pasted"  # as JupyterLab does: the title stays
    assert found(content)[:2] == (
        (ANSWERS["merge"], MERGE),
        "by its cell id, and by its title, in 2 cells",
    )
    content["cells"][first]["source"] = source(SET, "merge-answer")
    assert found(content) == only(ANSWERS["merge"])


@pytest.mark.parametrize("where", ["merge", "merge-check", "merge-hints", "depth-check", "setup"])
def test_an_answer_in_a_cell_of_its_own_counts_though_the_stub_was_left(where):
    content, cells = solved()
    cells["merge-answer"]["source"] = source(SET, "merge-answer")
    put(content, where, MERGE)
    assert found(content) == only(MERGE, "by what it defines")
    remove(content, "merge-answer")
    assert found(content) == only(MERGE, "by what it defines")


def test_an_answer_split_over_cells_is_whole():
    factor, until = ANSWERS["depth"].split("\n\n\n")
    content, cells = solved()
    cells["depth-answer"]["source"] = factor
    put(content, "depth-answer", "import math", until)
    how = "by its cell id, and by what it defines, in 2 cells"
    assert found(content, "depth") == ((factor, until), how, ("import math",))
    stubs = source(SET, "depth-answer").split("\n\n\n")
    cells["depth-answer"]["source"] = "\n\n\n".join([factor, stubs[1]])
    remove(content, "own-depth-answer-1")
    put(content, "depth", until)  # above the cell whose second function is still a stub
    got, _, _ = found(content, "depth")
    assert got == (cells["depth-answer"]["source"], until)


def test_answers_all_in_one_cell_go_each_to_its_task():
    content, _ = solved()
    remove(content, *(task.answer for task in RECORD.tasks.values()))
    put(content, "setup", "import math\n\n" + "\n\n\n".join(ANSWERS.values()))
    for task, answer in ANSWERS.items():
        (got,), how, added = found(content, task)
        assert answer in got and got.startswith("import math") and added == ()
        names = {name for each in RECORD.tasks.values() for name in each.names}
        for name in names - set(RECORD.tasks[task].names):
            assert f"def {name}(" not in got and f"class {name}(" not in got
        assert how == "by what it defines"


def test_a_script_without_marks_gives_answers_and_no_checks():
    code = "\n\n\n".join(cell["source"] for cell in SOLVED["cells"] if cell["cell_type"] == "code")
    got = matched(code, "x.py")
    assert set_of(read(code, "x.py").cells, "x.py", {SET: RECORD}) == SET
    for task, answer in ANSWERS.items():
        (found,) = got.answers[task].sources
        assert answer in found and "check" not in found and "exercise_set" not in found
        assert "def parts" not in found and "def network" not in found
    assert got.before == ()


@pytest.mark.parametrize(
    "broken",
    [
        "def merge(trunk, mask:\n    return 1",
        "merge = (",
        "!ls",
        "def merge(trunk, mask):\nreturn trunk",
        "\0",
        "def f(" * 99,
        "-" * 90_000 + "1",
        "a" + ".a" * 40_000,
    ],
)
def test_code_that_does_not_parse_costs_no_other_answer(broken):
    content, cells = solved()
    cells["merge-answer"]["source"] = broken
    got = matched(content)
    assert got.answers["merge"].sources == (broken.replace("\0", ""),)
    one, _ = solved()
    remove(one, *(task.answer for task in RECORD.tasks.values()))
    put(one, "setup", "\n\n".join([broken, *list(ANSWERS.values())[1:]]))
    if broken.startswith(("def merge(trunk, mask:", "!ls", "-")):
        assert all(ANSWERS[task] in found(one, task)[0][0] for task in list(ANSWERS)[1:])


def test_a_function_renamed_is_found_by_its_place_and_the_stub():
    content = anonymous(solved()[0])
    here = next(cell for cell in content["cells"] if cell["source"] == ANSWERS["merge"])
    here["source"] = ANSWERS["merge"].replace("def merge", "def my_merge")
    assert found(content) == only(
        here["source"], "by its place under the heading, and likeness to the stub"
    )
    content["cells"].remove(here)
    content["cells"].append(here)
    assert found(content) == only(here["source"], "by likeness to the stub")
    here["source"] = "def f(a, b):\n    return a"
    assert found(content)[0] == ()
    content["cells"].remove(here)
    content["cells"].insert(3, here)
    assert found(content) == only(here["source"], "by its place under the heading")


@pytest.mark.parametrize(
    "heading",
    [
        "## Task 1: Merge the branches",
        "# TASK 1 - Merge branches",
        "**Task 1**",
        "### Task 1.",
        "## Merge the branches!",
        "## Task 1: merge the two branches (done)",
        "## 1. Merge the branches",
    ],
)
def test_headings_are_known_by_number_and_likeness(heading):
    content = anonymous(solved()[0])
    content["cells"] = [
        {"cell_type": "markdown", "source": heading},
        {"cell_type": "code", "source": "y = 7"},
    ]
    assert found(content) == only("y = 7", "by its place under the heading")


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("fence", ["```python\n{}\n```", "Mine:\n\n~~~\n{}\n~~~\nDone.", "{}"])
def test_an_answer_turned_to_text_is_code_again(kind, named, fence):
    content, cells = solved()
    cells["merge-answer"] |= {"cell_type": kind, "source": fence.format(ANSWERS["merge"])}
    content = content if named else anonymous(content)
    how = "by its cell id" if named else "by what it defines"
    assert found(content) == only(ANSWERS["merge"], how + ", in a cell that was not code")


def test_own_cells_travel_with_the_answer_that_they_follow():
    content, _ = solved()
    put(content, "setup", "import os")
    put(content, "merge", "half = 0.5")
    put(content, "merge-answer", "print(merge)", "# %debug", "")
    put(content, "merge-hints", "last = 1")
    got = matched(content)
    assert got.before == ("import os",)
    assert got.answers["merge"].sources == ("half = 0.5", ANSWERS["merge"])
    assert got.answers["merge"].added == ("print(merge)", "# %debug", "last = 1")
    assert all(got.answers[task].added == () for task in ANSWERS if task != "merge")


def test_of_setup_and_helpers_only_what_is_added_is_kept():
    content, cells = solved()
    cells["setup"]["source"] = (
        "import math\n"
        + cells["setup"]["source"].replace('exercise_set("', 'print("')
        + "\nfrom os import path\n\n\ndef own():\n    pass\n\n\nx = 3"
    )
    helper = cells["attend-parts"]
    helper["source"] = helper["source"].replace("nn.Sigmoid()", "nn.ReLU()")
    got = matched(content)
    assert got.before == ("import math\nfrom os import path\ndef own():\n    pass",)
    assert got.answers["attend"].added == ()
    lost = matched(anonymous(content))
    assert lost.answers["attend"] == got.answers["attend"].__class__(
        (ANSWERS["attend"],), "by what it defines"
    )


CHECK = source(SET, "merge-check")
ALTERED = {
    "points written": CHECK.replace("check.done()", "print('merge-check: 10 of 10 points')"),
    "another name": CHECK.replace('Check("merge-check")', 'Check("slopes-check")'),
    "other shapes": CHECK.replace("5, 7", "1, 1"),
    "no check left": CHECK.partition("\n")[2].replace("check(", "print("),
    "empty": "",
    "always equal": "class Check:\n    pass\n" + CHECK,
    "not code": "Nothing to see",
}


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.parametrize("lost", [False, True])
def test_altered_deleted_and_copied_checks_have_no_effect(name, lost):
    content, cells = solved()
    cells["merge-check"]["source"] = ALTERED[name]
    content["cells"].append(dict(cells["merge-check"]))
    content["cells"].insert(0, dict(cells["slopes-check"]))
    remove(content, "depth-check")
    if lost and name in ("empty", "not code", "always equal", "no check left"):
        return  # without an id this is a cell of the student's own
    got = matched(anonymous(content) if lost else content)
    assert {task: each.sources for task, each in got.answers.items()} == {
        task: (answer,) for task, answer in ANSWERS.items()
    }
    assert all(each.added == () for each in got.answers.values()) and got.before == ()


def test_an_answer_written_into_a_check_is_not_read_and_that_is_said():
    content, cells = solved()
    cells["merge-check"]["source"] = f"{MERGE}\n\n{CHECK}"
    assert matched(content).notes == ()
    remove(content, "merge-answer")
    got = matched(content)
    assert got.answers["merge"].sources == ()
    assert got.notes == (
        "The check cell merge-check defines merge; nothing in a check counts as an answer.",
    )


def test_an_answer_merged_with_its_check_is_freed_of_it():
    content, cells = solved()
    cells["merge-answer"]["source"] += f"\n\n\n{CHECK}"
    remove(content, "merge-check")
    assert found(content) == only(ANSWERS["merge"])
    assert found(anonymous(content)) == only(ANSWERS["merge"], "by what it defines")


def test_what_the_exercise_lends_to_a_later_task_earns_nothing_for_the_earlier():
    cells = list(RECORD.notebook)
    place = next(k for k, cell in enumerate(cells) if cell.id == "attend-answer")
    lent = f"<details>\n\n```python\n{ANSWERS['merge']}\n```\n\n</details>"
    cells.insert(place, GivenCell("attend-needs-merge", "markdown", {}, lent))
    lending = replace(RECORD, notebook=tuple(cells))
    content, cells = solved()
    cells["merge-answer"]["source"] = source(SET, "merge-answer")
    put(content, "attend", ANSWERS["merge"])
    got = match(read(content).cells, lending)
    assert got.answers["merge"].sources == (source(SET, "merge-answer"),)
    assert got.answers["attend"].sources == (ANSWERS["merge"], ANSWERS["attend"])


def test_an_own_answer_used_again_in_a_later_task_stays_there():
    content, cells = solved()
    cells["attend-answer"]["source"] = f"{MERGE}\n\n\n{ANSWERS['attend']}"
    assert found(content) == only(ANSWERS["merge"])
    assert found(content, "attend") == only(cells["attend-answer"]["source"])


@pytest.mark.parametrize("spoken", ["It fades.\n\nYes: *it* does.", "# Why\n\nBecause."])
@pytest.mark.parametrize(
    "form", ["as given", "prompt deleted", "lost id", "lost id, no prompt", "own cell", "as code"]
)
def test_words_are_found_without_what_was_given(spoken, form):
    content, cells = solved()
    given, cell = source(SET, "depth-words"), cells["depth-words"]
    cell["source"] = given.replace("*Your words here: your turn.*", spoken)
    if "no prompt" in form or "deleted" in form:
        cell["source"] = spoken
    if form == "own cell":
        cell["source"] = given
        put(content, "depth-words", spoken, kind="markdown")
    if form == "as code":
        cell["cell_type"] = "code"
    got = matched(anonymous(content) if "lost" in form else content)
    assert got.words == {"depth": spoken}
    assert all(each.added == () for each in got.answers.values())


@pytest.mark.parametrize("form", [lambda content: content, anonymous, percent, version_3])
@pytest.mark.parametrize("name", SETS)
def test_a_set_is_recognised_by_its_content(name, form):
    records = {each: record(each) for each in SETS}
    wrong = SETS[SETS.index(name) - 1]
    cells = read(form(notebook(name))).cells
    assert set_of(cells, f"anna/{wrong}.ipynb", records) == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("anna_05_arl_fix.ipynb", SET),
        ("hw5.ipynb", SET),
        ("a/05.ipynb", SET),
        ("06/x.ipynb", None),
        ("2005.ipynb", None),
        ("5 or 6.ipynb", None),
        ("x.ipynb", None),
        ("05_ARL_FIX (2).py", SET),
    ],
)
def test_a_set_is_else_recognised_by_its_file_name(file, name):
    records = {each: record(each) for each in SETS}
    assert set_of(read(one("x = 1")).cells, file, records) == name


def test_many_odd_cells_are_matched_in_time():
    cells = [
        {"cell_type": kind, "source": f"# {k}\n" + "check points merge " * 60 + body}
        for k, (kind, body) in enumerate([("code", "\nx = 1"), ("markdown", "y")] * 250)
    ]
    got = read({"cells": cells})
    start = time.process_time()
    match(got.cells, RECORD)
    assert time.process_time() - start < 30  # it takes tenths


@pytest.mark.parametrize("seed", range(200))
def test_every_whole_answer_of_a_mutilated_notebook_is_found(seed):
    made = mutilate(seed)
    name = made.name.rpartition(".")[0]
    try:
        got = match(read_notebook(made.data, made.name).cells, record(name))
    except Unreadable:
        assert not made.whole, made.done
        return
    for task in made.whole:
        assert answers(name)[task] in got.answers[task].sources, (task, made.done)
