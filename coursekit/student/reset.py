"""`python -m coursekit reset 05`: the exercise as it was given; a dated copy of yours is kept."""

from pathlib import Path

import nbformat

from coursekit import mine
from coursekit.checks.record import load
from coursekit.dataclass_json import encode
from coursekit.source.pairs import KERNELSPEC, read_text, written
from coursekit.student.notebook import find


def run(options) -> int:
    """Keep copies, then write the exercise anew."""
    path = find(options.exercise).with_suffix(".ipynb")
    for copy in reset(path):
        print(f"kept: {copy}")
    print(f"{path} is as it was given. Close it in JupyterLab and open it again.")
    return 0


def reset(path: Path) -> list[Path]:
    """Write the notebook anew; returns the copies of what was there."""
    record = load(path.stem, path.parent)
    if record is None:
        raise ValueError(f"no expected/{path.stem}.json beside {path}: it holds the exercise")
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNELSPEC},
        cells=[
            nbformat.from_dict(
                encode(cell)
                | ({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
            )
            for cell in record.notebook
        ],
    )
    kept = [mine.keep(path)] if path.exists() else []
    made = read_text(written(notebook), path)
    path.write_text(nbformat.writes(made) + "\n", encoding="utf-8", newline="\n")
    return kept
