"""The frame of every page: one file, no script, nothing fetched; light, dark, wide, narrow."""

from collections.abc import Iterable, Sequence

from coursekit.report.text import shown

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2229; --paper: #fff; --soft: #f2f4f7;
  --line: #c9d0d9; --quiet: #59636f; --bar: #2f6fab; --good: #1a7f37; --bad: #b3261e;
  --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --paper: #15181d; --soft: #1f242b;
  --line: #3b444f; --quiet: #a3adb9; --bar: #6aa9e0; --good: #5cc878; --bad: #ff8a80;
  --warn: #e3b341; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
h3 { font-size: 1.05rem; }
a { color: var(--bar); } .quiet { color: var(--quiet); }
.num { font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line); }
thead th { background: var(--soft); }
td, thead th { overflow-wrap: normal; }
tbody th { width: 26%; } tbody th, td:last-child { overflow-wrap: anywhere; }
td.num, th.num { text-align: right; white-space: nowrap; }
ul { padding-left: 1.2rem; margin: .2rem 0; }
pre { background: var(--soft); padding: .7rem; border-radius: 4px; white-space: pre-wrap;
  direction: ltr; unicode-bidi: isolate; font-size: .88rem; overflow: hidden; }
blockquote { margin: .4rem 0; padding: .1rem .8rem; border-left: 3px solid var(--line);
  white-space: pre-wrap; }
svg { width: 100%; max-width: 44rem; height: auto; } svg text { fill: var(--ink); }
svg rect { fill: var(--bar); } svg line { stroke: var(--line); }
summary { cursor: pointer; }
@media (max-width: 44rem) {
  table.rows thead { position: absolute; left: -999rem; }
  table.rows tr { display: block; border-bottom: 2px solid var(--line); padding: .4rem 0; }
  table.rows td, table.rows th { display: block; width: auto; text-align: left; border: 0;
    padding: .1rem 0; white-space: normal; }
  table.rows td:empty { display: none; }
  table.rows td::before { content: attr(data-label) ": "; color: var(--quiet); }
}
"""


def page(title: str, body: str) -> str:
    """A whole page; ``title`` is text, ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """A table whose rows become cards where it is narrow; the cells are HTML.

    The first cell heads its row. ``numbers`` are the columns that stand on the right.
    """

    def kind(head: str) -> str:
        return ' class="num"' if head in numbers else ""

    head = "".join(f'<th scope="col"{kind(h)}>{shown(h)}</th>' for h in heads)
    lines = (
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(
            f'<td{kind(h)} data-label="{shown(h)}">{cell}</td>'
            for h, cell in zip(heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="rows"><thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table>"
    )


def listed(texts: Iterable[str]) -> str:
    """A list of HTML items; nothing without any."""
    items = "".join(f"<li>{text}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def name(text: str) -> str:
    """A name, kept apart from the direction in which its neighbours are read."""
    return f"<bdi>{shown(text)}</bdi>"


def several(count: float, one: str, many: str = "") -> str:
    """1 day, 2 days."""
    return f"{count:g} {one if count == 1 else many or one + 's'}"
