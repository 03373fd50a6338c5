"""One submission's points: its answers run, its deaths attributed, each loss given a reason."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from coursekit.checks.record import UNWRITTEN
from coursekit.grader.engine import CellRun, Engine, Run
from coursekit.grader.pristine import Pristine, manual_points
from coursekit.grader.references import Reference, earned
from coursekit.grader.static_checks import around, not_allowed, tree
from coursekit.report.model import CellResult, TaskResult
from coursekit.sandbox.guard import IN_ALL
from coursekit.sandbox.launch import Sandbox
from coursekit.source.tasks import is_hidden
from coursekit.student.check import trouble
from coursekit.submissions.given import owner
from coursekit.submissions.matching import FoundAnswer, Match

LEAST = 5  # seconds: with less left, another run is not begun
LATE = "took longer than"
OWN = (LATE, "printed more than")  # how reasons begin that are no other answer's
TIME_OVER = "the time for the whole notebook was over, used up by other answers"
OTHER_INPUTS = "right for the inputs shown, and not for others"


@dataclass
class Outcome:
    """What all runs of a submission gave: for each cell the best; and of answers, by task, why
    they broke a run off, or why they were not run to their end through no fault of theirs.
    """

    cells: dict[str, CellRun] = field(default_factory=dict)
    broke: dict[str, str] = field(default_factory=dict)
    unrun: dict[str, str] = field(default_factory=dict)

    def add(self, run: Run, good: Callable[[str, Run], bool]) -> None:
        """Keep of each cell the run that earned its points, else the first."""
        for name, cell in run.cells.items():
            if name not in self.cells or good(name, run):
                self.cells[name] = cell


class Judge:
    """Grades submissions of one set."""

    def __init__(
        self, pristine: Pristine, reference: Reference, engine: Engine, sandbox: Sandbox
    ) -> None:
        self.pristine, self.reference = pristine, reference
        self.engine, self.sandbox = engine, sandbox
        self._task_of = {
            cell.id: task.id
            for task in pristine.exercises.tasks
            for cell in (task.answer, *task.checks)
        }

    def grade(self, match: Match) -> dict[str, TaskResult]:
        """Return the result of each task: points, reasons, known mistakes."""
        answers, apart, fixed = {}, {}, {}
        for name, found in match.answers.items():
            task = self.pristine.tasks[name]
            code = found.code
            if not found.sources:
                fixed[name] = f"its cell {task.answer.id} is not in the notebook"
            elif found.is_still(self.pristine.given.given(name)):
                fixed[name] = UNWRITTEN
            elif strange := not_allowed(code, task.imports):
                fixed[name] = f"to be written without {', '.join(strange)}"
            elif ways := around(code):
                apart[name] = (code, ways)
            else:
                answers[name] = code
        before = [
            source
            for source in match.before
            if not around([source]) and not not_allowed([source], self._shared_imports())
        ]
        until = time.monotonic() + self.sandbox.limits.submission
        outcome = self._run(answers, before, until)
        results = {}
        for name in self.pristine.tasks:
            result = self._result(name, match, outcome, fixed.get(name, ""))
            if name in apart:
                code, ways = apart[name]
                alone = self._run(answers | {name: code}, before, time.monotonic() + self._time())
                result = self._withheld(name, match, alone, ways)
            results[name] = result
        return results

    def _time(self) -> float:
        return self.sandbox.limits.submission

    def _run(self, answers: dict[str, list[str]], before: list[str], until: float) -> Outcome:
        """Run answers together; where one ends the kernel, go on without it.

        Each of these may have fallen to another's act: they are tried once more, alone. Not so a
        single one that took too long or printed too much: that was itself.
        """
        outcome, left = Outcome(), dict(answers)
        while left and self._once(left, before, until, outcome):
            pass
        broke = outcome.broke | outcome.unrun
        if len(answers) > 1 and (len(broke) > 1 or not "".join(broke.values()).startswith(OWN)):
            for name in broke:
                self._once({name: answers[name]}, before, until, outcome)
        return outcome

    def _once(
        self, left: dict[str, list[str]], before: list[str], until: float, outcome: Outcome
    ) -> bool:
        """One run, added to the outcome; takes away the answer that broke it, if one did."""
        seconds = until - time.monotonic()
        if seconds < LEAST:
            outcome.unrun.update(dict.fromkeys(left, TIME_OVER))
            return False
        sandbox = replace(self.sandbox, limits=replace(self.sandbox.limits, submission=seconds))
        notebook = self.pristine.notebook(left, before=before, right=self.reference.right)
        run = self.engine.run(notebook, sandbox)
        outcome.add(run, self._earns)
        if run.broke_in is None:
            return False
        if run.broke_in.startswith("before-") and before:
            before.clear()  # for all runs to come
            return True
        culprit = self._culprit(run, left)
        if culprit not in left or run.why.endswith(IN_ALL):
            why = TIME_OVER if run.why.endswith(IN_ALL) else run.why
            outcome.unrun.update(dict.fromkeys(left, why))
            return False
        outcome.unrun.pop(culprit, None)
        outcome.broke.setdefault(culprit, run.why)
        del left[culprit]
        return True

    def _culprit(self, run: Run, left: dict[str, list[str]]) -> str | None:
        """The answer to try the next run without: one that was interrupted may have left what later
        broke the run off; else the one in which it broke off.
        """
        late = [cell for cell, done in run.cells.items() if done.error.startswith(LATE)]
        tasks = [self._task_of.get(owner(cell)) for cell in (*late, run.broke_in)]
        return next((task for task in tasks if task in left), None)

    def _earns(self, cell: str, run: Run) -> bool:
        task = self.reference.tasks.get(self._task_of.get(cell))
        return bool(task and cell in task.cells and earned(task, cell, run))

    def _shared_imports(self) -> set[str]:
        return {name for task in self.pristine.tasks.values() for name in task.imports}

    def _result(self, name: str, match: Match, outcome: Outcome, fixed: str) -> TaskResult:
        """Return the result of one task; ``fixed`` is why it gets no points, whatever it does."""
        task, record = self.pristine.tasks[name], self.reference.tasks[name]
        run = Run(outcome.cells, None, "")
        cells, verdicts = {}, []
        for cell in task.checks:
            done = outcome.cells.get(cell.id)
            verdict = record.verdict(cell.id, done.printed.splitlines() if done else [])
            points = 0 if fixed else earned(record, cell.id, run)
            verdicts.append(verdict)
            cells[cell.id] = CellResult(points, verdict.of, verdict.faults, is_hidden(cell))
        points, of = (
            sum(getattr(cell, key) for cell in cells.values()) for key in ("points", "of")
        )
        known = [] if fixed or points == of else record.mistakes(verdicts)
        found = match.answers[name]
        return TaskResult(
            number=task.number,
            title=task.title,
            points=points,
            of=of,
            manual_of=manual_points(task),
            words=match.words.get(name) if task.words else None,
            found=found.how,
            withheld="",
            mistake="; or: ".join(known),
            reason="" if points == of else fixed or self._reason(name, found, outcome, cells),
            answer="\n\n".join(found.code),
            cells=cells,
        )

    def _withheld(self, name: str, match: Match, outcome: Outcome, ways: list[str]) -> TaskResult:
        """Return the result of a task whose points wait for the instructor's look at its answer."""
        result = self._result(name, match, outcome, "")
        cells = {key: replace(cell, points=0) for key, cell in result.cells.items()}
        if not result.points:
            return replace(result, cells=cells)
        return replace(
            result,
            points=0,
            withheld=(
                f"uses {', '.join(ways)}, by which the reference could be reached; its checks give "
                f"{result.points} points, which wait until you have looked at it"
            ),
            reason="your instructor will look at it: it uses " + ", ".join(ways),
            cells=cells,
        )

    def _reason(
        self, name: str, found: FoundAnswer, outcome: Outcome, cells: dict[str, CellResult]
    ) -> str:
        """Return the first reason for lost points, from the checks that students have."""
        if name in outcome.broke:
            return f"your code broke the run off: {outcome.broke[name]}"
        if name in outcome.unrun and not cells.keys() & outcome.cells.keys():
            return f"not run: {outcome.unrun[name]}"
        answer = outcome.cells.get(self.pristine.tasks[name].answer.id)
        if answer and answer.error:
            return f"your cell does not run: {_plain(answer.error)}"
        if any(tree(source) is None for source in found.sources):
            return "your cell does not run: it is no valid Python"
        for cell, result in cells.items():
            done = outcome.cells.get(cell)
            if result.points == result.of or result.hidden:
                continue
            if done and done.error:
                return f"the check broke off: {_plain(done.error)}"
            if not result.faults:
                return "the check printed what it should, and ended with an error"
            fault = result.faults[0]
            lines = trouble(done.stderr) if done and ": raises " in fault else []
            return "\n".join([fault, *(line.strip() for line in lines)])
        return OTHER_INPUTS


def _plain(text: str) -> str:
    """An error without the terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
