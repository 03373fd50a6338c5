"""`python -m coursekit lab`: refresh `work/`, then open it in JupyterLab.

JupyterLab shows the student's folder alone, so lessons and exercises are there once each, and
without jupytext's pairing: what is saved there is one file. With `--root .` authors see the whole
course and its pairs. The settings in `settings/` hold for this command only.
"""

import argparse
import os
import sys
from pathlib import Path

from coursekit import mine
from coursekit.student.work import refresh, root_here

HERE = Path(__file__).resolve().parent
FIRST = "course/00_start_here.ipynb"
CONTAINERS = ("/.dockerenv", "/run/.containerenv")
IN_CONTAINER = (
    "This seems to be a container: VS Code and Codespaces forward the port by themselves. In "
    "plain Docker, publish it (docker run -p 127.0.0.1:8888:8888 ...) and add the option "
    "--ip=0.0.0.0; then open the address below on your own machine."
)


def run(options: argparse.Namespace) -> int:
    """Start JupyterLab in this process, until it is stopped; the status is always 0."""
    root = root_here()
    for line in refresh(root).said():
        print(line)
    shown = (options.root or root / mine.WORK).resolve()
    if not shown.is_dir():
        raise ValueError(f"{shown} is no folder; give one that JupyterLab can show")
    if in_container():
        print(IN_CONTAINER)
    print("Starting JupyterLab; stop it by Ctrl+C in this terminal", flush=True)
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(argv=arguments(root, shown, options.options))
    return 0


def arguments(root: Path, shown: Path, own: list[str]) -> list[str]:
    """Return JupyterLab's arguments to show a folder; a person's own options win."""
    student = shown == root / mine.WORK
    first = FIRST if (shown / FIRST).exists() else ""
    given = [
        f"--ServerApp.root_dir={shown}",
        f"--LabApp.default_url=/lab/tree/{first}" if first else "--LabApp.default_url=/lab",
        f"--LabApp.workspaces_dir={root / mine.WORK / '.jupyterlab' / 'workspaces'}",
        f"--LabApp.app_settings_dir={HERE / 'settings'}",
    ]
    if student:
        given.append("--ServerApp.jpserver_extensions=jupyterlab_jupytext=False")
    if as_root():
        given.append("--ServerApp.allow_root=True")
        if not any(each.startswith(("--ip", "--ServerApp.ip")) for each in own):
            given.append("--ServerApp.ip=127.0.0.1")
    return [*given, *own]


def as_root() -> bool:
    """Return True for the user root, for whom JupyterLab starts only with `allow_root`."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def in_container() -> bool:
    """Return True in a container whose ports nobody forwards by themselves."""
    forwarded = any(os.environ.get(each) for each in ("CODESPACES", "REMOTE_CONTAINERS"))
    return sys.platform == "linux" and not forwarded and any(map(os.path.exists, CONTAINERS))
