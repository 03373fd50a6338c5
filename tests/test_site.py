"""The site's pages are what the course makes them, and its checker finds what is broken.

The whole build needs Sphinx and is `make site`'s own matter: it fails on any warning, and on what
`site/checker.py` finds on the pages.
"""

import inspect
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "site"))

import checker  # noqa: E402
from pages import address, api, generated, notebooks, reference, timings, tree  # noqa: E402

from coursekit.checks import record  # noqa: E402

LESSONS, SETS = tree.stems(ROOT / "course"), tree.stems(ROOT / "exercises")
OWNER = "https://github.com/someone/course"

PAGE = """<!doctype html><html lang="en"><head><title>t</title>
<link rel="stylesheet" href="style.css"><script src="search.js"></script></head><body>
<h1 id="top">A page</h1><a href="other.html#there">on</a><a href="https://arxiv.org">out</a>
<img src="figure.png" alt="Error against steps: it falls.">
<details><summary>Hint 1</summary>Look.</details><p id="there">x</p><!-- here --></body></html>"""


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv(address.SETTING, raising=False)


@pytest.fixture
def site(tmp_path):
    """A sound site of two pages."""
    for name in ("index.html", "other.html"):
        (tmp_path / name).write_text(PAGE)
    for name in ("style.css", "search.js", "figure.png"):
        (tmp_path / name).write_text("")
    return tmp_path


def faults(folder, **more):
    return "\n".join(checker.faults(folder, ["index.html", "other.html"], **more))


def test_a_sound_site_has_no_fault(site):
    assert faults(site) == ""


PLANTED = {
    "broken link": ('<a href="gone.html">x</a>', "links to gone.html, which does not exist"),
    "broken place": ('<a href="other.html#gone">x</a>', "where there is no such place"),
    "broken place here": ('<a href="#gone">x</a>', "where there is no such place"),
    "link to a folder": ('<a href="../">x</a>', "links to ../, which does not exist"),
    "link from the root": ('<a href="/other.html">x</a>', "lost when the site lies in a folder"),
    "lost picture": ('<img src="gone.png" alt="A sentence.">', "links to gone.png"),
    "no alt": ('<img src="figure.png">', "no alternative text"),
    "empty alt": ('<img src="figure.png" alt=" ">', "no alternative text"),
    "script from elsewhere": (
        '<script src="https://x.org/a.js"></script>',
        "would fetch https://x",
    ),
    "protocol left open": ('<script src="//x.org/a.js"></script>', "would fetch //x.org/a.js"),
    "module from elsewhere": ('<script>import("https://x.org/a.js")</script>', "would fetch"),
    "font from elsewhere": ('<link rel="preload" href="https://x.org/f">', "would fetch https://x"),
    "picture from elsewhere": ('<img src="https://x.org/a.png" alt="A b.">', "would fetch https"),
    "set from elsewhere": ('<img srcset="https://x.org/a.png 2x" alt="A b.">', "would fetch https"),
    "style from elsewhere": ('<style>@import "https://x.org/a.css";</style>', "would fetch https"),
    "background": ('<p style="background: url(https://x.org/a.png)">', "would fetch https"),
    "fold without summary": ("<details>x</details>", "a fold without a summary"),
    "fold left open": ("<details><summary>x</summary>", "a fold that is never closed"),
    "second title": ("<h1>Another</h1>", "2 headings of the first level"),
    "machine": ("<pre>/home/someone/course</pre>", "shows /home/s..., a path of a machine"),
}


@pytest.mark.parametrize(("planted", "complaint"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(site, planted, complaint):
    (site / "index.html").write_text(PAGE.replace("<!-- here -->", planted))
    found = faults(site)
    assert complaint in found and all(x.startswith("index.html: ") for x in found.splitlines())


def test_a_missing_page_a_missing_language_and_a_private_path_are_found(site):
    (site / "other.html").unlink()
    (site / "index.html").write_text(PAGE.replace(' lang="en"', "").replace("Look", "See /srv/me"))
    found = faults(site, private=("/srv/me",))
    assert "other.html: is missing" in found and "does not say its language" in found
    assert "shows /srv/me, a path of the machine that built it" in found


def test_a_style_sheet_that_fetches_is_found(site):
    (site / "style.css").write_text("@font-face { src: url('https://x.org/font.woff2') }")
    assert faults(site) == "style.css: would fetch https://x.org/font.woff2"


def test_links_of_heads_that_no_browser_fetches_pass(site):
    head = '<link rel="canonical" href="https://x.org/here"></head>'
    (site / "index.html").write_text(PAGE.replace("</head>", head))
    assert faults(site) == ""


def cells(text):
    return json.loads(text)["cells"]


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_keeps_its_cells_and_outputs_and_has_a_text_for_each_picture(name):
    text = notebooks.lesson(ROOT, name, None)
    given = json.loads((ROOT / f"course/{name}.ipynb").read_text())["cells"]
    kept = {cell["id"]: cell for cell in cells(text)}
    assert all(
        kept[cell["id"]]["source"] == "".join(cell["source"])
        and kept[cell["id"]]["outputs"] == cell["outputs"]
        for cell in given
        if cell["cell_type"] == "code"
    )
    texts = notebooks.alternatives(text)
    pictures = text.count('"image/png": "')
    assert len(texts) == pictures and all(len(each) > 20 for each in texts.values())


def test_two_pictures_of_one_cell_keep_their_own_texts():
    cell = "masks-figure"
    (both,) = (c for c in cells(notebooks.lesson(ROOT, LESSONS[6], None)) if c["id"] == cell)
    assert len(set(notebooks.alternatives(json.dumps({"cells": [both]})).values())) == 2


def test_a_lesson_leads_to_its_exercises_and_back():
    (end,) = (c for c in cells(notebooks.lesson(ROOT, "05_arl_fix", None))[-1:])
    assert "(../exercises/05_arl_fix.ipynb)" in end["source"]
    assert "(../course/05_arl_fix.ipynb)" in notebooks.exercise(ROOT, "05_arl_fix", None)


def test_a_link_to_a_percent_file_leads_to_its_page(tmp_path):
    shutil.copytree(ROOT / "course", tmp_path / "course")
    lesson = tmp_path / "course/00_start_here.ipynb"
    lesson.write_text(lesson.read_text().replace("(05_arl_fix.ipynb)", "(05_arl_fix.py)"))
    assert ".py)" not in notebooks.lesson(tmp_path, "00_start_here", None)


@pytest.fixture(scope="module")
def unsolved(tmp_path_factory):
    """What a student is given: no solutions."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "exercises", root / "exercises")
    return root


@pytest.mark.parametrize("name", SETS)
def test_under_each_check_stands_what_it_should_print_and_no_more_than_it_tells(unsolved, name):
    expected = record.read(ROOT / f"exercises/expected/{name}.json")
    made = {cell["id"]: cell for cell in cells(notebooks.exercise(unsolved, name, None))}
    for task in expected.tasks.values():
        for check, recorded in task.cells.items():
            fold = made[f"{check}-expected"]["source"]
            for line in recorded.lines:
                label, _, value = line.partition(": ")
                assert notebooks.html.escape(label) in fold
                told = re.search(r"(tensor|array) \(|^raises ", value)
                shown = notebooks.html.escape(line) in fold.splitlines() or f">{line}<" in fold
                assert told or not shown, f"the fold of {check} gives {line!r} away"


def test_an_expected_tensor_is_shown_a_number_is_not_and_a_measurement_has_bounds():
    task = record.TaskRecord(
        title="Measure",
        answer="t-answer",
        words=None,
        points=1,
        names=(),
        imports=(),
        hints=(),
        cells={},
        within={"error": (0.1, 0.25)},
        wrong=(),
    )
    lines = ["map: float64 tensor (2,) values 1 2", "count: 7", "error: measured 0.2"]
    fold = notebooks._fold(task, lines)
    assert "map: float64 tensor (2,) values 1 2\n" in fold
    assert "7" not in fold and notebooks.NOT_TOLD in fold
    assert "error: measured, between 0.1 and 0.25" in fold


def test_launch_links_appear_where_the_address_is_known(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'course'\n")
    assert "colab" not in notebooks.lesson(ROOT, LESSONS[0], address.repository(tmp_path))
    monkeypatch.setenv(address.SETTING, f"{OWNER}.git")
    page = notebooks.lesson(ROOT, LESSONS[0], address.repository(ROOT))
    assert f"/github/someone/course/blob/main/course/{LESSONS[0]}.ipynb" in page
    assert "mybinder.org/v2/gh/someone/course/main?labpath=course/" in page
    monkeypatch.setenv(address.SETTING, "my computer")
    with pytest.raises(ValueError, match="is 'my computer'; launch buttons need"):
        address.repository(ROOT)


def test_the_address_is_taken_from_the_package(tmp_path):
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{OWNER}/"\n')
    assert address.repository(tmp_path) == OWNER


def test_a_link_to_a_source_gets_a_page_and_a_lost_one_is_refused(tmp_path):
    (tmp_path / "guide").mkdir()
    (tmp_path / "tool.py").write_text("x = 1\n")
    made = {"guide.md": "[a tool](../tool.py), [elsewhere](https://x.org), [here](#top)"}
    found = reference.resolved(made, {"guide.md": "guide/README.md"}, tmp_path)
    assert found["guide.md"].startswith("[a tool](/code/tool.py.md), [elsewhere](https://x.org)")
    assert "x = 1" in found["code/tool.py.md"]
    for lost in ("../gone.py", "../../outside.md"):
        with pytest.raises(ValueError, match="links to .*, which is no file of the course"):
            reference.resolved({"guide.md": f"[x]({lost})"}, {"guide.md": "guide/a"}, tmp_path)


def test_the_map_leads_to_cells_and_to_the_reference():
    page = reference.pages(ROOT)["course/paper_to_code.md"]
    targets = re.findall(r"\[\d\d: [\w-]+\]\(#(\d\d)-([\w-]+)\)", page)
    assert len(targets) > 30
    for number, cell in targets:
        (name,) = (each for each in LESSONS if each.startswith(number))
        assert f"({number}-{cell})=" in notebooks.lesson(ROOT, name, None)
    assert "{py:obj}`attention.merge <resattn.attention.merge>`" in page


def test_the_glossary_loses_no_word():
    page = reference.pages(ROOT)["course/glossary.md"]
    terms = re.findall(r"^\*\*(.+?)\*\*:", (ROOT / "course/glossary.md").read_text(), re.M)
    assert len(terms) > 50 and all(f"\n{term}\n  " in page for term in terms)


def test_a_guide_that_is_not_there_has_no_page(tmp_path):
    for folder in ("course", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert not set(reference.GUIDES) & set(reference.pages(tmp_path))
    there = {page for page, file in reference.GUIDES.items() if (ROOT / file).exists()}
    assert there >= {"instructors.md", "write_a_task.md", "changelog.md"}
    assert there <= set(reference.pages(ROOT))


@pytest.mark.parametrize("module", api.MODULES)
def test_every_public_name_of_the_reference_has_a_docstring_or_is_a_constant(module):
    names = api.public(module)
    assert names
    found = sys.modules[module]
    own = [n for n in names if inspect.isfunction(x := getattr(found, n)) or inspect.isclass(x)]
    assert not [name for name in own if not getattr(found, name).__doc__]


def test_generated_tables_are_made_anew_and_measured_ones_kept():
    page = (
        "Text.\n<!-- presets: begin -->\nold\n<!-- presets: end -->\n"
        "<!-- bench: begin -->\nmeasured\n<!-- bench: end -->\n"
    )
    made = generated.renewed(page, ROOT)
    assert "Text." in made and "| `attention56` |" in made and "old" not in made
    assert "measured" in made and generated.renewed(made, ROOT) == made
    assert "<!--" not in generated.body(made, lambda name, table: table)


def test_a_map_of_lessons_that_is_gone_is_noticed(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course/00_start_here.ipynb").write_text('{"cells": []}')
    with pytest.raises(ValueError, match="has lost the table of lessons"):
        generated.lessons(tmp_path)


def test_timings_say_when_on_what_and_what_was_not_measured(tmp_path):
    for folder in ("course", "exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "site").mkdir()
    one = {
        "seconds": 61.4,
        "processor_seconds": 41.2,
        "load": 1.5,
        "date": "2026-11-21",
        "machine": "a laptop, 2 threads",
    }
    (tmp_path / timings.RECORD).write_text(json.dumps({f"course/{LESSONS[1]}": one}))
    page = timings.page(tmp_path)
    assert f"| [{LESSONS[1]}](course/{LESSONS[1]}.ipynb) | 61 | 41 | 1.5 | 2026-11-21 |" in page
    assert page.count("not measured") == len(LESSONS) + len(SETS) - 1
    assert "Measured on a laptop, 2 threads." in page


def test_every_notebook_was_timed():
    record = json.loads((ROOT / timings.RECORD).read_text())
    wanted = {f"course/{name}" for name in LESSONS} | {f"solutions/{name}" for name in SETS}
    assert set(record) == wanted, "run .venv/bin/python site/time_notebooks.py NAME for the rest"


@pytest.fixture(scope="module")
def made():
    """All pages; the slow table, which the README's tests hold, is left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(generated.MAKERS, "paper", lambda root: "| recipe |")
        return tree.sources(ROOT)


def test_every_notebook_and_every_page_is_in_the_contents(made):
    listed = [page for pages in tree.contents(made).values() for page in pages]
    assert len(listed) == len(set(listed))
    notebooks_here = {f"course/{name}.ipynb" for name in LESSONS}
    notebooks_here |= {f"exercises/{name}.ipynb" for name in SETS}
    assert notebooks_here <= set(listed)
    inner = {page for page in made if page.startswith(("api/resattn", "api/coursekit", "code/"))}
    assert set(listed) == set(made) - inner - {"index.md"}
    assert all(page in made["index.md"] for page in listed)


def test_the_front_page_names_every_lesson(made):
    rows = re.findall(r"^\d\d \[.+?\]\(course/(\w+)\.ipynb\)", made["index.md"], re.M)
    assert rows == [name for name in LESSONS if not name.startswith("9")]
    assert "<!--" not in made["index.md"]


def test_no_page_shows_where_it_was_made(made):
    assert not [page for page, text in made.items() if str(ROOT) in text]


def test_students_install_nothing_for_the_site():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [re.split("[>=]", each)[0] for each in project["dependency-groups"]["site"]]
    lock = (ROOT / "site/requirements.lock").read_text()
    students = (ROOT / "requirements.lock").read_text()
    for name in wanted:
        assert re.search(rf"^{name}==", lock, re.M) and not re.search(rf"^{name}==", students, re.M)
    pins = re.findall(r"^\S+==.*?(?=^\S|\Z)", lock, re.M | re.S)
    assert len(pins) > 50 and all("--hash=sha256:" in pin for pin in pins)


def test_the_workflow_publishes_what_make_site_builds():
    flow = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text())
    steps = flow["jobs"]["build"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make site"]
    assert steps[-1]["with"]["path"] == "site/_build/html"
    assert any("deploy-pages" in step["uses"] for step in flow["jobs"]["publish"]["steps"])
    assert not re.search("continue-on-error|secrets", json.dumps(flow))
