"""Read the site's HTML as a browser would, and name what is broken on it.

A fault is a link that leads nowhere, a picture without text, a page that is missing, something
that would be fetched from elsewhere, a fold that cannot be opened, or a path of the machine that
built it. Only the standard library is used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "link": ("href",),
    "input": ("src",),
    "use": ("href", "xlink:href"),
}
"""What a browser fetches by itself; a link in `a` waits for a click."""

NOT_FETCHED = {"canonical", "next", "prev", "index", "search", "author", "license", "alternate"}
MACHINE = re.compile(r"(?<![\w.~:/-])(?:/home/\w|/Users/\w|/root/|/tmp/\w|[A-Z]:\\Users\\)")
_FROM_STYLE = re.compile(r"""(?:@import\s*(?:url\()?|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")
_FROM_SCRIPT = re.compile(
    r"""(?:import\s*\(?|fetch\(|from|importScripts\(|\.src\s*=)\s*["'`]((?:https?:)?//[^"'`]+)"""
)


@dataclass
class Page:
    """What one HTML file has and refers to."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    text: str = ""
    headings: int = 0


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self._open, self._text = page, [], []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = {name: value or "" for name, value in attributes}
        page = self.page
        page.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        page.headings += tag == "h1"
        if tag == "a" and "href" in given:
            page.links.append(given["href"])
        page.loads += _loaded(tag, given)
        page.faults += [f"would fetch {url}" for url in _FROM_STYLE.findall(given.get("style", ""))]
        if tag == "img" and not given.get("alt", "").strip():
            page.faults.append(f"the picture {given.get('src', '')[:80]} has no alternative text")
        if tag == "details":
            self._open.append(False)
        elif tag == "summary" and self._open:
            self._open[-1] = True
        elif tag == "html" and not given.get("lang"):
            page.faults.append("does not say its language")

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and not (self._open and self._open.pop()):
            self.page.faults.append("has a fold without a summary to open it by")

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        inside = _FROM_SCRIPT if self.lasttag == "script" else _FROM_STYLE
        if self.lasttag in ("script", "style"):
            self.page.faults += [f"would fetch {url}" for url in inside.findall(data)]

    def close(self) -> None:
        super().close()
        self.page.text = "\n".join(self._text)
        if self._open:
            self.page.faults.append("has a fold that is never closed")


def faults(folder: Path, expected: list[str], *, private: tuple[str, ...] = ()) -> list[str]:
    """Everything wrong with a built site, one sentence a fault; none for a sound one.

    Args:
        folder: of the HTML files.
        expected: the pages that must be there, relative to it.
        private: texts that no page may show, such as the folder it was built in.
    """
    pages = {
        path.relative_to(folder).as_posix(): read(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
    }
    found = [f"{page}: is missing" for page in expected if page not in pages]
    for name, page in pages.items():
        about = [*page.faults, *_unlinked(name, page, pages, folder), *_shown(page, private)]
        found += [f"{name}: {fault}" for fault in about]
    found += [
        f"{page}: has {pages[page].headings} headings of the first level, and needs one"
        for page in expected
        if page in pages and pages[page].headings != 1
    ]
    for style in sorted(folder.rglob("*.css")):
        urls = _FROM_STYLE.findall(style.read_text(encoding="utf-8"))
        found += [f"{style.relative_to(folder).as_posix()}: would fetch {url}" for url in urls]
    return found


def read(html: str) -> Page:
    """What one page's HTML has and refers to."""
    page = Page()
    reader = _Reader(page)
    reader.feed(html)
    reader.close()
    return page


def _loaded(tag: str, given: dict[str, str]) -> Iterator[str]:
    if tag == "link" and set(given.get("rel", "").split()) & NOT_FETCHED:
        return
    for name in LOADED.get(tag, ()):
        for url in given.get(name, "").split(", " if name == "srcset" else "\n"):
            if url.strip():
                yield url.split()[0] if name == "srcset" else url.strip()


def _unlinked(name: str, page: Page, pages: dict[str, Page], folder: Path) -> Iterator[str]:
    for url in page.loads:
        if urlsplit(url).scheme in ("http", "https") or url.startswith("//"):
            yield f"would fetch {url}"
    for url in dict.fromkeys([*page.links, *page.loads]):
        parts = urlsplit(url)
        if parts.scheme or url.startswith("//"):
            continue
        if parts.path.startswith("/"):
            yield f"links to {url}, which is lost when the site lies in a folder"
            continue
        path = (folder / name).parent / unquote(parts.path) if parts.path else folder / name
        if path.is_dir() or not path.exists():
            yield f"links to {url}, which does not exist"
            continue
        target = pages.get(path.resolve().relative_to(folder.resolve()).as_posix())
        if parts.fragment and target and unquote(parts.fragment) not in target.ids:
            yield f"links to {url}, where there is no such place"


def _shown(page: Page, private: tuple[str, ...]) -> Iterator[str]:
    for text in private:
        if len(text) > 1 and text in page.text:
            yield f"shows {text}, a path of the machine that built it"
    for found in dict.fromkeys(match[0] for match in MACHINE.finditer(page.text)):
        yield f"shows {found}..., a path of a machine"
