"""The pages beside lessons and results: the map, the glossary, the guides, the sources linked."""

import re
from pathlib import Path

from coursekit.source.paper_map import paper_map

from .api import documented
from .results import STACKED

GUIDES = {
    "install.md": "docs/install.md",
    "student.md": "docs/student.md",
    "engineer.md": "docs/engineer.md",
    "dependencies.md": "docs/dependencies.md",
    "instructors.md": "docs/grading.md",
    "write_a_task.md": "solutions/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
"""The site's page to the file of the repository that it shows, where there is one."""

LANGUAGES = {".py": "python", ".toml": "toml", ".yml": "yaml", ".json": "json"}

_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_CELL = re.compile(r"\[(\d\d)\]\(\w+\.ipynb\): `([\w-]+)`")
_TERM = re.compile(r"^\*\*(.+?)\*\*: (.+?) Lesson (\d\d)\.$", re.MULTILINE)


def pages(root: Path) -> dict[str, str]:
    """Map, glossary and guides, by their place."""
    words = (root / "course/glossary.md").read_text(encoding="utf-8")
    found = {
        "course/paper_to_code.md": _linked_map(paper_map(root)),
        "course/glossary.md": _glossary(words, root),
    }
    for page, source in GUIDES.items():
        if (root / source).exists():
            found[page] = (root / source).read_text(encoding="utf-8")
    return found


def resolved(made: dict[str, str], origins: dict[str, str], root: Path) -> dict[str, str]:
    """The pages with each link to a file of the repository leading to a page of the site.

    A file that has no page of its own gets one, which shows its text.

    Args:
        made: the pages, by their place.
        origins: of the pages whose links start in a file of the repository: page to that file.

    Raises:
        ValueError: for a link to what does not exist.
    """
    homes = {source: page for page, source in GUIDES.items() if page in made}
    shown: dict[str, str] = {}

    def lead(page: str, link: re.Match) -> str:
        target = (root / origins[page]).parent.joinpath(link[1]).resolve()
        if not target.is_file() or not target.is_relative_to(root.resolve()):
            raise ValueError(f"{origins[page]} links to {link[1]}, which is no file of the course")
        source = target.relative_to(root.resolve()).as_posix()
        place = homes.get(source) or (source if source in made else f"code/{source}.md")
        if place.startswith("code/"):
            shown[place] = _code(source, target)
        return f"](/{place}{link[2] or ''})"

    for page in origins:
        made = made | {page: _LINK.sub(lambda link, page=page: lead(page, link), made[page])}
    return made | shown


def _code(source: str, path: Path) -> str:
    language = LANGUAGES.get(path.suffix, "text")
    fence = "`" * 6
    return (
        f"---\norphan: true\n---\n\n# {source}\n\n"
        f"{fence}{{code-block}} {language}\n{path.read_text(encoding='utf-8')}{fence}\n"
    )


def _linked_map(page: str) -> str:
    """The map with its cells, and what it names of the package, as links."""
    page = page.replace("\n\n|", f"\n\n{STACKED}\n|", 1)
    return re.sub(r"`([a-zA-Z][\w.]*)`", _name, _CELL.sub(r"[\1: \2](#\1-\2)", page))


def _name(found: re.Match) -> str:
    full = documented(found[1])
    return f"{{py:obj}}`{found[1]} <{full}>`" if full else found[0]


def _glossary(page: str, root: Path) -> str:
    """The glossary with a place to link to at each word, and a link to each word's lesson."""
    lessons = {path.name[:2]: path.name for path in (root / "course").glob("*.ipynb")}
    head = page.partition("\n\n**")[0]
    entries = [
        f"{term}\n  {text} [Lesson {number}]({lessons[number]})."
        for term, text, number in _TERM.findall(page)
    ]
    return f"{head}\n\n" + "\n\n".join(["````{glossary}", *entries, "````"]) + "\n"
