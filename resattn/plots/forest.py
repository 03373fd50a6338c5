"""The forest plot: differences with their intervals, beside what somebody claimed of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from resattn.plots.style import COLOURS, new_figure, tidy

Span = tuple[float, float]
Estimate = tuple[float, float, float] | None

_LOOKS = ((COLOURS[2], "o"), (COLOURS[1], "X"), (COLOURS[0], "D"), (COLOURS[6], "s"))


def intervals(
    panels: Mapping[str, Mapping[str, Estimate]],
    *,
    title: str,
    claimed: Mapping[str, Span] | None = None,
    kinds: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """A forest plot: a mark at each mean, a line over its interval, one panel a unit.

    Args:
        panels: quantity and unit (the panel's x axis) to name to ``(mean, low, high)``. Names
            differ, also between panels. A line runs to the edge where an end is infinite; None
            stands for what was not measured.
        title: the finding.
        claimed: name to the ``(low, high)`` where a claim says that the number lies; shaded. Its
            ends may be infinite.
        kinds: kind, such as a verdict, to the names that are of it. A kind's colour and marker
            come from its place, also where no name is of it, so that figures can agree.

    Raises:
        ValueError: for no panels, a panel without names, a name in two panels, more kinds than
            looks, or a name in ``claimed`` or ``kinds`` that no panel has.
    """
    claimed, kinds = claimed or {}, kinds or {}
    _check(panels, claimed, kinds)
    looks = dict(zip(kinds, _LOOKS, strict=False))
    kind_of = {name: kind for kind, names in kinds.items() for name in names}
    rows = [len(estimates) for estimates in panels.values()]
    height = 1.0 + 0.75 * len(rows) + 0.32 * sum(rows)
    fig, axes = new_figure(len(rows), 1, height=height, title=title, shares=[n + 0.4 for n in rows])
    for ax, (xlabel, estimates) in zip(axes, panels.items(), strict=True):
        limits = _limits(estimates, claimed)
        for place, (name, estimate) in enumerate(estimates.items()):
            if name in claimed:
                low, high = np.clip(claimed[name], *limits)
                ax.add_patch(Rectangle((low, place - 0.4), high - low, 0.8, color="0.88", zorder=0))
            kind = kind_of.get(name, "not measured")
            _row(ax, place, estimate, limits, looks.get(kind, _LOOKS[3]), missing=kind)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_yticks(range(len(estimates)), list(estimates))
        tidy(ax, xlabel=xlabel, ylabel="")
        ax.grid(False, axis="y")
        ax.set(xlim=limits, ylim=(len(estimates) - 0.5, -0.5))
    _legend(fig, [kind for kind in kinds if kinds[kind]], looks, shaded=bool(claimed))
    return fig


def _row(
    ax: Axes, place: int, estimate: Estimate, limits: Span, look: tuple[str, str], *, missing: str
) -> None:
    if estimate is None:
        ax.annotate(missing, (0, place), xytext=(4, 0), textcoords="offset points", va="center")
        return
    mean, low, high = estimate
    colour, marker = look
    ax.hlines(place, max(low, limits[0]), min(high, limits[1]), color=colour, linewidth=2)
    ax.plot(mean, place, marker, color=colour, markersize=7)


def _limits(estimates: Mapping[str, Estimate], claimed: Mapping[str, Span]) -> Span:
    """Room for 0, all finite numbers and all finite ends of claims, and a little more."""
    numbers = np.array(
        [0.0]
        + [number for estimate in estimates.values() for number in estimate or ()]
        + [end for name in estimates for end in claimed.get(name, ())]
    )
    numbers = numbers[np.isfinite(numbers)]
    low, high = float(numbers.min()), float(numbers.max())
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _legend(
    fig: Figure, kinds: Sequence[str], looks: Mapping[str, tuple[str, str]], *, shaded: bool
) -> None:
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker=marker, linewidth=2, label=kind)
        for kind in kinds
        for colour, marker in [looks[kind]]
    ]
    if shaded:
        handles.append(Patch(color="0.88", label="claimed"))
    if handles:
        fig.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)


def _check(
    panels: Mapping[str, Mapping[str, Estimate]],
    claimed: Mapping[str, Span],
    kinds: Mapping[str, Sequence[str]],
) -> None:
    if not panels or not all(panels.values()):
        raise ValueError("a forest plot needs at least 1 panel and 1 name in each, got none")
    if len(kinds) > len(_LOOKS):
        raise ValueError(f"there are looks for {len(_LOOKS)} kinds, got {len(kinds)}")
    names = [name for estimates in panels.values() for name in estimates]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names must differ between panels, got {twice[0]!r} twice")
    named = {*claimed, *(name for names in kinds.values() for name in names)}
    if lost := sorted(named - set(names)):
        raise ValueError(f"no panel has the name {lost[0]!r}, which is claimed or of a kind")
