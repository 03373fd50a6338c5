"""A check cell: it makes inputs, calls the student's code, and has a line for each call.

A check knows no right answer. Its lines are what the student's object computes; the record beside
the exercises (see `record`) holds the lines of the solution and of known mistakes, and a student
sees how they compare (see `panel`). With COURSEKIT_CHECK=values in the environment, no record is
opened, and only the bare lines are printed. COURSEKIT_SEED changes all inputs,
COURSEKIT_LINE_LIMIT the seconds that one call may take then.
"""

import contextlib
import copy
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from coursekit import mine
from coursekit.checks.digest import digest, number, stream
from coursekit.checks.imports import defining_cells
from coursekit.checks.limits import TooLong, limit
from coursekit.checks.panel import Line, Panel, Shown, brief
from coursekit.checks.record import CHANGED, MEASURED, UNWRITTEN, Record, TaskRecord, load
from coursekit.checks.static_checks import not_allowed, withheld, workarounds

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

Module = TypeVar("Module", bound="nn.Module")

LINE_LIMIT = 20  # seconds, for one call of the student's code by `python -m coursekit check`

TROUBLE = " " * 9  # before the lines of a short traceback

_record: Record | None = None
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def exercise_set(name: str) -> None:
    """Name the set of this notebook, and print your progress in it."""
    global _record
    if _values_only():
        return
    unjudged = "the checks can show what your code computes, and not say whether it is right"
    try:
        _record = load(name)
    except ValueError as error:
        _record = None
        print(f"{error}; until then {unjudged}")
    else:
        if _record is None:
            print(f"expected/{name}.json is not here: {unjudged}")
    print(mine.standing(name))


class Check:
    """One check cell, named by its id. Call it with a label, a function, and its arguments.

    Every line has inputs of its own, drawn from the seed, the cell and the number of the line. So
    an answer that fails halfway through one line does not change the inputs of the next.
    """

    def __init__(self, cell: str, seed: int | None = None) -> None:
        self.cell, self.lines = cell, list[str]()
        self._seconds = float(os.environ.get("COURSEKIT_LINE_LIMIT", LINE_LIMIT))
        self.seed = int(os.environ.get("COURSEKIT_SEED", "0")) if seed is None else seed
        self._here, self._draws = sys._getframe(1).f_code.co_filename, 0
        judged = _record if _record is not None and self.seed == _record.seed else None
        self._task: TaskRecord | None = judged.task_of(cell) if judged else None
        self._panel_lines = list[Line]()
        self._shown = Shown(self._panel(None)) if self._task else None

    def normal(self, *shape: int) -> "torch.Tensor":
        """Return a float64 tensor of this shape, drawn from the standard normal distribution."""
        return _tensor(self._stream().standard_normal(shape))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> "torch.Tensor":
        """Return a float64 tensor of this shape, drawn evenly between low and high."""
        return _tensor(self._stream().uniform(low, high, shape))

    @overload
    def integers(self, low: int, high: int) -> int: ...

    @overload
    def integers(self, low: int, high: int, first: int, /, *shape: int) -> "torch.Tensor": ...

    def integers(self, low: int, high: int, *shape: int) -> "int | torch.Tensor":
        """Return an int64 tensor of this shape, low <= value < high; without a shape, an int."""
        drawn = self._stream().randint(low, high, shape or None)
        return _tensor(drawn) if shape else int(drawn)

    def fill(self, module: Module, name: str = "") -> Module:
        """Set all parameters and buffers of a module, by their names and shapes; returns it.

        The module becomes float64. The weights are those of a healthy network: about 1 / sqrt(n)
        for n inputs, norms near 1, variances above 0. Another ``name`` gives other weights.
        """
        import torch

        module = module.double()
        with torch.no_grad():
            for key, tensor in module.state_dict(keep_vars=True).items():
                if not tensor.is_floating_point():
                    continue
                draws = stream("fill", self.seed, self.cell, name, key, tuple(tensor.shape))
                if tensor.ndim > 1:
                    values = draws.standard_normal(tensor.shape) / tensor[0].numel() ** 0.5
                elif key.endswith(("weight", "var")):
                    values = draws.uniform(0.5, 1.5, tensor.shape)
                else:
                    values = 0.2 * draws.standard_normal(tensor.shape)
                tensor.copy_(torch.as_tensor(values))
        return module

    def __call__(self, label: str, function: Callable[..., object], *arguments: object) -> None:
        """Call ``function(*arguments)`` with copies of the arguments, and print a line of it."""
        self._line(label, function, arguments, lambda value: digest(value, self.seed))

    def measure(self, label: str, function: Callable[..., Any], *arguments: object) -> None:
        """Print one measured number, to three digits; an interval decides if it is right."""

        def shown(value: Any) -> str:
            text = number(float(f"{float(value):.3g}"))
            return f"{MEASURED}{text}"

        self._line(label, function, arguments, shown)

    def done(self) -> None:
        """Show the points of this check, the known mistake behind a loss, and what differs."""
        if self._task is None:
            return
        verdict = self._task.verdict(self.cell, self.lines)
        cells = defining_cells(self._task.names, self._here)
        strange = not_allowed(cells, self._task.imports)
        ways = workarounds(cells)
        warnings = []
        if strange:
            warnings.append(f"This task is to be written without {', '.join(strange)}: no points.")
        if ways:
            warnings.append(withheld(ways))
        if verdict.faults and all(line.agrees for line in self._panel_lines):
            warnings += verdict.faults  # such as a line too many
        points = 0 if strange else verdict.points
        panel = self._panel(points, tuple(verdict.mistakes), tuple(warnings))
        if self._shown:
            self._shown.finish(panel)

    def _line(
        self,
        label: str,
        function: Callable[..., object],
        arguments: tuple[object, ...],
        shown: Callable[[Any], str],
    ) -> None:
        if (
            ": " in label
            or "\n" in label
            or any(line.startswith(label + ": ") for line in self.lines)
        ):
            raise ValueError(
                f"{label!r} cannot name a line of {self.cell}: it must have no ': ', "
                "and occur only once"
            )
        given, trouble = copy.deepcopy(arguments), ""
        alone = _unattended(self._seconds) if _values_only() else contextlib.nullcontext()
        with _own_randomness(self.seed):
            try:
                with alone:
                    text = shown(function(*given))
                if digest(given) != digest(arguments):
                    text += CHANGED
            except TooLong as error:
                text, self._seconds = str(error), 1  # the points are lost: no more patience
            except (Exception, SystemExit) as error:
                unwritten = isinstance(error, NotImplementedError) and "your turn" in str(error)
                text = UNWRITTEN if unwritten else f"raises {type(error).__name__}"
                trouble = "" if unwritten else self._traceback(error)
        self.lines.append(f"{label}: {text}")
        self._draws = 0
        self._say(trouble)

    def _say(self, trouble: str) -> None:
        line = self.lines[-1]
        if self._task is None or self._shown is None:
            print(line)
            if trouble:
                print(trouble, file=sys.stderr if _values_only() else sys.stdout)
            return
        right, place = self._task.cells[self.cell].lines, len(self.lines) - 1
        fault = self._task.explain(right[place], line) if place < len(right) else None
        label, _, value = line.partition(": ")
        says = fault.removeprefix(f"{label}: ") if fault else brief(value)
        self._panel_lines.append(Line(label, not fault, says, tuple(trouble.splitlines())))
        self._shown.update(self._panel(None))

    def _panel(
        self, points: int | None, mistakes: tuple[str, ...] = (), warnings: tuple[str, ...] = ()
    ) -> Panel:
        of = self._task.cells[self.cell].points if self._task else 0
        return Panel(self.cell, points, of, tuple(self._panel_lines), mistakes, warnings)

    def _traceback(self, error: BaseException) -> str:
        """Return the error's message, and the student's lines that led to it, innermost last."""
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith((_PACKAGE, sys.prefix, sys.base_prefix))
            and frame.filename != self._here
            and "site-packages" not in frame.filename
        ]
        message = str(error).strip().splitlines() or ["(no message)"]
        own = [f"{TROUBLE}  line {frame.lineno}: {frame.line}" for frame in frames[-3:]]
        return "\n".join([f"{TROUBLE}{type(error).__name__}: {message[0][:200]}", *own])

    def _stream(self) -> "np.random.RandomState":
        self._draws += 1
        return stream(self.seed, self.cell, len(self.lines), self._draws)


def _values_only() -> bool:
    return os.environ.get("COURSEKIT_CHECK") == "values"


@contextlib.contextmanager
def _unattended(seconds: float) -> Iterator[None]:
    """Drop the output of the student's code, and stop it when its time is up."""
    with contextlib.redirect_stdout(io.StringIO()), limit(seconds):
        yield


@contextlib.contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Start torch's own generator from the seed for each line, and restore it afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _tensor(values: object) -> "torch.Tensor":
    import torch

    return torch.as_tensor(values)
