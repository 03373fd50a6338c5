"""Trial answers, which prove the checks of a set: `solutions/NN_name.toml`, one table per task.

`different` is an answer cell that is right and written another way. Each `wrong` has a name, the
feedback for its author (`says`), and either a change of the solution, `old` and `new`, or a whole
`answer`.
"""

import tomllib
from dataclasses import dataclass
from typing import Any

from coursekit.source.markers import solved
from coursekit.source.tasks import ExerciseSet, Task

WRONG = 6  # wrong answers per task, at least


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible wrong answer: its name, its feedback, and its whole answer cell."""

    name: str
    says: str
    source: str


@dataclass(frozen=True)
class TrialAnswers:
    """The answers that are tried on one task; ``within`` holds the intervals of measurements."""

    different: str
    wrong: tuple[WrongAnswer, ...]
    within: dict[str, tuple[float, float]]


def read_answers(exercises: ExerciseSet) -> dict[str, TrialAnswers]:
    """Return the trial answers by task.

    Raises:
        ValueError: one sentence with file and table, for a malformed file.
    """
    path = exercises.path.with_suffix(".toml")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"{path} is missing; it holds the wrong answers of each task") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    try:
        for name in tables:
            if name not in [task.id for task in exercises.tasks]:
                raise ValueError(f"[{name}] is not a task of {exercises.path.name}")
        return {task.id: _answers(task, tables.get(task.id, {})) for task in exercises.tasks}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _answers(task: Task, table: dict[str, Any]) -> TrialAnswers:
    unknown = set(table) - {"different", "wrong", "within"}
    if unknown or not isinstance(table.get("different"), str):
        raise ValueError(
            f"[{task.id}] has different = a right answer cell written another way, "
            f"[[{task.id}.wrong]] and perhaps [{task.id}.within]"
            + (f", and no {', '.join(sorted(unknown))}" if unknown else "")
        )
    wrong = tuple(_wrong(task, wrong) for wrong in table.get("wrong", []))
    if len(wrong) < WRONG:
        raise ValueError(
            f"[[{task.id}.wrong]] has {len(wrong)} wrong answers; a task needs at least {WRONG}"
        )
    names = [answer.name for answer in wrong]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"[[{task.id}.wrong]] has {twice[0]!r} twice")
    within = {}
    for label, pair in table.get("within", {}).items():
        if not (isinstance(pair, list) and len(pair) == 2 and pair[0] < pair[1]):
            raise ValueError(f"[{task.id}.within] {label!r} must be [low, high]")
        within[label] = (float(pair[0]), float(pair[1]))
    return TrialAnswers(_cell(table["different"]), wrong, within)


def _wrong(task: Task, table: dict[str, Any]) -> WrongAnswer:
    name, says, right = table.get("name", ""), table.get("says", ""), solved(task.answer)
    where = f"[[{task.id}.wrong]] {name!r}"
    kinds = ({"name", "says", "old", "new"}, {"name", "says", "answer"})
    if set(table) not in kinds or not all(isinstance(value, str) for value in table.values()):
        raise ValueError(f"{where} must have name, says, and either old and new, or answer")
    if not name or not says.strip():
        raise ValueError(f"{where} needs a name, and in says the feedback for its author")
    if "answer" in table:
        source = _cell(table["answer"])
    elif (count := right.count(table["old"])) != 1:
        raise ValueError(f"{where}: its old text occurs {count} times in the answer, and not once")
    else:
        source = right.replace(table["old"], table["new"])
    if source.strip() == right.strip():
        raise ValueError(f"{where} is the solution itself")
    return WrongAnswer(name, " ".join(says.split()), source)


def _cell(text: str) -> str:
    return text.strip("\n")
