"""What a class handed in: every layout, and nothing that harms a neighbour."""

import io
import os
import socket
import struct
import tarfile
import zipfile

import mutilations
import pytest

from coursekit.submissions import intake, listing
from coursekit.submissions.intake import Handed, Unread, collect
from coursekit.submissions.reading import read_notebook

A, B = b'{"cells": [1]}', b'{"cells": [2]}'
SET = "05_arl_fix.ipynb"


def lay(root, files):
    """Write files by their paths; returns the folder."""
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


def zipped(files, **fields):
    """A zip as bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (2026, 11, 2, 10, 0, 0))
            for key, value in fields.items():
                setattr(info, key, value)
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def tarred(files, mode="w:gz"):
    """A tar file as bytes."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_793_000_000
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def students(folder, **more):
    """Student and data of each file, "unread" for those without."""
    return [
        (row.student, row.data if isinstance(row, Handed) else "unread")
        for row in collect(folder, **more)
    ]


ANNA_BEN = [("anna", A), ("ben", B)]
MOODLE = "Anna Lee_123_assignsubmission_file"
LAYOUTS = {
    "folders": {f"anna/{SET}": A, f"ben/{SET}": B},
    "folders one deeper": {f"anna/week 5/{SET}": A, f"ben/{SET}": B},
    "flat": {f"anna_{SET}": A, f"ben-{SET}": B},
    "flat, downloaded twice": {"anna_05_arl_fix (1).ipynb": A, "ben 05_arl_fix.ipynb": B},
    "flat, any name": {"anna.ipynb": A, "ben.ipynb": B},
    "flat, saved by a browser": {"anna.ipynb.txt": A, "ben.IPYNB": B},
    "a zip each": {"anna.zip": zipped({SET: A}), "ben.zip": zipped({f"x/y/{SET}": B})},
    "a zip in each folder": {"anna/a.zip": zipped({SET: A}), f"ben/{SET}": B},
    "a class zip": {"all.zip": zipped({f"anna/{SET}": A, f"ben/{SET}": B})},
    "a class zip, names of their own": {"all.zip": zipped({"anna/x.ipynb": A, "ben/y.ipynb": B})},
    "a class zip with a folder in it": {"c.zip": zipped({f"c/anna/{SET}": A, f"c/ben/{SET}": B})},
    "a flat class zip": {"all.zip": zipped({f"anna_{SET}": A, f"ben_{SET}": B})},
    "zips in a class zip": {
        "all.zip": zipped({"anna.zip": zipped({SET: A}), "ben.zip": zipped({SET: B})})
    },
    "a folder for all": {f"all/anna/{SET}": A, f"all/ben/{SET}": B},
    "handed in by submit": {
        "anna/05_arl_fix-2026-11-02-100000.zip": zipped({SET: A}),
        "ben_05_arl_fix-2026-11-02-100000.zip": zipped({SET: B}),
    },
    "tar": {"anna.tar.gz": tarred({SET: A}), "ben/b.tar": tarred({SET: B}, "w")},
    "names from Windows": {"all.zip": zipped({f"anna\\{SET}": A, f"ben\\{SET}": B})},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_is_its_students_in_every_layout(layout, tmp_path):
    assert students(lay(tmp_path, LAYOUTS[layout])) == ANNA_BEN


EXPORTS = {
    "Moodle, folders": ({f"{MOODLE}_/{SET}": A}, "Anna Lee", {"moodle": "123"}),
    "Moodle, folders without the last mark": (
        {f"{MOODLE}/{SET}": A},
        "Anna Lee",
        {"moodle": "123"},
    ),
    "Moodle, flat": ({f"{MOODLE}_{SET}": A}, "Anna Lee", {"moodle": "123"}),
    "Moodle, a zip": (
        {"export.zip": zipped({f"{MOODLE}_/{SET}": A})},
        "Anna Lee",
        {"moodle": "123"},
    ),
    "Moodle, zip in zip": (
        {"e.zip": zipped({f"{MOODLE}_/05.zip": zipped({SET: A})})},
        "Anna Lee",
        {"moodle": "123"},
    ),
    "Canvas": ({f"leeanna_12345_678901_{SET}": A}, "leeanna", {"canvas": "12345"}),
    "Canvas, late, again": (
        {"leeanna_LATE_12345_678901_name-1.ipynb": A},
        "leeanna",
        {"canvas": "12345"},
    ),
    "Canvas, a zip": (
        {"submissions.zip": zipped({f"leeanna_12345_678901_{SET}": A})},
        "leeanna",
        {"canvas": "12345"},
    ),
    "Canvas, zip in zip": (
        {"s.zip": zipped({"leeanna_12345_678901_05.zip": zipped({SET: A})})},
        "leeanna",
        {"canvas": "12345"},
    ),
    "a year is no Canvas id": ({f"lee_2024_{SET}": A}, "lee_2024", {}),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_exports_give_name_and_id(export, tmp_path):
    files, student, ids = EXPORTS[export]
    (row,) = collect(lay(tmp_path, files))
    assert (row.student, row.ids, row.data) == (student, ids, A)


def test_two_of_one_name_are_told_apart_and_two_exports_are_read_together(tmp_path):
    lay(tmp_path, {f"Anna Lee_{k}_assignsubmission_file_/{SET}": A for k in (7, 8)})
    assert students(tmp_path) == [("Anna Lee (7)", A), ("Anna Lee (8)", A)]
    both = lay(tmp_path / "two", {f"{k}.zip": zipped({f"{MOODLE}_/{k}.ipynb": A}) for k in "56"})
    assert [(row.student, row.path.split("/")[0]) for row in collect(both)] == [
        ("Anna Lee", "5.zip"),
        ("Anna Lee", "6.zip"),
    ]


def test_what_programs_and_the_course_made_is_ignored(tmp_path):
    rubbish = [
        f".ipynb_checkpoints/{SET}",
        "05-checkpoint.ipynb",
        f"._{SET}",
        ".hidden.ipynb",
        f"__MACOSX/anna/._{SET}",
        "solutions/05_arl_fix.ipynb",
        "course/05_arl_fix.ipynb",
        "mine/kept/05-old.ipynb",
        "mine/hand_in/05.zip",
        "resattn/units.py",
        "helpers.py",
        "data.csv",
        "report.pdf",
    ]
    files = {f"anna/{each}": B for each in rubbish} | {f"anna/exercises/{SET}": A}
    folder = lay(tmp_path / "one", files | {"grades.csv": b"", "README.md": b"", "x.py": b""})
    assert students(folder) == [("anna", A), ("x", "unread")]
    packed = lay(tmp_path / "two", {"anna.zip": zipped({k[5:]: v for k, v in files.items()})})
    assert students(packed) == [("anna", A)]
    own = lay(tmp_path / "three", {f"anna/solutions/{SET}": A, f"ben/{SET}": B})
    assert students(own) == ANNA_BEN


def test_a_percent_script_is_handed_in_and_a_plain_module_is_not(tmp_path):
    lay(
        tmp_path,
        {
            "anna/05.py": b"# %% merge-answer\n",
            "anna/help.py": b"x = 1",
            "ben/05.py": b"# In[1]:\n",
            "cleo/help.py": b"x = 1",
        },
    )
    rows = list(collect(tmp_path))
    assert [(row.student, row.path) for row in rows] == [
        ("anna", "anna/05.py"),
        ("ben", "ben/05.py"),
        ("cleo", "cleo/help.py"),
    ]
    assert rows[2].why == "no notebook was handed in, only help.py"


def test_every_student_has_a_row(tmp_path):
    lay(
        tmp_path,
        {
            "anna/report.pdf": b"",
            f"ben/{SET}": B,
            "dan.zip": zipped({"a.txt": b""}),
            "leeanna_12345_678901_report.pdf": b"",
        },
    )
    (tmp_path / "cleo").mkdir()
    rows = {row.student: row for row in collect(tmp_path)}
    assert list(rows) == ["anna", "ben", "cleo", "dan", "leeanna"]
    assert rows["anna"].why == "no notebook was handed in, only report.pdf"
    assert rows["cleo"] == Unread("cleo", "cleo", "nothing was handed in", {})
    assert isinstance(rows["dan"], Unread)
    assert rows["leeanna"].ids == {"canvas": "12345"}


def test_rows_are_sorted_and_say_when(tmp_path):
    lay(
        tmp_path,
        {
            f"ben/{SET}": B,
            "anna/b.ipynb": B,
            "anna/a.ipynb": A,
            "cleo.tgz": tarred({SET: A}),
            "dan.zip": zipped({SET: A}),
            "eve.zip": zipped({SET: A}, date_time=(1980, 0, 0, 0, 0, 0)),
        },
    )
    os.utime(tmp_path / "anna" / "a.ipynb", (1_793_613_600.7, 1_793_613_600.7))
    rows = list(collect(tmp_path))
    paths = [row.path for row in rows]
    assert paths == sorted(paths)
    assert rows[0].when == "2026-11-02T10:00:00"
    assert rows[3].when == "2026-10-26T07:33:20"
    assert rows[4].when.startswith("2026-11-0") and rows[5].when is None


def bomb():
    """A small zip that unpacks to more than the limit, and says so of itself or not."""
    return zipped({SET: b"0" * 3_000_000})


def lying():
    """A zip that claims a size of ten bytes."""
    data, size = bomb(), struct.pack("<I", 3_000_000)
    return data.replace(size, struct.pack("<I", 10))


def flipped(data):
    """A bit of the first file is wrong."""
    return data[:70] + bytes([data[70] ^ 1]) + data[71:]


def nested(depth):
    data = zipped({SET: A})
    for _ in range(depth):
        data = zipped({"in.zip": data})
    return data


def linked():
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo(SET)
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return target.getvalue()


def long_name():
    """A tar whose first header announces a name of eight gigabytes."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8_000_000_000
    return info.tobuf() + b"a" * 1024


HOSTILE = {
    "no zip at all": ("dora.zip", lambda: b"no zip", "does not open as an archive"),
    "half a zip": ("dora.zip", lambda: zipped({SET: A})[:60], "does not open as an archive"),
    "damaged": ("dora.zip", lambda: flipped(zipped({SET: os.urandom(99)})), "damaged in its"),
    "wrong bytes": (
        "dora.zip",
        lambda: zipped({SET: A}).replace(b"P", b"p", 1),
        "damaged in its archive",
    ),
    "encrypted": ("dora.zip", lambda: encrypted(), "encrypted; hand it in without a password"),
    "a bomb": ("dora.zip", bomb, "larger than 1,000,000 bytes"),
    "a lying bomb": ("dora.zip", lying, "damaged in its archive"),
    "zips in zips in zips": ("dora.zip", lambda: nested(9), "nested more than 3 deep"),
    "names that lead out": ("dora.zip", lambda: zipped({f"../../{SET}": A}), "leads out"),
    "a name from the root": ("dora.zip", lambda: zipped({f"/etc/{SET}": A}), "leads out"),
    "a name with a drive": ("dora.zip", lambda: zipped({f"C:\\{SET}": A}), "leads out"),
    "a link in a zip": (
        "dora.zip",
        lambda: zipped({SET: b"/etc/passwd"}, external_attr=0o120777 << 16),
        "link",
    ),
    "a link in a tar": ("dora.tar", linked, "link"),
    "a tar bomb": ("dora.tgz", lambda: tarred({SET: b"0" * 3_000_000}), "larger than"),
    "a tar with a long name": ("dora.tar", long_name, "does not open as an archive"),
    "no tar at all": ("dora.tar.gz", lambda: b"\x1f\x8bno", "does not open as an archive"),
    "too large": ("dora/big.ipynb", lambda: b" " * 1_000_001, "larger than 1,000,000 bytes"),
    "a deep path": (
        "dora.zip",
        lambda: zipped({"dora/" + "a/" * 30_000 + SET: A}),
        "nested more than 8 deep",
    ),
    "a long name": ("dora.zip", lambda: zipped({"_" * 60_000 + "/../x.ipynb": A}), "leads out"),
    "far too many files": (
        "dora.zip",
        lambda: zipped({f"{k}.txt": b"" for k in range(99)}),
        "more than 40 entries",
    ),
}


def encrypted():
    data = bytearray(zipped({SET: A}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_its_own_row_a_sentence_and_nobody_else(name, tmp_path, monkeypatch):
    monkeypatch.setattr("coursekit.submissions.archives.ENTRIES", 40)
    path, data, why = HOSTILE[name]
    lay(tmp_path / "in", {f"anna/{SET}": A, f"zoe/{SET}": B, path: data()})
    rows = list(collect(tmp_path / "in", size_limit=1_000_000))
    assert [row.student for row in rows] == ["anna", "dora", "zoe"]
    assert isinstance(rows[1], Unread) and why in rows[1].why and "\n" not in rows[1].why
    assert (rows[0].data, rows[2].data) == (A, B)
    assert sorted(os.listdir(tmp_path)) == ["in"]


@pytest.mark.skipif(os.name != "posix", reason="links and devices of POSIX")
def test_links_are_not_followed_and_devices_not_opened(tmp_path):
    secret = lay(tmp_path / "out", {SET: B})
    lay(tmp_path / "in", {f"anna/{SET}": A})
    for name in ("ben", "cleo", "eve", "fay"):
        (tmp_path / "in" / name).mkdir()
    (tmp_path / "in/ben" / SET).symlink_to(secret / SET)
    (tmp_path / "in/dan").symlink_to(secret, target_is_directory=True)
    os.mkfifo(tmp_path / "in/cleo" / SET)
    (tmp_path / "in/eve/zero.ipynb").symlink_to("/dev/zero")
    (tmp_path / "in/fay/loop").symlink_to(tmp_path / "in")
    here = os.getcwd()
    os.chdir(tmp_path / "in/fay")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.ipynb")
        os.chdir(here)
        rows = list(collect(tmp_path / "in"))
    assert [row.student for row in rows] == ["anna", "ben", "cleo", "dan", "eve", "fay"]
    assert all("it is a link or a device, and no file" in row.why for row in rows[1:])


@pytest.mark.skipif(os.name != "posix", reason="links and devices of POSIX")
def test_a_file_that_becomes_a_pipe_while_reading_does_not_hold_the_class_up(tmp_path):
    lay(tmp_path, {f"anna/{SET}": A, f"ben/{SET}": B, f"cleo/{SET}": A, f"dan/{SET}": B})
    rows = collect(tmp_path)
    next(rows)
    (tmp_path / "ben" / SET).unlink()
    os.mkfifo(tmp_path / "ben" / SET)
    (tmp_path / "cleo" / SET).unlink()
    left = list(rows)
    assert [row.student for row in left] == ["ben", "cleo", "dan"]
    assert "link or a device" in left[0].why and "FileNotFoundError" in left[1].why
    assert left[2].data == B


@pytest.mark.skipif(os.name != "posix", reason="names that Windows has not")
def test_names_are_shown_on_one_line(tmp_path):
    lay(tmp_path, {f"a\nb/{SET}": A, f"a\u202eb/{SET}": A, f"caf\u00e9/{SET}": A})
    lay(tmp_path, {"d.zip": zipped({"x\r\n\u202e.ipynb": A})})
    os.mkdir(os.fsencode(tmp_path) + b"/e\xff")
    rows = list(collect(tmp_path))
    assert {row.student for row in rows} == {"a\\nb", "a\\u202eb", "caf\u00e9", "d", "e\\udcff"}
    assert all((row.student + row.path).isprintable() for row in rows)


def test_no_student_can_hand_in_for_another(tmp_path):
    forged = {
        f"ben_11_222_{SET}": B,
        f"ben/{SET}": B,
        f"cleo/{SET}": B,
        f"Ben_12_assignsubmission_file_/{SET}": B,
    }
    lay(
        tmp_path,
        {"anna.zip": zipped(forged), f"ben/{SET}": A}
        | {f"dora/{path}": data for path, data in forged.items()},
    )
    assert {row.student for row in collect(tmp_path) if row.data == B} == {"anna", "dora"}


def test_files_without_end_are_cut_off_for_one_student_only(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "FILES", 5)
    lay(tmp_path, {"anna.zip": zipped({f"{k}.ipynb": A for k in range(10, 30)}), f"ben/{SET}": B})
    rows = list(collect(tmp_path))
    assert [row.student for row in rows] == ["anna"] * 6 + ["ben"]
    assert "too many or too large files" in rows[5].why


def test_a_class_zip_is_opened_once_and_all_archives_are_closed_again(tmp_path, monkeypatch):
    opened = []

    class Counted(listing.Archive):
        def __init__(self, *arguments):
            opened.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(listing, "Archive", Counted)
    inner = {f"s{k:03}.zip": zipped({SET: os.urandom(9_000)}) for k in range(300)}
    lay(tmp_path, {"all.zip": zipped(inner)})
    rows = collect(tmp_path)
    assert len({next(rows).student for _ in range(300)}) == 300
    assert len(opened) == 601  # each student's twice: to list it, and to read it
    assert sum(archive._file.closed for archive in opened) >= 598
    assert list(rows) == [] and all(archive._file.closed for archive in opened)


def test_no_folder_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="is no folder; give the one with the submissions"):
        list(collect(tmp_path / "absent"))
    assert list(collect(tmp_path)) == []


ARL = "05_arl_fix"
RECORDS = {ARL: mutilations.record(ARL)}
SOLVED = mutilations.text(mutilations.notebook(ARL)).encode()
INSIDE = {"bert/x.ipynb": SOLVED}


def surveyed(folder):
    return intake.survey(collect(folder), RECORDS)


def test_files_are_read_again_where_they_were_found_and_no_folder_is_listed_twice(
    tmp_path, monkeypatch
):
    lay(tmp_path, {f"anna/{ARL}.ipynb": SOLVED, "cleo/notes.ipynb": b"[]"})
    (tmp_path / "class.zip").write_bytes(zipped({"all.zip": zipped(INSIDE), "dan/x.txt": b"?"}))
    entries = surveyed(tmp_path)
    assert [entry.set for entry in entries].count(ARL) == 2 and len(entries) > 2

    def refused(*_):
        raise AssertionError("the folder is listed again")

    monkeypatch.setattr(os, "scandir", refused)
    found = list(intake.readings(entries))
    assert [entry for entry, _ in found] == [entry for entry in entries if entry.set]
    for entry, reading in found:
        assert reading == read_notebook(SOLVED, entry.path)


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(SOLVED + b" ")])
def test_a_file_that_changes_during_grading_gives_no_cells_and_is_graded_again(tmp_path, damage):
    lay(tmp_path, {f"anna/{ARL}.ipynb": SOLVED, f"bert/{ARL}.ipynb": SOLVED})
    entries = surveyed(tmp_path)
    damage(tmp_path / "anna" / f"{ARL}.ipynb")
    (anna, changed), (bert, whole) = intake.readings(entries)
    assert (anna.student, anna.set, anna.sha256) == ("anna", ARL, "")
    assert changed.cells == () and changed.notes == (intake.CHANGED,)
    assert bert == entries[1] and whole.cells


@pytest.mark.parametrize("newest", ["exercises", "work/exercises"])
def test_of_a_whole_course_the_file_with_answers_counts_however_old_it_is(tmp_path, newest):
    """`git pull` makes the exercise as it was given the latest file of all."""
    given = (mutilations.ROOT / "exercises" / f"{ARL}.ipynb").read_bytes()
    names = {f"anna/exercises/{ARL}.ipynb": given, f"anna/work/exercises/{ARL}.ipynb": SOLVED}
    lay(tmp_path, names | {f"ben/{ARL}.ipynb": SOLVED})
    for name in names:
        late = name.startswith(f"anna/{newest}/")
        os.utime(tmp_path / name, (10**9 + late, 10**9 + late))
    entry, _ = surveyed(tmp_path)
    assert entry.path == f"anna/work/exercises/{ARL}.ipynb" and not entry.untouched
    said = "it has no answers" if newest == "exercises" else "is of the same set"
    assert said in entry.notes[0]
