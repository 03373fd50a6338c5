"""Figures of numbers: curves over seeds, bars beside baselines, responses per stage."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from resattn.plots.style import COLOURS, MARKERS, Numbers, as_array, new_figure, tidy


def curves(
    x: Numbers,
    series: Mapping[str, Numbers],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """One line a series: the mean over runs, in a band from the smallest to the largest run.

    Args:
        x: ``(P,)``, the same for all series.
        series: name to ``(P,)``, or ``(runs, P)``.
        title: the finding.
        xlabel, ylabel: quantity and unit.
        log_x, log_y: logarithmic axes; x by base 2.

    Raises:
        ValueError: for no series, or one whose points are not as many as x has.
    """
    _some("series", series)
    fig, (ax,) = new_figure(1, 1, height=3.6, title=title)
    _lines(ax, as_array(x), series)
    if log_x:
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
    if log_y:
        ax.set_yscale("log")
    ax.legend(frameon=False)
    tidy(ax, xlabel=xlabel, ylabel=ylabel)
    return fig


def bars(
    values: Mapping[str, Numbers | float],
    *,
    title: str,
    ylabel: str,
    baselines: Mapping[str, float] | None = None,
) -> Figure:
    """One bar a name, its number above it, and a dashed line for each baseline.

    Args:
        values: name to a number, or to one number a run: then the bar is their mean, and a
            whisker goes from the smallest to the largest.
        title: the finding.
        ylabel: quantity and unit.
        baselines: name to a number, such as chance.

    Raises:
        ValueError: for no values.
    """
    _some("values", values)
    fig, (ax,) = new_figure(1, 1, height=3.6, title=title)
    runs = [np.atleast_1d(as_array(value)).ravel() for value in values.values()]
    means = [run.mean() for run in runs]
    ax.bar(list(values), means, color=COLOURS[0], width=0.6)
    for place, (run, mean) in enumerate(zip(runs, means, strict=True)):
        if len(run) > 1:
            ax.vlines(place, run.min(), run.max(), color="black", linewidth=1.5)
        ax.annotate(
            f"{mean:.3g}",
            (place, run.max()),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
        )
    for i, (name, level) in enumerate((baselines or {}).items(), start=1):
        ax.axhline(level, color=COLOURS[i % len(COLOURS)], linestyle="--", label=name)
    if baselines:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    ax.margins(y=0.12)
    tidy(ax, xlabel="", ylabel=ylabel)
    ax.grid(False, axis="x")
    return fig


def stage_responses(series: Mapping[str, Numbers], *, title: str) -> Figure:
    """Mean absolute response per stage: absolute on a log axis, and relative to stage 1 beside it.

    Both, because a relative curve that falls can mean a later stage that fades or a first one
    that blows up.

    Args:
        series: name to absolute responses ``(S,)``, or ``(runs, S)``, all of one S.
        title: the finding.

    Raises:
        ValueError: for no series, or series of unequal length.
    """
    _some("series", series)
    absolute = {name: np.atleast_2d(as_array(values)) for name, values in series.items()}
    limits = _decades(absolute.values())
    fig, (left, right) = new_figure(1, 2, height=3.4, title=title)
    relative = {name: values / values[:, :1] for name, values in absolute.items()}
    stages = np.arange(1, next(iter(absolute.values())).shape[1] + 1)
    _lines(left, stages, absolute)
    _lines(right, stages, relative)
    left.set_yscale("log")
    left.set_ylim(limits)
    left.yaxis.set_minor_formatter(NullFormatter())
    right.margins(y=0.08)
    right.set_ylim(bottom=0)
    tidy(left, xlabel="stage", ylabel="mean |response| (log scale)")
    tidy(right, xlabel="stage", ylabel="the same, relative to stage 1")
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles, names = left.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return fig


def _decades(values: Iterable[np.ndarray]) -> tuple[float, float]:
    """The powers of ten round all positive finite values, so that a log axis has labels."""
    flat = np.concatenate([array.ravel() for array in values])
    logs = np.log10(flat[np.isfinite(flat) & (flat > 0)])
    if not len(logs):
        raise ValueError("a log axis needs at least 1 finite number above 0, got none")
    low, high = np.floor(logs.min()), np.ceil(logs.max())
    return 10.0**low, 10.0 ** max(high, low + 1)


def _lines(ax: Axes, x: np.ndarray, series: Mapping[str, Numbers]) -> None:
    for i, (name, values) in enumerate(series.items()):
        runs = np.atleast_2d(as_array(values))
        if runs.ndim != 2 or runs.shape[1] != len(x):
            raise ValueError(
                f"series {name!r} needs {len(x)} points a run, as many as x, got shape {runs.shape}"
            )
        colour = COLOURS[i % len(COLOURS)]
        marker = MARKERS[i % len(MARKERS)] if len(x) <= 20 else None
        ax.plot(x, runs.mean(0), color=colour, marker=marker, markersize=5, label=name)
        if len(runs) > 1:
            ax.fill_between(x, runs.min(0), runs.max(0), color=colour, alpha=0.2, linewidth=0)


def _some(what: str, given: Mapping[str, object]) -> None:
    if not given:
        raise ValueError(f"a figure needs at least 1 of {what}, got none")
