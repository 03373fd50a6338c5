"""Run a set's answers through its checks: the solution, the stub, wrong answers, a different one.

An answer whose cells, checks and modules are as they were is not run again: see `cache`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from nbformat import NotebookNode

from coursekit.checks.digest import fingerprint
from coursekit.checks.record import MEASURED, UNWRITTEN, CellRecord, KnownMistake, TaskRecord
from coursekit.source import cache
from coursekit.source.answers import TrialAnswers, read_answers
from coursekit.source.cells import Printed, run
from coursekit.source.markers import solved, stub
from coursekit.source.tasks import ExerciseSet, Task


@dataclass(frozen=True)
class Rehearsal:
    """The lines that the checks of one task print for each trial answer."""

    task: Task
    answers: TrialAnswers
    right: Printed
    stub: Printed
    different: Printed
    wrong: dict[str, Printed]

    @cached_property
    def record(self) -> TaskRecord:
        """The task's part of the record that students have."""
        return self.recorded(self.task.visible)

    def recorded(self, cells: Iterable[NotebookNode]) -> TaskRecord:
        """Return the record of these check cells: right lines and known mistakes."""
        ids = {cell.id: cell.metadata.points for cell in cells}
        return TaskRecord(
            title=self.task.title,
            answer=self.task.answer.id,
            words=self.task.words.id if self.task.words else None,
            points=self.task.points,
            names=self.task.names,
            imports=self.task.imports,
            hints=self.task.hints,
            cells={
                cell: CellRecord(points, tuple(self.right[cell])) for cell, points in ids.items()
            },
            within=self.answers.within,
            wrong=tuple(
                KnownMistake(
                    wrong.name,
                    wrong.says,
                    {
                        cell: fingerprint(self.wrong[wrong.name][cell])
                        for cell in ids
                        if self.wrong[wrong.name][cell] != self.right[cell]
                    },
                )
                for wrong in self.answers.wrong
            ),
        )

    def earned(self, printed: Printed) -> int:
        """Return the points that an answer earns in the visible checks."""
        return sum(self.record.verdict(cell, printed[cell]).points for cell in self.record.cells)

    def told(self, printed: Printed) -> list[str]:
        """Return the feedback of the known mistakes that an answer shows."""
        verdicts = [self.record.verdict(cell, printed[cell]) for cell in self.record.cells]
        return self.record.mistakes(verdicts)


def rehearse(exercises: ExerciseSet, seed: int = 0, every: int = 1) -> list[Rehearsal]:
    """Try the answers of a set: all of them, or each task's first and every n-th wrong one.

    Raises:
        ValueError: one sentence, where the solution itself fails.
    """
    tried = {
        task: replace(answers, wrong=answers.wrong[::every])
        for task, answers in read_answers(exercises).items()
    }
    sources = [cell.source for cell in exercises.code()]
    for answers in tried.values():
        sources += [answers.different, *(each.source for each in answers.wrong)]
    known = cache.opened(exercises.path.resolve().parents[1], sources)
    return [_rehearsal(exercises, task, tried[task.id], seed, known) for task in exercises.tasks]


def right(exercises: ExerciseSet, seed: int = 0) -> Printed:
    """Return the lines that all checks of a set print for its solution, hidden ones too."""
    answers = {task.answer.id: solved(task.answer) for task in exercises.tasks}
    checks = {cell.id for task in exercises.tasks for cell in task.checks}
    cells = [(cell.id, answers.get(cell.id, cell.source)) for cell in exercises.code()]
    return {name: lines for name, lines in run(cells, seed=seed).items() if name in checks}


def _rehearsal(
    exercises: ExerciseSet, task: Task, answers: TrialAnswers, seed: int, known: cache.Cache
) -> Rehearsal:
    def printed(what: str, source: str) -> Printed:
        cells = list(_cells(exercises, task, source))
        try:
            return known.printed(cells, seed, lambda: run(cells, seed=seed))
        except RuntimeError as error:
            raise ValueError(f"{exercises.path}, cell {error} ({what})") from error

    return Rehearsal(
        task,
        answers,
        printed("the solution", solved(task.answer)),
        printed("the unsolved exercise", stub(task.answer, task.id)),
        printed("the different right answer", answers.different),
        {
            wrong.name: printed(f"the wrong answer {wrong.name!r}", wrong.source)
            for wrong in answers.wrong
        },
    )


def _cells(exercises: ExerciseSet, task: Task, answer: str) -> Iterator[tuple[str, str]]:
    """Yield id and source of all cells up to a task's last check, without checks of others."""
    others = {cell.id for other in exercises.tasks if other is not task for cell in other.checks}
    answers = {other.answer.id: solved(other.answer) for other in exercises.tasks}
    answers[task.answer.id] = answer
    for cell in exercises.code():
        if cell.id not in others:
            yield cell.id, answers.get(cell.id, cell.source)
        if cell.id == task.checks[-1].id:
            return


def faults(rehearsals: list[Rehearsal]) -> list[str]:
    """Return one sentence per gap in the proof of a set; none for a set that is ready."""
    return [f"cell {r.task.id!r}: {fault}" for r in rehearsals for fault in _faults(r)]


def _faults(r: Rehearsal) -> Iterator[str]:
    for cell in r.task.checks:
        yield from (f"{cell.id}: {fault}" for fault in _doubts(r, r.right[cell.id]))
        if r.stub[cell.id] == r.right[cell.id]:
            yield f"the unsolved exercise passes {cell.id}"
    if set(r.answers.within) != {label for label, _ in _measured(r)}:
        yield "[within] must have an interval for each line of check.measure, and no other"
        return
    full = sum(cell.metadata.points for cell in r.task.visible)
    if r.earned(r.right) != full:
        yield "the solution's own measurement lies outside its interval"
    if r.earned(r.different) != full:
        cells = [cell.id for cell in r.task.visible]
        lost = [
            fault for cell in cells for fault in r.record.verdict(cell, r.different[cell]).faults
        ]
        yield f"the different right answer loses points: {lost[0]}"
    for wrong in r.answers.wrong:
        printed = r.wrong[wrong.name]
        changed = [
            line
            for cell in r.task.visible
            for line in printed[cell.id]
            if line not in r.right[cell.id]
        ]
        if r.earned(printed) == full:
            yield f"the wrong answer {wrong.name!r} gets full points: the checks do not see it"
        elif all(": raises " in line for line in changed):
            yield (
                f"the wrong answer {wrong.name!r} only raises errors; a mistake to be "
                "recognised must compute something in at least one line"
            )
        elif wrong.says not in (told := r.told(printed)):
            yield f"the wrong answer {wrong.name!r} does not get its own feedback"
        elif len(told) > 1:
            yield (
                f"the wrong answer {wrong.name!r} prints the same lines as another and gets "
                f"both feedbacks: {' / '.join(told)}; add a check that separates them, or give "
                "both the same feedback"
            )


def _doubts(r: Rehearsal, lines: list[str]) -> Iterator[str]:
    if not lines:
        yield "prints nothing for the solution"
    for line in lines:
        value = line.partition(": ")[2]
        failed = value.startswith(("raises ", "takes longer ")) and value != "raises ValueError"
        if not value or value == UNWRITTEN or failed:
            yield f"prints a line without a value for the solution: {line!r}"


def _measured(r: Rehearsal) -> Iterator[tuple[str, str]]:
    for cell in r.task.checks:
        for line in r.right[cell.id]:
            label, _, value = line.partition(": ")
            if value.startswith(MEASURED):
                yield label, value
