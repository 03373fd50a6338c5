"""One look for all figures, and their way onto the page with alternative text."""

import sys
import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

Numbers: TypeAlias = Tensor | np.ndarray | Sequence[float] | Sequence[Sequence[float]]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (2008), in order of use, without its yellow."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 7.2  # inches; at DPI dots each it fits a laptop's notebook column
DPI = 120
ALT_LEAST = 20


def show(fig: Figure, *, alt: str) -> None:
    """Puts a figure on the notebook's page as PNG with alternative text, and closes it.

    The text is stored as the output's plain text, which readers without pictures and MyST use, in
    its metadata as ``{"image/png": {"alt": ...}}``, which nbconvert's ``classic`` and ``basic``
    pages use, and in the PNG as its description. JupyterLab 4.6 and nbconvert's ``lab`` page keep
    it in the notebook, but give no PNG its text.
    Works for a figure made with pyplot too: it stands for ``plt.show()``, and the figure appears
    once.

    Args:
        fig: any matplotlib figure.
        alt: a sentence that says what the figure shows to who cannot see it: what is plotted
            against what, and what one should see in it. At least 20 characters.

    Raises:
        ValueError: if ``alt`` is shorter than 20 characters or is one word.
        ModuleNotFoundError: without IPython.
    """
    try:
        from IPython.display import display
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "show puts a figure on a notebook's page, and IPython is not installed; elsewhere keep "
            "the figure with fig.savefig('figure.png')",
            name="IPython",
        ) from error
    text = " ".join(alt.split())
    if len(text) < ALT_LEAST or " " not in text:
        raise ValueError(
            f"alt must be a sentence of at least {ALT_LEAST} characters that says what the figure "
            f"shows, got {alt!r} with {len(text)}; name the axes and the finding"
        )
    png = BytesIO()
    with warnings.catch_warnings():  # raised by the clock on a busy machine, not by the figure
        warnings.filterwarnings("ignore", message='Creating legend with loc="best"')
        fig.savefig(png, format="png", dpi=DPI, metadata={"Description": text, "Software": None})
    display(
        {"image/png": png.getvalue(), "text/plain": text},
        metadata={"image/png": {"alt": text}},
        raw=True,
    )
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(fig)


def as_array(numbers: Numbers | float) -> np.ndarray:
    """Numbers of any kind, on any device, as float64 (bool stays bool)."""
    if isinstance(numbers, Tensor):
        numbers = numbers.detach().cpu()
        numbers = numbers.numpy() if numbers.dtype.itemsize != 2 else numbers.float().numpy()
    array = np.asarray(numbers)
    return array if array.dtype == bool else array.astype(np.float64)


def new_figure(
    rows: int, columns: int, *, height: float, title: str, shares: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure of the course's width with its title and ``rows * columns`` axes, row by row.

    The rows are equally high, or in proportion to ``shares``.
    """
    if not title.strip():
        raise ValueError("a figure needs a title that says its finding, got an empty one")
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    fig.suptitle(title, fontsize=12, wrap=True)
    return fig, list(fig.subplots(rows, columns, squeeze=False, height_ratios=shares).flat)


def tidy(ax: Axes, *, xlabel: str, ylabel: str) -> None:
    """Labels, a light grid and no box."""
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True, alpha=0.25, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
