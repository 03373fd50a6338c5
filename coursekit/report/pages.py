"""HTML pages from the templates in `templates/`, in which no text of a student is ever live.

Each value that a template prints is made visible and clipped by `finalize`, then escaped by Jinja2.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from coursekit.report.text import as_points, harmless, several


def render(template: str, **values: object) -> str:
    """Return the page that a template makes of these values."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"lines": _lines, "points": as_points, "several": several}
    return environment


def _harmless(value: object) -> object:
    """Return a value of a template without control or direction characters; markup as it is."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Return a text of several lines, escaped."""
    return escape(harmless(text, lines=True))
