"""`python -m coursekit mutants`: count the wrong answers that the checks catch, per task."""

from argparse import Namespace
from pathlib import Path

from coursekit.source.rehearse import Rehearsal, faults, rehearse
from coursekit.source.tasks import read_set


def run(options: Namespace) -> int:
    """Print the table; the status is 1 if a wrong answer passes, or anything else is unproven."""
    paths = [
        path
        for path in sorted(Path("solutions").glob("*.py"))
        if not options.sets or path.stem[:2] in [f"{number:>02}" for number in options.sets]
    ]
    if not paths:
        raise ValueError("no such set in solutions/; run this from the root of the course")
    killed = total = tasks = 0
    unproven = []
    for path in paths:
        rehearsals = rehearse(read_set(path), options.seed)
        unproven += [f"{path}, {fault}" for fault in faults(rehearsals)]
        print(path.stem)
        for rehearsal in rehearsals:
            caught, of = score(rehearsal)
            task = rehearsal.task
            print(f"  {task.number} {task.title:40.40} {caught:2} of {of:2} caught")
            killed, total, tasks = killed + caught, total + of, tasks + 1
    print(f"{killed} of {total} wrong answers caught, {tasks} tasks in {len(paths)} sets")
    print("".join(f"{fault}\n" for fault in unproven), end="")
    return 1 if unproven else 0


def score(rehearsal: Rehearsal) -> tuple[int, int]:
    """Return how many wrong answers lose points and get their feedback, and how many there are."""
    full = rehearsal.earned(rehearsal.right)
    caught = [
        wrong
        for wrong in rehearsal.answers.wrong
        if rehearsal.earned(rehearsal.wrong[wrong.name]) < full
        and wrong.says in rehearsal.told(rehearsal.wrong[wrong.name])
    ]
    return len(caught), len(rehearsal.answers.wrong)
