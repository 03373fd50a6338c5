"""Start a kernel as a process of its own and guard it, where it cannot be forked from a server."""

import json
import os
import subprocess
import sys

from coursekit.sandbox import guard
from coursekit.sandbox.limits import Limits, restrict


def main(order_file: str, ended: str) -> int:
    """Run the ordered command to its end, and write down how it ended, in words."""
    with open(order_file, encoding="utf-8") as file:
        order = json.load(file)
    limits = Limits(**order["limits"])
    judge, posix = os.getppid(), os.name == "posix"
    if sys.platform.startswith("linux"):
        guard.subreaper()
    kernel = subprocess.Popen(
        order["command"],
        cwd=order["folder"],
        env=order["environment"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=posix,
        preexec_fn=(lambda: restrict(limits)) if posix else None,
    )
    said = guard.watch(kernel.pid, limits, lambda: os.getppid() == judge, order["write"])
    with open(ended + ".part", "w", encoding="utf-8") as file:
        file.write(said)
    os.replace(ended + ".part", ended)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
