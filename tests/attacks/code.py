"""Hostile, faulty and odd code in one answer of the small set, with the points that are fair.

Fair is: an attack costs its own task's points, and earns nothing. Where it changes what the whole
kernel shares, such as a function of torch, it may cost other tasks of the same student as well
(`SHARED`): they run in one notebook, as they do on the student's own machine. A spy's answer is
right as long as it finds nothing, and raises what it found: its points tell whether it did.

The test puts a path, a port or a mark of its own in the place of `@NAME@`; `@SHELL@` is IPython's
shell, reached in a way that reading the code does not show.
"""

from textwrap import dedent, indent

from grading_kit import SOLUTION, Case

from coursekit.checks import Check

RIGHT = SOLUTION["merge"]
LOOK = "your instructor will look at it"
TIME = "took longer than"
SHARED = {"square": (15, 25), "gate": (0, 30), "noise": (0, 15)}  # what runs after `merge`
Points = int | tuple[int, int]


def whole(name: str, answer: str, points: Points = 0, says: str = "", **others: Points) -> Case:
    """An answer to `merge`."""
    return Case(
        name, {"merge": dedent(answer).strip()}, {"merge": points, **others}, says={"merge": says}
    )


def top(name: str, attack: str, points: Points = 0, says: str = "", **others: Points) -> Case:
    """An attack in the cell of `merge`, and then a right answer."""
    return whole(name, f"{dedent(attack).strip()}\n\n{RIGHT}", points, says, **others)


def call(name: str, attack: str, points: Points = 0, says: str = "", **others: Points) -> Case:
    """An attack in the function that is checked, which then returns what is right."""
    body = indent(dedent(attack).strip(), "    ")
    return whole(
        name,
        f"def merge(trunk, mask):\n{body}\n    return (1 + mask) * trunk",
        points,
        says,
        **others,
    )


def spy(name: str, attack: str, points: Points = 25, says: str = "") -> Case:
    """An attack that appends to `found` what it should not have reached."""
    body = indent(dedent(attack).strip(), "    ")
    return top(
        name,
        f"import glob, os, signal, socket, sys\n\nfound = []\ntry:\n{body}\n"
        "except (OSError, ValueError):\n    pass\n"
        "if found:\n    raise RuntimeError(f'found {found[:3]}')",
        points,
        says,
    )


def _seed_0() -> dict:
    """What the visible check shows in the exercise: the right values for its seed, by shape."""
    check = Check("merge-check", 0)
    trunk, mask = check.normal(2, 3, 4, 5), check.uniform(2, 3, 4, 5)
    return {(2, 3, 4, 5): ((1 + mask) * trunk).round(decimals=3).tolist()}


LOOPS = [
    top("loop-at-top", "while True: pass", says=TIME),
    call("loop-in-call", "while True: pass", says="takes longer than 1 s").as_sample(),
    top(
        "loop-at-top-swallowing-all",
        """
        import time
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                pass
        """,
        says=TIME,
    ),
    call(
        "loop-in-call-swallowing-all",
        """
        import time
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                pass
        """,
        says=TIME,
    ).as_sample(),
    call(
        "loop-swallowing-keyboard-interrupt",
        """
        while True:
            try:
                while True: pass
            except KeyboardInterrupt:
                pass
        """,
        says="takes longer than 1 s",
    ),
    top(
        "loop-printing-at-top",
        """
        while True:
            print("x" * 1000)
        """,
        says="printed more than 8 MB",
    ),
    call("loop-printing-in-call", "while True: print('more')", says="takes longer than 1 s"),
    call("loop-in-c", "sum(range(10**12))", says=TIME),
    call(
        "loop-in-regular-expression",
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        says="takes longer than 1 s",
    ),
    call("loop-sleeping", "import time; time.sleep(1e6)", says="takes longer than 1 s").as_sample(),
    call(
        "loop-lock",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
        says="takes longer than 1 s",
    ),
    call("loop-recursion", "return merge(trunk, mask)", says="RecursionError"),
    call(
        "loop-only-when-hidden",
        "while trunk.shape[1] == 4: pass",
        15,
        says="right for the inputs shown",
    ),
    top(
        "loop-in-thread",
        """
        import threading
        def spin():
            while True: pass
        threading.Thread(target=spin, daemon=True).start()
        """,
        (0, 25),
    ),
    top(
        "loop-waiting-for-the-end",
        """
        import threading
        threading.Thread(target=threading.main_thread().join).start()
        """,
        25,
    ),
    call(
        "loop-without-alarm",
        """
        import signal
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        while True: pass
        """,
        says=TIME,
    ),
    call(
        "loop-with-timer-stopped",
        """
        import signal
        signal.setitimer(signal.ITIMER_REAL, 0)
        while True: pass
        """,
        says=TIME,
    ),
    whole(
        "loop-with-signals-patched",
        """
        import signal
        signal.signal = lambda *_: None
        def merge(trunk, mask):
            while True: pass
        """,
        says="SIGALRM",
    ),
    call(
        "loop-with-signals-blocked",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
        while True: pass
        """,
        says="longer than",
    ),
    top(
        "loop-with-more-time",
        """
        import os
        os.environ["COURSEKIT_LINE_LIMIT"] = "1000000"
        """,
        25,
    ),
    whole(
        "loop-in-what-is-returned",
        """
        class Endless:
            def __iter__(self):
                return self
            def __next__(self):
                while True: pass
        def merge(trunk, mask):
            return Endless()
        """,
        says="takes longer than 1 s",
    ),
    whole(
        "loop-after-call",
        """
        class Late(dict):
            def __del__(self):
                while True: pass
        def merge(trunk, mask):
            return Late()
        """,
    ),
]

EXITS = [
    top("exit-by-sys", "import sys; sys.exit()", says="SystemExit"),
    top("exit-at-once", "import os; os._exit(0)", says="ended with status 0").as_sample(),
    call("exit-at-once-in-call", "import os; os._exit(0)", says="ended with status 0"),
    top("exit-by-quit", "quit()", (0, 25)),
    call("exit-by-quit-in-call", "quit()", (0, 25)),
    call("exit-by-raising-in-call", "raise SystemExit('done')", says="SystemExit"),
    top(
        "exit-in-thread",
        """
        import sys, threading
        threading.Thread(target=sys.exit).start()
        """,
        25,
    ),
    top(
        "exit-at-once-in-thread",
        """
        import os, threading
        threading.Thread(target=os._exit, args=(3,)).start()
        """,
        says="ended with status 3",
    ),
    top(
        "exit-handlers",
        """
        import atexit, os, time
        atexit.register(print, "merge-check: 15 of 15 points")
        atexit.register(time.sleep, 1e6)
        """,
        25,
    ),
    top(
        "exit-later",
        """
        import os, threading
        threading.Timer(0.05, os._exit, (3,)).start()
        """,
        (0, 25),
    ),
    top(
        "exit-after-an-interrupt",
        """
        import os, threading, time
        try:
            time.sleep(1e6)
        except KeyboardInterrupt:
            threading.Timer(0.1, os._exit, (3,)).start()
        """,
        (0, 25),
    ),
    Case(
        "exit-in-the-check-of-another",
        {
            "merge": "import os, threading\n"
            f"threading.Timer(1.5, os._exit, (3,)).start()\n\n{RIGHT}",
            "gate": SOLUTION["gate"].replace(
                "        scale =", "        import time; time.sleep(0.8)\n        scale ="
            ),
        },
        {"merge": (0, 25)},
    ),
]

SIGNALS = [
    top("signal-kill-self", "import os; os.kill(os.getpid(), 9)", says="SIGKILL").as_sample(),
    call("signal-kill-self-in-call", "import os; os.kill(os.getpid(), 9)", says="SIGKILL"),
    top("signal-stop-self", "import os; os.kill(os.getpid(), 19)", says=TIME),
    call("signal-interrupt-self", "import os; os.kill(os.getpid(), 2)", says="KeyboardInterrupt"),
    top(
        "signal-terminate-parent",
        """
        import os, time
        try:
            os.kill(os.getppid(), 15)
            os.kill(os.getppid(), 9)
        except OSError:
            pass
        time.sleep(0.3)
        """,
        25,
    ),
    # the number of a process is small in a namespace of its own: nowhere else is all killed
    top("signal-kill-all", "import os; os.kill(-1 if os.getpid() < 50 else os.getpid(), 9)"),
    top("signal-kill-group", "import os; os.killpg(0, 9)", says="SIGKILL"),
    spy(
        "signal-kill-judge",
        """
        for place in glob.glob("/proc/[0-9]*/cmdline"):
            told = open(place, "rb").read()
            if b"grade\\0" in told or b"pytest" in told or b"judge" in told:
                os.kill(int(place.split("/")[2]), 0)
                found.append(told)
        """,
    ),
    top(
        "signal-handlers-raise",
        """
        import signal
        def late(*_):
            raise RuntimeError("late")
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, late)
        """,
        25,
    ),
]

CRASHES = [
    top("crash-by-ctypes", "import ctypes; ctypes.string_at(0)", says="SIGSEGV").as_sample(),
    call(
        "crash-by-strides",
        """
        import numpy as np
        np.lib.stride_tricks.as_strided(np.zeros(1), (10**6,), (2**30,)).sum()
        """,
        says="SIGSEGV",
    ),
    top("crash-by-abort", "import os; os.abort()", says="SIGABRT"),
    top(
        "crash-by-stack",
        """
        import sys
        sys.setrecursionlimit(10**9)
        nest = []
        for _ in range(10**6):
            nest = [nest]
        repr(nest)
        """,
    ),
    whole(
        "crash-when-hidden",
        """
        import os
        def merge(trunk, mask):
            if trunk.shape[1] == 4:
                os.abort()
            return (1 + mask) * trunk
        """,
        15,
        says="SIGABRT",
    ),
]

USES = [
    top(
        "memory-in-steps",
        """
        kept = []
        while True:
            kept.append(bytearray(2**26))
        """,
        **SHARED,
    ),
    call(
        "memory-in-steps-in-call",
        """
        kept = []
        while True:
            kept.append(bytearray(2**26))
        """,
    ).as_sample(),
    call("memory-of-torch", "import torch; torch.empty(10**13)", says="RuntimeError"),
    top(
        "memory-shared",
        """
        import mmap
        whole = mmap.mmap(-1, 2**35)
        for k in range(0, 2**35, 2**20):
            whole[k : k + 2**20] = b"x" * 2**20
        """,
        says="memory",
    ),
    top(
        "memory-of-threads",
        """
        import threading, time
        for _ in range(10**4):
            threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
        """,
        **SHARED,
    ),
    top(
        "disk-one-file",
        """
        with open("large", "wb") as file:
            while True:
                file.write(bytes(2**24))
        """,
    ).as_sample(),
    top(
        "disk-many-large-files",
        """
        for k in range(1000):
            with open(f"large-{k}", "wb") as file:
                file.write(bytes(2**26))
        """,
        says="OSError",
    ),
    top(
        "disk-many-files",
        """
        for k in range(20_000):
            open(f"{k}", "w").close()
        """,
        (0, 25),
    ),
    top(
        "disk-sparse",
        """
        with open("sparse", "wb") as file:
            file.truncate(2**40)
        """,
        says="OSError",
    ),
    top(
        "disk-shared-memory",
        """
        for k in range(1000):
            with open(f"/dev/shm/@MARK@-{k}", "wb") as file:
                file.write(bytes(2**26))
        """,
        says="OSError",
    ),
    # the folder of the socket files is the only one that is shared with the judge
    top(
        "disk-socket-folder",
        """
        import glob, os
        (folder,) = glob.glob("@TMP@/rg-*/*/sockets")
        for k in range(1000):
            with open(f"{folder}/large-{k}", "wb") as file:
                file.write(bytes(2**25))
        """,
        says="wrote more than 256 MB",
    ),
    top(
        "disk-deep-folders",
        """
        import glob, os
        os.chdir(*glob.glob("@TMP@/rg-*/*/sockets"))
        for _ in range(3000):
            os.mkdir("deep")
            os.chdir("deep")
        os.chdir("/tmp")
        """,
        (0, 25),
    ),
    top("output-one-print", "print('x' * 10**8)").as_sample(),
    top("output-errors", "import sys; print('x' * 10**8, file=sys.stderr)"),
    call("output-one-print-in-call", "print('x' * 10**8)", 25),
    call("output-errors-in-call", "import sys; print('x' * 10**7, file=sys.stderr)"),
    top(
        "output-past-python", "import os; os.write(1, b'x' * 10**8); os.write(2, b'x' * 10**8)", 25
    ),
    top(
        "output-page",
        """
        class Page:
            def _repr_html_(self):
                return "<p>" * 10**7
        display(Page())
        """,
    ),
    top(
        "output-many-messages",
        """
        for k in range(10**6):
            display(k)
        """,
    ),
    top("output-figures-in-text", "print('\\x1b[2J\\x00\\r\\b' * 1000)", 25),
]

FORKS = [
    # a bomb that stops at 128: one that is not contained must not take the machine with it
    top(
        "fork-bomb",
        """
        import os, time
        for _ in range(7):
            os.fork()
        time.sleep(1e6)
        """,
    ),
    top(
        "fork-many",
        """
        import os, time
        for _ in range(60):
            if os.fork() == 0:
                time.sleep(1e6)
        time.sleep(1e6)
        """,
    ).as_sample(),
    top(
        "fork-daemon",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.environ.clear()
                os.chdir("/")
                time.sleep(98765)
            os._exit(0)
        os.wait()
        """,
        25,
    ).as_sample(),
    top(
        "fork-and-run-on",
        "import os; os.fork()",
        (0, 25),
        gate=(0, 30),
        noise=(0, 15),
        square=(15, 25),
    ),
    top(
        "fork-sleeper",
        """
        import os
        os.spawnlp(os.P_NOWAIT, "nohup", "nohup", "sleep", "98765")
        os.spawnlp(os.P_NOWAIT, "setsid", "setsid", "sleep", "98765")
        """,
        25,
    ),
    top(
        "fork-by-subprocess",
        """
        import subprocess
        subprocess.Popen(["sleep", "98765"], start_new_session=True)
        """,
        says=LOOK,
    ),
    top(
        "fork-by-multiprocessing",
        """
        import multiprocessing, time
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(98765,)).start()
        """,
        says=LOOK,
    ),
    top(
        "fork-by-shell", "import os; os.system('(sleep 98765 &) ; nohup sleep 98765 &')", says=LOOK
    ),
    top("fork-by-magic", "!nohup sleep 98765 > /dev/null 2>&1 < /dev/null & true"),
]

OUTSIDE = [
    spy(
        "read-everything",
        """
        borrowed = [folder for folder in sys.path if "site-packages" in folder]
        homes = (sys.prefix, sys.base_prefix, *borrowed)
        known = ("/proc", "/sys", "/usr", "/lib", *homes, *map(os.path.realpath, homes))
        for where, inner, names in os.walk("/"):
            inner[:] = [name for name in inner if not os.path.join(where, name).startswith(known)]
            found += [f"{where}/{name}" for name in names if name.endswith((".ipynb", ".csv"))
                      or name in ("run.json", "order.json", "cells.jsonl", "session.json")
                      or "77_small" in name or "treasure" in name]
        """,
    ),
    spy(
        "read-solution",
        """
        found.append(open("@SETS@/77_small.py").read())
        """,
    ).as_sample(),
    spy(
        "read-solution-as-module",
        """
        sys.path.insert(0, "@SETS@")
        os.chdir("@SETS@")
        found += os.listdir()
        """,
    ),
    spy(
        "read-other-submissions",
        """
        for path in glob.glob("@SUBMISSIONS@/*/*"):
            found.append(open(path).read())
        """,
    ).as_sample(),
    spy(
        "read-results",
        """
        for path in glob.glob("@OUT@/*"):
            found.append(path)
        """,
    ),
    spy(
        "read-runs",
        """
        for path in glob.glob("@TMP@/rg-*/**", recursive=True):
            if path.endswith((".json", ".ipynb", ".jsonl")) and "sockets" not in path:
                if "/resattn/" not in path and os.path.isfile(path):
                    found.append(open(path).read())
        """,
    ),
    spy(
        "read-home",
        """
        found += os.listdir("@HOME@")
        """,
    ),
    spy(
        "read-repository",
        """
        found.append(open("@REPOSITORY@/resattn/attention.py").read())
        """,
    ),
    spy(
        "read-users",
        """
        found.append(open("/etc/passwd").read())
        """,
    ),
    spy(
        "read-processes",
        """
        for folder in glob.glob("/proc/[0-9]*"):
            for name in ("environ", "cmdline"):
                try:
                    told = open(f"{folder}/{name}", "rb").read()
                except OSError:
                    continue
                if b"@OUT@" in told or b"PYTEST" in told:
                    found.append(told)
            try:
                links = [os.readlink(f"{folder}/fd/{k}") for k in os.listdir(f"{folder}/fd")]
            except OSError:
                continue
            found += [link for link in links if link.endswith((".jsonl", ".ipynb", ".csv"))]
        """,
    ),
    spy(
        "read-memory-of-processes",
        """
        for folder in glob.glob("/proc/[0-9]*"):
            if int(folder[6:]) in (os.getpid(), os.getppid()) or folder == "/proc/1":
                continue
            try:
                with open(f"{folder}/mem", "rb") as memory:
                    found.append(folder)
            except OSError:
                pass
        """,
    ),
    spy(
        "read-by-symlink",
        """
        (folder,) = glob.glob("@TMP@/rg-*/*/sockets")
        os.symlink("@SETS@", f"{folder}/sets")
        found += os.listdir(f"{folder}/sets")
        """,
    ),
    spy(
        "reach-server",
        """
        for path in glob.glob("@TMP@/rg-*/server"):
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(path)
                found.append(path)
        """,
    ),
    spy(
        "reach-other-kernels",
        """
        found += glob.glob("@TMP@/rg-*/*/sockets/kernel.json")[1:]
        """,
    ),
    top(
        "write-outside",
        """
        import contextlib, os, sys
        for folder in ("@SUBMISSIONS@", "@OUT@", "@OUT@/results", "@HOME@", "@TMP@", "@SETS@",
                       "@REPOSITORY@", "@REPOSITORY@/tests", "/dev/shm", "/var/tmp", "/tmp"):
            with contextlib.suppress(OSError):
                open(f"{folder}/@MARK@", "w").close()
        """,
        25,
    ).as_sample(),
    top(
        "write-results",
        """
        import contextlib, glob
        for path in [*glob.glob("@OUT@/results/*"), "@OUT@/grades.csv", "@OUT@/session.json"]:
            with contextlib.suppress(OSError):
                open(path, "w").write("{}")
        """,
        25,
    ),
    top(
        "delete-outside",
        """
        import shutil
        for folder in ("@SUBMISSIONS@", "@OUT@", "@HOME@"):
            shutil.rmtree(folder, ignore_errors=True)
        """,
        25,
    ),
    top(
        "delete-sockets",
        """
        import glob, shutil
        for folder in glob.glob("@TMP@/rg-*"):
            shutil.rmtree(folder, ignore_errors=True)
        """,
        (0, 25),
    ),
    spy(
        "write-package",
        """
        for path in os.environ["PYTHONPATH"].split(os.pathsep):
            with open(f"{path}/coursekit/checks/check.py", "a") as file:
                found.append(path)
        """,
    ).as_sample(),
    spy(
        "write-site-packages",
        """
        import sysconfig
        folder = sysconfig.get_paths()["purelib"]
        for name in ("@MARK@.pth", "sitecustomize.py", "usercustomize.py"):
            try:
                open(f"{folder}/{name}", "a").close()
                found.append(name)
            except OSError:
                pass
        """,
    ),
    top(
        "write-startup",
        """
        import contextlib, os, pathlib
        bomb = "import os; os._exit(9)"
        for home in (os.environ["HOME"], "@HOME@", "/root", "/home/student"):
            for name in (".ipython/profile_default/startup/00-first.py",
                         ".ipython/profile_default/ipython_kernel_config.py",
                         ".jupyter/jupyter_config.py", ".config/usercustomize.py"):
                if home == "/root" and os.getpid() > 50:
                    continue
                with contextlib.suppress(OSError):
                    path = pathlib.Path(home, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(bomb)
        os.environ["PYTHONSTARTUP"] = os.environ["IPYTHONDIR"] = os.environ["HOME"]
        os.environ["JUPYTER_CONFIG_DIR"] = os.environ["PYTHONUSERBASE"] = os.environ["HOME"]
        """,
        25,
    ),
    spy(
        "net-tcp",
        """
        for host in ("127.0.0.1", "1.1.1.1"):
            with socket.socket() as line:
                line.settimeout(0.3)
                if line.connect_ex((host, @PORT@)) == 0:
                    found.append(host)
        """,
    ).as_sample(),
    spy(
        "net-udp",
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"answer?", ("127.0.0.1", @PORT@))
            line.settimeout(0.2)
            found.append(line.recv(10))
        """,
    ),
    spy(
        "net-names",
        """
        socket.setdefaulttimeout(0.3)
        found.append(socket.getaddrinfo("example.org", 80))
        """,
    ),
    spy(
        "net-abstract",
        """
        with socket.socket(socket.AF_UNIX) as line:
            line.connect("\\0@MARK@-@PORT@")
            found.append(line)
        """,
    ).as_sample(),
    spy(
        "net-http",
        """
        import urllib.request
        found.append(urllib.request.urlopen("http://localhost:@PORT@", timeout=0.3).read())
        """,
    ),
]

PATCHES = [
    top("environment-check", "import os; os.environ['COURSEKIT_CHECK'] = ''", 25),
    top("environment-seed", "import os; os.environ['COURSEKIT_SEED'] = '0'", **SHARED).as_sample(),
    top("environment-cleared", "import os; os.environ.clear()", (0, 25), **SHARED),
    top(
        "patched-check-call",
        """
        def __call__(self, label, *_):
            print(f"{label}: float64 tensor (2, 3, 4, 5) first 1 2 3, sum 1, mixes 1 1")
        Check.__call__ = __call__
        """,
        **SHARED,
    ).as_sample(),
    top(
        "patched-check-done",
        """
        Check.done = lambda self: print(f"{self.cell}: 15 of 15 points")
        """,
        **SHARED,
    ),
    top(
        "patched-check-lines",
        """
        Check._say = lambda self, trouble: print(self.lines[-1].replace("1", "2"))
        """,
        **SHARED,
    ),
    top(
        "patched-check-inputs",
        """
        import torch
        Check.normal = lambda self, *shape: torch.zeros(shape).double()
        """,
        **SHARED,
    ),
    top(
        "patched-check-class",
        """
        class Check:
            def __init__(self, cell): pass
            def __call__(self, label, *_): print(f"{label}: right")
            def done(self): print("15 of 15 points")
        """,
        **SHARED,
    ),
    top(
        "patched-check-module",
        """
        import sys
        sys.modules["coursekit.checks.check"].digest = lambda *_: "right"
        """,
    ),
    top(
        "patched-check-globals",
        """
        Check.__call__.__globals__["digest"] = lambda *_: "right"
        """,
    ),
    top(
        "patched-generator",
        """
        import numpy as np
        class Still(np.random.RandomState):
            def standard_normal(self, size=None):
                return np.zeros(size)
        np.random.RandomState = Still
        """,
        **SHARED,
    ),
    top(
        "patched-builtins",
        """
        import builtins
        for name in ("print", "sum", "isinstance", "open", "__build_class__"):
            setattr(builtins, name, lambda *_: True)
        """,
    ).as_sample(),
    top(
        "patched-builtins-by-name",
        """
        __builtins__.isinstance = lambda *_: True
        """,
    ),
    top("patched-print", "print = lambda *_: None", 25),
    top(
        "patched-numpy",
        """
        import numpy as np
        np.asarray = lambda *_, **__: np.zeros(3)
        """,
        **SHARED,
    ),
    top(
        "patched-torch-product",
        """
        import torch
        torch.Tensor.__mul__ = torch.Tensor.__rmul__ = lambda self, other: self
        """,
        **SHARED,
    ),
    top(
        "patched-torch-functions",
        """
        import torch
        torch.abs = torch.as_tensor = torch.manual_seed = torch.zeros = lambda *_, **__: None
        """,
        **SHARED,
    ),
    top("patched-torch-name", "torch = nn = Check", (0, 25), **SHARED),
    top(
        "patched-displays",
        """
        import sys
        class Silent:
            encoding = "utf-8"
            def write(self, text): return len(text)
            def flush(self): pass
        sys.stdout = sys.stderr = Silent()
        sys.displayhook = sys.excepthook = lambda *_: None
        """,
        (0, 25),
        **SHARED,
    ),
    top("patched-stdout-closed", "import sys; sys.stdout.close()", (0, 25), **SHARED),
    top("trace", "import sys; sys.settrace(lambda *_: None)", says="settrace"),
    top("profile", "import sys; sys.setprofile(lambda *_: None)", says="setprofile"),
    call(
        "frames",
        """
        import sys
        frame = sys._getframe()
        while frame:
            for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                if isinstance(value, dict) and "lines" in value:
                    return value["lines"]
            frame = frame.f_back
        return None
        """,
        says="your function returned nothing",
    ).as_sample(),
    call(
        "frames-unseen",
        """
        import operator
        try:
            raise ValueError
        except ValueError as error:
            frame = operator.attrgetter("__traceback__.tb_fr" + "ame")(error)
        while frame:
            for value in list(getattr(frame, "f_" + "locals").values()):
                if isinstance(value, (list, dict)) and "maps" in str(value):
                    return value
            frame = getattr(frame, "f_" + "back")
        """,
    ),
    call(
        "collector",
        """
        import gc, torch
        for thing in gc.get_objects():
            if isinstance(thing, str) and thing.startswith("maps: "):
                return thing
        return None
        """,
        says="your function returned nothing",
    ),
]

STOLEN = [
    top("steal-by-import", "import resattn.attention", says="to be written without resattn"),
    top("steal-from", "from resattn.units import PreActBottleneck", says="to be written without"),
    whole(
        "steal-by-importlib",
        """
        import importlib
        merge = importlib.import_module("resattn.attention").merge
        """,
    ),
    whole("steal-by-name", "merge = __import__('resattn.attention').attention.merge"),
    whole("steal-by-exec", "exec('from resattn.attention import merge')").as_sample(),
    whole(
        "steal-by-modules",
        """
        import sys
        merge = sys.modules["resattn.attention"].merge
        """,
    ),
    whole(
        "steal-by-magic",
        """
        %%time
        from resattn.attention import merge
        """,
        says="to be written without resattn",
    ),
    whole("steal-by-time", f"%%time\nimport gc\n\n{RIGHT}", says=LOOK),
    whole("steal-by-shell", f"exit._ip.ex('import torch')\n\n{RIGHT}", says=LOOK),
    whole(
        "steal-by-subprocess",
        """
        import subprocess, sys
        told = subprocess.run([sys.executable, "-c", "import resattn.attention as a, inspect; "
                               "print(inspect.getsource(a))"], capture_output=True, text=True)
        def merge(trunk, mask):
            return told.stdout
        """,
    ),
    whole(
        "steal-by-pickle",
        """
        import pickle
        merge = pickle.loads(b"cresattn.attention\\nmerge\\n.")
        """,
    ),
    whole(
        "steal-by-search",
        """
        import glob
        found = [path for path in glob.glob("/**/7?_*.py", recursive=True) if "small" in path]
        exec(open(found[0]).read())
        """,
    ),
    whole(
        "steal-seed-0",
        f"""
        import torch
        shown = {_seed_0()}
        def merge(trunk, mask):
            if tuple(trunk.shape) in shown:
                return torch.tensor(shown[tuple(trunk.shape)]).double()
            return trunk
        """,
        says="other values",
    ).as_sample(),
]

LIES = [
    whole(
        "lie-equal",
        """
        class Equal:
            def __eq__(self, other): return True
            def __hash__(self): return 0
            def __bool__(self): return True
        def merge(trunk, mask):
            return Equal()
        """,
        says="yours is Equal",
    ).as_sample(),
    whole(
        "lie-float",
        """
        class Any(float):
            def __eq__(self, other): return True
            def __float__(self): return 1.0
            def __format__(self, how): return "any"
            def __str__(self): return "any"
        def merge(trunk, mask):
            return Any(3)
        """,
    ),
    whole(
        "lie-detach",
        """
        class Wrapped:
            def __init__(self, value): self.value = value
            def detach(self): return self.value * 0
            def numpy(self): return self.value.numpy()
        def merge(trunk, mask):
            return Wrapped((1 + mask) * trunk)
        """,
        says="yours is Wrapped",
    ),
    whole(
        "lie-subclass",
        """
        import torch
        class Sly(torch.Tensor):
            @property
            def dtype(self): return "float64"
            def detach(self): return torch.ones(2, 3, 4, 5)
        def merge(trunk, mask):
            return trunk.as_subclass(Sly)
        """,
    ),
    whole(
        "lie-text",
        """
        class Text(str):
            def __repr__(self): return "x\\nmaps: right"
        def merge(trunk, mask):
            return Text("x")
        """,
    ),
    whole(
        "lie-generator",
        """
        def merge(trunk, mask):
            while True:
                yield (1 + mask) * trunk
        """,
    ),
    whole(
        "lie-nested",
        """
        def merge(trunk, mask):
            nest = (1 + mask) * trunk
            for _ in range(10**5):
                nest = [nest]
            return nest
        """,
        says="too deeply nested",
    ).as_sample(),
    whole("lie-function", "def merge(trunk, mask):\n    return merge", says="yours is function"),
    whole("lie-module", "def merge(trunk, mask):\n    return torch"),
    whole("lie-class", "class merge:\n    def __init__(self, *_): pass", says="yours is merge"),
    whole(
        "lie-clock",
        """
        import time
        def merge(trunk, mask):
            return (1 + mask) * trunk + time.time() % 1
        """,
        says="other values",
    ),
    whole(
        "lie-by-memory",
        """
        import torch
        kept = []
        def merge(trunk, mask):
            kept.append(trunk)
            return kept[0]
        """,
    ),
    Case("lie-drawn", {"noise": "def spread(n):\n    return float('nan')"}, {"noise": 0}),
    Case("lie-measured", {"noise": "def spread(n):\n    return '1.0' * 3"}, {"noise": 0}),
]

IPYTHON = [
    top(
        "ipython-input-transformer",
        """
        def solve(lines): return ["print('maps: right')"]
        get_ipython().input_transformers_post.append(solve)
        """,
    ),
    top(
        "ipython-run-cell",
        """
        get_ipython().run_cell = lambda *_, **__: None
        """,
    ),
    top(
        "ipython-unseen-input-transformer",
        """
        def solve(lines): return ["print('maps: right')"]
        @SHELL@.input_transformers_post.append(solve)
        """,
        **SHARED,
    ).as_sample(),
    top(
        "ipython-unseen-tree-transformer",
        """
        import ast
        class Nothing(ast.NodeTransformer):
            def visit_Call(self, node):
                return ast.Constant(0)
        @SHELL@.ast_transformers.append(Nothing())
        """,
        **SHARED,
    ),
    top(
        "ipython-unseen-run-cell",
        """
        class Done:
            success, result, execution_count = True, 1, 1
            error_in_exec = error_before_exec = None
        async def run_cell_async(*_, **__):
            print("maps: right")
            return Done()
        @SHELL@.run_cell_async = run_cell_async
        @SHELL@.run_cell = lambda *_, **__: Done()
        """,
        **SHARED,
    ),
    top(
        "ipython-hooks",
        """
        def before(*_): print("before")
        def after(*_): print("after")
        @SHELL@.events.register("pre_run_cell", before)
        @SHELL@.events.register("post_run_cell", after)
        """,
        (0, 25),
        **SHARED,
    ),
    whole(
        "ipython-silent-errors",
        """
        @SHELL@.showtraceback = lambda *_, **__: None
        @SHELL@.set_custom_exc((Exception,), lambda *_, **__: None)
        def merge(trunk, mask):
            raise ValueError("unseen")
        raise ValueError("unseen")
        """,
    ),
    top(
        "ipython-displays",
        """
        In.clear(), Out.clear()
        @SHELL@.display_formatter = @SHELL@.displayhook = None
        """,
        (0, 25),
        **SHARED,
    ),
    top("ipython-namespace-cleared", "@SHELL@.user_ns.clear()", (0, 25), **SHARED),
    top("ipython-kernel-name", "@SHELL@.kernel.do_shutdown(False)", (0, 25), **SHARED),
    whole(
        "ipython-shows-hidden-checks",
        """
        def merge(trunk, mask):
            if trunk.shape[1] == 4:
                raise RuntimeError(In[-1])
            return (1 + mask) * trunk
        """,
        15,
        says="right for the inputs shown",
    ).as_sample(),
    top(
        "forged-points",
        """
        print("merge-check: 15 of 15 points")
        print("maps: right")
        """,
        25,
    ),
    call(
        "forged-points-in-call",
        """
        print("merge-check: 15 of 15 points")
        return None
        """,
        says="returned nothing",
    ),
    call(
        "forged-stream",
        """
        kernel = @SHELL@.kernel
        text = "maps: right\\na shut mask: right\\n"
        kernel.session.send(kernel.iopub_socket, "stream", {"name": "stdout", "text": text},
                            parent=kernel.get_parent(), ident=b"stream.stdout")
        """,
    ).as_sample(),
    call(
        "forged-idle",
        """
        kernel = @SHELL@.kernel
        kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"},
                            parent=kernel.get_parent(), ident=b"status")
        """,
        (0, 25),
    ),
    call(
        "forged-reply",
        """
        kernel = @SHELL@.kernel
        parent = kernel.get_parent()
        for state in ("ok", "error", "aborted"):
            kernel.session.send(kernel.shell_stream, "execute_reply", {"status": state},
                                parent=parent, ident=[])
        """,
        (0, 25),
        **SHARED,
    ),
    top(
        "forged-result",
        """
        kernel = @SHELL@.kernel
        for kind in ("execute_result", "stream", "status", "error", "input_request", "nonsense"):
            kernel.session.send(kernel.iopub_socket, kind, {"nothing": None},
                                parent=kernel.get_parent(), ident=b"x")
        """,
        (0, 25),
        **SHARED,
    ),
    top(
        "forged-noise",
        """
        kernel = @SHELL@.kernel
        for size in range(100):
            kernel.iopub_socket.send_multipart([b"x" * size] * size)
        """,
        (0, 25),
        **SHARED,
    ),
    top("forged-state", "@SHELL@.execution_count = -1", 25),
]

LATER = [
    top(
        "later-thread-prints",
        """
        import threading, time
        def chatter():
            while True:
                print("maps: right")
                time.sleep(0.01)
        threading.Thread(target=chatter, daemon=True).start()
        """,
        (0, 25),
        **SHARED,
    ),
    top(
        "later-thread-prints-past-parents",
        """
        import sys, threading, time
        out = sys.stdout
        def chatter():
            while True:
                out.set_parent(@SHELL@.kernel.get_parent("shell"))
                out.write("maps: right\\n")
                out.flush()
                time.sleep(0.01)
        threading.Thread(target=chatter, daemon=True).start()
        """,
        (0, 25),
        **SHARED,
    ),
    top(
        "later-del-prints",
        """
        class Loud:
            def __del__(self): print("loud")
        left = Loud()
        left.me = left
        del left
        """,
        (0, 25),
        **SHARED,
    ),
    top(
        "later-import-hook",
        """
        import sys
        class Bomb:
            def find_spec(self, *_): raise SystemExit
        sys.meta_path.insert(0, Bomb())
        """,
        says="meta_path",
    ),
    top(
        "later-import-hook-unseen",
        """
        import sys
        def bomb(path): raise SystemExit
        sys.path_hooks.insert(0, bomb)
        sys.path_importer_cache.clear()
        """,
        (0, 25),
        **SHARED,
    ).as_sample(),
    top(
        "later-modules-shadowed",
        """
        import sys
        for name in ("torch", "numpy", "traceback", "copy"):
            open(f"{name}.py", "w").write("raise SystemExit")
        sys.path.insert(0, "")
        """,
        25,
    ),
]

HARMLESS = """
    import decimal, locale, os, random, socket, sys, torch
    import numpy as np
    torch.set_default_dtype(torch.float16)
    torch.manual_seed(1)
    torch.set_printoptions(precision=1)
    torch.set_num_threads(64)
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    os.chdir("/")
    decimal.getcontext().prec = 1
    locale.setlocale(locale.LC_ALL, "C")
    random.seed(0)
    sys.setswitchinterval(100)
    socket.setdefaulttimeout(0.001)
    """
SETTINGS = [
    top("state-harmless", HARMLESS, 25).as_sample(),
    top("state-no-gradients", "import torch; torch.set_grad_enabled(False)", 25),
    top("state-import-path", "import sys; sys.path.clear()", 25),
    # it imports for seconds
    top("state-deterministic", "import torch; torch.use_deterministic_algorithms(True)", (0, 25)),
    # the rest of the same notebook may stop working by these
    top("state-device", "import torch; torch.set_default_device('meta')", (0, 25), **SHARED),
    top("state-recursion", "import sys; sys.setrecursionlimit(200)", (0, 25), **SHARED),
    top("state-warnings", "import warnings; warnings.simplefilter('error')", (0, 25), **SHARED),
]

ODD = [
    top("odd-warnings", "import warnings; warnings.warn('careful')", 25),
    call("odd-prints", "print('shapes', trunk.shape, mask.shape)", 25),
    call("odd-prints-to-errors", "import sys; print('here', file=sys.stderr)", 25),
    call(
        "odd-figure",
        """
        import matplotlib.pyplot as plt
        plt.plot([1, 2, 3])
        plt.show()
        """,
        25,
    ),
    top("odd-figure-magic", "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'", 25),
    call("odd-logging", "import logging; logging.warning('merging %s', trunk.shape)", 25),
    call("odd-slow", "import time; time.sleep(0.3)", 25),
    call(
        "odd-progress",
        """
        import sys
        for k in range(10):
            print(f"\\r{10 * k} %", end="")
            sys.stderr.write(f"\\r{10 * k} %")
        """,
        25,
    ),
    whole("odd-identifier", "def merge(trunk, mask):\n    α̂ = 1 + mask\n    return α̂ * trunk", 25),
    whole(
        "odd-async",
        """
        import asyncio
        async def one():
            await asyncio.sleep(0)
            return 1
        unit = await one()
        def merge(trunk, mask):
            return (unit + mask) * trunk
        """,
        25,
    ).as_sample(),
    whole(
        "odd-dataclass",
        """
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Merge:
            one: float = 1.0
            def __call__(self, trunk, mask):
                return (self.one + mask) * trunk
        merge = Merge()
        """,
        25,
    ),
    whole(
        "odd-helpers",
        """
        from __future__ import annotations
        import torch
        from torch import Tensor
        def _opened(mask: Tensor) -> Tensor:
            return 1 + mask
        def merge(trunk: Tensor, mask: Tensor) -> Tensor:
            opened: Tensor = _opened(mask)
            assert opened.shape == trunk.shape, "shapes differ"
            return torch.mul(opened, trunk)
        merge(torch.ones(1), torch.ones(1))
        """,
        25,
    ),
    whole("odd-lambda", "merge = lambda trunk, mask: trunk + mask * trunk", 25),
    whole(
        "odd-other-task",
        "def merge(trunk, mask):\n    square(trunk)\n    return trunk + mask * trunk",
        25,
    ),
    Case(
        "odd-allowed-module",
        {"gate": f"from resattn.units import PreActBottleneck\n\n{SOLUTION['gate']}"},
    ),
    whole(
        "odd-float32",
        """
        def merge(trunk, mask):
            return ((1 + mask) * trunk).float()
        """,
        says="yours is a float32",
    ),
    whole(
        "odd-in-place",
        """
        def merge(trunk, mask):
            trunk *= 1 + mask
            return trunk
        """,
        says="changes its input in place",
    ).as_sample(),
    whole("odd-unfinished", "def merge(trunk, mask):\n    pass", says="returned nothing"),
    whole("odd-syntax", "def merge(trunk, mask)\n    return 1", says="SyntaxError"),
    whole(
        "odd-other-name",
        "def Merge(trunk, mask):\n    return (1 + mask) * trunk",
        says="'merge' is not defined",
    ),
]

GROUPS = {
    "loops": LOOPS,
    "exits": EXITS,
    "signals": SIGNALS,
    "crashes": CRASHES,
    "uses": USES,
    "forks": FORKS,
    "outside": OUTSIDE,
    "patches": PATCHES,
    "stolen": STOLEN,
    "lies": LIES,
    "ipython": IPYTHON,
    "later": LATER,
    "settings": SETTINGS,
    "odd": ODD,
}
CASES = [case for group in GROUPS.values() for case in group]
BY_NAME = {case.name: case for case in CASES}
