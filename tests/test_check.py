"""What a check prints: enough to tell values apart, alike on every machine, and in plain words."""

import contextlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from coursekit.checks import Check, exercise_set, record
from coursekit.checks import check as module
from coursekit.checks.digest import digest, fingerprint, number
from coursekit.checks.panel import Line, Panel, brief
from coursekit.checks.record import CHANGED, CellRecord, GivenCell, KnownMistake, Record, TaskRecord

T = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4) / 7


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (452, "452"),
        (452.0, "452"),
        (np.int64(452), "452"),
        (torch.tensor(452), "452"),
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (1e-12, "0"),
        (1 / 3, "0.333333"),
        (1e-5, "1e-05"),
        (31810728.0, "31810728"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1e20, "1e+20"),
        (True, "True"),
        (np.bool_(False), "False"),
        (torch.tensor(True), "True"),
        (None, "None"),
        ("a b", "'a b'"),
        ((1, 2.5), "(1, 2.5)"),
        ([1, 2.5], "(1, 2.5)"),
        (torch.Size([2, 3]), "(2, 3)"),
        ({"b": 1, "a": (2,)}, "{'a': (2), 'b': 1}"),
        ({3, 1}, "set (1, 3)"),
        ((k * k for k in range(3)), "(0, 1, 4)"),
        (nn.Linear(2, 3), "module of 9 parameters in 2 tensors"),
        (len, "function"),
        (torch.ones(2).double(), "float64 tensor (2,) values 1 1"),
        (np.ones((2, 1)), "float64 array (2, 1) values 1 1"),
        (torch.ones(2), "float32 tensor (2,) values 1 1"),
        (torch.ones(0, 3), "float32 tensor (0, 3)"),
    ],
)
def test_a_value_has_one_text(value, text):
    assert digest(value) == text


def others():
    yield "transposed", T.transpose(1, 2).contiguous()
    yield "reshaped", T.reshape(2, 4, 3)
    yield "float32", T.float()
    yield "array", T.numpy()
    yield "permuted", T.flip(1)
    yield "detailed", T + torch.nn.functional.one_hot(torch.tensor(20), 24).reshape(2, 3, 4) * 1e-3
    swapped = T.clone().flatten()
    swapped[[10, 20]] = swapped[[20, 10]]  # neither the beginning nor the sum shows it
    yield "swapped", swapped.reshape(2, 3, 4)
    lost = T.clone()
    lost[1, 1, 1] = float("nan")
    yield "lost", lost
    yield "listed", T.tolist()


@pytest.mark.parametrize(("name", "other"), list(others()))
def test_arrays_that_differ_have_other_texts(name, other):
    assert digest(other) != digest(T)


def test_rounding_does_not_show_and_signs_of_zero_neither():
    assert digest(T * (1 + 1e-13)) == digest(T) == digest(T.clone().requires_grad_())
    noise = torch.tensor([1.0, -1e-17, 0.0] * 8).double()
    assert digest(noise) == digest(torch.tensor([1.0, 0.0, -0.0] * 8).double())
    assert number(3e-9, scale=1e3) == "0" and number(3e-9) == "3e-09"


def test_long_and_deep_values_stay_short():
    deep: list = []
    for _ in range(20):
        deep = [deep]
    table = {k: k for k in range(500)}
    for value in (deep, list(range(10_000)), "x" * 10_000, table, T.repeat(9, 9, 9)):
        assert len(digest(value)) < 300
    assert digest(list(range(100))) != digest([*range(99), 7])


def test_the_check_imports_neither_model_nor_notebook_tools():
    code = (
        "import sys, coursekit.checks; "
        "print(sorted({'torch', 'numpy', 'nbformat', 'jupytext', 'nbclient', 'nbval', "
        "'resattn.attention'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """Each test as in a notebook without a record, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_record", None)
    for name in ("COURSEKIT_CHECK", "COURSEKIT_SEED", "COURSEKIT_EXPECTED"):
        monkeypatch.delenv(name, raising=False)


def double(x):
    return 2 * x


def lines_of(function, *arguments, cell="t-check"):
    check = Check(cell)
    check("line", function, *(arguments or (check.normal(2, 3),)))
    return check.lines


def test_inputs_come_from_seed_cell_and_line_alone(monkeypatch):
    def fails(x):
        check.normal(5)  # draws more than the right answer would, then breaks off
        raise KeyError

    torch.manual_seed(1)
    check = Check("t-check")
    check("first", double, check.normal(2, 3))
    right = check.normal(2, 3), check.uniform(4, low=2, high=3), check.integers(0, 9, 5)
    torch.manual_seed(2)
    check = Check("t-check")
    check("first", fails, check.normal(2, 3))
    again = check.normal(2, 3), check.uniform(4, low=2, high=3), check.integers(0, 9, 5)
    assert all(torch.equal(a, b) for a, b in zip(right, again, strict=True))
    assert right[0].dtype == torch.float64 and 2 <= right[1].min() <= right[1].max() < 3
    assert type(check.integers(1, 4)) is int
    assert not torch.equal(Check("t-check-2").normal(2, 3), Check("t-check").normal(2, 3))
    first = Check("t-check").normal(2, 3)
    monkeypatch.setenv("COURSEKIT_SEED", "7")
    assert not torch.equal(Check("t-check").normal(2, 3), first)


def test_fill_goes_by_name_and_not_by_order_or_initialisation():
    class One(nn.Module):
        def __init__(self, turned):
            super().__init__()
            for name in ("b", "a") if turned else ("a", "b"):
                self.add_module(name, nn.Conv2d(2, 2, 1))
            self.norm = nn.BatchNorm2d(2)

    one, two = (Check("t-check").fill(One(turned)) for turned in (False, True))
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, two.state_dict()[name]), name
    assert not torch.equal(one.a.weight, one.b.weight)
    assert (one.norm.running_var > 0).all() and one.a.weight.dtype == torch.float64
    other = Check("t-check").fill(One(False), "other")
    assert not torch.equal(other.a.weight, one.a.weight)


def test_a_line_protects_its_inputs_and_reports_a_change(capsys):
    x = torch.ones(2).double()
    assert lines_of(lambda x: x.mul_(2), x) == [
        "line: float64 tensor (2,) values 2 2, and its input is changed"
    ]
    assert torch.equal(x, torch.ones(2).double())
    assert lines_of(double, x) == ["line: float64 tensor (2,) values 2 2"]


def test_errors_become_lines_with_the_students_own_frames(capsys):
    space = {"torch": torch}
    source = "def wrong(x):\n    return x @ torch.ones(99).double()"
    exec(compile(source, __file__ + "x", "exec"), space)
    assert lines_of(space["wrong"]) == ["line: raises RuntimeError"]
    said = capsys.readouterr().out
    assert "RuntimeError: size mismatch" in said and "line 2" in said
    assert "check.py" not in said and "Traceback" not in said and "site-packages" not in said

    def stub(x):
        raise NotImplementedError("t: your turn")

    class NoForward(nn.Module):
        pass

    def leaves(x):
        sys.exit(0)

    assert lines_of(stub) == ["line: not written yet"]
    assert lines_of(NoForward()) == ["line: raises NotImplementedError"]
    assert lines_of(leaves) == ["line: raises SystemExit"]
    assert capsys.readouterr().out.count("your turn") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timer")
def test_an_endless_answer_is_stopped_and_the_next_line_is_run(monkeypatch, capsys):
    def endless(x):
        while True:
            with contextlib.suppress(Exception):
                x = x + 0

    monkeypatch.setenv("COURSEKIT_CHECK", "values")
    monkeypatch.setattr(module, "LINE_LIMIT", 0.2)
    check = Check("t-check")
    check("one", endless, 1)
    check("two", double, 1)
    assert check.lines == ["one: takes longer than 0.2 s", "two: 2"]


def test_values_mode_prints_bare_lines_and_drops_the_students_own(monkeypatch, capsys):
    def chatty(x):
        print("agrees   everything")
        return x

    monkeypatch.setenv("COURSEKIT_CHECK", "values")
    exercise_set("01_small")
    lines_of(chatty, 3)
    Check("t-check").done()
    assert capsys.readouterr().out == "line: 3\n"


@pytest.mark.parametrize("label", ["a: b", "two\nlines"])
def test_bad_labels_are_refused(label):
    with pytest.raises(ValueError, match="cannot name a line"):
        Check("t-check")(label, double, 1)


def test_a_label_occurs_once():
    check = Check("t-check")
    check("a", double, 1)
    with pytest.raises(ValueError, match="occur only once"):
        check("a", double, 2)


RIGHT = [f"map: {digest(2 * T)}", "count: 452", "effect: measured 3.2"]
HALVED = [f"map: {digest(T / 2)}", "count: 452", RIGHT[2]]
TASK = TaskRecord(
    title="Double a map",
    answer="t-answer",
    words=None,
    points=7,
    names=("answer",),
    imports=(),
    hints=("Multiply by 2.",),
    cells={"t-check": CellRecord(7, tuple(RIGHT))},
    within={"effect": (3, 4)},
    wrong=(KnownMistake("half", "you halved it", {"t-check": fingerprint(HALVED)}),),
)
SMALL = Record("01_small", seed=0, tasks={"t": TASK}, notebook=())


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, digest(T), "other values; yours begin 0 0.142857 0.285714, expected 0 0.285714"),
        (
            0,
            digest(T.float()),
            "is a float32 tensor (2, 3, 4), expected a float64 tensor (2, 3, 4)",
        ),
        (0, digest(T[0]), "yours is a float64 tensor (3, 4), expected"),
        (0, digest(2 * torch.cat([T[:1], T[:1]])), "begin alike"),
        (0, digest(2 * T) + CHANGED, "right, but your code changes its input"),
        (0, "None", "is a `return` missing?"),
        (0, "raises TypeError", "raises TypeError"),
        (1, "451", "yours is 451, which is wrong"),
        (2, "measured 2.5", "you measured 2.5; it should lie between 3 and 4"),
        (2, "nan", "yours is nan"),
    ],
)
def test_a_difference_is_said_in_words(place, value, said):
    lines = list(RIGHT)
    lines[place] = f"{lines[place].split(': ')[0]}: {value}"
    verdict = TASK.verdict("t-check", lines)
    assert verdict.points == 0 and len(verdict.faults) == 1 and said in verdict.faults[0]
    assert "452" not in verdict.faults[0] or place == 0


def test_all_lines_or_no_points():
    assert TASK.verdict("t-check", RIGHT).points == 7
    assert TASK.verdict("t-check", [*RIGHT[:2], "effect: measured 3.9"]).points == 7
    for lines in ([], RIGHT[:2], [*RIGHT, "more: 1"], RIGHT[::-1], ["agrees   all"]):
        verdict = TASK.verdict("t-check", lines)
        assert verdict.points == 0 and verdict.faults
    assert TASK.verdict("t-check", [*RIGHT[:2], "effect: measured nan"]).points == 0


def test_in_a_notebook_the_record_beside_it_judges(tmp_path, monkeypatch, capsys):
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "01_small.json").write_text(record.written(SMALL))
    exercise_set("01_small")
    assert "Set 01: not checked yet" in capsys.readouterr().out

    def checked(factor):
        check = Check("t-check")
        check("map", lambda: factor * T)
        check("count", lambda: 452)
        check.measure("effect", lambda: 3.2001)
        check.done()
        return capsys.readouterr().out

    assert checked(2) == (
        "\N{CHECK MARK} t-check: 7 of 7 points\n"
        "  \N{CHECK MARK} 3 calls agree: map; count (452); effect (3.2)\n"
    )
    assert checked(0.5).splitlines()[:2] == [
        "\N{BALLOT X} t-check: 0 of 7 points",
        "  \N{BALLOT X} A known mistake: you halved it",
    ]
    assert "\N{BALLOT X} map: same shape, other values; yours begin" in checked(0.5)
    assert "2 calls agree: count (452); effect (3.2)" in checked(0.5)
    assert "known mistake" not in checked(3)
    monkeypatch.setenv("COURSEKIT_SEED", "1")  # other inputs: the record says nothing of them
    assert "points" not in checked(2)


def test_a_line_too_many_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "01_small.json").write_text(record.written(SMALL))
    exercise_set("01_small")
    check = Check("t-check")
    for label, value in (("map", 2 * T), ("count", 452), ("more", 1)):
        check(label, lambda value=value: value)
    check.done()
    said = capsys.readouterr().out
    assert "0 of 7 points" in said and "effect: the check did not get that far" in said


LONG = Panel(
    "t-check",
    3,
    7,
    (
        Line("map", True, ""),
        Line("<b>", False, "yours is " + 100 * "9 <i> ", ("KeyError: 'x'", "  line 2: x[0]")),
    ),
    mistakes=("you halved it",),
    warnings=("It uses eval.",),
)


def test_a_panel_has_the_verdict_first_and_signs_beside_colours():
    rows = LONG.text().splitlines()
    assert [row.strip()[0] for row in rows[:4]] == [
        "\N{BALLOT X}",
        "\N{BALLOT X}",
        "!",
        "\N{BALLOT X}",
    ]
    assert rows[1].endswith("A known mistake: you halved it") and max(map(len, rows)) <= 88
    assert len(LONG.text()) < 600 and rows[-1].endswith("1 call agrees: map")
    assert "KeyError" in LONG.text()


def test_in_a_notebook_a_panel_is_a_page_without_a_students_markup():
    page = LONG.html()
    places = [page.index(text) for text in ("3 of 7 points", "you halved it", "eval", "KeyError")]
    assert places == sorted(places) and "<i>" not in page and page.count("<b>") == 1
    assert page.count("<details>") == 2 and "\N{BALLOT X}" in page and "color" in page


def test_while_it_runs_a_panel_says_how_far_it_is():
    assert replace(LONG, points=None).text().startswith("t-check: running, 2 calls checked")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("452", "452"),
        ("measured 3.2", "3.2"),
        (digest(T), ""),
        (digest((T, T)), ""),
        (repr("x" * 99), ""),
    ],
)
def test_of_a_right_value_only_what_can_be_read_is_shown(value, shown):
    assert brief(value) == shown


def test_without_a_record_the_values_are_shown_and_not_judged(capsys):
    exercise_set("01_small")
    lines_of(double, 2)
    said = capsys.readouterr().out
    assert "expected/01_small.json is not here" in said and said.endswith("line: 4\n")


def test_a_record_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "01_small.json"
    cell = GivenCell("t", "markdown", {"task": {"minutes": 5}}, "## Task 1: Double a map")
    whole = replace(SMALL, notebook=(cell,))
    path.write_text(record.written(whole))
    assert record.read(path) == whole


def _without(content, *place):
    *above, last = place
    for key in above:
        content = content[key]
    del content[last]


def _with(content, value, *place):
    *above, last = place
    for key in above:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (lambda c: _with(c, 3, "format"), "has format 3, but this course reads format 1"),
        (lambda c: _with(c, "1", "format"), "has format '1', but"),
        (lambda c: _without(c, "format"), "no format number"),
        (lambda c: _without(c, "tasks", "t", "hints"), "tasks.t.hints is missing"),
        (lambda c: _with(c, "7", "tasks", "t", "points"), "tasks.t.points is '7', expected int"),
        (lambda c: _with(c, True, "seed"), "seed is True, expected int"),
        (lambda c: _with(c, [4], "tasks", "t", "names"), r"tasks.t.names\[0\] is 4, expected str"),
        (lambda c: _with(c, [3], "tasks", "t", "within", "effect"), "within.effect"),
        (lambda c: _with(c, 1, "tasks", "t", "cells", "t-check", "extra"), "t-check.extra is unk"),
        (lambda c: _with(c, [], "tasks"), "tasks is"),
        (lambda c: _with(c, None, "notebook"), "notebook is None"),
    ],
)
def test_a_record_of_another_format_or_damaged_is_refused_in_one_sentence(tmp_path, damage, names):
    path = tmp_path / "01_small.json"
    content = json.loads(record.written(SMALL))
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"01_small.json .*{names}"):
        record.read(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe{}", b"null"])
def test_a_record_that_is_no_json_object_is_refused(tmp_path, data):
    (tmp_path / "01_small.json").write_bytes(data)
    with pytest.raises(ValueError, match="01_small.json is damaged"):
        record.read(tmp_path / "01_small.json")


def test_a_damaged_record_leaves_the_values_and_says_what_is_amiss(tmp_path, capsys):
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "01_small.json").write_text('{"format": 3}')
    exercise_set("01_small")
    lines_of(double, 2)
    said = capsys.readouterr().out
    assert "has format 3" in said and said.endswith("line: 4\n")


def test_modules_that_a_task_forbids_are_named(monkeypatch, tmp_path, capsys):
    import linecache

    monkeypatch.setattr(module, "_record", SMALL)
    source = "from resattn.attention import merge\n\n\ndef answer(x):\n    return x\n"
    space: dict = {}
    exec(compile(source, "<t-answer>", "exec"), space)
    linecache.cache["<t-answer>"] = (len(source), None, source.splitlines(True), "<t-answer>")
    monkeypatch.setattr(sys.modules["__main__"], "answer", space["answer"], raising=False)
    check = Check("t-check")
    for line in RIGHT:
        check.lines.append(line)
    check.done()
    said = capsys.readouterr().out
    assert "to be written without resattn.attention" in said and "0 of 7 points" in said
