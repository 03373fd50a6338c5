"""junit.xml: a suite per student and a test case per task, for tools that show test reports."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from coursekit.files import write_whole
from coursekit.report.scores import ClassScores, SetScore, StudentScores, TaskScore
from coursekit.report.text import as_points, harmless


def write(out: Path, scores: ClassScores) -> None:
    """Write the file: a task without full points fails with the reason, a bad file is an error."""
    root = Element("testsuites", name="grades")
    root.extend(map(_suite, scores.ordered()))
    ElementTree.indent(root, "")
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).decode()
    write_whole(out / "junit.xml", text + "\n")


def _suite(student: StudentScores) -> Element:
    cases = [*_cases(student)]
    failed, errors = (
        sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error")
    )
    suite = Element(
        "testsuite",
        name=harmless(student.name),
        tests=str(len(cases)),
        failures=str(failed),
        errors=str(errors),
    )
    suite.extend(cases)
    return suite


def _cases(student: StudentScores) -> Iterator[Element]:
    for name, score in student.sets.items():
        for task, counts in score.tasks.items():
            if score.status == "unreadable":
                yield _case(name, task, "error", score.why)
            elif counts.points < counts.of:
                yield _case(name, task, "failure", _lost(task, score, counts))
            else:
                yield _case(name, task)
    for score in student.unknown:
        yield _case("unknown", "reading", "error", score.why)


def _case(set_name: str, task: str, verdict: str = "", why: str = "") -> Element:
    case = Element("testcase", classname=harmless(set_name), name=harmless(task))
    if verdict:
        ElementTree.SubElement(case, verdict, message=harmless(why))
    return case


def _lost(task: str, score: SetScore, counts: TaskScore) -> str:
    """Return the points of a task and every reason for what is missing, on one line."""
    reasons = [score.reasons.get(task, ""), score.mistakes.get(task, "")]
    if counts.open:
        reasons.append(f"{as_points(counts.open)} points wait for the instructor's marks")
        reasons.append(score.withheld.get(task, ""))
    points = f"{as_points(counts.points)} of {as_points(counts.of)}"
    return "; ".join([points, *filter(None, reasons)])
