"""One submission's points: its answers run, crashes traced to their causes, each loss explained."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from coursekit.checks.record import UNWRITTEN
from coursekit.checks.static_checks import not_allowed, tree, workarounds
from coursekit.grader.engine import Engine
from coursekit.grader.pristine import Pristine, manual_points
from coursekit.grader.references import Reference, earned
from coursekit.grader.runs import CellRun, NotebookRun
from coursekit.report.model import CellResult, TaskResult
from coursekit.sandbox.guard import IN_ALL
from coursekit.sandbox.launch import Sandbox
from coursekit.source.tasks import is_hidden
from coursekit.student.marking import trouble
from coursekit.submissions.given import owner
from coursekit.submissions.matching import FoundAnswer, Match

LEAST = 5  # seconds: with less left, another run is not begun
LATE = "took longer than"
OWN = (LATE, "printed more than")  # such reasons begin so; no other answer can cause them
TIME_OVER = "the time for the whole notebook was over, used up by other answers"
OTHER_INPUTS = "right for the inputs shown, and not for others"

AnswerCells = dict[str, list[str]]  # the code of each task's answer, cell by cell


@dataclass
class Outcome:
    """Result of all runs of a submission together.

    Attributes:
        cells: the best run of each cell.
        broke: for each answer that broke a run off, the reason.
        unrun: for each answer that was not run to its end through no fault of its own, the reason.
    """

    cells: dict[str, CellRun] = field(default_factory=dict)
    broke: dict[str, str] = field(default_factory=dict)
    unrun: dict[str, str] = field(default_factory=dict)

    def add(self, run: NotebookRun, earns: Callable[[str, NotebookRun], bool]) -> None:
        """For each cell, keep the run that earned its points; otherwise the first."""
        for name, cell in run.cells.items():
            if name not in self.cells or earns(name, run):
                self.cells[name] = cell


class Scorer:
    """Scores submissions of one set."""

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
        self._imports = {name for task in pristine.exercises.tasks for name in task.imports}

    def score(self, match: Match) -> dict[str, TaskResult]:
        """Return the result of each task: points, reasons, known mistakes."""
        answers: AnswerCells = {}
        suspect: dict[str, list[str]] = {}  # the workarounds in an answer, by task
        refused: dict[str, str] = {}  # why an answer is not run, by task
        for name, found in match.answers.items():
            task = self.pristine.tasks[name]
            if not found.sources:
                refused[name] = f"its cell {task.answer.id} is not in the notebook"
            elif found.is_still(self.pristine.given.given(name)):
                refused[name] = UNWRITTEN
            elif strange := not_allowed(found.code, task.imports):
                refused[name] = f"to be written without {', '.join(strange)}"
            elif ways := workarounds(found.code):
                suspect[name] = ways
            else:
                answers[name] = found.code
        before = [
            source
            for source in match.before
            if not workarounds([source]) and not not_allowed([source], self._imports)
        ]
        outcome = self._run(answers, before)
        results = {}
        for name in self.pristine.tasks:
            if name in suspect:
                alone = self._run(answers | {name: match.answers[name].code}, before)
                results[name] = self._withheld(name, match, alone, suspect[name])
            else:
                results[name] = self._result(name, match, outcome, refused.get(name, ""))
        return results

    def _run(self, answers: AnswerCells, before: list[str]) -> Outcome:
        """Run answers together; after one ends the kernel, continue without it.

        Another answer may have caused the crash, so rerun the suspects alone. A single one that
        took too long or printed too much hit its own limit, and is not rerun.
        """
        until = time.monotonic() + self.sandbox.limits.submission
        outcome, left = Outcome(), dict(answers)
        while left and self._once(left, before, until, outcome):
            pass
        broke = outcome.broke | outcome.unrun
        if len(answers) > 1 and (len(broke) > 1 or not "".join(broke.values()).startswith(OWN)):
            for name in broke:
                self._once({name: answers[name]}, before, until, outcome)
        return outcome

    def _once(self, left: AnswerCells, before: list[str], until: float, outcome: Outcome) -> bool:
        """Run answers once, and add that to the outcome.

        Returns:
            True if others are to be run again without the answer that broke the run off, which is
            then taken out of ``left``.
        """
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
        culprit = self._culprit(run, run.broke_in, left)
        if culprit is None or run.why.endswith(IN_ALL):
            why = TIME_OVER if run.why.endswith(IN_ALL) else run.why
            outcome.unrun.update(dict.fromkeys(left, why))
            return False
        outcome.unrun.pop(culprit, None)
        outcome.broke.setdefault(culprit, run.why)
        del left[culprit]
        return True

    def _culprit(self, run: NotebookRun, broke_in: str, left: AnswerCells) -> str | None:
        """Return the answer to leave out of the next run; None if it is none of these.

        An answer that was interrupted comes first, since its remains may have broken a later cell.
        """
        late = [cell for cell, done in run.cells.items() if done.error.startswith(LATE)]
        tasks = [self._task_of.get(owner(cell)) for cell in (*late, broke_in)]
        return next((task for task in tasks if task in left), None)

    def _earns(self, cell: str, run: NotebookRun) -> bool:
        task = self.reference.tasks.get(self._task_of.get(cell, ""))
        return bool(task and cell in task.cells and earned(task, cell, run))

    def _result(self, name: str, match: Match, outcome: Outcome, refused: str) -> TaskResult:
        """Return the result of one task; ``refused`` is why its answer was not run, else empty."""
        task, record = self.pristine.tasks[name], self.reference.tasks[name]
        run = NotebookRun(outcome.cells)
        cells: dict[str, CellResult] = {}
        verdicts = []
        for cell in task.checks:
            done = outcome.cells.get(cell.id)
            verdict = record.verdict(cell.id, done.printed.splitlines() if done else [])
            points = 0 if refused else earned(record, cell.id, run)
            verdicts.append(verdict)
            cells[cell.id] = CellResult(points, verdict.of, verdict.faults, is_hidden(cell))
        points = sum(cell.points for cell in cells.values())
        of = sum(cell.of for cell in cells.values())
        known = [] if refused or points == of else record.mistakes(verdicts)
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
            reason="" if points == of else refused or self._reason(name, found, outcome, cells),
            answer="\n\n".join(found.code),
            cells=cells,
        )

    def _withheld(self, name: str, match: Match, outcome: Outcome, ways: list[str]) -> TaskResult:
        """Return the result of a task whose points wait until the instructor read its answer."""
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
    """Return an error without the terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
