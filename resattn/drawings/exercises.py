"""How an exercise is checked while a student works, and graded when it is handed in."""

from resattn.drawings.flow import Flow, Group, Step
from resattn.drawings.layout import beside, flow_block, headed
from resattn.drawings.page import Drawing, fitted, page
from resattn.drawings.steps import Style
from resattn.drawings.words import told

_CHECKED: Flow = (
    Step("your answer\ncell", role="plain", carries="your function or class"),
    Step("check cell", carries="printed lines"),
    Step("compare with\nthe right lines", carries="verdict, reason, hint"),
    Step("your next try,\nor next task", role="plain", carries="points so far"),
)
_GRADED: Flow = (
    Step("your notebook", role="plain", carries="a copy"),
    Step("graft answers into\nthe original", carries="only your answers"),
    Group("sandbox", "ink", (Step("kernel runs it\non new inputs", carries="printed lines"),)),
    Step("nbval compares,\noutside", carries="verdict per task"),
    Step("gradebook", carries="feedback page"),
)


def checked_and_graded() -> Drawing:
    """The way of an answer through the visible checks, and through grading.

    >>> print(checked_and_graded().title)
    How an answer is checked, and how it is graded
    """

    def make(scale: float) -> Drawing:
        style = Style(scale)
        ways = {"while you work": _CHECKED, "when you hand in": _GRADED}
        columns = [headed(n, flow_block(w, (), style, words=""), style) for n, w in ways.items()]
        caption = (
            "Both judge the lines that the checks print. Grading runs your answers on new inputs "
            "in a sandbox, and compares outside of it, where no answer's code can reach."
        )
        alt = [f"{name}: {told(way, ())}" for name, way in ways.items()]
        title = "How an answer is checked, and how it is graded"
        return page(title, beside(columns, 24), caption, alt, style)

    return fitted(make)
