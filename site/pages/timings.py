"""How long things take: what `site/time_notebooks.py` recorded, with machine, load and date."""

import json
from pathlib import Path

RECORD = Path("site/timings.json")
WORDS, LINES = 130, 12
"""Words of text and lines of code per minute, for a reader whose first language is another."""

_HEAD = f"""\
# How long it takes

**Reading.** The minutes of the front page are an estimate: {WORDS} words or {LINES} lines of code
per minute, and the time that the notebook runs.

**Running.** Each notebook was run once from its first cell to its last, in a fresh kernel, by
`.venv/bin/python site/time_notebooks.py`. The clock runs on while other work holds the machine, and
"load" is how many programs wanted a core as the run began; the processor's seconds are the
notebook's own. Read the clock where the load was small, else the processor.
"""

_SETS = """\
**Practising.** Minutes are what the author gives each task; seconds are for all of a set's checks,
and the answers behind them.
"""


def page(root: Path) -> str:
    """The page; a notebook that nobody timed says so."""
    record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    lessons = [
        f"| [{path.stem}](course/{path.name}) | {_measured(record, f'course/{path.stem}')} |"
        for path in sorted((root / "course").glob("[0-9]*.ipynb"))
    ]
    sets = [
        f"| [{path.stem}](exercises/{path.name}) | {asked(root, path.stem)} | "
        f"{_measured(record, f'solutions/{path.stem}')} |"
        for path in sorted((root / "exercises").glob("[0-9]*.ipynb"))
    ]
    columns = "seconds | of the processor | load | date"
    return "\n".join(
        [
            _HEAD,
            f"| lesson | {columns} |\n|---|--:|--:|--:|---|",
            *lessons,
            "",
            _SETS,
            f"| set | tasks | minutes | {columns} |\n|---|--:|--:|--:|--:|--:|---|",
            *sets,
            "",
            *(f"Measured on {each}." for each in _machines(record)),
            "",
        ]
    )


def _measured(record: dict, name: str) -> str:
    found = record.get(name)
    if found is None:
        return "not measured | | |"
    seconds, used = round(found["seconds"]), round(found["processor_seconds"])
    return f"{seconds} | {used} | {found['load']} | {found['date']}"


def asked(root: Path, name: str) -> str:
    """How many tasks a set has, and the minutes they are given, as two columns."""
    notebook = json.loads((root / "exercises" / f"{name}.ipynb").read_text(encoding="utf-8"))
    tasks = [task for cell in notebook["cells"] if (task := cell["metadata"].get("task"))]
    return f"{len(tasks)} | {sum(task['minutes'] for task in tasks)}"


def minutes(root: Path, name: str) -> int:
    """Estimate how long a lesson takes to read and run, to the nearest five minutes."""
    notebook = json.loads((root / "course" / f"{name}.ipynb").read_text(encoding="utf-8"))
    record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    texts: dict[str, str] = {"markdown": "", "code": ""}
    for cell in notebook["cells"]:
        texts[cell["cell_type"]] += "".join(cell["source"]) + "\n"
    words = len(texts["markdown"].split())
    lines = sum(bool(line.strip()) for line in texts["code"].splitlines())
    running = record.get(f"course/{name}", {"seconds": 0})["seconds"] / 60
    return 5 * round((words / WORDS + lines / LINES + running) / 5)


def _machines(record: dict) -> list[str]:
    return sorted({each["machine"] for each in record.values()})
