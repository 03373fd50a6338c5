"""The grader's reports: what counts, what is shown to whom, and that nothing shown is believed."""

import csv
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import nbformat
import pytest

from coursekit.files import safe_name, whole, write_whole
from coursekit.report import manual, similarity, tables, write
from coursekit.report.deadlines import read_deadlines
from coursekit.report.measures import correlated
from coursekit.report.model import (
    FORMAT,
    CellResult,
    GradedSet,
    GradedTask,
    Session,
    SubmissionResult,
    TaskResult,
    read_result,
    read_session,
    result_as_json,
    written_result,
    written_session,
)
from coursekit.report.regrade_diff import regrade_diff
from coursekit.report.student_view import OTHERS
from coursekit.report.text import visible
from coursekit.source import markers
from coursekit.source.answers import read_answers
from coursekit.source.tasks import read_set

ROOT = Path(__file__).resolve().parents[1]
ARL = "05_arl_fix"
SESSION = Session(
    seed=17,
    isolation="namespaces",
    isolation_says="Each kernel has its own user, network and file system.",
    started="2026-11-03T08:00:00",
    versions={"resattn": "0.1.0", "python": "3.11.9", "torch": "2.14.0"},
    sets={
        ARL: GradedSet(
            "Attention residual learning",
            {
                "merge": GradedTask(1, "Merge the branches", of=10, manual_of=0),
                "attend": GradedTask(2, "The attention module", of=20, manual_of=0),
                "depth": GradedTask(3, "Predict and explain", of=15, manual_of=5),
            },
        )
    },
)
HIDDEN_FAULT = "m = 8641, odd maps: yours is 3.25, expected 7.75"
PUBLIC_FAULT = "a shut mask: same shape, other values; yours begin 0, expected -1.56642"
SCRIPT = "<script>alert('x')</script>"
RTL = "anna\u202egnp.exe"
AWKWARD = [
    SCRIPT,
    "=cmd()",
    RTL,
    "👩‍🚀 Zoë",
    "CON",
    "nul.txt",
    "../../etc/passwd",
    "a/b",
    "a?b",
    "Anna",
    "ANNA",
    "x" * 300,
    "line\nbreak",
    "\udcff broken",
    "'quoted'",
    "-1+2",
    "محمد",
    "e\u0301",
    "\u00e9",
    "$x$ *b* `c` [l](javascript:1)",
    "\ufffe",
    "⟨U+202E⟩",
    "\u202e",
]


def cell(points, of, *faults, hidden=False):
    return CellResult(points, of, faults, hidden)


def task(name, cells, **fields):
    graded = SESSION.sets[ARL].tasks[name]
    made = TaskResult(
        number=graded.number,
        title=graded.title,
        points=sum(each.points for each in cells.values()),
        of=graded.of,
        manual_of=graded.manual_of,
        words=None,
        found="by its cell id",
        withheld="",
        mistake="",
        reason="",
        answer=f"def {name}(x):\n    return x\n",
        cells=cells,
    )
    return replace(made, **fields)


def result(student="anna", *, merge=10, public=15, hidden=5, depth=15, words="It fades.", **fields):
    """A result of the set; the points of each check cell, and whatever else is to differ."""
    merge_faults = [] if merge == 10 else [PUBLIC_FAULT]
    faults = [] if public == 15 else ["(2, 3, 7, 5), training: the check did not get that far"]
    secret = [] if hidden == 5 else [HIDDEN_FAULT]
    tasks = {
        "merge": task(
            "merge",
            {"merge-check": cell(merge, 10, *merge_faults)},
            reason=merge_faults[0] if merge_faults else "",
            mistake="you computed M T" if merge_faults else "",
        ),
        "attend": task(
            "attend",
            {
                "attend-check": cell(public, 15, *faults),
                "attend-hidden": cell(hidden, 5, *secret, hidden=True),
            },
            reason=(*faults, *secret, "")[0],
        ),
        "depth": task("depth", {"depth-check": cell(depth, 15)}, words=words),
    }
    for name in tasks.keys() & fields.keys():
        tasks[name] = replace(tasks[name], **fields.pop(name))
    made = SubmissionResult(
        student=student,
        set=ARL,
        path=f"{student}/{ARL}.ipynb",
        sha256="0" * 64,
        when="2026-11-02T10:00:00",
        ids={"moodle": "123"},
        status="graded",
        why="",
        notes=(),
        tasks=tasks,
    )
    return replace(made, **fields)


def unreadable(student, why="It is no notebook: the file is empty.", known=True):
    tasks = {name: task(name, {}, answer="") for name in SESSION.sets[ARL].tasks} if known else {}
    name = ARL if known else None
    return result(student, status="unreadable", why=why, set=name, tasks=tasks)


def the_class():
    """Thirty students, most with names that somebody would rather not have in a page."""
    points = [(10, 15, 5, 15), (0, 15, 0, 6), (10, 0, 0, 0), (10, 15, 0, 15), (0, 0, 5, 9)]
    names = [*AWKWARD, "bo", "cleo", "dora", "emil", "fay", "gus"]
    made = [
        result(name, merge=m, public=p, hidden=h, depth=d, words=f"{name}: it fades {k}.")
        for k, name in enumerate(names)
        for m, p, h, d in [points[k % len(points)]]
    ]
    return [*made, unreadable("hal"), unreadable("ida", known=False)]


def read_csv(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path, **given):
    """Do what the instructor does: give the row of each student, by name, these cells."""
    table = tables.read(path, manual.KEY)
    rows = [row | given.get(row["student"], {}) for _, row in table.rows]
    tables.write(path, table.columns, rows, delimiter=table.delimiter, bom=True)


def graded(out, results, **options):
    troubles = write(out, results, SESSION, **options)
    return {row["student"]: row for row in read_csv(out / "grades.csv")}, troubles


def feedback(out, student="anna", ending="html"):
    name = f"{safe_name(student)}--{ARL}.{ending}"
    return (out / "feedback" / name).read_text(encoding="utf-8")


def first_of(out):
    """The class page's section of those to look at first."""
    said = Page((out / "index.html").read_text(encoding="utf-8")).text
    return re.search(r"(?s)To look at first(.*)Totals|$", said)[1]


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# Results and sessions on disk


def test_results_and_sessions_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "a.json"
    for each in the_class():
        write_whole(path, written_result(each, "key"))
        assert read_result(path) == ("key", each)
    write_whole(path, written_session(SESSION))
    assert read_session(path) == SESSION


@pytest.mark.parametrize("found", [None, 0, FORMAT + 1, "1", True, [1]])
def test_another_format_is_refused_with_what_was_found_what_is_known_and_what_to_do(
    found, tmp_path
):
    path = tmp_path / "a.json"
    for text, read, repair in (
        (written_result(result(), "key"), read_result, "--resume"),
        (written_session(SESSION), read_session, "--seed"),
    ):
        content = json.loads(text) | {"format": found}
        path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
        has = "has no format number" if found is None else f"has format {found!r}"
        with pytest.raises(ValueError, match=re.escape(has)) as refused:
            read(path)
        said = str(refused.value)
        assert f"reads format {FORMAT};" in said and repair in said and "\n" not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": {"merge": {}}},
        {"tasks": None},
        {"student": 5},
        {"notes": "none"},
        {"points": 99},
        {"of": "45"},
        {"session": None},
        {"extra": 1},
    ],
)
def test_a_damaged_result_is_refused(changes, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(json.loads(written_result(result(), "key")) | changes))
    with pytest.raises(ValueError, match=r"a\.json is no whole result; .*--resume"):
        read_result(path)


# Files


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_whole(path, "old\n")
    with pytest.raises(ZeroDivisionError), whole(path) as file:
        file.write("half")
        file.write(str(1 / 0))
    assert path.read_bytes() == b"old\n"
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]


def test_a_file_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    (tmp_path / "taken.csv").mkdir()
    with pytest.raises(
        OSError, match=r"taken\.csv could not be written .*close it where it is open"
    ):
        write_whole(tmp_path / "taken.csv", "")
    assert [each.name for each in tmp_path.iterdir()] == ["taken.csv"]


def test_names_of_files_are_safe_and_stay_apart():
    names = [safe_name(text) for text in AWKWARD]
    assert len(set(names)) == len(AWKWARD)
    for name in names:
        assert len(name.encode()) <= 100
        assert not set(name) & set('/\\:*?"<>|\n\0')
        assert (
            name == name.strip(". ")
            and name[0] != "-"
            and name.split(".")[0].upper() not in ("CON", "NUL", "")
        )
    assert safe_name("anna.smith-2") == "anna.smith-2"


# The gradebook


def test_grades_csv_has_a_row_a_student_and_a_column_a_task(tmp_path):
    rows, _ = graded(tmp_path, [result(merge=0), unreadable("hal"), unreadable("ida", known=False)])
    columns = ["student", "status", "why", "total", "of", "late_days"]
    assert list(rows["anna"]) == columns + [
        f"{ARL}/{each}" for each in ("merge", "attend", "depth")
    ]
    assert list(rows["anna"].values()) == ["anna", "graded", "", "35", "50", "", "0", "20", "15"]
    assert rows["hal"]["status"] == "unreadable" and rows["hal"]["why"].startswith(
        "It is no notebo"
    )
    assert rows["hal"]["total"] == "0" == rows["hal"][f"{ARL}/merge"]
    assert rows["ida"]["total"] == "0" and rows["ida"][f"{ARL}/merge"] == ""


def test_several_sets_make_one_row(tmp_path):
    other = GradedSet("Kinds", {"gate": GradedTask(1, "G", of=50, manual_of=0)})
    session = replace(SESSION, sets={**SESSION.sets, "06_kinds": other})
    second = result(
        set="06_kinds",
        status="partly",
        why="Two cells are lost.",
        tasks={"gate": task("merge", {}, of=50, points=40)},
    )
    write(tmp_path, [result(), second, result("bo")], session)
    anna, bo = read_csv(tmp_path / "grades.csv")
    assert (anna["status"], anna["why"]) == ("partly", "06_kinds: Two cells are lost.")
    assert (anna["total"], anna["of"], anna["06_kinds/gate"]) == ("85", "100", "40")
    assert (bo["total"], bo["of"], bo["06_kinds/gate"]) == ("45", "100", "")
    assert [row["Grade"] for row in read_csv(tmp_path / "moodle-06_kinds.csv")] == ["40"]
    assert not (tmp_path / "moodle.csv").exists()
    assert "feedback/anna--06_kinds.html" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_grades_json_keeps_everything_as_it_was(tmp_path):
    results = the_class()
    write(tmp_path, results, SESSION)
    told = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8"))
    kept = [result_as_json(each) for each in results]
    assert told["format"] == FORMAT and told["session"]["seed"] == 17 and told["of"] == 50
    assert [
        {key: each[key] for key in old} for each, old in zip(told["results"], kept, strict=True)
    ] == json.loads(json.dumps(kept))
    assert told["results"][0]["counts"]["points"] == 45


def test_moodle_gets_the_columns_of_its_worksheet(tmp_path):
    write(tmp_path, [result(merge=0), replace(unreadable("hal"), ids={})], SESSION)
    anna, hal = read_csv(tmp_path / "moodle.csv")
    assert list(anna) == [
        "Identifier",
        "Full name",
        "Grade",
        "Maximum Grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    assert list(anna.values()) == [
        "Participant 123",
        "anna",
        "35",
        "50",
        "",
        "35 of 50; 5 more wait for the instructor's marks",
    ]
    assert hal["Identifier"] == "" and "unreadable: It is no notebook" in hal["Feedback comments"]


def test_canvas_gets_its_columns_and_the_points_possible(tmp_path):
    write(tmp_path, [result(ids={"canvas": "456"}), unreadable("ida", known=False)], SESSION)
    possible, anna, ida = read_csv(tmp_path / "canvas.csv")
    assert list(anna) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ARL]
    assert possible["Student"] == "    Points Possible" and possible[ARL] == "50"
    assert list(anna.values()) == ["anna", "456", "", "", "", "45"]
    assert ida[ARL] == ""  # an empty cell changes nothing there


@pytest.mark.parametrize(
    "text", ["=cmd()", "+1", "-1", "@x", "\t=1", " =1", "'=1", "'x", "＝1", "x"]
)
def test_no_cell_is_a_formula_and_every_text_is_found_again(text, tmp_path):
    tables.write(tmp_path / "a.csv", ("student", "points"), [{"student": text, "points": -1}])
    raw = read_csv(tmp_path / "a.csv")[0]
    assert raw["student"].strip()[0] not in "=+-@＝" and raw["points"] == "-1"
    assert tables.read(tmp_path / "a.csv", ()).rows[0][1]["student"] == text


def test_no_table_of_an_awkward_class_has_a_formula(tmp_path):
    write(tmp_path, the_class(), SESSION)
    found = 0
    for path in tmp_path.glob("*.csv"):
        for row in read_csv(path):
            for value in row.values():
                assert not value or value.lstrip()[:1] not in "=+-@\t\r", (path.name, value)
                found += value == "'=cmd()"
    assert found >= 3


def test_junit_has_a_suite_a_student_and_a_case_a_task(tmp_path):
    results = [
        result(merge=0),
        *the_class()[:20],
        unreadable("hal"),
        unreadable("ida", known=False),
    ]
    write(tmp_path, results, SESSION)
    suites = {
        suite.get("name"): suite for suite in ElementTree.parse(tmp_path / "junit.xml").getroot()
    }
    assert len(suites) == len(results) and SCRIPT in suites
    merge, attend, depth = suites["anna"]
    assert (merge.get("classname"), merge.get("name")) == (ARL, "merge")
    assert merge.find("failure").get("message") == f"0 of 10; {PUBLIC_FAULT}; you computed M T"
    assert attend.find("failure") is None
    assert "5 points wait for the instructor" in depth.find("failure").get("message")
    assert suites["anna"].get("failures") == "2" and suites["anna"].get("errors") == "0"
    assert [case.find("error").get("message") for case in suites["hal"]] == [
        "It is no notebook: the file is empty."
    ] * 3
    assert suites["ida"].get("errors") == "1"


# Marks by hand


def test_words_wait_for_a_mark_and_then_count(tmp_path):
    rows, _ = graded(tmp_path, [result(), result("bo", words=None)])
    assert rows["anna"]["total"] == "45"
    (asked,) = read_csv(tmp_path / "manual.csv")
    assert [asked[c] for c in (*manual.KEY, "words", "of", "points")] == [
        "anna",
        ARL,
        "depth",
        "words",
        "It fades.",
        "5",
        "",
    ]
    fill(tmp_path / "manual.csv", anna={"points": "3.5", "comment": "Say why."})
    rows, troubles = graded(tmp_path, [result(), result("bo", words=None)])
    assert rows["anna"]["total"] == "48.5" and rows["anna"][f"{ARL}/depth"] == "18.5"
    assert not troubles
    for ending in ("html", "ipynb"):
        assert "3.5" in feedback(tmp_path, ending=ending)
        assert "Say why." in feedback(tmp_path, ending=ending)


def test_a_mark_survives_changed_words_and_is_flagged_until_somebody_looked(tmp_path):
    graded(tmp_path, [result()])
    fill(tmp_path / "manual.csv", anna={"points": "4"})
    for _ in range(3):
        rows, _ = graded(tmp_path, [result(words="Quite other words.")])
        assert rows["anna"]["total"] == "49"
        assert read_csv(tmp_path / "manual.csv")[0]["flag"] == manual.CHANGED
    assert manual.CHANGED in (tmp_path / "index.html").read_text(encoding="utf-8")
    fill(tmp_path / "manual.csv", anna={"flag": ""})
    graded(tmp_path, [result(words="Quite other words.")])
    assert read_csv(tmp_path / "manual.csv")[0]["flag"] == ""


@pytest.mark.parametrize("bad", ["-1", "ten", "nan", "inf", "1e1", "5.01", "=2", "½", "4 of 5"])
def test_a_mark_that_is_none_is_told_with_its_row_and_not_lost(bad, tmp_path):
    class_ = [result(), result("bo")]
    graded(tmp_path, class_)
    fill(tmp_path / "manual.csv", anna={"points": "2"}, bo={"points": bad, "comment": "Hm."})
    for _ in range(2):
        rows, troubles = graded(tmp_path, class_)
        assert rows["anna"]["total"] == "47" and rows["bo"]["total"] == "45"
        assert troubles == [
            f"manual.csv, row 3 (bo, {ARL}/depth, words): {bad!r} is no number from "
            "0 to 5; it counts for nothing until you mend it there"
        ]
        row = tables.read(tmp_path / "manual.csv", ()).rows[1][1]
        assert (row["points"], row["comment"]) == (bad, "Hm.")


def test_what_is_withheld_counts_nothing_until_granted(tmp_path):
    held = {"withheld": "The answer looks into its caller's frame."}
    rows, _ = graded(tmp_path, [result(attend=held)])
    assert "anna: attend withheld: The answer looks" in first_of(tmp_path)
    assert rows["anna"]["total"] == "25" and rows["anna"][f"{ARL}/attend"] == "0"
    asked = next(r for r in read_csv(tmp_path / "manual.csv") if r["kind"] == "withheld")
    assert (asked["why"], asked["of"]) == ("The answer looks into its caller's frame.", "20")
    for ending in ("html", "ipynb"):
        assert "These points wait" in feedback(tmp_path, ending=ending)
        assert "frame" not in feedback(tmp_path, ending=ending)
    table = tables.read(tmp_path / "manual.csv", ())
    tables.write(
        tmp_path / "manual.csv",
        table.columns,
        [row | {"points": "20" if row["kind"] == "withheld" else ""} for _, row in table.rows],
    )
    rows, _ = graded(tmp_path, [result(attend=held)])
    assert rows["anna"]["total"] == "45" and not first_of(tmp_path)


def test_marks_of_those_who_are_gone_and_columns_of_the_instructor_are_kept(tmp_path):
    graded(tmp_path, [result(), result("bo")])
    table = tables.read(tmp_path / "manual.csv", ())
    tables.write(
        tmp_path / "manual.csv",
        (*table.columns, "marked by"),
        [row | {"points": "2", "marked by": "me"} for _, row in table.rows],
    )
    _, troubles = graded(tmp_path, [result()])
    assert troubles == [f"manual.csv, row 3 (bo, {ARL}/depth, words): {manual.GONE}"]
    bo = read_csv(tmp_path / "manual.csv")[1]
    assert (bo["points"], bo["flag"], bo["marked by"]) == ("2", manual.GONE, "me")
    rows, troubles = graded(tmp_path, [result(), result("bo")])
    assert rows["bo"]["total"] == "47" and not troubles
    assert [row["flag"] for row in read_csv(tmp_path / "manual.csv")] == ["", ""]


def test_a_mark_given_twice_counts_once_and_both_rows_are_kept(tmp_path):
    graded(tmp_path, [result()])
    table = tables.read(tmp_path / "manual.csv", ())
    row = table.rows[0][1]
    tables.write(tmp_path / "manual.csv", table.columns, [row | {"points": p} for p in ("2", "5")])
    rows, troubles = graded(tmp_path, [result()])
    assert rows["anna"]["total"] == "47" and "row 3" in troubles[0] and "row 2" in troubles[0]
    assert [row["points"] for row in read_csv(tmp_path / "manual.csv")] == ["2", "5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_are_read_as_a_spreadsheet_saves_them(encoding, delimiter, tmp_path):
    text = "\n".join(
        delimiter.join(row)
        for row in [
            ("student", "set", "task", "kind", "points", "comment"),
            ("Zoë", ARL, "depth", "words", '"2,5"', "schön"),
        ]
    )
    (tmp_path / "manual.csv").write_bytes(text.encode(encoding))
    rows, troubles = graded(tmp_path, [result("Zoë")])
    assert rows["Zoë"]["total"] == "47.5" and not troubles
    kept = (tmp_path / "manual.csv").read_bytes()
    assert kept.startswith("\ufeffstudent".encode() + delimiter.encode())


@pytest.mark.parametrize("text", ["student,set\nanna,5\n", "\0\1\2", "", 'student,"\n'])
def test_a_table_that_is_none_stops_before_anything_is_written(text, tmp_path):
    (tmp_path / "manual.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"manual\.csv (lacks|is no CSV)"):
        write(tmp_path, [result()], SESSION)
    assert list(files(tmp_path)) == [Path("manual.csv")]


def test_no_two_names_share_their_marks(tmp_path):
    names = [visible(name).strip() for name in AWKWARD]
    assert len(set(names)) == len(AWKWARD)
    write(tmp_path, the_class(), SESSION)
    fill(tmp_path / "manual.csv", **{visible(name): {"points": "1"} for name in AWKWARD})
    before = {
        r["student"]: r["counts"]["points"]
        for r in json.loads((tmp_path / "grades.json").read_text())["results"]
    }
    assert write(tmp_path, the_class(), SESSION) == []
    after = {
        r["student"]: r["counts"]["points"]
        for r in json.loads((tmp_path / "grades.json").read_text())["results"]
    }
    assert {name for name in after if after[name] == before[name] + 1} == set(AWKWARD)


# Deadlines


@pytest.mark.parametrize(
    ("deadline", "days"),
    [
        ("2026-11-02T10:00:00", "0"),
        ("2026-11-02T09:59:59", "1"),
        ("2026-11-01T10:00", "1"),
        ("2026-11-01T09:59:59Z", "2"),
        ("2026-11-02T11:00+01:00", "0"),
        ("2026-11-02T10:30+01:00", "1"),
        ("2026-11-02", "0"),
        ("2026-11-01", "1"),
        ("9999-12-30", "0"),
    ],
)
def test_late_days_are_whole_and_rounded_up(deadline, days, tmp_path):
    path = tmp_path / "deadlines.csv"
    path.write_text(f"set,deadline\n5,{deadline}\n", encoding="utf-8")
    rows, _ = graded(tmp_path, [result(), result("bo", when=None)], deadlines=path)
    assert (rows["anna"]["late_days"], rows["bo"]["late_days"]) == (days, "")
    assert rows["anna"]["total"] == "45"  # no deduction


def test_an_extension_holds_for_its_student_alone(tmp_path):
    path = tmp_path / "deadlines.csv"
    path.write_text(
        f"set;student;deadline\n{ARL};;2026-10-31\n{ARL};bo;2026-11-02\n"
        f"{ARL};zed;2026-11-02\n99_none;;2026-11-02\n",
        encoding="utf-8",
    )
    rows, troubles = graded(tmp_path, [result(), result("bo")], deadlines=path)
    assert (rows["anna"]["late_days"], rows["bo"]["late_days"]) == ("2", "0")
    assert troubles == [
        "deadlines, row 5: no set '99_none' was graded here",
        "deadlines, row 4: nobody called 'zed' handed anything in",
    ]
    comments = [row["Feedback comments"] for row in read_csv(tmp_path / "moodle.csv")]
    assert "; 2 days late" in comments[0] and "late" not in comments[1]
    assert "2 days late" in feedback(tmp_path) and "In time" in feedback(tmp_path, "bo")


@pytest.mark.parametrize("rows", ["5,tomorrow", f"5,2026-11-02\n{ARL},2026-11-03", "5,9999-12-31"])
def test_a_deadline_that_is_none_is_told_with_its_row(rows, tmp_path):
    (tmp_path / "d.csv").write_text(f"set,deadline\n{rows}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"d\.csv, row [23]: "):
        read_deadlines(tmp_path / "d.csv", SESSION.sets)


# Pages


class Page(HTMLParser):
    """A page's text, its tags, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.leads = "", set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.leads |= {value for key, value in attrs if key in ("href", "src")}
        assert not [key for key, _ in attrs if key.startswith("on")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The class's reports, where every text from a student's side is markup and odd characters."""
    out = tmp_path_factory.mktemp("hostile")
    bad = f"{SCRIPT}</pre>\"'><img src=x onerror=1>\u202e\x07```\n# h\n$x${{{{ 7 * 7 }}}}"
    path = out / "deadlines.csv"
    write_whole(path, f'set,deadline,student\n5,2026-11-01,"{SCRIPT}"\n5,2026-11-02,<b>\n')
    graded = SESSION.sets[ARL]
    tasks = {name: replace(each, title=bad) for name, each in graded.tasks.items()}
    session = replace(SESSION, versions={bad: bad}, started=bad, sets={ARL: GradedSet(bad, tasks)})
    results = [
        replace(
            each,
            **dict.fromkeys(("why", "path"), bad),
            notes=(bad,),
            status="partly",
            tasks={
                name: replace(
                    told,
                    **dict.fromkeys(("reason", "mistake", "answer", "words", "found"), bad),
                    cells={key: replace(check, faults=(bad,)) for key, check in told.cells.items()},
                )
                for name, told in each.tasks.items()
            },
        )
        for each in the_class()
    ]
    write(out, results, session, deadlines=path)
    fill(out / "manual.csv", **{visible(each.student): {"comment": bad} for each in results})
    write(out, results, session, deadlines=path)
    return out, results


def test_pages_hold_no_script_no_network_and_no_odd_character(hostile):
    out, results = hostile
    pages = list(out.rglob("*.html"))
    assert len(pages) == len(results) + 1
    for path in pages:
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not page.tags & {"script", "img", "iframe", "object", "link", "form"}
        assert not [lead for lead in page.leads if ":" in lead or lead.startswith("/")]
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text)
        assert "⟨U+202E⟩" in page.text and "<script>" in page.text and "{{ 7 * 7 }}" in page.text
        assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text


def test_junit_of_hostile_texts_is_xml_that_says_them(hostile):
    out, results = hostile
    root = ElementTree.parse(out / "junit.xml").getroot()
    assert len(root) == len({each.student for each in results})
    messages = [each.get("message") for each in root.iter() if each.tag in ("failure", "error")]
    assert messages and all(SCRIPT in each and "⟨U+202E⟩" in each for each in messages)


def test_every_link_of_the_class_page_leads_to_a_file(hostile):
    from urllib.parse import unquote

    out, results = hostile
    leads = Page((out / "index.html").read_text(encoding="utf-8")).leads
    assert len([lead for lead in leads if lead.startswith("feedback/")]) == len(results)
    assert all((out / unquote(lead)).is_file() for lead in leads)


def test_feedback_names_stay_apart_even_without_capitals(hostile):
    out, results = hostile
    stems = [path.stem.casefold() for path in (out / "feedback").glob("*.html")]
    assert len(stems) == len(set(stems)) == len(results)
    assert max(len(path.name.encode()) for path in (out / "feedback").iterdir()) <= 255


def test_feedback_notebooks_are_valid_and_run_nothing(hostile):
    out, results = hostile
    paths = list((out / "feedback").glob("*.ipynb"))
    assert len(paths) == len(results)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in paths:
            text = path.read_text(encoding="utf-8")
            assert "\u202e" not in text
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
            assert {each.cell_type for each in notebook.cells} == {"markdown"}
            for each in notebook.cells:
                outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", each.source)
                assert "<" not in outside and "$" not in outside and "onerror=" not in outside


def test_the_class_page_tells_the_class(tmp_path):
    path = tmp_path / "deadlines.csv"
    path.write_text("set,deadline\n5,2026-11-01\n", encoding="utf-8")
    results = [
        result(),
        result("bo", merge=0),
        result("cy", merge=0, public=0, hidden=0),
        unreadable("hal"),
    ]
    write(tmp_path, results, SESSION, deadlines=path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    said = re.sub(r"\s+", " ", Page(text).text)
    assert "4 students: 3 graded, 1 unreadable." in said
    assert "15 points wait for your marks" in said
    assert "Mean 31.67, median 35, lowest 15, highest 45, of 50." in said
    assert "1 student without a readable file not counted" in said
    assert 'aria-label="Students by total. 15 to 20: 1; 35 to 40: 1; 45 to 50: 1"' in text
    assert "2 × you computed M T" in said
    rows = re.findall(r'"mean">(.*?)<.*?"full">(.*?)<.*?"discrimination">(.*?)<', text)
    assert rows == [  # 0.50: 10, 0, 0 in merge against 35, 35, 15 in the other tasks
        ("3.3 of 10", "33%", "0.50"),
        ("13.3 of 20", "67%", "0.50"),
        ("15.0 of 15", "100%", "-"),
    ]
    for each in (
        "namespaces",
        "file system",
        "17",
        "2026-11-03T08:00:00",
        "torch 2.14.0",
        "2026-11-02 00:00 UTC",
        "It is no notebook",
        "33%",
    ):
        assert each in said


@pytest.mark.parametrize(
    ("points", "rest", "expected"),
    [
        ([0, 5, 10], [1, 2, 3], 1.0),
        ([0, 10, 0, 10], [5, 5, 1, 1], 0.0),
        ([10, 0, 5], [1, 3, 2], -1),
        ([10, 10, 10], [1, 2, 3], None),
        ([1, 2, 3], [4, 4, 4], None),
        ([0, 10], [0, 10], None),
        ([], [], None),
    ],
)
def test_discrimination_is_the_correlation_with_the_rest(points, rest, expected):
    found = correlated(points, rest)
    assert found == expected if expected is None else found == pytest.approx(expected)


# Feedback


SECRETS = ("8641", "3.25", "7.75", "odd maps", "attend-hidden")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"hidden": 0}, f"Lost with {OTHERS}."),
        ({"hidden": 0, "public": 0}, "(2, 3, 7, 5), training: the check did not get that far"),
        (
            {"hidden": 0, "public": 0, "attend": {"reason": f"{HIDDEN_FAULT}\nline 3, in forward"}},
            "(2, 3, 7, 5), training: the check did not get that far",
        ),
        (
            {"hidden": 0, "attend": {"reason": HIDDEN_FAULT, "mistake": "wrong for odd maps"}},
            OTHERS,
        ),
        (
            {
                "hidden": 0,
                "why": f"It stopped: {HIDDEN_FAULT}",
                "notes": ("m = 8641, odd maps: slow",),
                "status": "partly",
            },
            "graded in part",
        ),
    ],
)
def test_of_a_hidden_check_only_the_points_are_told(given, shown, tmp_path):
    write(tmp_path, [result(**given)], SESSION)
    for ending in ("html", "ipynb"):
        text = feedback(tmp_path, ending=ending)
        assert not [secret for secret in SECRETS if secret in text]
        source = (
            text
            if ending == "html"
            else "".join(each.source for each in nbformat.reads(text, as_version=4).cells)
        )
        plain = Page(re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), source)).text
        assert f"{OTHERS}: 0 of 5" in plain and shown in plain


def test_feedback_tells_points_reason_mistake_words_and_answer(tmp_path):
    write(tmp_path, [result(merge=0)], SESSION)
    text = re.sub(r"\s+", " ", Page(feedback(tmp_path)).text)
    for each in (
        "35 of 50",
        "Task 1: Merge the branches: 0 of 10 points",
        "merge-check: 0 of 10",
        PUBLIC_FAULT,
        "you computed M T",
        "def merge(x): return x",
        "It fades.",
        "has not read them yet; up to 5 points",
    ):
        assert each in text


def test_pages_of_those_who_are_gone_are_removed_and_nothing_else(tmp_path):
    write(tmp_path, [result(), result("bo")], SESSION)
    (tmp_path / "feedback" / "note.txt").write_text("mine", encoding="utf-8")
    write(tmp_path, [result()], SESSION)
    assert sorted(each.name for each in (tmp_path / "feedback").iterdir()) == [
        f"anna--{ARL}.html",
        f"anna--{ARL}.ipynb",
        "note.txt",
    ]


# The whole


def test_a_second_writing_makes_the_same_bytes(tmp_path):
    write(tmp_path, the_class(), SESSION)
    fill(tmp_path / "manual.csv", bo={"points": "ten", "comment": "'tis\n=1"}, cleo={"points": "1"})
    write(tmp_path, the_class(), SESSION)
    once = files(tmp_path)
    write(tmp_path, iter(the_class()), SESSION)
    assert files(tmp_path) == once


def test_results_are_read_one_by_one_and_let_go(tmp_path):
    import gc
    import weakref

    alive, most = [], 0

    def stream():
        nonlocal alive, most
        for k in range(50):
            each = result(f"s{k}")
            alive.append(weakref.ref(each))
            if k % 25 == 0:
                gc.collect()
            alive = [one for one in alive if one() is not None]
            most = max(most, len(alive))
            yield each

    write(tmp_path, stream(), SESSION)
    assert most <= 3


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ([result(), result()], "two results of 'anna' for 05_arl_fix"),
        ([result(set="07_none")], "'anna' is of the set '07_none'"),
    ],
)
def test_results_that_the_session_does_not_explain_are_refused(results, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        write(tmp_path, results, SESSION)
    assert not (tmp_path / "grades.json").exists()


# Similarity


LONG = '''
def attend(x, trunk, mask):
    """Attention residual learning."""
    total = 0
    for k, unit in enumerate(trunk):  # each unit in turn
        x = unit(x) * (k + 1)
        total += x.mean() if k % 2 else x.sum()
    weight = torch.sigmoid(mask(x))
    if weight.shape != x.shape:
        weight = weight.expand_as(x)
    return (1 + weight) * x - total / len(trunk)
'''
RENAMED = """
def attend(inp, blocks: list, gate) -> "Tensor":
    acc = 0
    for i, block in enumerate(blocks):
        inp = block(inp) * (i + 1)
        acc += inp.mean() if i % 2 else inp.sum()

    # my own idea
    m = torch.sigmoid(gate(inp))
    if m.shape != inp.shape: m = m.expand_as(inp)
    return (1 + m) * inp - acc / len(blocks)
"""
OTHER = """
def attend(x, trunk, mask):
    steps = []
    while len(steps) < len(trunk):
        n = len(steps)
        x = (n + 1) * trunk[n].forward(x)
        steps.append([x.sum(), x.mean()][n % 2])
    M = 1 / (1 + torch.exp(-mask(x)))
    return x + M.broadcast_to(x.shape) * x - sum(steps) / len(steps)
"""
SHORT = "def merge(T, M):\n    return (1 + M) * T\n"


def compared(*answers, given=""):
    found = similarity.ClassAnswers()
    for k, answer in enumerate(answers):
        found.add(f"s{k}", ARL, "attend", answer, given)
    return [(pair.student, pair.other, round(pair.score, 2)) for pair in found.pairs()]


def test_renamed_copies_are_flagged_and_other_answers_are_not():
    assert compared(LONG, RENAMED, OTHER) == [("s0", "s1", 1.0)]


def test_what_is_short_given_or_common_is_no_evidence():
    assert compared(SHORT, SHORT) == []
    assert compared(LONG, RENAMED, given=LONG) == []
    assert len(compared(*[LONG] * 5)) == 10
    assert compared(*[LONG] * 6) == []
    mine = LONG.replace("mean", "norm").replace("sigmoid", "tanh").replace("(k + 1)", "abs(k)")
    assert compared(*[LONG] * 6, mine, mine) == []


def test_code_that_does_not_parse_is_compared_by_its_tokens():
    assert compared(LONG + "\nx = (", OTHER + "\nx = (") == []
    copy = LONG.replace("total", "acc").replace("weight", "w").replace("unit", "u")
    assert compared(LONG + "\nx = (", copy + "\nx = (") == [("s0", "s1", 1.0)]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = '\0'",
        "(" * 5000,
        "1" + "+1" * 50_000,
        "-" * 50_000 + "1",
        "\udcff",
        "x = '\\d'",
        "f" * 200_000,
        "match x:\n    case [a, *b]: pass",
        "9" * 5000,
    ],
)
def test_no_answer_stops_the_comparison(source):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compared(source, source) == []


@pytest.mark.parametrize("name", [ARL, "01_residual_unit"])
def test_two_right_answers_of_two_authors_are_never_flagged(name):
    exercises = read_set(ROOT / "solutions" / f"{name}.py")
    answers, flagged = read_answers(exercises), 0
    for each in exercises.tasks:
        given, right = markers.stub(each.answer, each.id), markers.solved(each.answer)
        assert compared(right, answers[each.id].different, given=given) == []
        flagged += bool(compared(right, f"# copied\n{right}", given=given))
    assert flagged >= 1


def test_similarity_csv_and_the_page_name_the_pair(tmp_path):
    answers = {"anna": LONG, "bo": RENAMED, "cy": OTHER}
    results = [result(name, attend={"answer": answer}) for name, answer in answers.items()]
    rows, _ = graded(tmp_path, results)
    (row,) = read_csv(tmp_path / "similarity.csv")
    assert (row["student"], row["other"], row["score"]) == ("anna", "bo", "1.0")
    assert row["tasks"] == f"{ARL}/attend 1.00"
    assert {each["total"] for each in rows.values()} == {"45"}  # a flag, no deduction
    assert "Pairs whose code" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "bo--" not in feedback(tmp_path) and "imilar" not in feedback(tmp_path)


def test_the_class_page_shows_the_first_pairs_and_where_the_others_are(tmp_path):
    write(tmp_path, [result(f"s{k:02}", attend={"answer": LONG}) for k in range(22)], SESSION)
    assert read_csv(tmp_path / "similarity.csv") == []  # twice as many as may share an answer
    copies = [LONG.replace("total", "t") if k % 2 else RENAMED for k in range(11)]
    others = [f"def attend{k}(x): return x" for k in range(11)]
    results = [
        result(f"s{k:02}", attend={"answer": answer}) for k, answer in enumerate([*copies, *others])
    ]
    write(tmp_path, results, SESSION)
    assert len(read_csv(tmp_path / "similarity.csv")) == 55
    assert "5 more pairs in" in Page((tmp_path / "index.html").read_text(encoding="utf-8")).text


def test_the_work_grows_with_the_class_and_not_with_its_square(monkeypatch):
    pairs, fingerprints = 0, 0

    def counted(students, size):
        nonlocal pairs, fingerprints
        pairs += len(students) * (len(students) - 1) // 2
        fingerprints += len(students)
        return combinations(students, size)

    monkeypatch.setattr(similarity, "combinations", counted)
    found = similarity.ClassAnswers()
    for k in range(600):  # thirty groups of twenty; all share a frame
        own = "".join(f"    v = x{k // 20}_{j} + {j}\n" for j in range(16))
        found.add(f"s{k}", ARL, "attend", f"{SHORT}{own}")
    assert len(found.pairs()) == 30 * 20 * 19 // 2
    assert 0 < pairs <= fingerprints * 30 / 2


# A regrade


def test_a_regrade_tells_whose_points_changed_and_why():
    old = [result(), result("bo", merge=0), result("cy"), result("dee"), result("eve")]
    new = [
        result(merge=0),
        result("bo"),
        result("dee"),
        unreadable("eve", "It is cut off."),
        result("fay", merge=0),
    ]
    assert regrade_diff(old, new) == [
        f"anna {ARL}/merge: 10 -> 0: {PUBLIC_FAULT}",
        f"bo {ARL}/merge: 0 -> 10: before: {PUBLIC_FAULT}",
        f"cy {ARL}: gone, had 45 of 45",
        f"eve {ARL}: graded -> unreadable: It is cut off.",
        f"eve {ARL}/merge: 10 -> 0: It is cut off.",
        f"eve {ARL}/attend: 20 -> 0: It is cut off.",
        f"eve {ARL}/depth: 15 -> 0: It is cut off.",
        f"fay {ARL}: new, 35 of 45",
    ]


def test_a_regrade_counts_what_is_withheld_as_nothing_and_shows_no_odd_character():
    held = result(RTL, attend={"withheld": "It opens a file."})
    assert regrade_diff([result(RTL)], iter([held])) == [
        f"anna⟨U+202E⟩gnp.exe {ARL}/attend: 20 -> 0: withheld: It opens a file."
    ]
    assert regrade_diff(the_class(), the_class()) == []
