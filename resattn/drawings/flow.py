"""The structure of a drawing, before anything has a place: steps, forks and groups.

A `Flow` is what data meets from one point to another. A `Fork` in it is where one tensor goes
several ways, which all end in the step that follows the fork. An empty way is the tensor itself:
the identity shortcut.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from resattn.drawings.shapes import Role

Kind: TypeAlias = Literal["box", "sum", "product", "one", "join", "pool", "enlarge", "hourglass"]
"""How a step is drawn. ``"one"`` adds 1 to a mask, ``"join"`` concatenates."""

Sizes: TypeAlias = tuple[int, ...]
"""Sizes of a tensor for one image: (C, H, W), or (C,)."""


@dataclass(frozen=True)
class Step:
    """One thing that happens: a layer, a whole unit, a sum.

    Attributes:
        label: its lines of text.
        kind: how it is drawn.
        role: what it belongs to, which decides its colour.
        sizes: of its output for one image; empty where no tensor flows.
        names: dotted names of the modules that it stands for.
        carries: words on the edge that leaves it, where no tensor flows.
    """

    label: str
    kind: Kind = "box"
    role: Role = "unit"
    sizes: Sizes = ()
    names: tuple[str, ...] = ()
    carries: str = ""


@dataclass(frozen=True)
class Fork:
    """Several ways for one tensor, which meet in the step after the fork.

    Attributes:
        branches: the ways, in the order in which they are computed.
        main: the number of the branch that is drawn as the straight way.
    """

    branches: tuple["Flow", ...]
    main: int = 0


@dataclass(frozen=True)
class Group:
    """Steps in a frame with a title."""

    title: str
    role: Role
    inside: "Flow"


Flow: TypeAlias = tuple[Step | Fork | Group, ...]


def steps(flow: Flow) -> Iterator[Step]:
    """All steps of a flow, those inside forks and groups included, from input to output."""
    for item in flow:
        if isinstance(item, Step):
            yield item
        elif isinstance(item, Group):
            yield from steps(item.inside)
        else:
            for branch in item.branches:
                yield from steps(branch)


def changed(flow: Flow, change: Callable[[Step], Step]) -> Flow:
    """The flow with each step replaced by what ``change`` returns for it."""

    def one(item: Step | Fork | Group) -> Step | Fork | Group:
        if isinstance(item, Step):
            return change(item)
        if isinstance(item, Group):
            return replace(item, inside=changed(item.inside, change))
        return replace(item, branches=tuple(changed(b, change) for b in item.branches))

    return tuple(map(one, flow))


def last_sizes(flow: Flow, before: Sizes) -> Sizes:
    """Sizes of what leaves a flow; ``before`` where the flow is empty."""
    if not flow:
        return before
    last = flow[-1]
    if isinstance(last, Group):
        return last_sizes(last.inside, before)
    return last.sizes if isinstance(last, Step) else before


def tidied(flow: Flow) -> Flow:
    """The flow with fewer boxes: BN and its ReLU in one, and equal neighbours counted.

    Two units in a row, with outputs of the same size, become one box "2 units".
    """
    tidy: list[Step | Fork | Group] = []
    for item in flow:
        if isinstance(item, Fork):
            item = replace(item, branches=tuple(map(tidied, item.branches)))
        elif isinstance(item, Group):
            item = replace(item, inside=tidied(item.inside))
        before = tidy[-1] if tidy else None
        together = _together(before, item)
        if together:
            tidy[-1] = together
        else:
            tidy.append(item)
    return tuple(tidy)


def _together(a: Step | Fork | Group | None, b: Step | Fork | Group) -> Step | None:
    """Two neighbours as one box, if they can be one."""
    if not isinstance(a, Step) or not isinstance(b, Step) or a.sizes != b.sizes:
        return None
    if (a.kind, b.kind) != ("box", "box") or a.role != b.role:
        return None
    names = a.names + b.names
    if (a.label, b.label) == ("BN", "ReLU"):
        return replace(b, label="BN, ReLU", names=names)
    count, _, what = a.label.partition(" ")
    if b.label == "unit" and (a.label == "unit" or what == "units"):
        number = int(count) + 1 if what == "units" else 2
        return replace(b, label=f"{number} units", names=names)
    return None
