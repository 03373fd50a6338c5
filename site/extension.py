"""What Sphinx lacks for this site: formulas as MathML, and alternative text on pictures of outputs.

MathML is drawn by the browser itself, so that formulas need no script and no font from elsewhere.
"""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from pages.notebooks import alternatives
from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)


def _formula(writer, node: nodes.Element, display: str) -> None:
    try:
        writer.body.append(convert(node.astext(), display=display))
    except Exception as error:  # whatever the converter stumbles over is the formula's fault
        log.warning("no MathML for the formula %r: %s", node.astext(), error, location=node)
    raise nodes.SkipNode


def _inline(writer, node: nodes.math) -> None:
    _formula(writer, node, "inline")


def _block(writer, node: nodes.math_block) -> None:
    writer.body.append('<div class="formula">')
    try:
        _formula(writer, node, "block")
    finally:
        writer.body.append("</div>\n")


def _give_text(app: Sphinx, tree: nodes.document) -> None:
    """Put the text that a lesson stores with a picture on the page's image."""
    source = Path(tree["source"])
    if source.suffix != ".ipynb":
        return
    texts = alternatives(source.read_text(encoding="utf-8"))
    for image in tree.findall(nodes.image):
        image["alt"] = texts.get(Path(image["uri"]).stem) or image.get("alt", "")


def _keep_bars(app: Sphinx, what: str, name: str, thing: object, options, lines: list[str]) -> None:
    """In our docstrings `|` is an absolute value, and no substitution of reStructuredText's."""
    lines[:] = [re.sub(r"(`+.*?`+)|\|", lambda found: found[1] or r"\|", line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", _keep_bars)
    app.connect("doctree-read", _give_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
