"""Make `.venv` ready for the course: `make` runs this before anything else.

    python setup_env.py                 what a student needs, from requirements.lock
    python setup_env.py tests           and what the tests need, from tests/requirements.lock
    python setup_env.py --borrow-torch  PyTorch stays where the Python that runs this has it

Only the standard library is used, and syntax that any Python can read, so that an old Python can
say what is wrong. The locks hold every package by version and hash; both packages of this folder
are installed as editable. A stamp with the hash of all inputs makes the next call return at once. A
mark left by an interrupted install makes the next call start again. Whatever would stop the install
is found before it begins, and every failure is one sentence.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))
STAMP = os.path.join(VENV, ".installed")
TESTS_STAMP = os.path.join(VENV, ".installed-tests")
UNFINISHED = os.path.join(VENV, ".installing")
DONOR = os.path.join(VENV, ".torch-from")  # the Python whose PyTorch is borrowed
LOG = os.path.join(VENV, "install.log")
DOWNLOADS = os.path.join(VENV, "downloads")  # /tmp is often too small for them

LOCK, TESTS_LOCK = "requirements.lock", os.path.join("tests", "requirements.lock")
OLDEST, NEWEST = (3, 11), (3, 14)  # the packages in the lock are built for these
OLDEST_GLIBC, OLDEST_MACOS = (2, 28), (14, 0)  # torch in the lock is built for these
TORCH = re.compile(r"(torch|torchvision|triton|nvidia-[\w-]+|cuda-[\w-]+)==")
"""PyTorch in the lock, with what it alone needs."""

PIP = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-deps"]
PACKAGES = ["-e", ".", "-e", "./coursekit"]

ELSEWHERE = (
    "Use conda instead (conda env create -f environment.yml), or open the course in a container or "
    "in Codespaces; docs/install.md shows both."
)
OFFLINE = (
    "Packages cannot be downloaded: connect to the network (or set HTTPS_PROXY), "
    "then run make again; it continues by itself."
)
FULL = "The disk is full: free about %s GB where this folder lies, then run make again."
NO_SPACE = ("No space left", "not enough space")
CAUSES = (  # what pip prints, and the sentence that a person needs
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
        "A downloaded package is damaged or was replaced: run make again. If this message comes "
        "back, do not install the package, but tell the authors.",
    ),
    (
        ("No matching distribution",),
        "Some package is not available for Python %d.%d on this system; %s names it. %s"
        % (sys.version_info[0], sys.version_info[1], LOG, ELSEWHERE),
    ),
)


class Trouble(Exception):
    """Something that the person at the keyboard has to fix; the message says how."""


def main(words):
    """Return 0 with `.venv` ready, else print one sentence and return 1."""
    need = 0
    try:
        check_python()
        donor = sys.executable if "--borrow-torch" in words else read(DONOR) or ""
        check_donor(donor)
        need = sizes(donor)[1]
        if read(STAMP) != wanted(LOCK, donor):
            if donor not in ("", sys.executable):  # what borrows must be made by the same Python
                return subprocess.call([donor, __file__, "--borrow-torch"] + words)
            install_course(donor)
        if "tests" in words and read(TESTS_STAMP) != wanted(TESTS_LOCK, donor):
            install_tests(donor)
        return 0
    except Trouble as trouble:
        message = str(trouble)
    except KeyboardInterrupt:
        message = "Interrupted: run make again; the installation starts from the beginning."
    except EnvironmentError as error:
        message = FULL % need if error.errno == 28 else "The installation stopped: %s." % error
    sys.stderr.write("\n" + message + "\n")
    return 1


def wanted(lock, donor):
    """Return the hash of all that decides the content of `.venv`, this folder's path included."""
    digest = hashlib.sha256((ROOT + "\n" + donor).encode())
    for name in (LOCK, lock, "pyproject.toml", "coursekit/pyproject.toml", "setup_env.py"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def sizes(donor):
    """Return two estimates in GB: what is downloaded, and the disk that the install takes."""
    if donor:
        return (0.1, 1)
    return (2.7, 9) if sys.platform.startswith("linux") else (0.4, 2.5)  # Linux: PyTorch with CUDA


# Before the install


def check_python():
    """Refuse a Python for which the packages are not built."""
    here = "Python %s at %s" % (
        ".".join(str(part) for part in sys.version_info[:3]),
        sys.executable,
    )
    other = "install one from https://www.python.org/downloads and run make PYTHON=/path/to/it."
    if sys.version_info[:2] < OLDEST:
        raise Trouble("This course needs Python 3.11 or newer and found %s: %s" % (here, other))
    if sys.version_info[:2] > NEWEST:
        raise Trouble(
            "PyTorch and NumPy are not yet available for %s: use Python %d.%d to %d.%d; %s"
            % ((here,) + OLDEST + NEWEST + (other,))
        )
    kind = None
    if platform.python_implementation() != "CPython":
        kind = platform.python_implementation()
    elif sys.maxsize < 2**32:
        kind = "a 32-bit build"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        kind = "a free-threaded build"
    if kind:
        raise Trouble(
            "%s is %s, for which some packages are not available: use the usual 64-bit Python; %s"
            % (here, kind, other)
        )


def check_system():
    """Refuse a system for which PyTorch publishes no package."""
    machine, reason = platform.machine().lower(), None
    if sys.platform == "darwin" and machine == "x86_64":
        if runs_translated():
            raise Trouble(
                "%s is built for Intel processors, and this Mac has another one: install Python "
                "from https://www.python.org/downloads and run make PYTHON=/path/to/it."
                % sys.executable
            )
        reason = "PyTorch stopped at version 2.2.2 for Macs with an Intel processor"
    elif sys.platform == "darwin":
        version = numbers(platform.mac_ver()[0])
        if (11, 0) <= version < OLDEST_MACOS:  # below: a Python that does not know its system
            reason = "PyTorch needs macOS %d and this is %d.%d" % ((OLDEST_MACOS[0],) + version[:2])
    elif machine not in ("x86_64", "amd64", "aarch64") or (os.name == "nt" and machine != "amd64"):
        reason = "PyTorch publishes no package for %s on %s" % (machine, platform.system())
    elif sys.platform.startswith("linux"):
        libc = c_library()
        if not libc.startswith("glibc"):
            reason = "PyTorch needs glibc, and this Linux uses another C library (Alpine: musl)"
        elif numbers(libc.split()[1]) < OLDEST_GLIBC:
            reason = "PyTorch needs glibc 2.28 or newer, and this Linux has %s" % libc
    elif os.name != "nt":
        reason = "PyTorch publishes no package for %s" % platform.system()
    if reason:
        raise Trouble("%s. %s" % (reason, ELSEWHERE))


def runs_translated():
    """Return whether Rosetta translates this Python: an Intel build on an Apple processor."""
    asked = subprocess.Popen(
        ["sysctl", "-n", "sysctl.proc_translated"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return asked.communicate()[0].strip() == b"1"


def c_library():
    """Return the name and version of the C library, such as "glibc 2.36"; "" where unknown."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def check_folder():
    """Refuse a folder in which no environment can be made."""
    if os.pathsep in ROOT:
        raise Trouble(
            'No environment can be made in %s, because the path contains "%s": rename the folder, '
            "then run make again." % (ROOT, os.pathsep)
        )
    try:
        tempfile.TemporaryFile(dir=ROOT).close()
    except EnvironmentError as error:
        if error.errno == 28:
            raise
        raise Trouble(
            "%s cannot be written (%s): copy the course into a folder of your own, then run make "
            "there." % (ROOT, error.strerror)
        )


def check_disk(need):
    """Refuse to start what the disk cannot hold."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < need:
        raise Trouble(
            "The installation needs %s GB and the disk of %s has %.1f GB free: make "
            "room, then run make again." % (need, ROOT, free)
        )


# PyTorch from another environment


def check_donor(donor):
    """Refuse to borrow from a Python that is gone, or from this course's own environment."""
    if donor and not os.path.exists(donor):
        raise Trouble(
            "The PyTorch of %s is used here, and that Python is gone: run make with TORCH= and "
            "another one, or delete the folder .venv and run make again." % donor
        )
    if donor == sys.executable and os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        raise Trouble(
            "TORCH must name the Python of another environment, and %s is the course's own." % donor
        )


def borrow():
    """Return the folders in which this Python has torch and torchvision, after checking both."""
    asked = subprocess.Popen(
        [sys.executable, "-c", ASK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.path.dirname(sys.executable),
    )
    said, complaint = (part.decode(errors="replace").strip() for part in asked.communicate())
    if asked.returncode:
        raise Trouble(
            "%s cannot import torch and torchvision (%s): install both there, or run make without "
            "TORCH." % (sys.executable, (complaint or "it crashed").splitlines()[-1])
        )
    found = [line.split(" ", 1) for line in said.splitlines()]
    with open(os.path.join(ROOT, "pyproject.toml")) as file:
        floors = dict(re.findall(r'"(torch|torchvision)>=([\d.]+)"', file.read()))
    for name, version in found:
        if name in floors and numbers(version) < numbers(floors[name]):
            raise Trouble(
                "%s has %s %s and the course needs %s or newer: update it there, or run make "
                "without TORCH." % (sys.executable, name, version, floors[name])
            )
    return [path for name, path in found if name == "path"]


ASK = """
import os, sys, torch, torchvision
for each in (torch, torchvision):
    print(each.__name__, each.__version__)
own = [os.path.dirname(os.path.dirname(os.path.abspath(m.__file__))) for m in (torch, torchvision)]
own += [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
for path in dict.fromkeys(own):
    print("path", path)
"""


def without_torch():
    """Write the lock without PyTorch, and return the file's path."""
    with open(os.path.join(ROOT, LOCK)) as file:
        entries = re.split(r"\n(?=\w)", file.read().strip())
    path = os.path.join(VENV, "requirements-without-torch.lock")
    write(path, "\n".join(entry for entry in entries if not TORCH.match(entry)) + "\n")
    return path


# The install


def install_course(donor):
    """Create `.venv` unless a sound one is there, and install the course."""
    check_folder()
    paths = borrow() if donor else check_system()
    if os.path.exists(UNFINISHED) or not sound() or donor != (read(DONOR) or ""):
        check_disk(sizes(donor)[1])
        announce(donor)
        create()
        write(DONOR, donor)
    write(UNFINISHED, "")
    link = os.path.join(packages(), "borrowed_torch.pth")
    if os.path.exists(link):
        os.remove(link)  # so that pip installs all the rest here
    lock = without_torch() if donor else LOCK
    run([PIP + ["--require-hashes", "-r", lock], PIP + ["--no-build-isolation"] + PACKAGES])
    if donor:
        write(link, "\n".join(paths) + "\n")
    os.remove(UNFINISHED)
    write(STAMP, wanted(LOCK, donor))


def install_tests(donor):
    """Install what the tests need beside the course."""
    print("Installing what the tests need, once: about 0.1 GB.")
    sys.stdout.flush()
    run([PIP + ["--require-hashes", "-r", TESTS_LOCK]])
    write(TESTS_STAMP, wanted(TESTS_LOCK, donor))


def announce(donor):
    """Say how large the install is and how long it takes."""
    download = sizes(donor)[0]
    print(
        "Installing the course into .venv, once, with Python %d.%d: about %s GB to download."
        % (sys.version_info[:2] + (download,))
    )
    if donor:
        print("PyTorch is not downloaded: %s has it." % donor)
    else:
        print(
            "That takes about %d minutes at 100 Mbit/s. If you have PyTorch already, stop this "
            "with Ctrl+C\nand use yours: make lab TORCH=/path/to/its/python."
            % round(download * 8000 / 100 / 60 + 1)
        )
    sys.stdout.flush()


def sound():
    """Return whether `.venv` holds a Python that is new enough and has pip."""
    test = "import sys, pip; sys.exit(sys.version_info < %r)" % (OLDEST,)
    try:
        return subprocess.call([PYTHON, "-c", test], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def create():
    """Make an empty `.venv`, over a broken one if need be."""
    done = subprocess.Popen(
        [sys.executable, "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = done.communicate()[0].decode(errors="replace")
    if any(sign in said for sign in NO_SPACE):
        raise EnvironmentError(28, said)
    if done.returncode:
        raise Trouble(
            "%s cannot create environments: install its venv module (on Debian and "
            "Ubuntu: apt install python3-venv), then run make again." % sys.executable
        )


def packages():
    """Return the folder in which `.venv` keeps its packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.check_output([PYTHON, "-c", code]).decode().strip()


def run(steps):
    """Run pip commands, showing their progress; all they say goes to the log."""
    if not os.path.isdir(DOWNLOADS):
        os.makedirs(DOWNLOADS)
    try:
        with open(LOG, "w") as log:
            for step in steps:
                run_one(step, log)
    finally:
        shutil.rmtree(DOWNLOADS, ignore_errors=True)


def run_one(step, log):
    """Run one pip command. Raises Trouble with one sentence if it fails."""
    pip = subprocess.Popen(
        step,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ, TMPDIR=DOWNLOADS, **cache()),
    )
    lines = []
    for line in (raw.decode(errors="replace") for raw in pip.stdout):
        log.write(line)
        lines.append(line)
        if " MB)" in line:  # small downloads are too many
            print(line.strip()[:90])
        elif line.startswith("Installing collected packages"):
            print("Installing %d packages, which takes a minute" % (line.count(",") + 1))
        sys.stdout.flush()
    if pip.wait():
        raise_cause("".join(lines))


def cache():
    """Return pip's setting for its cache, which doubles the downloads: none on a tight disk."""
    tight = shutil.disk_usage(ROOT).free / 1e9 < sum(sizes(""))
    return {"PIP_NO_CACHE_DIR": "1"} if tight else {}


def raise_cause(said):
    """Raise what pip's words mean, as one sentence."""
    if any(sign in said for sign in NO_SPACE):
        raise EnvironmentError(28, "no space left")
    for signs, sentence in CAUSES:
        if any(sign in said for sign in signs):
            if sentence is OFFLINE and os.path.exists(UNFINISHED):
                os.remove(UNFINISHED)  # pip downloads before it installs: nothing is half done
            raise Trouble(sentence)
    raise Trouble("Installing failed: the end of %s says why. Fix that, then run make again." % LOG)


# Small things


def numbers(version):
    """Return the leading numbers of a version: "2.15.0+cpu" gives (2, 15, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", version)[0]))


def read(path):
    """Return the text of a file, or None."""
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
    sys.exit(main(sys.argv[1:]))
