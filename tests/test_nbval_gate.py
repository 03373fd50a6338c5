"""Planted notebooks: every way of passing without being right must fail, and a good one pass.

All are run by one pytest in a process of its own, with the repository's own pytest options.
"""

import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]


def code(source, *printed, count=1, tags=(), stderr=None):
    """A code cell as if it had been run, with what it had printed."""
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in printed]
    if stderr:
        outputs.append(nbformat.v4.new_output("stream", name="stderr", text=stderr))
    return nbformat.v4.new_code_cell(
        source, outputs=outputs, execution_count=count, metadata={"tags": list(tags)}
    )


HELLO = code("print('hello')", "hello\n")
OVERRIDE = (
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "InteractiveShell.showtraceback = lambda *a, **k: None\n"
    "get_ipython().showtraceback = lambda *a, **k: None"
)
SWALLOW = "import time\ntry:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('slept')"

PROGRESS = (
    "from IPython.display import display\n"
    "line = display({'text/plain': 'step 1'}, raw=True, metadata={'progress': True},\n"
    "               display_id=True)\n"
    "line.update({'text/plain': 'step 2'}, raw=True, metadata={'progress': True})\n"
    "print('trained')"
)

GOOD = {
    "progress": [code(PROGRESS, "trained\n")],
    "good": [
        HELLO,
        code("print('a')", "a\n"),
        code("import sys; print('w', file=sys.stderr)", tags=["nbval-ignore-output"]),
    ],
    "blanked": [
        code(
            "import time\nprint(f'{time.perf_counter() % 97:.2f} s', object())",
            "1.5 s <object object at 0x7f0000000000>\n",
        )
    ],
    "figure": [
        code(
            "import os\nprint(os.environ['MPLBACKEND'])",
            "module://matplotlib_inline.backend_inline\n",
        )
    ],
    "raises": [
        HELLO,
        nbformat.v4.new_code_cell(
            "1 / 0",
            execution_count=2,
            metadata={"tags": ["raises-exception"]},
            outputs=[
                nbformat.v4.new_output(
                    "error", ename="ZeroDivisionError", evalue="division by zero", traceback=[]
                )
            ],
        ),
    ],
}
BAD = {
    "display_is_no_progress": [code(PROGRESS.replace("True}", "False}"), "trained\n")],
    "wrong_output": [code("print('hello')", "goodbye\n")],
    "unknown_magic": [HELLO, code("%notmagic\nassert False")],
    "overridden_traceback": [HELLO, code(OVERRIDE), code("assert False")],
    "kernel_death": [HELLO, code("import os; os._exit(0)")],
    "stripped_counts": [code("print('hello')", count=None)],
    "stripped_outputs": [code("x = 1"), code("print('hello')", tags=["nbval-ignore-output"])],
    "raises_nothing": [HELLO, code("x = 1", tags=["raises-exception"])],
    "new_warning": [HELLO, code("import sys; print('w', file=sys.stderr)")],
    "missing_warning": [HELLO, code("x = 1", stderr="w\n")],
    "swallowed_timeout": [HELLO, code(SWALLOW, "slept\n", tags=["slow"])],
}
FOREIGN = {  # tags of a notebook from elsewhere are not believed
    "skips": [HELLO, code("assert False", tags=["nbval-skip"])],
    "ignores": [HELLO, code("print('b')", "a\n", tags=["nbval-ignore-output"])],
    "marks_raise": [HELLO, code("raise ValueError", tags=["raises-exception"])],
    "skips_by_comment": [HELLO, code("# NBVAL_SKIP\nassert False")],
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The outcome of each cell, by notebook: lists of passed / failed / skipped."""
    root = tmp_path_factory.mktemp("planted")
    for folder, notebooks in (("course", GOOD | BAD), ("elsewhere", FOREIGN)):
        (root / folder).mkdir()
        for name, cells in notebooks.items():
            notebook = nbformat.v4.new_notebook(cells=cells)
            nbformat.write(notebook, root / folder / f"{name}.ipynb")
    needs_gpu = nbformat.v4.new_notebook(cells=[HELLO, code("assert False", tags=["gpu"])])
    nbformat.write(needs_gpu, root / "course" / "gpu.ipynb")
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"--rootdir={root}",
        "-p",
        "no:cacheprovider",
        *options["addopts"],
        "--nbval-cell-timeout=10",
        f"--junit-xml={root}/verdicts.xml",
        "course",
        "elsewhere",
    ]
    (root / "pytest.ini").write_text("[pytest]\n")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=1200)
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(root / "verdicts.xml").iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        verdict = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        found.setdefault(case.get("classname").split(".")[-2], []).append(verdict)
    return found


@pytest.mark.parametrize("name", GOOD)
def test_good_notebook_passes(verdicts, name):
    assert verdicts[name] == ["passed"] * len(GOOD[name])


@pytest.mark.parametrize("name", BAD | FOREIGN)
def test_bad_notebook_fails(verdicts, name):
    assert "failed" in verdicts[name]


def test_only_the_bad_cell_fails(verdicts):
    assert verdicts["unknown_magic"] == ["passed", "failed"]
    assert verdicts["overridden_traceback"] == ["passed", "passed", "failed"]
    assert verdicts["marks_raise"] == ["passed", "failed"]


def test_gpu_cell_is_skipped_without_a_gpu(verdicts):
    assert verdicts["gpu"] == ["passed", "skipped"]


SHARE = """
import os
import torch

def test_share():
    assert torch.get_num_threads() == max(1, os.cpu_count() // 2)
    assert os.environ["OMP_NUM_THREADS"] == str(torch.get_num_threads())
"""


def test_two_workers_share_the_cores(tmp_path):
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_share.py").write_text(SHARE)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "OMP_", "MKL_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--rootdir", "."],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
