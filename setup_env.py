"""Make `.venv` ready for the course: `make` runs this before anything else.

Plain standard library, and syntax that any Python can read, so that an old one can say what is
wrong. Installs exactly what requirements.lock lists, by hash, then this package as editable. A
stamp holding the hash of what was asked for makes the next call return at once; a mark left by an
interrupted install makes the next call start afresh. Every failure is one sentence.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))
STAMP = os.path.join(VENV, ".installed")
UNFINISHED = os.path.join(VENV, ".installing")
LOG = os.path.join(VENV, "install.log")
SETTINGS = os.path.join(VENV, "share", "jupyter", "lab", "settings")  # JupyterLab's own, in .venv
QUIET = """{
  "@jupyterlab/apputils-extension:notification": {"checkForUpdates": false, "fetchNews": "false"}
}
"""
OLDEST = (3, 11)
NEED_GB = 7  # 5.7 installed, and pip's downloads beside it

PIP = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input"]
STEPS = (
    PIP + ["install", "--require-hashes", "-r", "requirements.lock"],
    PIP + ["install", "--no-deps", "--no-build-isolation", "-e", ".", "-e", "./coursekit"],
)
FULL = "The disk is full: free about %d GB where this folder lies, then run make again." % NEED_GB
OFFLINE = (
    "Packages cannot be downloaded: connect to the network (or set HTTPS_PROXY), "
    "then run make again; it goes on by itself."
)
CAUSES = (  # what pip prints, and the sentence that a person needs
    (("No space left", "not enough space"), FULL),
    (
        (
            "NewConnectionError",
            "NameResolution",
            "name resolution",
            "getaddrinfo",
            "unreachable",
            "ConnectTimeout",
            "Read timed out",
            "ProxyError",
            "Max retries",
            "Connection reset",
        ),
        OFFLINE,
    ),
    (
        ("DO NOT MATCH THE HASHES",),
        "A downloaded package is damaged or was exchanged: run make "
        "again, and if it stays so, do not install it but tell the authors.",
    ),
    (
        ("No matching distribution",),
        "Some package exists for no Python %d.%d on this system: "
        "install another Python from 3.11 on, and run make PYTHON=/path/to/it."
        % sys.version_info[:2],
    ),
)


class Trouble(Exception):
    """Something that the person at the keyboard has to mend; the message says how."""


def main():
    """Return 0 with `.venv` ready, else print one sentence and return 1."""
    try:
        check_python()
        if read(STAMP) != wanted():
            install()
        return 0
    except Trouble as trouble:
        message = str(trouble)
    except KeyboardInterrupt:
        message = "Interrupted: run make again, and the installation starts afresh."
    except EnvironmentError as error:
        message = FULL if error.errno == 28 else "The installation stopped: %s." % error
    sys.stderr.write("\n" + message + "\n")
    return 1


def check_python():
    """Refuse a Python older than the course needs."""
    if sys.version_info[:2] < OLDEST:
        raise Trouble(
            "This course needs Python 3.11 or newer and found %s at %s: install one from "
            "https://www.python.org/downloads and run make PYTHON=/path/to/it."
            % (".".join(str(part) for part in sys.version_info[:3]), sys.executable)
        )


def wanted():
    """The hash of all that decides what `.venv` must hold, this folder's own path included."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("requirements.lock", "pyproject.toml", "coursekit/pyproject.toml", "setup_env.py"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def install():
    """Create `.venv` unless a sound one is there, and run the steps."""
    if os.path.exists(UNFINISHED) or not sound():
        check_disk()
        create()
    write(UNFINISHED, "")
    with open(LOG, "w") as log:
        for step in STEPS:
            run(step, log)
    if not os.path.isdir(SETTINGS):
        os.makedirs(SETTINGS)
    write(os.path.join(SETTINGS, "overrides.json"), QUIET)  # a lesson begins with no question
    os.remove(UNFINISHED)
    write(STAMP, wanted())


def sound():
    """Whether `.venv` holds a Python that is new enough and has pip."""
    test = "import sys, pip; sys.exit(sys.version_info < %r)" % (OLDEST,)
    try:
        return subprocess.call([PYTHON, "-c", test], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def check_disk():
    """Refuse to start what the disk cannot hold."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEED_GB:
        raise Trouble(
            "The installation needs %d GB and the disk of %s has %.1f GB free: make "
            "room, then run make again." % (NEED_GB, ROOT, free)
        )


def create():
    """Make an empty `.venv`, over a broken one if need be."""
    print(
        "Creating .venv with Python %d.%d; about 6 GB will be installed, once."
        % sys.version_info[:2]
    )
    done = subprocess.Popen(
        [sys.executable, "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = done.communicate()[0].decode(errors="replace")
    if "No space left" in said:
        raise Trouble(FULL)
    if done.returncode:
        raise Trouble(
            "%s cannot create environments: install its venv module (on Debian and "
            "Ubuntu: apt install python3-venv), then run make again." % sys.executable
        )


def run(step, log):
    """Run one pip command, showing its progress; all it says goes to the log."""
    pip = subprocess.Popen(step, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    for line in (raw.decode(errors="replace") for raw in pip.stdout):
        log.write(line)
        lines.append(line)
        if " MB)" in line or line.startswith("Installing"):  # small downloads are too many
            sys.stdout.write(line.strip()[:90] + "\n")
            sys.stdout.flush()
    if pip.wait():
        said = "".join(lines)
        for signs, sentence in CAUSES:
            if any(sign in said for sign in signs):
                if sentence is OFFLINE:
                    os.remove(UNFINISHED)  # pip downloads before it installs: nothing is half done
                raise Trouble(sentence)
        raise Trouble(
            "Installing failed: the reason stands at the end of %s; mend it, then run "
            "make again." % LOG
        )


def read(path):
    """The text of a file, or None."""
    try:
        with open(path) as file:
            return file.read()
    except EnvironmentError:
        return None


def write(path, text):
    """Write a small file whole."""
    with open(path + ".tmp", "w") as file:
        file.write(text)
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    sys.exit(main())
