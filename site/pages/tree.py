"""All pages of the site, and their order."""

import re
from pathlib import Path

from . import api, notebooks, reference, results, timings
from .address import repository
from .generated import lessons

FRONT = ("11_what_the_masks_see", "beside-figure")
"""The lesson and the cell whose picture the front page shows."""

LOOK_UP = {
    "Begin": ("install.md", "student.md"),
    "Look up": (
        "course/paper_to_code.md",
        "course/glossary.md",
        "course/90_failure_museum.ipynb",
        "engineer.md",
        "api/index.md",
    ),
    "Teach and carry on": (
        "instructors.md",
        "write_a_task.md",
        "contributing.md",
        "course/91_style_guide.ipynb",
        "timings.md",
        "dependencies.md",
        "changelog.md",
    ),
}


def sources(root: Path) -> dict[str, str]:
    """Every page's text, by its place in the folder that Sphinx reads.

    Raises:
        ValueError: one sentence, for what the pages need and the course lacks.
    """
    address = repository(root)
    taught, sets = stems(root / "course"), stems(root / "exercises")
    made = {f"course/{name}.ipynb": notebooks.lesson(root, name, address) for name in taught}
    made |= {f"exercises/{name}.ipynb": notebooks.exercise(root, name, address) for name in sets}
    made |= results.pages(root) | reference.pages(root) | api.pages()
    made |= {"timings.md": timings.page(root), "exercises/index.md": _sets(root, sets)}
    origins = dict(results.FROM_DOCS)
    origins |= {page: page for page in made if re.fullmatch(r"course/.*\.md", page)}
    origins |= {page: file for page, file in reference.GUIDES.items() if page in made}
    made = reference.resolved(made, origins, root)
    return made | {"index.md": _front(root, made)}


def stems(folder: Path) -> list[str]:
    """The numbered notebooks of a folder, in order."""
    return sorted(path.stem for path in folder.glob("[0-9][0-9]_*.ipynb"))


def contents(made: dict[str, str]) -> dict[str, list[str]]:
    """The chapters of the site and the pages in each; `made` may lack a guide."""
    looked_up = {page for chapter in LOOK_UP.values() for page in chapter}

    def under(folder: str) -> list[str]:
        found = [page for page in made if page.startswith(f"{folder}/") and page not in looked_up]
        return sorted(found, key=lambda page: (not page.endswith("index.md"), page))

    return {
        "Lessons": under("course"),
        "Exercises": under("exercises"),
        "Measured": list(results.ORDER),
        **{name: [page for page in pages if page in made] for name, pages in LOOK_UP.items()},
    }


_SETS = """\
# Exercises

Each set belongs to a lesson, and is a notebook in which you write the answers. Under each answer
stands its check: it prints what your code computes, says where it differs, and names the mistake
if others have made it before. Then come hints, from gentle to nearly all of it; unfold as few as
you need.

`python -m coursekit check 05` judges a whole set in a fresh kernel, `progress` shows your points,
`submit 05` bundles the notebook, and `reset 05` begins anew and keeps what was there.

| set | tasks | minutes |
|---|--:|--:|
"""


def _sets(root: Path, sets: list[str]) -> str:
    rows = [
        f"| [{notebooks.title(root, f'exercises/{name}.ipynb')}]({name}.ipynb) | "
        f"{timings.asked(root, name)} |"
        for name in sets
    ]
    return _SETS + "\n".join(rows) + "\n"


def _front(root: Path, made: dict[str, str]) -> str:
    """The front page, with the README's table of lessons and the contents of the site."""
    page = (root / "site/index.md").read_text(encoding="utf-8")
    page = page.replace("<!-- lessons -->", lessons(root)).replace("<!-- figure -->", _figure(root))
    if "instructors.md" not in made:
        page = page.replace("[instructor's guide](instructors.md)", "instructor's guide")
    trees = [
        f"```{{toctree}}\n:hidden:\n:caption: {chapter}\n\n" + "\n".join(pages) + "\n```\n"
        for chapter, pages in contents(made).items()
    ]
    return "\n".join([page, *trees])


def _figure(root: Path) -> str:
    lesson, cell = FRONT
    picture, words = notebooks.picture(root, lesson, cell)
    below = f"*From [lesson {lesson[:2]}](course/{lesson}.ipynb).*"
    return f"![{words}](data:image/png;base64,{picture})\n\n{below}"
