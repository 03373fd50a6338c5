"""Sphinx's settings: notebooks as they were executed, nothing fetched when a page is read."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ.setdefault("MPLBACKEND", "agg")

project = "Residual attention networks"
html_title = "Residual attention, step by step"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "extension",
]

# Lessons
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # a slider without its kernel moves nothing; its picture is shown
nb_merge_streams = True
myst_enable_extensions = ["attrs_block", "dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

html_math_renderer = "mathml"  # by our extension

# Reference
default_role = "code"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # torch's own words on `forward` help nobody
add_module_names = False
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# Pages
html_theme = "furo"
html_extra_path = [str(HERE / "_build/extra")]
html_css_files = ["style.css"]
html_static_path = [str(HERE / "static")]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses from disk
html_use_index = True
highlight_language = "text"  # of blocks that name none
pygments_style = "friendly"
pygments_dark_style = "monokai"
